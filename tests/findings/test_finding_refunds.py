"""Refunds and lost disputes against what the ledger took back, in proportion."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from credit_forensics.engines.duckdb import DuckDBEngine
from credit_forensics.findings.refund_not_reversed import find_refund_not_reversed
from credit_forensics.findings.refund_over_reversed import find_refund_over_reversed
from credit_forensics.tables.catalogue import ALL, Tables


def outcome(find, make, payment, credit):
    tables = {"payments": [make.payment("p", **payment)], "credited": [make.credit("p", **credit)]}
    under = find(find_refund_not_reversed, **tables)
    over = find(find_refund_over_reversed, **tables)
    assert not (under and over)
    if under:
        return "under", under[0]["credits"]
    if over:
        return "over", over[0]["credits"]
    return None


@pytest.mark.parametrize(
    ("lost", "taken", "expected"),
    [
        (0, 0, None),
        (900, 50, None),
        (900, 0, ("under", 50)),
        (450, 25, None),
        (450, 0, ("under", 25)),
        (450, 50, ("over", 25)),
        (300, 17, None),
        (300, 16, None),
        (300, 18, None),
        (300, 15, ("under", 2)),
        (300, 19, ("over", 2)),
        (0, 50, ("over", 50)),
        (None, 50, None),
        (9_000, 50, None),
    ],
)
def test_the_share_of_the_money_is_the_share_of_the_credits(find, make, lost, taken, expected):
    assert outcome(find, make, {"amount_lost": lost}, {"reversed": taken}) == expected


@pytest.mark.parametrize(
    ("payment", "credit", "expected"),
    [
        # A refund that was booked as a plain reversal is missing from the grant.
        ({"amount_lost": 900}, {"granted": 0, "grants": 0}, None),
        ({"amount_lost": 450}, {"granted": 25}, None),
        # A duplicate's surplus is the duplicate's.
        ({"amount_lost": 900}, {"granted": 100, "grants": 2, "reversed": 50}, None),
        ({"amount_lost": 900}, {"granted": 100, "grants": 2, "reversed": 100}, None),
        ({"amount_lost": 900}, {"granted": 100, "grants": 2, "reversed": 0}, ("under", 50)),
        # Too few credits from the start are not the refund's doing.
        ({"amount_lost": 450}, {"granted": 40, "reversed": 20}, None),
        ({"amount_lost": 0}, {"granted": 40}, None),
        ({"amount_lost": 900}, {"granted": 40}, ("under", 40)),
        # Without a known price the grant is the measure.
        ({"amount_lost": 450, "expected_credits": None}, {"granted": 60, "reversed": 30}, None),
        ({"amount_lost": 450, "expected_credits": None}, {"granted": 60}, ("under", 30)),
        # Taken back from somebody who was never granted any.
        ({"amount_lost": 900}, {"granted": 0, "grants": 0, "reversed": 50}, ("over", 50)),
        ({"amount_lost": 900, "livemode": False}, {}, None),
        ({"amount_lost": 0, "amount": 0}, {"reversed": 50}, None),
    ],
)
def test_other_findings_cases_are_left_to_them(find, make, payment, credit, expected):
    assert outcome(find, make, payment, credit) == expected


def test_the_causes_and_amounts_tell_what_was_lost(find, make):
    tables = {
        "payments": [make.payment("won", amount_lost=0), make.payment("part", amount_lost=90)],
        "credited": [make.credit("won", reversed=50), make.credit("part", reversed=50)],
    }
    found = find(find_refund_over_reversed, **tables)
    assert [(row["payment_id"], row["cause"]) for row in found] == [
        ("part", "beyond_share"),
        ("won", "no_loss"),
    ]
    (under,) = find(
        find_refund_not_reversed,
        payments=[make.payment("p", amount_lost=450)],
        credited=[make.credit("p")],
    )
    assert under["amount"] == 450


@settings(deadline=None, max_examples=20)
@given(
    rows=st.lists(
        st.tuples(
            st.integers(1, 10**7), st.floats(0, 1), st.integers(0, 10**5), st.integers(1, 10**5)
        ),
        min_size=1,
        max_size=40,
    )
)
def test_taking_back_the_rounded_share_is_never_a_finding(rows):
    engine = DuckDBEngine(threads=1)
    engine.create(*ALL)
    frame = pd.DataFrame(rows, columns=["amount", "share", "_unused", "granted"])
    frame["payment_id"] = [f"p{place}" for place in range(len(frame))]
    frame["amount_lost"] = (frame["amount"] * frame["share"]).round().astype("int64")
    frame["expected_credits"] = frame["granted"]
    exact = frame["granted"] * frame["amount_lost"] / frame["amount"]
    frame["reversed"] = exact.round().astype("int64")
    engine.register("payments", frame[["payment_id", "amount", "amount_lost", "expected_credits"]])
    engine.register("credited", frame[["payment_id", "granted", "reversed"]])
    assert engine.frame(find_refund_not_reversed(Tables())).empty
    assert engine.frame(find_refund_over_reversed(Tables())).empty
    engine.close()


def refunds_of(make, *refunds):
    """Payments of 1000 each of which so much came back and so many of 50 credits were taken."""
    return {
        "payments": [
            make.payment(f"p{number}", amount=1000, amount_lost=lost)
            for number, (lost, _) in enumerate(refunds)
        ],
        "credited": [
            make.credit(f"p{number}", reversed=taken) for number, (_, taken) in enumerate(refunds)
        ],
    }


@pytest.mark.parametrize(
    "refunds",
    [
        [(900, 50)] * 3,
        [(800, 50)] * 3,
        [(980, 50), (950, 50), (910, 50)],
    ],
    ids=["a tenth", "a fifth", "a provider's fee"],
)
def test_a_fee_that_every_refund_keeps_is_the_shops_practice(find, make, refunds):
    assert find(find_refund_over_reversed, **refunds_of(make, *refunds)) == []


@pytest.mark.parametrize(
    ("refunds", "found"),
    [
        # Twice is no practice; one that took only its share says that there is no fee.
        ([(900, 50)] * 2, ["p0", "p1"]),
        ([(800, 50), (800, 50), (800, 50), (800, 40)], ["p0", "p1", "p2"]),
        # A half is no fee, however often.
        ([(500, 50)] * 4, ["p0", "p1", "p2", "p3"]),
        ([(900, 50)] * 3 + [(500, 50)], ["p3"]),
        ([(900, 50)] * 3 + [(0, 50)], ["p3"]),
    ],
    ids=["twice", "one in proportion", "halves", "a half among them", "no money"],
)
def test_other_credits_taken_beyond_the_money_are_found(find, make, refunds, found):
    rows = find(find_refund_over_reversed, **refunds_of(make, *refunds))
    assert [row["payment_id"] for row in rows] == found


def test_where_what_was_taken_back_names_no_payment_nothing_is_said(find, make):
    rows = {
        "payments": [make.payment("p", amount_lost=900)],
        "credited": [make.credit("p")],
    }
    assert len(find(find_refund_not_reversed, **rows)) == 1
    coverage = make.all_shown(refunds="few_tied")
    assert find(find_refund_not_reversed, **rows, coverage=coverage) == []


@pytest.mark.parametrize(
    ("entries", "outstanding"),
    [
        ([-50], None),
        ([-49], None),
        ([-48], 2),
        # What one gives and another takes nets out, and what gives takes nothing back.
        ([-50, 50], 50),
        ([50], 50),
    ],
)
def test_entries_of_no_known_kind_that_are_tied_to_the_payment_take_back(
    find, make, entries, outstanding
):
    ledger = [
        {"entry_id": f"e{n}", "user_id": "a", "delta": delta, "kind": "other", "payment_id": "p"}
        for n, delta in enumerate(entries)
    ]
    found = find(
        find_refund_not_reversed,
        payments=[make.payment("p", amount_lost=900)],
        credited=[make.credit("p")],
        ledger=ledger,
    )
    assert [row["credits"] for row in found] == ([] if outstanding is None else [outstanding])


PERSONS = [{"user_id": user, "person_id": person} for user, person in ("aa", "bb", "ca")]
BOUGHT, TAKEN_FROM_B = ("a", 50, "purchase", "p"), ("b", -50, "refund", "p")


@pytest.mark.parametrize(
    ("entries", "verdict", "expected"),
    [
        ([TAKEN_FROM_B], "confirmed", [("under", "a", 50), ("over", "b", 50)]),
        ([("a", -50, "refund", "p")], "confirmed", []),
        # Another account of the same person.
        ([("c", -50, "refund", "p")], "confirmed", []),
        # The payment is another's: that finding moves the refund too.
        ([TAKEN_FROM_B], "misattributed", []),
        ([TAKEN_FROM_B], "ambiguous", []),
        # The credits had moved on before.
        ([TAKEN_FROM_B, ("a", -50, "transfer", None)], "confirmed", []),
        # The other account had its part of the payment.
        ([TAKEN_FROM_B, ("b", 10, "grant", "p")], "confirmed", []),
    ],
)
def test_a_refund_that_was_taken_from_somebody_else(find, make, entries, verdict, expected):
    ledger = [
        {"entry_id": f"e{n}", "user_id": user, "delta": delta, "kind": kind, "payment_id": payment}
        for n, (user, delta, kind, payment) in enumerate([BOUGHT, *entries])
    ]
    rows = {
        "payments": [make.payment("p", amount_lost=900)],
        "credited": [make.credit("p", reversed=50)],
        "verdicts": [make.verdict("p", verdict, "a", "a", 0.01)],
        "persons": PERSONS,
        "ledger": ledger,
    }
    found = [("under", row) for row in find(find_refund_not_reversed, **rows)]
    found += [("over", row) for row in find(find_refund_over_reversed, **rows)]
    assert [(name, row["credited_user_id"], row["credits"]) for name, row in found] == expected


@pytest.mark.parametrize(
    ("given_at", "taken", "found"),
    [("12:02", 60, []), ("12:02", 63, [3]), ("12:05", 60, [10])],
)
def test_what_was_given_with_the_purchase_may_go_with_it(find, make, given_at, taken, found):
    entry = {"user_id": "a", "payment_id": None}
    bought = {"kind": "purchase", "delta": 50, "created_at": make.at("2025-09-01 12:01")}
    bonus = {"kind": "grant", "delta": 10, "created_at": make.at(f"2025-09-01 {given_at}")}
    rows = find(
        find_refund_over_reversed,
        payments=[make.payment("p", amount_lost=900)],
        credited=[make.credit("p", reversed=taken)],
        ledger=[
            entry | bought | {"entry_id": "1", "payment_id": "p"},
            entry | bonus | {"entry_id": "2"},
        ],
    )
    assert [row["credits"] for row in rows] == found
