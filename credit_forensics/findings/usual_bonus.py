"""Payments that brought more than the price list says, as all of that size or of that time did."""

from __future__ import annotations

from credit_forensics.findings.practice import Practice
from credit_forensics.tables.catalogue import Tables
from credit_forensics.tables.expressions import ibis, ir

LEAST_ALIKE = 5
"""So many payments with the same on top are what the shop does."""
MOST_OF_THEM = 75
"""Hundredths of the payments of that size, or of that time, that must have it for that."""
MOST_ON_TOP = 50
"""Hundredths of the worth: a larger surplus is no bonus but a fault of a factor or of a price."""


def usual_bonus(tables: Tables) -> ir.Table:
    """payment_id of each payment with a bonus in its one grant that others like it have too.

    Ten per cent on top for five packs or more, twenty credits on top in a week of spring: the same
    share or the same number of credits, for at least ``LEAST_ALIKE`` payments, which are more than
    ``MOST_OF_THEM`` hundredths of all payments that were at least as large, or of all from the
    first to the last of them.

    Parameters
    ----------
    tables
        those of odd payments will do: ``whole`` tells what others were granted.

    Examples
    --------
    >>> usual_bonus(Tables()).columns
    ('payment_id',)
    """
    # Who has more than the worth is odd; the others of the same size or time are not.
    given, rows = (_sold(which) for which in (tables, tables.whole))
    given = given.filter((given.more > 0) & (given.more * 100 <= MOST_ON_TOP * given.worth))
    usual = [_usual(given, rows, alike) for alike in ("share", "more")]
    return ibis.union(*usual, distinct=True)


def _sold(tables: Tables) -> ir.Table:
    """Payments with one grant, and what it brought beyond their worth."""
    payments, credited = tables.payments, tables.credited
    sold = payments.filter(
        (payments.expected_credits > 0) & (payments.amount > 0) & payments.livemode.coalesce(True)
    ).select("payment_id", "amount", "currency", worth="expected_credits", at="created_at")
    held = credited.filter((credited.granted > 0) & (credited.grants == 1))
    sold = sold.join(held.select("payment_id", "granted"), "payment_id")
    more = sold.granted - sold.worth
    return sold.mutate(more=more, share=(more * 100 + sold.worth // 2) // sold.worth)


def _usual(given: ir.Table, rows: ir.Table, alike: str) -> ir.Table:
    """payment_id of those that have the same on top as nearly all of their size or time."""
    groups = given.group_by("currency", alike).aggregate(
        members=given.count(),
        smallest=given.amount.min(),
        first=given["at"].min(),
        last=given["at"].max(),
    )
    groups = groups.filter(groups.members >= LEAST_ALIKE)
    beside = groups.join(rows.drop(alike), "currency")
    counts = beside.group_by("currency", alike, "members").aggregate(
        as_large=(beside.amount >= beside.smallest).sum(),
        meanwhile=beside["at"].between(beside["first"], beside["last"]).sum(),
    )
    fewest = ibis.least(counts.as_large, counts.meanwhile)
    usual = counts.filter(counts.members * 100 > MOST_OF_THEM * fewest)
    return given.semi_join(usual, ["currency", alike]).select("payment_id")


USUAL_BONUS = Practice(
    "usual bonus",
    usual_bonus,
    "payments",
    "prices",
    "were granted somewhat more than their price is worth, the same on top as nearly all of that "
    "size or of that time, and are read as having a bonus: wrong_amount is not had of them; "
    "[prices] can say what they are worth",
)
