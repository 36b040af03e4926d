"""A reference that is another at each payment of a payer is the number of an order, no account."""

from __future__ import annotations

import pandas as pd
import pytest

from credit_forensics.evidence.evidence import Evidence
from credit_forensics.evidence.fold_and_match import prepare


def shop(payments, credited=None) -> Evidence:
    """Payments of (payer, reference), booked on the payer's account or on those given."""
    evidence = Evidence()
    rows = list(enumerate(payments, start=1))
    payers = sorted({payer for payer, _ in payments})
    evidence.add("payments", pd.DataFrame([
        {"payment_id": f"cs_{n}", "payment_status": "paid", "client_reference_id": reference,
         "payer_email": f"{payer}@example.com"}
        for n, (payer, reference) in rows
    ]))  # fmt: skip
    evidence.add("ledger", pd.DataFrame([
        {"entry_id": str(n), "payment_id": f"cs_{n}", "kind": "purchase", "delta": 50,
         "user_id": str(100 + payers.index(payer)) if credited is None else credited[n - 1]}
        for n, (payer, _) in rows
    ]))  # fmt: skip
    evidence.add("users", pd.DataFrame([
        {"user_id": str(100 + n), "email": f"{payer}@example.com"}
        for n, payer in enumerate(payers)
    ]))  # fmt: skip
    return evidence


def named(evidence: Evidence) -> int:
    prepare(evidence)
    return int(evidence.payments["reference_valid"].fillna(False).sum())


ORDERS = [("ada", "ORD-1"), ("bo", "ORD-2"), ("ada", "ORD-3"), ("bo", "ORD-4")]


def test_numbers_of_orders_name_nobody() -> None:
    assert named(shop(ORDERS)) == 0
    # Nor where they happen to be ids of accounts, too.
    assert named(shop([("bo", "100"), ("ada", "101"), ("bo", "102"), ("ada", "103")])) == 0


@pytest.mark.parametrize(
    "payments",
    [
        # One payer who pays for several accounts is no shop of order numbers.
        [("boss", "101"), ("boss", "102"), ("ada", "100"), ("ada", "100")],
        # Nor is one whose payers come back with the same reference.
        [("ada", "100"), ("ada", "100"), ("bo", "101"), ("bo", "101")],
        # Whoever bought once tells nothing.
        [("ada", "100"), ("bo", "101"), ("cy", "102")],
    ],
)
def test_accounts_are_named_as_ever(payments) -> None:
    assert named(shop(payments)) == len(payments)


def test_an_id_of_each_sign_in_is_an_account_where_the_credits_stand_there() -> None:
    references = [reference for _, reference in ORDERS]
    assert named(shop(ORDERS, credited=references)) == len(ORDERS)


def test_a_number_that_wraps_an_id_still_names_it() -> None:
    wrapped = [(payer, f"user_{100 + (payer == 'bo')}-{n}") for n, (payer, _) in enumerate(ORDERS)]
    assert named(shop(wrapped)) == len(ORDERS)
