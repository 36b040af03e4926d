"""duplicate_credit fires on a surplus of grants, not on repairs or parts."""

from __future__ import annotations

import pandas as pd
import pytest

from credit_forensics.findings.duplicate_credit import find_duplicate_credit
from credit_forensics.findings.wrong_amount import find_wrong_amount


def entry(number, payment, event, delta=50, kind="purchase"):
    return {
        "entry_id": str(number),
        "user_id": "a",
        "delta": delta,
        "kind": kind,
        "event_id": event,
        "payment_id": payment,
    }


def test_two_grants_are_found_with_their_surplus_and_events(find, make):
    found = find(
        find_duplicate_credit,
        payments=[make.payment(name) for name in ("again", "two", "once", "repaired", "untold")],
        credited=[
            make.credit("again", granted=100, grants=2),
            make.credit("two", granted=150, grants=3, accounts=2),
            make.credit("once"),
            make.credit("repaired", granted=50, grants=1),
            make.credit("untold", granted=100, grants=2),
        ],
        ledger=[
            entry(1, "again", "evt_1"),
            entry(2, "again", "evt_1"),
            entry(3, "two", "evt_2"),
            entry(4, "two", "evt_3"),
            entry(5, "untold", None),
        ],
    )
    assert [(row["payment_id"], row["cause"], row["credits"]) for row in found] == [
        ("again", "one_event", 50),
        ("two", "several_events", 100),
        ("untold", "unknown", 50),
    ]
    assert {row["severity"] for row in found} == {"high"}
    assert {row["probability"] for row in found} == {1.0}


def test_two_grants_that_make_up_one_price_are_none(find, make):
    found = find(
        find_duplicate_credit,
        payments=[make.payment("parts")],
        credited=[make.credit("parts", granted=50, grants=2)],
    )
    assert found == []


def test_a_correction_that_took_the_surplus_back_repairs_it(find, make):
    found = find(
        find_duplicate_credit,
        payments=[make.payment("p")],
        credited=[make.credit("p", granted=50, grants=2)],
    )
    assert found == []


def test_what_refunds_took_back_is_no_surplus(find, make):
    found = find(
        find_duplicate_credit,
        payments=[make.payment("all", amount_lost=900), make.payment("half", amount_lost=900)],
        credited=[
            make.credit("all", granted=100, grants=2, reversed=100),
            make.credit("half", granted=100, grants=2, reversed=70),
        ],
    )
    assert [(row["payment_id"], row["credits"]) for row in found] == [("half", 30)]


def test_without_a_known_price_the_surplus_is_beyond_an_even_share(find, make):
    found = find(
        find_duplicate_credit,
        payments=[make.payment("p", expected_credits=None)],
        credited=[make.credit("p", granted=100, grants=2)],
    )
    assert [row["credits"] for row in found] == [50]


@pytest.mark.parametrize(("units", "surplus"), [(2, []), (1, [50]), (3, [50])])
def test_without_a_price_as_many_accounts_as_units_share(find, make, units, surplus):
    found = find(
        find_duplicate_credit,
        payments=[make.payment("p", expected_credits=None)],
        payment_items=[{"payment_id": "p", "position": 1, "quantity": units}],
        credited=[make.credit("p", granted=100, grants=2, accounts=2)],
    )
    assert [row["credits"] for row in found] == surplus


def test_test_payments_are_another_finding(find, make):
    found = find(
        find_duplicate_credit,
        payments=[make.payment("p", livemode=False)],
        credited=[make.credit("p", granted=100, grants=2)],
    )
    assert found == []


def test_a_duplicate_among_paired_entries_is_as_sure_as_its_pairs(find, make):
    pairs = [
        {**entry(n, "again", None), "tie": "inferred", "tie_probability": p}
        for n, p in ((1, 0.95), (2, 0.8))
    ]
    found = find(
        find_duplicate_credit,
        payments=[make.payment("again")],
        credited=[make.credit("again", granted=100, grants=2)],
        ledger=pairs,
    )
    assert [row["probability"] for row in found] == [0.8]


def test_grants_by_the_session_and_by_its_invoice_have_a_cause_of_their_own(find, make):
    def event(name, kind):
        return {"event_id": name, "type": kind}

    found = find(
        find_duplicate_credit,
        payments=[make.payment("both"), make.payment("invoice")],
        credited=[make.credit(name, granted=100, grants=2) for name in ("both", "invoice")],
        ledger=[
            entry(1, "both", "evt_1"),
            entry(2, "both", "evt_2"),
            entry(3, "invoice", "evt_2"),
            entry(4, "invoice", "evt_3"),
        ],
        events=[
            event("evt_1", "checkout.session.completed"),
            event("evt_2", "invoice.paid"),
            event("evt_3", "invoice.payment_succeeded"),
        ],
    )
    assert [row["cause"] for row in found] == ["checkout_and_invoice", "several_events"]


def monthly(find, make, months, *, period=365, finding=find_duplicate_credit, **columns):
    """A year paid at once, and a grant of 100 in each of these months."""
    subscribed = {"mode": "subscription", "expected_credits": None, **columns}
    if period:
        end = make.at("2025-01-01") + pd.Timedelta(days=period)
        subscribed |= {"period_start": make.at("2025-01-01"), "period_end": end}
    granted = 100 * len(months)
    return find(
        finding,
        payments=[make.payment("p", **subscribed)],
        credited=[make.credit("p", granted=granted, grants=len(months))],
        ledger=[
            {
                "entry_id": str(number),
                "payment_id": "p",
                "user_id": "a",
                "delta": 100,
                "kind": "purchase",
                "created_at": make.at("2025-01-01") + pd.Timedelta(days=30.5 * month),
            }
            for number, month in enumerate(months)
        ],
    )


@pytest.mark.parametrize(
    ("months", "columns"),
    [
        ((0, 1, 2), {}),
        # The price says what a month brings, or what the year does.
        ((0, 1, 2), {"expected_credits": 100}),
        ((0, 1, 2), {"expected_credits": 1200}),
        # No invoice shows the period.
        ((0, 1, 2), {"period": None}),
    ],
)
def test_a_year_that_is_granted_month_by_month_is_granted_once(find, make, months, columns):
    assert monthly(find, make, months, **columns) == []
    assert monthly(find, make, months, finding=find_wrong_amount, **columns) == []


def test_a_month_that_is_granted_twice_is_found_in_such_a_year(find, make):
    (row,) = monthly(find, make, (0, 1, 1.01, 2))
    assert row["credits"] == 100


@pytest.mark.parametrize(
    ("months", "columns"),
    [
        # A month's invoice that is granted again a month later, a pack, and two grants alone.
        ((0, 1), {"period": 30}),
        ((0, 1, 2), {"period": None, "mode": "payment"}),
        ((0, 1), {"period": None}),
        ((0, 1, 3), {"period": None}),
    ],
)
def test_other_grants_that_lie_apart_are_duplicates(find, make, months, columns):
    assert len(monthly(find, make, months, **columns)) == 1


def of_two_kinds(make, deltas, others):
    """Payments without a known worth: some granted in two entries, others in one."""
    names = [f"p{n}" for n in range(len(deltas))]
    alone = [f"other{n}" for n in range(others)]
    ledger = [
        entry(f"{name}-{place}", name, None, delta)
        for name, parts in zip(names, deltas, strict=True)
        for place, delta in enumerate(parts)
    ]
    return {
        "payments": [make.payment(name, expected_credits=None) for name in (*names, *alone)],
        "credited": [
            *(
                make.credit(name, granted=sum(parts), grants=2)
                for name, parts in zip(names, deltas, strict=True)
            ),
            *(make.credit(name) for name in alone),
        ],
        "ledger": [*ledger, *(entry(name, name, None) for name in alone)],
    }


@pytest.mark.parametrize(
    ("deltas", "others", "doubled"),
    [
        # 100 of one kind and 10 of another, for more than half of what was sold at the price.
        ([(100, 10), (100, 10)], 1, []),
        ([(100, 10), (100, 10)], 2, ["p0", "p1"]),
        # One alone shows no practice; and twice the same is twice.
        ([(100, 10)], 0, ["p0"]),
        ([(100, 10), (90, 10)], 0, ["p0", "p1"]),
        ([(50, 50), (50, 50)], 0, ["p0", "p1"]),
        ([(100, 10), (100, 10), (50, 50)], 0, ["p2"]),
    ],
)
def test_parts_that_such_payments_usually_have_are_no_duplicate(
    find, make, deltas, others, doubled
):
    found = find(find_duplicate_credit, **of_two_kinds(make, deltas, others))
    assert [row["payment_id"] for row in found] == doubled


DAY = pd.Timedelta(days=1)


def in_tranches(make, pauses, alone=(), *, delta=50, until=60):
    """Payments of unknown worth, one a day: their grants some days apart, others granted once.

    ``pauses`` are the days before each further grant of a payment, ``alone`` the days on which
    those that were granted once were paid, ``until`` the day of the ledger's last entry.
    """
    start = pd.Timestamp("2026-01-01", tz="UTC")
    ledger, payments, credited = [], [], []
    for n, days in enumerate(pauses):
        paid, name = start + n * DAY, f"p{n}"
        times = [paid]
        for pause in days:
            times.append(times[-1] + pause * DAY)
        payments.append(make.payment(name, expected_credits=None, created_at=paid))
        credited.append(make.credit(name, granted=delta * len(times), grants=len(times)))
        ledger += [
            entry(f"{name}-{place}", name, None, delta) | {"created_at": time}
            for place, time in enumerate(times)
        ]
    for n, day in enumerate(alone):
        name = f"alone{n}"
        payments.append(make.payment(name, expected_credits=None, created_at=start + day * DAY))
        credited.append(make.credit(name))
        ledger.append(entry(name, name, None) | {"created_at": start + day * DAY})
    last = {"entry_id": "last", "user_id": "a", "delta": -1, "kind": "usage"}
    ledger.append(last | {"created_at": start + until * DAY})
    return {"payments": payments, "credited": credited, "ledger": ledger}


@pytest.mark.parametrize(
    ("pauses", "alone", "doubled"),
    [
        # Half now, half in a week; a job that runs once a day makes eight days of seven.
        ([(7,), (7.9,), (7,)], (), []),
        ([(7, 7), (7, 7.5), (7, 7)], (), []),
        ([(28,), (31,), (30,)], (), []),
        # Two show no practice, nor do three of six; those who paid this week have half by now.
        ([(7,), (7,)], (), ["p0", "p1"]),
        ([(7,), (7,), (7,)], (1, 2, 3), ["p0", "p1", "p2"]),
        ([(7,), (7,), (7,)], (1, 2, 58, 59), []),
        # What Stripe sent again, and what a job granted again on one day, however old it was.
        ([(3,), (3,), (3,)], (), ["p0", "p1", "p2"]),
        ([(20,), (14,), (8,), (5,)], (), ["p0", "p1", "p2", "p3"]),
        ([(20,), (19,), (18,), (17,)], (), ["p0", "p1", "p2", "p3"]),
        ([(7,), (7,), (7,), (20,)], (), ["p3"]),
    ],
)
def test_equal_tranches_at_the_shops_own_distance_are_no_duplicate(
    find, make, pauses, alone, doubled
):
    found = find(find_duplicate_credit, **in_tranches(make, pauses, alone))
    assert [row["payment_id"] for row in found] == doubled
