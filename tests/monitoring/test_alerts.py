"""Alerts through real transports: an HTTP receiver and an SMTP server on loopback."""

from __future__ import annotations

import datetime as dt
import logging

import pandas as pd
import pytest
from receivers import HttpReceiver, MailReceiver

from credit_forensics.errors import CaseError
from credit_forensics.monitoring.alert_policy import Manners, send_alerts, waiting
from credit_forensics.monitoring.alerts import alert, digest, shown
from credit_forensics.monitoring.formats import as_html, as_markdown, as_text
from credit_forensics.monitoring.observation import ITEM_COLUMNS, Observation, Watched
from credit_forensics.monitoring.quiet_hours import quiet_hours
from credit_forensics.monitoring.state import MonitorState
from credit_forensics.monitoring.state_schema import Incident
from credit_forensics.monitoring.tick import TickPlan, run_tick
from credit_forensics.monitoring.transport import Transport, transports


class Clock:
    def __init__(self, text: str = "2025-09-01T12:00+00:00") -> None:
        self.now = dt.datetime.fromisoformat(text)

    def __call__(self) -> dt.datetime:
        return self.now

    def on(self, **more: float) -> None:
        self.now += dt.timedelta(**more)


class Scene:
    """A tick whose checks see what the test says."""

    def __init__(self, path, senders, **manners) -> None:
        self.clock = Clock()
        self.state = MonitorState(path / "state.sqlite")
        self.things: dict[str, list[dict]] = {}
        self.ends = "quiet"
        self.broken: Exception | None = None
        self.plan = TickPlan(
            look=lambda _now, _standing: Watched(),
            senders=senders,
            checks=(self.failed_deliveries,),
            manners=Manners("shop", **manners),
        )

    @property
    def failed_deliveries(self):
        def failed_deliveries(_watched, _settings, now):
            if self.broken:
                raise self.broken
            records = [
                {"cause": cause, "at": now, "severity": "warning", **thing}
                for cause, things in self.things.items()
                for thing in things
            ]
            items = pd.DataFrame(records, columns=list(ITEM_COLUMNS))
            return Observation("failed_deliveries", items, self.ends, "said")

        return failed_deliveries

    def see(self, cause: str, *items: str, **more: object) -> None:
        self.things.setdefault(cause, []).extend({"item": item, **more} for item in items)

    def tick(self, **later: float):
        self.clock.on(**later)
        return run_tick(self.plan, self.state, self.clock)


@pytest.fixture
def http():
    with HttpReceiver() as receiver:
        yield receiver


@pytest.fixture
def mail():
    with MailReceiver() as receiver:
        yield receiver


def test_an_incident_is_told_when_it_opens_grows_and_ends_over_http(tmp_path, http):
    scene = Scene(tmp_path, transports([http.url]))
    scene.tick()
    assert http.received == []
    scene.see(
        "database_error",
        "evt_1",
        severity="critical",
        user_id="u1",
        credits=50,
        amount=399,
        currency="eur",
    )
    scene.tick(minutes=5)
    scene.tick(minutes=5)
    scene.see("database_error", "evt_2", user_id="u2", credits=50, amount=399, currency="eur")
    scene.tick(minutes=5)
    scene.tick(hours=7)
    scene.tick(hours=7)
    assert http.titles == [
        "[shop] Failed webhook deliveries: database error (1)",
        "[shop] grows: Failed webhook deliveries: database error (2)",
        "[shop] ended: Failed webhook deliveries: database error (2)",
    ]
    assert [message["type"] for message in http.received] == ["failure", "failure", "success"]
    grown = http.received[1]["message"]
    assert "Count: 2 (1 new since 2025-09-01 12:05 UTC)" in grown
    assert "Accounts: 2" in grown
    assert "Amount: 7.98 EUR" in grown
    assert "evt_1" in grown
    assert "Alert: 1/grew/2" in grown


def test_the_same_goes_by_mail_as_text_and_html(tmp_path, mail):
    scene = Scene(tmp_path, transports([mail.url]))
    scene.tick()
    scene.see("database_error", "evt_<b>1</b>", "evt_2")
    scene.tick(minutes=5)
    assert mail.subjects == ["[shop] Failed webhook deliveries: database error (2)"]
    body = mail.received[0].get_body(("html",)).get_content()
    assert "Severity" in body
    assert "evt_2" in body
    assert "<b>1" not in body


def test_growth_waits_its_turn_unless_it_doubled(tmp_path, http):
    scene = Scene(tmp_path, transports([http.url]))
    scene.tick()
    scene.see("x", *(f"evt_{n}" for n in range(10)))
    scene.tick(minutes=5)
    scene.see("x", "evt_10")
    scene.tick(minutes=5)
    assert len(http.received) == 1
    scene.see("x", *(f"evt_1{n}" for n in range(1, 10)))
    scene.tick(minutes=5)
    assert http.titles[1].endswith("(20)")
    scene.see("x", "evt_20")
    scene.tick(minutes=5)
    scene.tick(minutes=5)
    assert len(http.received) == 2
    scene.tick(minutes=5)
    assert http.titles[2].endswith("(21)")


def test_a_flood_becomes_one_digest(tmp_path, http):
    scene = Scene(tmp_path, transports([http.url]))
    scene.tick()
    for n in range(30):
        scene.see(f"cause_{n}", f"evt_{n}", severity="critical" if n == 17 else "info")
    scene.tick(minutes=5)
    assert http.titles == ["[shop] critical: 30 incidents"]
    message = http.received[0]["message"]
    assert message.splitlines()[2] == "critical: Failed webhook deliveries: cause 17 (1)"
    assert "and 10 more" in message
    scene.tick(minutes=5)
    assert len(http.received) == 1


def test_a_long_history_is_one_message_when_watching_begins(tmp_path, http):
    scene = Scene(tmp_path, transports([http.url]))
    old = scene.clock.now - dt.timedelta(days=100)
    scene.see("database_error", "evt_1", "evt_2", at=old, severity="critical")
    scene.see("no_credits", "evt_3", at=old)
    scene.tick()
    scene.tick(minutes=5)
    assert http.titles == ["[shop] critical: 2 incidents found as watching begins"]
    assert (
        "before monitoring began: Failed webhook deliveries: database error (2)"
        in http.received[0]["message"]
    )


def test_quiet_hours_hold_back_all_but_what_is_critical(tmp_path, http):
    night = quiet_hours("22:00-07:00", "Europe/Berlin")
    scene = Scene(tmp_path, transports([http.url]), quiet=night)
    scene.clock.now = dt.datetime.fromisoformat("2025-09-01T19:00+00:00")
    scene.tick()
    scene.see("night_a", "evt_1")
    scene.see("night_b", "evt_2")
    scene.see("loud", "evt_3", severity="critical")
    scene.tick(hours=2)  # 23:00 in Berlin
    assert http.titles == ["[shop] Failed webhook deliveries: loud (1)"]
    scene.tick(hours=7)  # 06:00: the critical one has ended, which can wait
    assert len(http.received) == 1
    scene.tick(hours=2)  # 08:00
    assert http.titles[1:] == ["[shop] ended: 3 incidents"]
    message = http.received[1]["message"]
    assert "came and ended: Failed webhook deliveries: night a (1)" in message
    assert "ended: Failed webhook deliveries: loud (1)" in message
    scene.tick(minutes=5)
    assert len(http.received) == 2


def test_a_target_that_fails_is_tried_again_later_and_holds_up_no_other(tmp_path, http, mail):
    http.statuses = [503, 500, 429]
    senders = transports([http.url, mail.url])
    scene = Scene(tmp_path, senders)
    scene.tick()
    scene.see("x", "evt_1")
    result = scene.tick(minutes=5)
    assert [sent.error for sent in result.sent] == ["refused with status 503", None]
    target = scene.state.target(senders[0].name)
    assert (target.failures, target.last_error) == (1, "refused with status 503")
    assert waiting(scene.state, senders) == scene.clock.now + dt.timedelta(seconds=30)
    # Not before its time, then with doubling pauses, and only to the one that failed.
    assert send_alerts(scene.state, senders, scene.plan.manners, scene.clock) == []
    for seconds, failures in ((30, 2), (60, 3)):
        scene.clock.on(seconds=seconds)
        assert len(send_alerts(scene.state, senders, scene.plan.manners, scene.clock)) == 1
        assert scene.state.target(senders[0].name).failures == failures
    scene.see("x", "evt_2", "evt_3")
    scene.tick(seconds=120)
    # What it is told then is the present, not a backlog.
    assert http.titles == ["[shop] Failed webhook deliveries: x (3)"]
    assert mail.subjects == [
        "[shop] Failed webhook deliveries: x (1)",
        "[shop] grows: Failed webhook deliveries: x (3)",
    ]
    assert scene.state.target(senders[0].name).failures == 0
    assert waiting(scene.state, senders) is None


def test_mail_that_is_refused_for_now_is_sent_later(tmp_path, mail):
    mail.refuse = 1
    scene = Scene(tmp_path, transports([mail.url]))
    scene.tick()
    scene.see("x", "evt_1")
    assert scene.tick(minutes=5).sent[0].error is not None
    assert scene.tick(minutes=5).sent[0].error is None
    assert len(mail.received) == 1


def test_a_receiver_that_is_not_there_is_a_failure_like_any_other(tmp_path):
    scene = Scene(tmp_path, transports(["json://127.0.0.1:9/"]))
    scene.tick()
    scene.see("x", "evt_1")
    assert scene.tick(minutes=5).sent[0].error == "connection error"


def test_a_check_that_breaks_is_an_alert_and_stops_no_other(tmp_path, http):
    scene = Scene(tmp_path, transports([http.url]))

    def silence(_watched, _settings, now):
        items = pd.DataFrame(
            [{"item": "cs_1", "cause": "silence", "severity": "critical", "at": now}],
            columns=list(ITEM_COLUMNS),
        )
        return Observation("silence", items, "absent", "1 payment and no delivery since")

    scene.plan = TickPlan(
        look=scene.plan.look,
        senders=scene.plan.senders,
        checks=(scene.failed_deliveries, silence),
        manners=scene.plan.manners,
    )
    scene.broken = RuntimeError("password=hush anna@example.com")
    result = scene.tick()
    assert result.errors == {"failed_deliveries": "RuntimeError"}
    assert sorted(http.titles) == [
        "[shop] No deliveries although Stripe shows payments (1)",
        "[shop] The monitor itself: failed deliveries (1)",
    ]
    assert "hush" not in str(http.received)
    assert "failed_deliveries could not run (RuntimeError)" in str(http.received)
    scene.broken = None
    scene.tick(minutes=5)
    assert http.titles[-1] == "[shop] ended: The monitor itself: failed deliveries (1)"


def test_evidence_that_cannot_be_read_ends_no_incident(tmp_path, http):
    scene = Scene(tmp_path, transports([http.url]))
    scene.tick()
    scene.ends = "absent"
    scene.see("x", "evt_1")
    scene.tick(minutes=5)

    def broken(_now, _standing):
        raise CaseError("The ledger at postgresql://user:hush@db/x cannot be reached.")

    scene.plan = TickPlan(
        look=broken,
        senders=scene.plan.senders,
        checks=scene.plan.checks,
        manners=scene.plan.manners,
    )
    scene.tick(days=1)
    assert http.titles[-1] == "[shop] The monitor itself: evidence (1)"
    assert "unusable input" in http.received[-1]["message"]
    assert "hush" not in str(http.received)
    assert [i.check for i in scene.state.incidents(status="open")] == [
        "failed_deliveries",
        "monitor",
    ]


def test_personal_data_and_secrets_are_masked(tmp_path, http):
    scene = Scene(tmp_path, transports([http.url]))
    scene.tick()
    scene.see(
        "x",
        "anna@example.com",
        "sk_live_hush",
        "Zoë Müller",
        "whsec_hush",
        "line\nbreak",
        "user-00123",
    )
    scene.tick(minutes=5)
    text = str(http.received)
    for hidden in ("anna", "hush", "Müller", "line"):
        assert hidden not in text
    assert "user-00123" in text


def test_a_case_name_cannot_break_out_of_the_subject(tmp_path, mail):
    scene = Scene(tmp_path, transports([mail.url]))
    scene.plan = TickPlan(
        look=scene.plan.look,
        senders=scene.plan.senders,
        checks=scene.plan.checks,
        manners=Manners("shop\r\nBcc: evil@example.com"),
    )
    scene.tick()
    scene.see("x", "evt_1")
    scene.tick(minutes=5)
    assert mail.received[0]["bcc"] is None
    assert mail.subjects[0].startswith("[shop Bcc: evil@example.com]")


def test_a_target_is_named_without_its_address_and_logs_stay_silent(http, capfd, caplog):
    transport = Transport(http.url)
    assert "token-hush" not in transport.name
    assert transport.name.startswith("json-")
    http.statuses = [500]
    incident = an_incident()
    assert transport.send(alert("shop", incident, None)) == "refused with status 500"
    output = capfd.readouterr()
    assert output.out + output.err == ""
    assert caplog.records == []
    assert len(logging.getLogger("apprise").handlers) <= 1  # Apprise's own NullHandler


@pytest.mark.parametrize("target", ["nothing", "unknown://x", "json://", "", "http://x:y:z"])
def test_a_target_that_apprise_does_not_know_is_one_sentence(target, capfd):
    with pytest.raises(CaseError, match=r"monitor\.targets"):
        transports([target])
    assert capfd.readouterr().err == ""


def test_targets_may_stand_in_the_environment(http, monkeypatch):
    monkeypatch.setenv("ALERT_URL", http.url)
    assert [t.name for t in transports(["env:ALERT_URL", http.url])] == [Transport(http.url).name]
    with pytest.raises(CaseError, match="NOT_SET"):
        transports(["env:NOT_SET"])


def an_incident(**more: object) -> Incident:
    fields = {
        "id": 1,
        "check": "silence",
        "cause": "silence",
        "severity": "critical",
        "status": "open",
        "summary": "3 payments and no delivery since",
        "opened_at": dt.datetime(2025, 9, 1, tzinfo=dt.UTC),
        "ended_at": None,
        "items": 3,
        "there": 3,
        "users": 0,
        "credits": 0,
        "amounts": {},
        "first_at": None,
        "last_at": None,
        "examples": ("cs_1", "cs_2"),
    }
    return Incident(**{**fields, **more})


def test_one_neutral_alert_in_three_formats():
    made = alert("shop", an_incident(examples=("cs_*1*", "cs_1", "<b>")), None)
    assert as_text(made).splitlines() == [
        "Severity: critical",
        "What: No deliveries although Stripe shows payments",
        "Count: 3",
        "Since: 2025-09-01 00:00 UTC",
        "Detail: 3 payments and no delivery since",
        "For example: (masked), cs_1, (masked)",
        "Alert: 1/opened/3",
    ]
    assert "**For example:** (masked), cs\\_1, (masked)" in as_markdown(made)
    assert "<td>3 payments and no delivery since</td>" in as_html(made)


def test_a_digest_puts_what_is_worst_first_and_what_ended_last():
    made = digest(
        "shop",
        [
            (an_incident(id=1, status="ended"), None),
            (an_incident(id=2, severity="info"), None),
            (an_incident(id=3, severity="warning"), None),
        ],
    )
    assert [line.split(":")[0] for line in made.lines] == ["warning", "info", "critical"]
    assert made.tone == "critical"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("cs_1", "cs_1"),
        ("00123", "00123"),
        ("e747de39-1b54-4cd0-96eb-e68f155931e2",) * 2,
        ("a b", "(masked)"),
        ("", "(masked)"),
        ("x" * 99, "(masked)"),
        ("rk_live_1", "(masked)"),
    ],
)
def test_ids_are_shown_and_nothing_else(value, expected):
    assert shown(value) == expected


@pytest.mark.parametrize(
    ("span", "zone", "quiet", "loud"),
    [
        ("22:00-07:00", "UTC", ["22:00", "23:59", "00:00", "06:59"], ["07:00", "21:59"]),
        ("12:00-13:00", "UTC", ["12:00", "12:59"], ["13:00", "11:59"]),
        ("22:00 - 07:00", "Asia/Kolkata", ["17:00", "01:00"], ["02:00", "16:00"]),
    ],
)
def test_quiet_hours_by_the_clock_of_the_zone(span, zone, quiet, loud):
    hours = quiet_hours(span, zone)
    at = [dt.datetime.fromisoformat(f"2025-09-01T{text}+00:00") for text in (*quiet, *loud)]
    assert [hours.quiet(moment) for moment in at] == [True] * len(quiet) + [False] * len(loud)


@pytest.mark.parametrize(
    ("span", "zone"),
    [
        ("22-7", "UTC"),
        ("25:00-07:00", "UTC"),
        ("22:00-07:00", "Mars/Olympus"),
        ("22:00-07:00", "../../etc/passwd"),
    ],
)
def test_quiet_hours_that_cannot_be_used_are_named(span, zone):
    with pytest.raises(CaseError, match=r"monitor\.(quiet_hours|timezone)"):
        quiet_hours(span, zone)
