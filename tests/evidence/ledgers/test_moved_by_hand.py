"""Credits that support moved from one account to another are granted once, and held by the other."""

from __future__ import annotations

import pandas as pd
import pytest

from credit_forensics.evidence.evidence import Evidence
from credit_forensics.evidence.ledgers.moved_by_hand import join_moves

START = pd.Timestamp("2026-03-01", tz="UTC")
BOUGHT = ("ann", 50, "purchase", "order", 0)


def kinds(*entries, refunded=0, disputed=False):
    """The kinds of ``(user, credits, kind, reason, hours later)`` afterwards."""
    evidence = Evidence()
    evidence.add(
        "payments",
        pd.DataFrame(
            {"payment_id": ["cs_1"], "amount_refunded": [refunded], "disputed": [disputed]}
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
            "created_at": START + pd.Timedelta(hours=later),
        }
        for number, (user, credits, kind, reason, later) in enumerate(entries)
    ]
    evidence.add("ledger", pd.DataFrame(rows))
    join_moves(evidence)
    return evidence.ledger.sort_values("entry_id")["kind"].tolist()


def taken(reason="ticket 881", credits=-50, user="ann", later=30):
    return (user, credits, "refund", reason, later)


def given(user="bob", credits=50, later=30):
    return (user, credits, "purchase", "ticket 881", later)


def test_what_is_taken_of_one_and_given_to_another_is_no_refund():
    assert kinds(BOUGHT, taken(), given()) == ["purchase", "reversal", "purchase"]


def test_the_order_of_the_two_sides_does_not_matter():
    assert kinds(BOUGHT, given(later=29), taken()) == ["purchase", "purchase", "reversal"]


@pytest.mark.parametrize(("hours", "kind"), [(30 + 24, "reversal"), (30 + 25, "refund")])
def test_both_sides_lie_within_a_day(hours, kind):
    assert kinds(BOUGHT, taken(), given(later=hours))[1] == kind


@pytest.mark.parametrize(
    ("entries", "why"),
    [
        ((BOUGHT, taken("credits refunded"), given()), "it speaks of a refund"),
        ((BOUGHT, taken(), given(user="ann")), "the account is the same"),
        ((BOUGHT, taken(credits=-40), given()), "the credits differ"),
        ((BOUGHT, taken(), given(), given(user="cy")), "two could be the other side"),
        ((("bob", 50, "purchase", "order", 10), taken(later=11)), "nothing was granted before"),
    ],
)
def test_anything_else_stays_as_it_was(entries, why):
    assert kinds(*entries)[1] == "refund", why


@pytest.mark.parametrize("lost", [{"refunded": 500}, {"disputed": True}])
def test_where_money_went_back_it_stays_a_refund(lost):
    assert kinds(BOUGHT, taken(), given(), **lost)[1] == "refund"
