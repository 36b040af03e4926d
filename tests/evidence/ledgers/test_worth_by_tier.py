"""Accounts that steadily have more than the price's worth are told as a tier; other surplus is not."""

from __future__ import annotations

import pandas as pd
import pytest

from credit_forensics.evidence.evidence import Evidence
from credit_forensics.evidence.ledgers.worth_by_tier import leave_tiers_open


def sold(*payments):
    """Payments of 9.00 for 100 credits, one a day, as (account, credits granted)."""
    evidence, ids = Evidence(), [f"cs_{n}" for n in range(len(payments))]
    users, granted = zip(*payments, strict=True)
    days = pd.date_range("2026-01-01", periods=len(ids), tz="UTC")
    rows = {"payment_id": ids, "created_at": days}
    common = {"amount": 900, "currency": "eur", "expected_credits": 100, "payment_status": "paid"}
    evidence.add("payments", pd.DataFrame(rows | common))
    entries = {"entry_id": ids, "payment_id": ids, "user_id": users, "delta": granted}
    evidence.add("ledger", pd.DataFrame(entries | {"kind": "purchase"}))
    return evidence


def open_ones(evidence):
    """Of which payments the worth is open now."""
    rows = evidence.payments
    return rows[rows["expected_credits"].isna()]["payment_id"].tolist()


TIER = [(user, 110) for user in ("a", "b", "c")]
OTHERS = [(user, 100) for user in ("x", "y", "z")]
FOUND = [(900, "eur", 100, 110)]


def test_a_tier_of_three_accounts_beside_three_others_is_left_open_and_told():
    evidence = sold(*TIER, *OTHERS, *TIER)
    assert leave_tiers_open(evidence) == FOUND
    assert open_ones(evidence) == ["cs_0", "cs_1", "cs_2", "cs_6", "cs_7", "cs_8"]
    [said] = evidence.custody.gaps()["consequence"]
    assert said == (
        "6 of them, by 3 accounts, steadily brought 110 credits where 100 are said, and others "
        "brought 100 meanwhile: taken for a tier of those accounts, so whether it is too many is "
        "not judged"
    )


def test_an_account_that_rose_into_the_tier_belongs_to_it():
    rising = [(user, 100) for user in ("a", "b", "c")]
    evidence = sold(*rising, *TIER, *OTHERS, *TIER, ("new", 110))
    assert leave_tiers_open(evidence) == FOUND
    assert "cs_12" in open_ones(evidence)
    assert "cs_0" not in open_ones(evidence)


@pytest.mark.parametrize(
    "payments",
    [
        pytest.param([*TIER[:2], *OTHERS, *TIER[:2]], id="two accounts are too few"),
        pytest.param([*TIER, *OTHERS], id="each of them once"),
        pytest.param([*TIER, *OTHERS[:2], *TIER], id="two others are too few"),
        pytest.param([*OTHERS, *TIER, *TIER], id="the others are from before: a fault since then"),
        pytest.param([*TIER, *OTHERS, *TIER, ("a", 100)], id="one of three fell back"),
        pytest.param(
            [(u, {110: 200}.get(g, g)) for u, g in (*TIER, *OTHERS, *TIER)], id="granted twice"
        ),
    ],
)
def test_other_surplus_stays_a_question_of_the_amount(payments):
    evidence = sold(*payments)
    assert leave_tiers_open(evidence) == []
    assert open_ones(evidence) == []
    assert evidence.custody.gaps().empty


def test_what_was_found_among_all_payments_holds_for_a_part():
    part = sold(("a", 110), ("x", 120), ("y", 100))
    assert leave_tiers_open(part, FOUND) == FOUND
    assert open_ones(part) == ["cs_0"]
