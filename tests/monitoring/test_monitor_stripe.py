"""The monitor over Stripe's API: pulled tick by tick, and told when the webhook falls silent."""

from __future__ import annotations

import datetime as dt
import json

from local_stripe import LocalStripe, world
from receivers import HttpReceiver

from credit_forensics.monitoring.monitor import monitor_status, run_monitor

START = int(dt.datetime(2025, 9, 10, tzinfo=dt.UTC).timestamp())


def at(payment: int, minutes: float = 1) -> dt.datetime:
    """A moment some minutes after a payment; there is one a minute."""
    return dt.datetime.fromtimestamp(START + payment * 60 + minutes * 60, dt.UTC)


def log_of(sessions: list[dict]) -> str:
    lines = []
    for session in sessions:
        time = dt.datetime.fromtimestamp(session["created"] + 31, dt.UTC)
        event = f"evt_1S{int(session['id'][-7:]):07d}"
        for text in (
            f"✅ Stripe signature verified [Event: {event}]",
            f"\U0001f50d FORENSIC EVENT ANALYSIS [Event: {event}]",
            f"   Session ID: {session['id']}",
            f"✅ RESOLUTION METHOD 1: user_id from metadata = {session['client_reference_id']}",
            f"\U0001f389 PERFECT SUCCESS: 50 credits added to user {session['client_reference_id']}",
        ):
            lines.append(f"[{time:%Y-%m-%dT%H:%M:%S}+0000 - app.base - INFO] {text}\n")
    return "".join(lines)


def test_a_webhook_that_falls_silent_is_told_and_so_is_its_return(tmp_path):
    everything = world(200, START)
    everything["disputes"], everything["refunds"] = [], []
    with LocalStripe(everything) as stripe, HttpReceiver() as http:
        (tmp_path / "case.toml").write_text(
            'name = "shop"\n[stripe]\napi_key = "rk_test_51Hush"\n'
            f'api_base = "{stripe.address}"\nsince = 2025-09-01\n'
            '[webhook_log]\nfiles = "w.log"\n'
            f"[monitor]\ntargets = {json.dumps([http.url])}\nsilence_minutes = 30\n"
        )
        # The test objects are of Stripe's test mode, which the checks leave alone; so call it live.
        for rows in everything.values():
            for row in rows:
                row["livemode"] = True
                if row["object"] == "event":
                    row["data"]["object"]["livemode"] = True
        log = tmp_path / "w.log"
        log.write_text(log_of(everything["sessions"][:101]))

        def tick(moment: dt.datetime) -> int:
            hidden = {k: list(v) for k, v in everything.items()}
            stripe.objects = {
                k: [row for row in v if row["created"] < moment.timestamp()]
                for k, v in hidden.items()
            }
            return run_monitor(tmp_path, once=True, clock=lambda: moment)

        assert tick(at(100)) == 0
        assert http.titles == []
        first = len(stripe.requests)
        assert tick(at(120)) == 0
        assert http.titles == []
        # What was fetched is not fetched again: one page a resource, from where the last one ended.
        assert len(stripe.requests) - first == 8
        low = int(stripe.asked("sessions")[-1]["created[gte]"])
        assert low >= int(at(100).timestamp()) - 60
        assert tick(at(135)) == 0
        assert http.titles == ["[shop] No deliveries although Stripe shows payments (35)"]
        with log.open("a") as file:
            file.write(log_of(everything["sessions"][101:140]))
        assert tick(at(139)) == 0
        assert http.titles[1:] == [
            "[shop] ended: No deliveries although Stripe shows payments (35)"
        ]
        assert "rk_test_51Hush" not in str(http.received) + str(monitor_status(tmp_path))
