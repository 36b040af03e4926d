"""What takes back a double booking is no refund, whatever it is called."""

from __future__ import annotations

import pytest
from small_ledgers import kinds_after

from credit_forensics.evidence.ledgers.undone_grants import join_undone_grants

TWICE = (("ann", 50, "purchase", "bought"), ("ann", 50, "purchase", "bought"))
UNDONE = ("ann", -50, "refund", "ops clean-up")


def kinds(*entries, refunded=0, disputed=False):
    return kinds_after(join_undone_grants, *entries, amount_refunded=refunded, disputed=disputed)


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
