"""Refunds of which the shop keeps a fee by its practice, and takes all the credits."""

from __future__ import annotations

from credit_forensics.findings.practice import Practice
from credit_forensics.tables.catalogue import Tables
from credit_forensics.tables.expressions import ibis, ir

LEAST_ALIKE = 3
"""So many refunds that kept the same, and took all the credits, are what the shop does."""
LEAST_BACK, NEARLY_ALL = 75, 90
"""Hundredths of the money that came back: a fee keeps no more than the rest of these."""


def fee_kept(tables: Tables) -> ir.Table:
    """payment_id of each payment whose refund kept a fee and took all of its credits.

    A refund keeps a fee where at least ``LEAST_BACK`` hundredths of the money came back and all the
    others of which the same share, or all but the same sum, came back lost all their credits too:
    ``LEAST_ALIKE`` of them, this one counted. Where ``NEARLY_ALL`` of the money came back, what was
    kept may differ, as a provider's fee does. One refund that took only its share of the credits
    shows that the shop knows no fee. Half of the money and all of the credits is never a practice.

    Parameters
    ----------
    tables
        those of odd payments will do: ``whole`` tells what others were refunded.

    Examples
    --------
    >>> fee_kept(Tables()).columns
    ('payment_id',)
    """
    payments, credited = tables.whole.payments, tables.whole.credited
    lost = payments.filter(
        (payments.amount_lost > 0)
        & (payments.amount_lost < payments.amount)
        & payments.livemode.coalesce(True)
    ).select("payment_id", "amount", "amount_lost", "currency")
    held = credited.filter((credited.granted > 0) & (credited.reversed > 0))
    rows = lost.join(held, "payment_id").select(
        "payment_id",
        "currency",
        back=lost.amount_lost * 100 // lost.amount,
        fee=lost.amount - lost.amount_lost,
        whole=held.reversed == held.granted,
    )
    rows = rows.filter(rows.back >= LEAST_BACK)
    nearly = rows.back >= NEARLY_ALL
    ways = [
        _usual(rows, ["back"]),
        _usual(rows, ["fee", "currency"]),
        nearly & _usual(rows, [nearly]),
    ]
    # Counted before any is left out: who took only its share has a say.
    counted = rows.mutate(usual=ibis.or_(*ways))
    return counted.filter(counted.whole & counted.usual).select("payment_id")


def _usual(rows: ir.Table, alike: list[str | ir.Value]) -> ir.BooleanValue:
    """Whether all refunds that are alike took all the credits, and there are enough of them."""
    of_all = ibis.window(group_by=[rows[one] if isinstance(one, str) else one for one in alike])
    took_all = ibis.ifelse(rows.whole, 1, 0).sum().over(of_all)
    return (took_all >= LEAST_ALIKE) & (took_all == rows.count().over(of_all))


FEE_KEPT = Practice(
    "kept fee",
    fee_kept,
    "ledger",
    "refunds",
    "lost all credits though the shop kept a fee of the refund, as of every refund like it: "
    "refund_over_reversed is not had of them",
)
