"""Payments that brought what their price was worth before it was changed."""

from __future__ import annotations

from credit_forensics.findings.practice import Practice
from credit_forensics.tables.catalogue import Tables
from credit_forensics.tables.expressions import ir

LEAST_BEFORE, LEAST_SINCE = 5, 3
"""So many payments of a price with one other worth, and then so many with the list's."""


def former_worth(tables: Tables) -> ir.Table:
    """payment_id of each payment granted, like all of its price until a day, another worth.

    The pack grew from 100 to 120, and the price list knows today's worth alone: all payments of
    the price before the first that brought the list's brought the same, at least
    ``LEAST_BEFORE``, and at least ``LEAST_SINCE`` brought the list's. What brings the former worth
    after the change is none of them.

    Parameters
    ----------
    tables
        those of odd payments will do: ``whole`` tells what others of the price were granted.

    Examples
    --------
    >>> former_worth(Tables()).columns
    ('payment_id',)
    """
    of_price = ["price", "amount", "currency", "worth"]
    # Whatever brought another worth than the list's is odd.
    other = _sold(tables)
    other = other.filter(other.granted != other.worth)
    listed = _sold(tables.whole)
    listed = listed.filter(listed.granted == listed.worth).semi_join(other.view(), of_price)
    changed = listed.group_by(of_price).aggregate(
        changed_at=listed["at"].min(), since=listed.count()
    )
    changed = changed.filter(changed.since >= LEAST_SINCE)
    before = other.join(changed, of_price)
    before = before.filter(before["at"] < before.changed_at)
    alike = before.group_by(of_price).aggregate(
        worths=before.granted.nunique(), payments=before.count()
    )
    alike = alike.filter((alike.worths == 1) & (alike.payments >= LEAST_BEFORE))
    return before.semi_join(alike, of_price).select("payment_id")


def _sold(tables: Tables) -> ir.Table:
    """Payments of known worth with one grant, by price and amount."""
    payments, credited = tables.payments, tables.credited
    sold = payments.filter((payments.expected_credits > 0) & payments.livemode.coalesce(True))
    held = credited.filter((credited.granted > 0) & (credited.grants == 1))
    sold = sold.select(
        "payment_id",
        "amount",
        "currency",
        worth="expected_credits",
        price=sold.price_id.coalesce(""),
        at="created_at",
    )
    return sold.join(held.select("payment_id", "granted"), "payment_id")


FORMER_WORTH = Practice(
    "former worth",
    former_worth,
    "payments",
    "prices",
    "brought another number of credits than [prices] says, as all of their price did until a day, "
    "and none since: read as what the price was worth then, so wrong_amount is not had of them",
)
