"""Credits that every payment that is sent back whole costs beside its own, by the shop's terms."""

from __future__ import annotations

from credit_forensics.findings.practice import Practice
from credit_forensics.tables.catalogue import Tables
from credit_forensics.tables.expressions import ibis, ir

LEAST_ALIKE = 3
"""So many that were taken the same beyond their own, and no other, are what the shop does."""
MOST_OF_GRANT = 50
"""Hundredths of the grant: what is taken beyond that is no fee but taken twice."""


def usual_penalty(tables: Tables) -> ir.Table:
    """payment_id of each payment that was lost whole and cost the same credits more as all others.

    Lost disputes are one kind of loss, refunds are another. One that cost nothing more shows that
    there is no such term.

    Parameters
    ----------
    tables
        those of odd payments will do: each that lost money is one.

    Examples
    --------
    >>> usual_penalty(Tables()).columns
    ('payment_id',)
    """
    payments, credited = tables.payments, tables.credited
    lost = payments.filter(
        (payments.amount_lost > 0)
        & (payments.amount_lost >= payments.amount)
        & payments.livemode.coalesce(True)
    )
    lost = lost.select("payment_id", disputed=lost.disputed.coalesce(False))
    held = credited.filter((credited.granted > 0) & (credited.reversed >= credited.granted))
    rows = lost.join(held, "payment_id").select(
        "payment_id", "disputed", granted=held.granted, beyond=held.reversed - held.granted
    )
    of_all = ibis.window(group_by="disputed")
    rows = rows.mutate(
        least=rows.beyond.min().over(of_all),
        most=rows.beyond.max().over(of_all),
        losses=rows.count().over(of_all),
    )
    usual = (rows.losses >= LEAST_ALIKE) & (rows.least == rows.most) & (rows.least > 0)
    small = rows.beyond * 100 <= MOST_OF_GRANT * rows.granted
    return rows.filter(usual & small).select("payment_id")


USUAL_PENALTY = Practice(
    "usual penalty",
    usual_penalty,
    "ledger",
    "refunds",
    "lost the same number of credits beyond their own when all of the money went back, as every "
    "one like them did: refund_over_reversed is not had of them",
)
