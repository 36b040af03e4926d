"""Logs that keep Stripe's events whole: a table of webhook calls, a gateway's list of attempts."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

from log_loading import load, told


def event(n: int) -> dict:
    session = {"id": f"cs_live_{n}Abcdefgh", "object": "checkout.session"}
    return {
        "id": f"evt_{n}Abcdefgh", "object": "event", "created": 1_770_022_800 + n,
        "type": "checkout.session.completed", "data": {"object": session},
    }  # fmt: skip


def calls(*exceptions: str) -> str:
    """A table of webhook calls as CSV, each with what went wrong."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["id", "name", "payload", "exception", "created_at"])
    for n, exception in enumerate(exceptions, start=1):
        row = [n, "stripe", json.dumps(event(n)), exception, f"2026-02-0{n} 09:00:01"]
        writer.writerow(row)
    return text.getvalue()


def test_an_exception_stands_beside_the_event_and_is_no_message_of_its_own(tmp_path: Path) -> None:
    nobody = json.dumps({"code": 0, "message": "No query results for model [App\\Models\\User]."})
    broken = json.dumps({"code": 0, "message": "Call to a member function on null"})
    evidence = load(tmp_path, calls("", nobody, broken, "null", "Undefined index: plan"), "c.csv")
    assert told(evidence, "event_id", "outcome") == [
        ("evt_1Abcdefgh", "received"),
        ("evt_2Abcdefgh", "resolution_failed"),
        ("evt_3Abcdefgh", "handler_error"),
        ("evt_4Abcdefgh", "received"),
        ("evt_5Abcdefgh", "handler_error"),
    ]


def attempts(*statuses: int) -> str:
    """A gateway's list of attempts: ids of its own that begin as Stripe's do, the event inside."""
    models = [
        {
            "id": f"atm_{n}", "requested_url": "https://api.shop.example/hooks/stripe",
            "http_method": "POST", "event_id": f"evt_gateway{n}Zz", "response_status": status,
            "created_at": f"2026-02-0{n}T09:00:01.020Z", "body": {"received": status == 200},
            "event": {"id": f"evt_gateway{n}Zz", "data": {"path": "/", "body": event(n)}},
        }
        for n, status in enumerate(statuses, start=1)
    ]  # fmt: skip
    return json.dumps({"pagination": {"limit": 100}, "count": len(models), "models": models})


def test_a_gateways_list_of_attempts_is_read_by_the_events_in_it(tmp_path: Path) -> None:
    evidence = load(tmp_path, attempts(200, 500, 200), "attempts.json")
    payments = [f"cs_live_{n}Abcdefgh" for n in (1, 2, 3)]
    assert [one for (one,) in told(evidence, "payment_id")] == payments
    assert [one for (one,) in told(evidence, "outcome")][1] == "handler_error"


def test_a_log_in_which_no_delivery_is_recognised_is_a_gap(tmp_path: Path) -> None:
    evidence = load(tmp_path, "2026-02-02T09:00:01Z INFO page rendered in 12 ms\n")
    gaps = evidence.custody.gaps()
    assert gaps[["source", "object", "problem"]].to_numpy().tolist() == [
        ["webhook_log", "webhook.log", "unread"]
    ]
    assert load(tmp_path, calls(""), "c.csv").custody.gaps().empty


def test_of_several_logs_one_that_is_read_is_enough(tmp_path: Path) -> None:
    evidence = load(tmp_path, "2026-02-02T09:00:01Z INFO page rendered in 12 ms\n", "quiet.log")
    load(tmp_path, calls(""), "c.csv", evidence=evidence)
    assert evidence.custody.gaps().empty
