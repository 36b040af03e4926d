"""What of a partial refund can be a pack's, where the cart held other things beside it."""

from __future__ import annotations

from credit_forensics.findings.practice import Practice
from credit_forensics.tables.catalogue import Tables
from credit_forensics.tables.expressions import ibis, ir


def cart_shares(tables: Tables) -> ir.Table:
    """``payment_id, pack, least, most`` of each refunded cart with credits and other things.

    ``pack`` is what was paid for the lines that bring credits, ``least`` and ``most`` how much of
    the money that was lost can be theirs, all in minor units. A refund of just the pack's price is
    the pack's; of any other sum it names no line.
    What a line costs is told before discounts, so each is taken in proportion to what was paid.

    Parameters
    ----------
    tables
        those of odd payments will do.

    Examples
    --------
    >>> cart_shares(Tables()).columns
    ('payment_id', 'pack', 'least', 'most')
    """
    payments, items = tables.payments, tables.payment_items
    lost = payments.filter((payments.amount_lost > 0) & (payments.amount_lost < payments.amount))
    lost = lost.select("payment_id", "amount", "amount_lost")
    worth = (items.credits > 0).coalesce(False)
    sums = (
        items.filter(items.amount > 0)
        .semi_join(lost, "payment_id")
        .group_by("payment_id")
        .aggregate(
            total=items.amount.sum(),
            lines_of_credits=items.amount.sum(where=worth).coalesce(0),
        )
    )
    rows = lost.join(sums, "payment_id")
    rows = rows.filter((rows.lines_of_credits > 0) & (rows.lines_of_credits < rows.total))
    pack = rows.lines_of_credits * rows.amount // rows.total
    rows = rows.mutate(pack=ibis.greatest(pack, 1))
    rows = rows.mutate(others=rows.amount - rows.pack)
    just_the_pack = (rows.amount_lost == rows.pack) & (rows.pack != rows.others)
    return rows.select(
        "payment_id",
        "pack",
        least=ibis.cases(
            (just_the_pack, rows.pack),
            else_=ibis.greatest(rows.amount_lost - rows.others, 0),
        ),
        most=ibis.least(rows.amount_lost, rows.pack),
    )


def untold_lines(tables: Tables) -> ir.Table:
    """payment_id of each such cart of which it is open how much of the refund is the pack's.

    Examples
    --------
    >>> untold_lines(Tables()).columns
    ('payment_id',)
    """
    shares = cart_shares(tables)
    return shares.filter(shares.least < shares.most).select("payment_id")


UNTOLD_LINES = Practice(
    "untold lines",
    untold_lines,
    "stripe",
    "refunds",
    "held credits and other things, and a part of the money went back: for which of them nothing "
    "says, so refund_not_reversed and refund_over_reversed are had only beyond doubt",
    problem="untold",
)
