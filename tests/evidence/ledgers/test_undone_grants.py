"""What takes back a double booking is no refund, whatever it is called."""

from __future__ import annotations

import pandas as pd
import pytest

from credit_forensics.evidence.evidence import Evidence
from credit_forensics.evidence.ledgers.undone_grants import join_undone_grants

TWICE = (("ann", 50, "purchase", "bought"), ("ann", 50, "purchase", "bought"))
UNDONE = ("ann", -50, "refund", "ops clean-up")


def kinds(*entries, refunded=0, disputed=False):
    """The kinds of ``(user, credits, kind, reason)``, one an hour, afterwards."""
    evidence = Evidence()
    payment = {"payment_id": ["cs_1"], "amount_refunded": [refunded], "disputed": [disputed]}
    evidence.add("payments", pd.DataFrame(payment))
    rows = [
        {
            "entry_id": str(number),
            "payment_id": "cs_1",
            "user_id": user,
            "delta": credits,
            "kind": kind,
            "reason": reason,
            "created_at": pd.Timestamp("2026-03-01", tz="UTC") + pd.Timedelta(hours=number),
        }
        for number, (user, credits, kind, reason) in enumerate(entries)
    ]
    evidence.add("ledger", pd.DataFrame(rows))
    join_undone_grants(evidence)
    return evidence.ledger.sort_values("entry_id")["kind"].tolist()


@pytest.mark.parametrize("kind", ["refund", "other"])
def test_what_undoes_the_second_grant_is_a_reversal(kind):
    assert kinds(*TWICE, ("ann", -50, kind, "ops clean-up"))[2] == "reversal"


def test_no_more_is_undone_than_was_booked_too_often():
    assert kinds(*TWICE, UNDONE, UNDONE)[2:] == ["reversal", "refund"]


@pytest.mark.parametrize(
    ("entries", "lost"),
    [
        ((TWICE[0], UNDONE), {}),
        ((TWICE[0], UNDONE, TWICE[1]), {}),
        ((*TWICE, ("ann", -30, "refund", "ops clean-up")), {}),
        ((*TWICE, ("bob", -50, "refund", "ops clean-up")), {}),
        ((*TWICE, ("ann", -50, "refund", "credits refunded")), {}),
        ((*TWICE, UNDONE), {"refunded": 500}),
        ((*TWICE, UNDONE), {"disputed": True}),
    ],
    ids=["once", "before", "other credits", "another's", "a refund", "money", "disputed"],
)
def test_anything_else_stays_as_it_was(entries, lost):
    assert "reversal" not in kinds(*entries, **lost)
