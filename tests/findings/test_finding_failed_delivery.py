"""failed_delivery gives one finding a failed delivery, without what the log quotes."""

from __future__ import annotations

from credit_forensics.findings.failed_delivery import FAILURES, find_failed_delivery


def test_each_failure_is_found_and_successes_are_not(find, make):
    fine = ["credited", "ignored", "duplicate", None]
    outcomes = [outcome for outcome, _ in FAILURES] + fine
    found = find(
        find_failed_delivery,
        deliveries=[
            {"event_id": f"evt_{place}", "outcome": outcome}
            for place, outcome in enumerate(outcomes)
        ],
    )
    assert [row["cause"] for row in found] == [outcome for outcome, _ in FAILURES]
    assert {row["severity"] for row in found} == {"medium"}


def test_each_attempt_is_a_finding_and_the_payments_state_is_told(find, make):
    def attempt(line, **columns):
        return {
            "event_id": "evt_1",
            "payment_id": "p",
            "outcome": "database_error",
            "received_at": make.at("2025-09-01 12:05"),
            "error": "duplicate key (jo@example.com)",
            "source_line": line,
            **columns,
        }

    deliveries = [attempt(10), attempt(20), attempt(30, outcome="credited")]
    rows = {"payments": [make.payment("p")], "deliveries": deliveries}
    without = find(find_failed_delivery, **rows)
    assert [row["amount"] for row in without] == [900, 900]
    assert "(log line 10); the payment has no credits." in without[0]["explanation"]
    since = find(find_failed_delivery, **rows, credited=[make.credit("p")])
    assert "the payment has credits now." in since[0]["explanation"]
    assert "example.com" not in str(without)


def test_a_refused_signature_names_no_event(find, make):
    (row,) = find(
        find_failed_delivery,
        deliveries=[
            {
                "outcome": "signature_refused",
                "received_at": make.at("2025-09-01"),
                "source_line": 7,
            }
        ],
    )
    assert (row["event_id"], row["payment_id"]) == (None, None)
    assert row["created_at"] == make.at("2025-09-01")
    assert row["explanation"] == "A delivery was refused for its signature (log line 7)."


def test_the_payment_is_found_by_the_event(find, make):
    (row,) = find(
        find_failed_delivery,
        payments=[make.payment("p")],
        events=[{"event_id": "evt_1", "type": "checkout.session.completed", "payment_id": "p"}],
        deliveries=[{"event_id": "evt_1", "outcome": "resolution_failed"}],
    )
    assert (row["payment_id"], row["amount"]) == ("p", 900)
