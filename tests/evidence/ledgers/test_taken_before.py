"""What takes credits before its payment brought any is no refund of it."""

from __future__ import annotations

import pytest
from small_ledgers import kinds_after

from credit_forensics.evidence.ledgers.taken_before import leave_taken_before

SWEPT = ("a", -30, "refund", "monthly tidy")
GRANTED = ("a", 100, "purchase", "month")


@pytest.mark.parametrize(
    ("entries", "payment", "kinds"),
    [
        ([SWEPT, GRANTED], {}, ["other", "purchase"]),
        ([GRANTED, SWEPT], {}, ["purchase", "refund"]),
        # A grant may follow its own refund, as events come out of their order.
        ([SWEPT, GRANTED], {"amount_lost": 100}, ["refund", "purchase"]),
        ([("a", -30, "refund", "refunded"), GRANTED], {}, ["refund", "purchase"]),
        # Without a grant nobody knows what came first.
        ([SWEPT], {}, ["refund"]),
        ([("a", -30, "reversal", "undo"), GRANTED], {}, ["reversal", "purchase"]),
    ],
    ids=["swept", "after", "money", "says refund", "no grant", "reversal"],
)
def test_only_what_is_taken_before_the_grant_is_no_refund(entries, payment, kinds):
    assert kinds_after(leave_taken_before, *entries, **payment) == kinds
