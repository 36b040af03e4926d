"""A bonus that names the payment it was given for is not what the payment bought."""

from __future__ import annotations

import pandas as pd
import pytest

from credit_forensics.evidence.evidence import Evidence
from credit_forensics.evidence.ledgers.part_bonuses import part_bonuses


def parted(*entries, expected=None):
    """The one payment's ledger of ``(user, credits, kind, reason)``, in order."""
    evidence = Evidence()
    evidence.add(
        "payments",
        pd.DataFrame(
            {
                "payment_id": ["cs_1"],
                "expected_credits": pd.array([expected], dtype="Int64"),
                "amount_refunded": [0],
            }
        ),
    )
    rows = [
        {
            "entry_id": str(number),
            "payment_id": "cs_1",
            "user_id": user,
            "delta": credits,
            "kind": kind,
            "reason": reason,
        }
        for number, (user, credits, kind, reason) in enumerate(entries)
    ]
    evidence.add("ledger", pd.DataFrame(rows))
    part_bonuses(evidence)
    return evidence.ledger.sort_values("entry_id")


def tied(*entries, expected=None):
    """Which entries stay with the one payment."""
    return parted(*entries, expected=expected)["payment_id"].notna().tolist()


BOUGHT = ("a", 50, "purchase", "purchase")


@pytest.mark.parametrize("reason", ["referral_bonus", "affiliate commission", "cashback", "invite"])
def test_a_bonus_of_another_account_is_parted(reason):
    assert tied(BOUGHT, ("b", 100, "grant", reason)) == [True, False]


@pytest.mark.parametrize(("expected", "stays"), [(50, False), (60, True), (None, True)])
def test_a_bonus_of_the_buyer_is_parted_where_the_purchase_is_all_that_was_bought(expected, stays):
    bonus = ("a", 10, "grant", "pack bonus")
    assert tied(BOUGHT, bonus, expected=expected) == [True, stays]


def test_a_bonus_is_parted_from_a_purchase_that_is_booked_twice_as_well():
    entries = (BOUGHT, BOUGHT, ("a", 10, "grant", "cashback"))
    assert tied(*entries, expected=50) == [True, True, False]


@pytest.mark.parametrize(
    "entries",
    [
        # What makes good for a purchase, and what is all that the payment brought.
        (BOUGHT, ("b", 50, "grant", "admin_grant: promo went to the wrong account")),
        (BOUGHT, ("b", 50, "grant", "grant")),
        (("a", 50, "grant", "welcome bonus"),),
    ],
)
def test_other_grants_stay(entries):
    assert all(tied(*entries))


@pytest.mark.parametrize(
    ("reasons", "kinds"),
    [
        (("purchase", "first_purchase_bonus"), ["purchase", "grant"]),
        (("purchase", "bonus of your order"), ["purchase", "grant"]),
        # Nothing says that either is a bonus; and where both say so, one of them was bought.
        (("purchase", "purchase of a pack"), ["purchase", "purchase"]),
        (("purchase with bonus", "purchase with bonus"), ["purchase", "purchase"]),
        (("purchase", "manual purchase bonus"), ["purchase", "purchase"]),
    ],
)
def test_beside_a_purchase_its_bonus_is_a_grant(reasons, kinds):
    entries = [
        ("a", delta, "purchase", said) for delta, said in zip((50, 10), reasons, strict=True)
    ]
    assert parted(*entries)["kind"].tolist() == kinds


def test_a_bonus_of_what_was_bought_is_parted():
    bonus = ("a", 10, "purchase", "first_purchase_bonus")
    assert tied(BOUGHT, bonus, expected=50) == [True, False]
    assert tied(BOUGHT, bonus, expected=60) == [True, True]


SHARE = ("b", 40, "purchase", "sale_share")


@pytest.mark.parametrize(
    ("share", "expected", "stays"),
    [
        (SHARE, 50, False),
        (SHARE, None, False),
        (SHARE, 90, True),  # what was bought is less than the payment's worth
        (("a", 40, "purchase", "sale_share"), 50, True),
        (("b", 40, "purchase", "retry"), 50, True),
    ],
)
def test_a_sellers_share_is_parted_from_the_purchase_of_another(share, expected, stays):
    assert tied(BOUGHT, share, expected=expected) == [True, stays]


def test_where_each_purchase_is_called_a_sale_none_is_parted():
    assert tied(("a", 50, "purchase", "sale"), ("b", 50, "purchase", "sale")) == [True, True]


@pytest.mark.parametrize(
    ("spent", "kind"),
    [
        (("a", -50, "refund", "order_paid"), "usage"),
        (("a", -39, "refund", "order_paid"), "refund"),
        (("a", -50, "refund", "refund of the order"), "refund"),
    ],
)
def test_what_the_buyer_spent_on_a_sale_was_not_taken_back(spent, kind):
    assert parted(BOUGHT, SHARE, spent)["kind"].tolist() == ["purchase", "grant", kind]
