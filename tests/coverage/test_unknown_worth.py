"""What nobody priced is said to be unknown, so that "none" never means it was looked at."""

import pandas as pd
import pytest

from credit_forensics.case.case import Case
from credit_forensics.coverage.unknown_worth import unknown_worth
from credit_forensics.engines.duckdb import engine_of
from credit_forensics.evidence.evidence import Evidence


def _payment(**columns):
    row = {"payment_status": "paid", "livemode": True, "for_credits": "yes", **columns}
    return {"payment_id": ["cs_1"], **{name: [value] for name, value in row.items()}}


@pytest.mark.parametrize(
    ("columns", "gaps"),
    [
        ({"expected_credits": 50}, 0),
        ({"expected_credits": None}, 1),
        ({"expected_credits": None, "payment_status": "unpaid"}, 0),
        ({"expected_credits": None, "livemode": False}, 0),
        ({"expected_credits": None, "for_credits": "no"}, 0),
        ({"expected_credits": None, "for_credits": "probably not"}, 0),
    ],
)
def test_a_paid_payment_for_credits_without_a_price_is_a_gap(columns, gaps):
    assert len(unknown_worth(engine_of(payments=_payment(**columns)))) == gaps


def test_no_payment_has_no_gap():
    assert unknown_worth(engine_of()).empty


def test_the_case_says_it_beside_its_findings():
    evidence = Evidence()
    rows = [{**_one("cs_1"), "expected_credits": 50}, _one("cs_2")]
    evidence.add("payments", pd.DataFrame(rows).astype({"expected_credits": "Int64"}))
    gaps = Case.from_evidence(evidence).gaps
    assert gaps[gaps["object"] == "prices"]["consequence"].tolist() == [
        "How many credits 1 of 2 paid payments are worth is not known: wrong_amount cannot be had "
        "of them. [prices] can say it."
    ]


def _one(payment_id):
    return {"payment_id": payment_id, "created_at": "2025-09-01T10:00:00Z", "livemode": True,
            "payment_status": "paid", "amount": 500}  # fmt: skip
