"""A payment that nothing books, and the entry on its account that names no payment."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from credit_forensics.evidence.evidence import Evidence
from credit_forensics.evidence.ledgers.pair_left_over import pair_left_over

AT = pd.Timestamp("2026-03-01 10:00", tz="UTC")
ENTRY = {"entry_id": "e1", "user_id": "a", "delta": 50, "kind": "purchase", "reason": "page",
         "created_at": AT + pd.Timedelta(seconds=9)}  # fmt: skip


def tied(*entries: dict[str, Any], **payment: Any) -> list[str | None]:
    """The payment of each entry, in order of their keys."""
    evidence = Evidence()
    paid = {"payment_id": "cs_1", "payment_status": "paid", "completed_at": AT,
            "expected_credits": 50, "client_reference_id": "a", **payment}  # fmt: skip
    evidence.add("payments", pd.DataFrame([paid]))
    evidence.add("ledger", pd.DataFrame([ENTRY, *entries]))
    pair_left_over(evidence)
    found = evidence.ledger.sort_values("entry_id")["payment_id"]
    return [None if pd.isna(one) else one for one in found]


def test_a_purchase_without_a_reference_and_a_grant_by_hand_are_the_payments():
    assert tied() == ["cs_1"]
    by_hand = {"kind": "grant", "reason": "support, ticket 7"}
    assert tied({**ENTRY, **by_hand, "entry_id": "e0", "delta": 10}) == [None, "cs_1"]


@pytest.mark.parametrize(
    "payment",
    [
        {"client_reference_id": "b"},
        {"expected_credits": 60},
        {"payment_status": "unpaid"},
        {"amount_lost": 500},
        {"completed_at": AT - pd.Timedelta(days=2)},
        {"completed_at": AT + pd.Timedelta(minutes=5)},
    ],
    ids=["of another", "other credits", "unpaid", "returned", "days before", "later"],
)
def test_of_another_payment_it_is_not(payment):
    assert tied(**payment) == [None]


def test_of_two_that_may_be_it_none_is_and_what_is_booked_needs_none():
    assert tied({**ENTRY, "entry_id": "e2"}) == [None, None]
    assert tied({**ENTRY, "entry_id": "e2", "payment_id": "cs_1"}) == [None, "cs_1"]


def test_a_gift_is_no_grant_by_hand():
    gift = {**ENTRY, "kind": "grant", "reason": "welcome gift"}
    evidence = Evidence()
    evidence.add("ledger", pd.DataFrame([gift]))
    assert pair_left_over(evidence) == 0
