"""What findings pass over as the shop's practice is a gap of the case, with its count."""

from __future__ import annotations

import pandas as pd
import pytest

from credit_forensics.findings.catalogue import FINDINGS, examine

START = pd.Timestamp("2026-01-01", tz="UTC")


def passed_over(make, rows, findings=FINDINGS):
    return examine(make.engine(rows), findings)[2]


def kept_fees(make, taken):
    """Payments of 1000 of which 900 came back and so many of 50 credits were taken."""
    return {
        "payments": [
            make.payment(f"p{number}", amount=1000, amount_lost=900) for number in range(len(taken))
        ],
        "credited": [make.credit(f"p{number}", reversed=one) for number, one in enumerate(taken)],
    }


def in_parts(make, deltas):
    """Payments of unknown worth, each with its grants."""
    return {
        "payments": [make.payment(f"p{n}", expected_credits=None) for n in range(len(deltas))],
        "credited": [
            make.credit(f"p{n}", granted=sum(parts), grants=len(parts))
            for n, parts in enumerate(deltas)
        ],
        "ledger": [
            {
                "entry_id": f"e{n}-{delta}",
                "payment_id": f"p{n}",
                "user_id": "a",
                "delta": delta,
                "kind": "purchase",
                "created_at": START,
            }
            for n, parts in enumerate(deltas)
            for delta in parts
        ],
    }


@pytest.mark.parametrize(
    ("rows", "begins"),
    [
        (lambda make: kept_fees(make, [50, 50, 50]), "3 payments lost all credits though"),
        (lambda make: kept_fees(make, [50, 50]), ""),
        (lambda make: kept_fees(make, [50, 50, 50, 45]), ""),
        (lambda make: in_parts(make, [(100, 10), (100, 10)]), "2 payments were granted several"),
        (lambda make: in_parts(make, [(100, 10), (90, 10)]), ""),
    ],
    ids=["three fees", "two", "one in proportion", "parts", "no two alike"],
)
def test_a_practice_is_told_with_the_payments_that_it_covers(make, rows, begins):
    gaps = passed_over(make, rows(make))
    assert len(gaps) == bool(begins)
    assert all(sentence.startswith(begins) for sentence in gaps["consequence"])
    assert set(gaps["problem"]) <= {"by practice"}


def test_both_practices_at_once_are_two_gaps_in_the_order_of_findings(make):
    fees = {
        name: [{**row, "payment_id": f"r{row['payment_id']}"} for row in rows]
        for name, rows in kept_fees(make, [50] * 3).items()
    }
    parts = in_parts(make, [(100, 10), (100, 10)])
    rows = {name: [*fees.get(name, []), *parts[name]] for name in parts}
    assert passed_over(make, rows)["object"].tolist() == ["grants", "refunds"]


def test_without_the_findings_that_pass_them_over_nothing_is_told(make):
    assert passed_over(make, kept_fees(make, [50] * 3), []).empty
