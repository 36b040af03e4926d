"""A job that books what an account paid in a day as one sum books each of these payments."""

from __future__ import annotations

import pandas as pd
import pytest

from credit_forensics.evidence.evidence import Evidence
from credit_forensics.evidence.ledgers.summed_days import split_summed_days

START = pd.Timestamp("2026-03-02", tz="UTC")


def tied(payments, entries, *, worth=50):
    """Ties of payments ``(user, hour)`` and entries ``(user, credits, hour)``: by payment, parts."""
    evidence = Evidence()
    evidence.add(
        "payments",
        pd.DataFrame(
            {
                "payment_id": f"cs_{number}",
                "client_reference_id": user,
                "payment_status": "paid",
                "completed_at": START + pd.Timedelta(hours=hour),
                "expected_credits": worth,
                "amount": 500,
                "currency": "eur",
            }
            for number, (user, hour) in enumerate(payments)
        ).astype({"expected_credits": "Int64"}),
    )
    evidence.add(
        "ledger",
        pd.DataFrame(
            {
                "entry_id": f"e{number}",
                "user_id": user,
                "delta": credits,
                "kind": "other",
                "created_at": START + pd.Timedelta(hours=hour),
            }
            for number, (user, credits, hour) in enumerate(entries)
        ),
    )
    split_summed_days(evidence)
    rows = evidence.ledger.dropna(subset="payment_id").sort_values(["payment_id", "entry_id"])
    assert set(rows["tie"]) <= {"inferred"}
    return [tuple(row) for row in rows[["payment_id", "entry_id", "delta"]].values.tolist()]


TWO = [("ann", 8), ("ann", 20)]


def test_a_sum_is_each_payments_part():
    found = tied(TWO, [("ann", 100, 26)])
    assert found == [("cs_0", "e0#1of2", 50), ("cs_1", "e0#2of2", 50)]


@pytest.mark.parametrize(
    ("payments", "entries"),
    [
        (TWO, [("ann", 50, 26)]),
        (TWO, [("bob", 100, 26)]),
        (TWO, [("ann", 100, 45)]),
        (TWO, [("ann", 50, 9), ("ann", 100, 26)]),
        ([("ann", 8)], [("ann", 50, 26)]),
    ],
    ids=["one too few", "another's", "too late", "booked before", "one payment"],
)
def test_other_sums_are_left_to_be_paired(payments, entries):
    assert tied(payments, entries) == []


def days(count, hour):
    return [(f"user{n}", 24 * n + 8) for n in range(count)], [
        (f"user{n}", 50, 24 * n + 24 + hour(n)) for n in range(count)
    ]


def test_what_a_payment_is_worth_is_learned_from_those_that_are_alone():
    payments, entries = days(3, hour=lambda n: n)
    late = [("ann", 200), ("ann", 210)]
    found = tied([*payments, *late], [*entries, ("ann", 100, 220)], worth=None)
    assert found == [("cs_3", "e3#1of2", 50), ("cs_4", "e3#2of2", 50)]
    assert tied([*payments, *late], [*entries, ("ann", 90, 220)], worth=None) == []


@pytest.mark.parametrize(("hour", "ties"), [(lambda n: 2, 12), (lambda n: n % 12, 0)])
def test_of_a_job_at_one_time_of_the_day_the_account_decides(hour, ties):
    payments, entries = days(12, hour)
    assert len(tied(payments, entries)) == ties
