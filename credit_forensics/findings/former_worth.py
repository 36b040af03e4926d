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
    payments, credited = tables.whole.payments, tables.whole.credited
    sold = payments.filter((payments.expected_credits > 0) & payments.livemode.coalesce(True))
    held = credited.filter((credited.granted > 0) & (credited.grants == 1))
    sold = sold.select(
        "payment_id",
        "amount",
        "currency",
        "expected_credits",
        price=sold.price_id.coalesce(""),
        at=sold.created_at,
    )
    rows = sold.join(held.select("payment_id", "granted"), "payment_id")
    of_price = ["price", "amount", "currency", "expected_credits"]
    listed = rows.filter(rows.granted == rows.expected_credits).view()
    changed = listed.group_by(of_price).aggregate(
        changed_at=listed["at"].min(), since=listed.count()
    )
    changed = changed.filter(changed.since >= LEAST_SINCE)
    before = rows.join(changed, of_price)
    before = before.filter(before["at"] < before.changed_at)
    alike = before.group_by(of_price).aggregate(
        worths=before.granted.nunique(), payments=before.count()
    )
    alike = alike.filter((alike.worths == 1) & (alike.payments >= LEAST_BEFORE))
    return before.semi_join(alike, of_price).select("payment_id")


FORMER_WORTH = Practice(
    "former worth",
    former_worth,
    "payments",
    "prices",
    "brought another number of credits than [prices] says, as all of their price did until a day, "
    "and none since: read as what the price was worth then, so wrong_amount is not had of them",
)
