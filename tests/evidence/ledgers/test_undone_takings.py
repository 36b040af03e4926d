"""What was taken and given again on one account is no second purchase."""

from __future__ import annotations

import pandas as pd
import pytest

from credit_forensics.evidence.evidence import Evidence
from credit_forensics.evidence.ledgers.undone_takings import join_undone

BOUGHT = ("ann", 50, "purchase", "purchase")


def kinds(*entries):
    """The kinds of ``(user, credits, kind, reason)``, one an hour, afterwards."""
    evidence = Evidence()
    evidence.add("payments", pd.DataFrame({"payment_id": ["cs_1"], "amount_refunded": [0]}))
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
    join_undone(evidence)
    return evidence.ledger.sort_values("entry_id")["kind"].tolist()


@pytest.mark.parametrize(
    ("taken", "given"),
    [
        ("hold", "release"),
        ("expired", "restored"),
        ("storno", "rebooked"),
        ("job", "job_failed"),
        ("used", "restored"),
    ],
)
def test_a_taking_that_is_undone_changes_nothing(taken, given):
    entries = (BOUGHT, ("ann", -20, "refund", taken), ("ann", 20, "purchase", given))
    assert kinds(*entries) == ["purchase", "correction", "correction"]


@pytest.mark.parametrize(
    "entries",
    [
        pytest.param((("ann", -50, "refund", "x"), ("ann", 50, "purchase", "purchase")), id="buys"),
        pytest.param((("ann", -50, "refund", "x"), ("bo", 50, "purchase", "y")), id="another's"),
        pytest.param((("ann", -50, "refund", "x"), ("ann", 40, "purchase", "y")), id="other sum"),
        pytest.param((("ann", 50, "purchase", "y"), ("ann", -50, "refund", "x")), id="given first"),
        pytest.param((("ann", -50, "refund", "refund"), ("ann", 50, "purchase", "y")), id="refund"),
        pytest.param((("ann", -50, "refund", None), ("ann", 50, "purchase", None)), id="no words"),
    ],
)
def test_what_may_be_a_second_grant_stays_one(entries):
    assert kinds(BOUGHT, *entries) == ["purchase", *(kind for _, _, kind, _ in entries)]


def test_each_taking_is_undone_once():
    hold, release = ("ann", -20, "refund", "hold"), ("ann", 20, "purchase", "release")
    assert kinds(BOUGHT, hold, release, release)[-1] == "purchase"
