"""missing_credit names the gate that stopped the payment, and only what the log can prove."""

from __future__ import annotations

from itertools import pairwise

import pytest

from credit_forensics.findings.missing_credit import find_missing_credit

# A log whose deliveries are recognised: one of another payment.
RECOGNISED = {"event_id": "evt_of_another", "outcome": "credited"}


def run(
    find,
    make,
    deliveries=(),
    *,
    log=(RECOGNISED,),
    covered=True,
    events=True,
    names=("p",),
    spans=None,
    more=(),
):
    spans = spans or [
        {
            "source": "deliveries",
            "since": make.at("2025-09-01"),
            "until": make.at("2025-09-02"),
        }
    ]
    return find(
        find_missing_credit,
        verdicts=[make.verdict(name, "not_credited", None, "a", None) for name in names],
        payments=[make.payment(name) for name in names],
        events=[
            {
                "event_id": f"evt_{name}",
                "type": "checkout.session.completed",
                "payment_id": name,
                "created_at": make.at("2025-09-01 12:02"),
            }
            for name in names
            if events
        ]
        + list(more),
        deliveries=[*deliveries, *log],
        coverage=spans if covered else [],
    )


def test_a_paid_payment_without_a_delivery_was_not_delivered(find, make):
    (row,) = run(find, make)
    assert (row["cause"], row["event_id"], row["rightful_user_id"]) == (
        "not_delivered",
        "evt_p",
        "a",
    )
    assert (row["credits"], row["amount"], row["probability"]) == (50, 900, 1.0)
    assert row["created_at"] == make.at("2025-09-01 12:02")
    assert row["credited_user_id"] is None


def test_outside_the_logs_window_the_cause_is_unknown(find, make):
    assert [row["cause"] for row in run(find, make, covered=False)] == ["unknown"]


@pytest.mark.parametrize(
    ("outcome", "cause"),
    [
        ("credited", "acknowledged_not_applied"),
        ("acknowledged", "acknowledged_not_applied"),
        ("duplicate", "acknowledged_not_applied"),
        ("database_error", "acknowledged_not_applied"),
        ("no_credits", "acknowledged_not_applied"),
        ("ignored", "acknowledged_not_applied"),
        ("resolution_failed", "resolution_failed"),
        ("signature_refused", "signature_refused"),
        ("incomplete", "unknown"),
        ("not_found", "unknown"),
        ("handler_error", "unknown"),
        ("received", "unknown"),
    ],
)
@pytest.mark.parametrize("linked_by", ["payment_id", "event_id"])
def test_the_deliverys_outcome_gives_the_cause(find, make, outcome, cause, linked_by):
    link = {"payment_id": "p"} if linked_by == "payment_id" else {"event_id": "evt_p"}
    delivery = {**link, "event_id": "evt_p", "outcome": outcome}
    assert [row["cause"] for row in run(find, make, [delivery])] == [cause]


def test_the_furthest_gate_counts_in_whatever_order(find, make):
    outcomes = ["signature_refused", "resolution_failed", "database_error", "incomplete"]
    deliveries = [{"payment_id": "p", "outcome": outcome} for outcome in outcomes]
    for rows in (deliveries, deliveries[::-1]):
        assert [row["cause"] for row in run(find, make, rows)] == ["acknowledged_not_applied"]


# From the first gate that a delivery passes to the last, with what the finding then says.
GATES = [
    ("signature_refused", "signature_refused", "refused the signature"),
    ("received", "unknown", "was not understood"),
    ("handler_error", "unknown", "answered its delivery with an error"),
    ("incomplete", "unknown", "broke off"),
    ("ignored", "acknowledged_not_applied", "skipped it"),
    ("resolution_failed", "resolution_failed", "could not tell the user"),
    ("no_credits", "acknowledged_not_applied", "nothing was applied"),
]


@pytest.mark.parametrize(("nearer", "further"), list(pairwise(GATES)))
def test_of_two_deliveries_the_one_that_came_further_counts(find, make, nearer, further):
    deliveries = [
        {"payment_id": "p", "event_id": "evt_p", "outcome": outcome}
        for outcome, _, _ in (further, nearer)
    ]
    (row,) = run(find, make, deliveries)
    assert row["cause"] == further[1]
    assert further[2] in row["explanation"]


@pytest.mark.parametrize(
    ("first", "last", "cause"),
    [
        # The payment's event is of 12:02.
        ("2025-09-01 12:02", "2025-09-01 12:03", "not_delivered"),
        ("2025-09-01 12:01", "2025-09-01 12:02", "not_delivered"),
        ("2025-09-01 12:02:01", "2025-09-01 12:03", "unknown"),
        ("2025-09-01 12:01", "2025-09-01 12:01:59", "unknown"),
    ],
)
def test_not_delivered_only_within_what_the_log_covers(find, make, first, last, cause):
    span = {"source": "deliveries", "since": make.at(first), "until": make.at(last)}
    assert [row["cause"] for row in run(find, make, spans=[span])] == [cause]


@pytest.mark.parametrize(
    ("reason", "cause"),
    [(None, "not_delivered"), ("none_recognised", "unknown"), ("few_recognised", "unknown")],
)
def test_no_delivery_is_absent_where_few_were_recognised(find, make, reason, cause):
    (row,) = run(find, make, spans=make.all_shown(deliveries=reason))
    assert row["cause"] == cause
    assert ("recognised" in row["explanation"]) == (cause == "unknown")


def test_a_skipped_second_event_does_not_hide_that_the_first_was_not_resolved(find, make):
    deliveries = [
        {"payment_id": "p", "event_id": "evt_first", "outcome": "resolution_failed"},
        {"payment_id": "p", "event_id": "evt_p", "outcome": "ignored"},
    ]
    assert [row["cause"] for row in run(find, make, deliveries)] == ["resolution_failed"]


@pytest.mark.parametrize("outcome", ["ignored", "acknowledged", "handler_error", "received"])
def test_the_end_of_an_event_of_another_type_says_nothing(find, make, outcome):
    delivery = {"event_id": "evt_other", "payment_id": "p", "outcome": outcome}
    other = {"event_id": "evt_other", "type": "charge.succeeded", "payment_id": "p"}
    assert [row["cause"] for row in run(find, make, [delivery], more=[other])] == ["not_delivered"]


@pytest.mark.parametrize(
    ("received", "cause"),
    [
        ("2025-09-01 12:00:59", "not_delivered"),
        ("2025-09-01 12:01", "signature_refused"),
        ("2025-09-01 12:02:04", "signature_refused"),
        ("2025-09-01 12:17", "signature_refused"),
        ("2025-09-01 12:17:01", "not_delivered"),
    ],
)
def test_a_nameless_refused_delivery_at_that_time_is_taken_for_it(find, make, received, cause):
    delivery = {"outcome": "signature_refused", "received_at": make.at(received)}
    assert [row["cause"] for row in run(find, make, [delivery])] == [cause]


def test_a_delivery_that_names_the_payment_goes_before_a_nameless_refused_one(find, make):
    deliveries = [
        {"outcome": "signature_refused", "received_at": make.at("2025-09-01 12:02:04")},
        {"outcome": "resolution_failed", "payment_id": "p"},
    ]
    found = run(find, make, deliveries, names=("p", "q"))
    assert [row["cause"] for row in found] == ["resolution_failed", "signature_refused"]


def test_the_latest_completing_event_of_the_session_is_named(find, make):
    def event(name, kind, minute):
        return {
            "event_id": name,
            "type": kind,
            "payment_id": "p",
            "created_at": make.at(f"2025-09-01 12:{minute}"),
        }

    (row,) = find(
        find_missing_credit,
        verdicts=[make.verdict("p", "not_credited", None, None, None)],
        payments=[make.payment("p")],
        events=[
            event("evt_1", "checkout.session.completed", "02"),
            event("evt_2", "checkout.session.async_payment_succeeded", "30"),
            event("evt_3", "payment_intent.succeeded", "40"),
            event("evt_4", "charge.refunded", "50"),
        ],
    )
    assert row["event_id"] == "evt_2"


@pytest.mark.parametrize("kind", ["confirmed", "undetermined", "not_paid", "unresolved"])
def test_other_verdicts_are_no_finding(find, make, kind):
    found = find(
        find_missing_credit,
        verdicts=[make.verdict("p", kind, None, None, None)],
        payments=[make.payment("p")],
    )
    assert found == []
