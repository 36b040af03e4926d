"""orphan_credit fires on purchases that no payment backs, where the payments' span proves it."""

from __future__ import annotations

from credit_forensics.findings.orphan_credit import find_orphan_credit


def entry(make, number, delta=50, kind="purchase", time="2025-09-05", **columns):
    return {
        "entry_id": str(number),
        "user_id": "a",
        "delta": delta,
        "kind": kind,
        "created_at": make.at(time),
        **columns,
    }


def run(find, make, ledger, covered=True, **tables):
    span = {"since": make.at("2025-09-01"), "until": make.at("2025-09-30")}
    return find(
        find_orphan_credit,
        payments=[make.payment("p", payment_intent_id="cs_1")],
        ledger=ledger,
        coverage=[{"source": s, **span} for s in ("payments", "events")] if covered else [],
        **tables,
    )


def test_purchases_without_a_payment_are_found_with_what_they_name(find, make):
    found = run(
        find,
        make,
        [
            entry(make, 1, payment_id="p", event_id="evt_p"),
            entry(make, 2, payment_id="cs_gone"),
            entry(make, 3, event_id="evt_forged"),
            entry(make, 4),
            entry(make, 5, kind="grant"),
        ],
    )
    assert sorted((row["explanation"].split()[2], row["cause"]) for row in found) == [
        ("2", "no_payment"),
        ("3", "no_event"),
        ("4", "no_reference"),
    ]
    assert {(row["severity"], row["credits"], row["credited_user_id"]) for row in found} == {
        ("high", 50, "a")
    }


def test_outside_the_payments_span_nothing_is_said(find, make):
    ledger = [
        entry(make, 1, time="2025-08-31 23:59:59"),
        entry(make, 2, time="2025-09-01"),
        entry(make, 3, time="2025-09-30"),
        entry(make, 4, time="2025-09-30 00:00:01"),
    ]
    found = [row["explanation"].split()[2] for row in run(find, make, ledger)]
    assert sorted(found) == ["2", "3"]
    assert run(find, make, ledger, covered=False) == []


def test_reversed_entries_are_none(find, make):
    found = run(
        find,
        make,
        [
            entry(make, 1, event_id="evt_1"),
            entry(make, 2, delta=-50, kind="reversal", event_id="evt_1"),
            entry(make, 3, payment_id="cs_gone"),
            entry(make, 4, delta=-50, kind="correction", payment_id="cs_gone"),
        ],
    )
    assert found == []


def test_one_reversal_cancels_one_entry(find, make):
    found = run(
        find,
        make,
        [
            entry(make, 1, time="2025-09-05"),
            entry(make, 2, time="2025-09-06"),
            entry(make, 3, delta=-50, kind="reversal", time="2025-09-07"),
        ],
    )
    assert [row["explanation"].split()[2] for row in found] == ["1"]


def test_an_event_of_stripes_own_backs_an_entry(find, make):
    events = [
        {"event_id": "evt_paid", "type": "invoice.paid"},
        {"event_id": "evt_early", "type": "x", "payment_id": "cs_before_the_window"},
        {"event_id": "evt_customer", "type": "customer.created"},
    ]
    ledger = [
        entry(make, 1, event_id="evt_paid"),
        entry(make, 2, event_id="evt_early"),
        entry(make, 3, event_id="evt_customer"),
    ]
    found = run(find, make, ledger, events=events)
    assert [row["event_id"] for row in found] == ["evt_customer"]


def test_the_reason_as_written_does_not_reach_the_sentence(find, make):
    (row,) = run(find, make, [entry(make, 1, reason="gift for jo@example.com")])
    assert "example.com" not in row["explanation"]


def test_where_entries_do_not_name_their_payments_none_is_an_orphan(find, make):
    rows = {
        "payments": [make.payment("cs_1")],
        "ledger": [entry(make, 1, payment_id="cs_gone"), entry(make, 2)],
    }
    assert len(find(find_orphan_credit, **rows)) == 2
    for why in ("none_tied", "few_tied", "not_read"):
        coverage = make.all_shown(payments=why)
        assert find(find_orphan_credit, **rows, coverage=coverage) == []


def test_where_many_name_nothing_of_stripes_only_what_names_a_payment_is_an_orphan(find, make):
    rows = {
        "payments": [make.payment("cs_1")],
        "ledger": [
            entry(make, 1, payment_id="cs_gone"),
            entry(make, 2),
            entry(make, 3, event_id="evt_1"),
        ],
    }
    (found,) = find(find_orphan_credit, **rows, coverage=make.all_shown(payments="few_named"))
    assert (found["payment_id"], found["cause"]) == ("cs_gone", "no_payment")


def test_an_entry_that_names_an_object_of_a_kind_that_was_not_read_is_no_orphan(find, make):
    rows = {
        "payments": [make.payment("cs_1")],
        "ledger": [
            entry(make, 1, payment_id="in_renewal"),
            entry(make, 2, event_id="evt_1"),
            entry(make, 3, payment_id="cs_gone"),
        ],
    }
    coverage = make.all_shown(events="not_read")
    (found,) = find(find_orphan_credit, **rows, coverage=coverage)
    assert found["payment_id"] == "cs_gone"
