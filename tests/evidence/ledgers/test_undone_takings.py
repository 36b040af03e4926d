"""What was taken and given again on one account is no second purchase."""

from __future__ import annotations

import pytest
from small_ledgers import kinds_after

from credit_forensics.evidence.ledgers.undone_takings import join_undone

BOUGHT = ("ann", 50, "purchase", "purchase")


def kinds(*entries):
    return kinds_after(join_undone, *entries)


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
