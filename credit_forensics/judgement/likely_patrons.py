"""Payers who, in a case of few, disagree with the accounts of several others: a question each.

Somebody who pays into three accounts of others is a boss, a parent or a teacher more often than one
whose session went wrong three times, each time for somebody else. Where many payers do so, sessions
go wrong for everybody, and the model tells which is which; where few do, their number is too small
to tell a shop whose sessions are faulty from one payer's habit, so nobody is accused by it.
"""

from __future__ import annotations

from typing import Any

from credit_forensics.resolution.history import Mode
from credit_forensics.resolution.method import SESSION
from credit_forensics.tables.expressions import ibis, ir

ACCOUNTS = 3
"""Accounts of others that one payer's payments go to, from which the payer is asked about."""
PAYERS = 10
"""Payers whose payments go to others, from which the model alone decides."""


def likely_patrons(judged: ir.Table, best: ir.StringValue, mode: Mode, sure: float) -> ir.Table:
    """Payments of payers who may be patrons rather than have had wrong sessions.

    Parameters
    ----------
    judged
        voices joined to ``posteriors``.
    best
        the person whom the posterior favours, an expression over ``judged``.
    mode
        ``as_of`` counts each payment's past alone.
    sure
        the probability that another paid, from which a payment counts.

    Returns
    -------
    ``patron_payment``: payment ids.
    """
    named = ibis.coalesce(judged[f"v_{SESSION}"] == judged.credited, False)
    another = ibis.coalesce(best != judged.credited, False)
    seen = judged.filter(named & another & (judged.misattributed + judged.patron >= sure))
    seen = seen.select("payment_id", "created_at", "credited", payer=best)
    order = [seen.created_at, seen.payment_id]
    seen = seen.mutate(
        new_account=_first(["payer", "credited"], order), new_payer=_first(["payer"], order)
    )
    counted = seen.mutate(
        accounts=seen.new_account.sum().over(_reach(mode, "payer")),
        payers=seen.new_payer.sum().over(_reach(mode)),
    )
    few = counted.filter((counted.accounts >= ACCOUNTS) & (counted.payers < PAYERS))
    return few.select(patron_payment="payment_id")


def _reach(mode: Mode, *of: str) -> Any:
    if mode == "hindsight":
        return ibis.window(group_by=of)
    return ibis.cumulative_window(group_by=of, order_by=["created_at", "payment_id"])


def _first(of: list[str], order: list[ir.Column]) -> ir.IntegerValue:
    """1 for the first row of a group, else 0."""
    place = ibis.row_number().over(ibis.window(group_by=of, order_by=order))
    return (place == 0).cast("int64")
