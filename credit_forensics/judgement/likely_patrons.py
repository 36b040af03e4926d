"""Payers with a habit of paying for others, where a pattern of one payment cannot show it.

Somebody who pays into three accounts of others is a boss, a parent or a teacher more often than one
whose session went wrong three times, each time for somebody else. Where many payers do so, sessions
go wrong for everybody, and the model tells which is which; where few do, their number is too small
to tell a shop whose sessions are faulty from one payer's habit, so nobody is accused by it. Nor is
anybody there for a payer who differs from an account once or twice, unless something that wrong
sessions have in common (an hour, a release, an account that several others' sessions name)
explains a fault, or the payer's own purchases do: an assistant's or a parent's purchase looks the
same.

And where no session says for whom somebody paid who pays for others elsewhere, the account is that
payer's own only as often as elsewhere.
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
HABIT = 0.9
"""How often a payer of so many pays for others by habit; in small worlds with truth always."""
ONCE_OR_TWICE = 2
"""Payments of one payer, up to which they may as well be for another as by a wrong session."""
NO_CAUSE = 0.2
"""Probability of a burst below which no cause in common is seen."""
LONE = 0.25
"""How often such a payer pays for another; in small worlds with truth about as often."""
REGULAR = 3
"""Purchases of a payer's own, from which the model tells by them how likely one for another is."""
_PAYS_FOR_OTHERS = 0.5  # the chance from which a payment counts as one for another


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
    ``patron_payment``: payment ids, and ``team``: whether the payer pays into several accounts.
    """
    named = ibis.coalesce(judged[f"v_{SESSION}"] == judged.credited, False)
    another = ibis.coalesce(best != judged.credited, False)
    sure_of_it = judged.misattributed + judged.patron >= sure
    rows = judged.select(
        "payment_id",
        "created_at",
        "credited",
        "burst",
        payer=best,
        seen=named & another & sure_of_it,
        own=ibis.coalesce(best == judged.credited, False),
    )
    payers = rows.filter(rows.seen).select("payer").distinct()
    rows = rows.filter(rows.seen | rows.own).semi_join(payers.view(), "payer")
    rows = rows.mutate(own=rows.own.cast("int64").sum().over(reach(mode, "payer")))
    seen = rows.filter(rows.seen)
    order = [seen.created_at, seen.payment_id]
    seen = seen.mutate(
        new_pair=_first(["payer", "credited"], order), new_payer=_first(["payer"], order)
    )
    seen = seen.mutate(
        accounts=seen.new_pair.sum().over(reach(mode, "payer")),
        payments=seen.count().over(reach(mode, "payer")),
        payers_of_account=seen.new_pair.sum().over(reach(mode, "credited")),
        payers=seen.new_payer.sum().over(reach(mode)),
    )
    seen = seen.filter(seen.payers < PAYERS)
    lone = (seen.payments <= ONCE_OR_TWICE) & (seen.payers_of_account == 1)
    lone &= (seen.burst < NO_CAUSE) & (seen.own < REGULAR)
    seen = seen.mutate(team=seen.accounts >= ACCOUNTS, lone=lone)
    return seen.filter(seen.team | seen.lone).select("team", patron_payment="payment_id")


def habit(patrons: ir.Table) -> ir.FloatingValue:
    """How often such a payer pays for others, of what ``likely_patrons`` gives."""
    return ibis.ifelse(patrons.team, HABIT, LONE)


def unnamed_recipients(judged: ir.Table, best: ir.StringValue, mode: Mode) -> ir.Table:
    """Payments of payers for others of which no session says for whom they are.

    Parameters
    ----------
    judged, best, mode
        as ``likely_patrons`` takes them.

    Returns
    -------
    ``silent_payment``: payment ids, and ``for_others``: the share of the payer's payments with a
    session that are for others, above 0; as if one more were the payer's own.
    """
    rows = judged.select(
        "payment_id",
        "created_at",
        "patron",
        payer=best,
        silent=judged[f"v_{SESSION}"].isnull(),
    )
    patrons = rows.filter(rows.patron >= _PAYS_FOR_OTHERS).select("payer").distinct()
    rows = rows.semi_join(patrons.view(), "payer")
    rows = rows.mutate(
        other=(~rows.silent & (rows.patron >= _PAYS_FOR_OTHERS)).cast("int64"),
        spoken=(~rows.silent).cast("int64"),
    )
    rows = rows.mutate(
        others=rows.other.sum().over(reach(mode, "payer")),
        all_spoken=rows.spoken.sum().over(reach(mode, "payer")),
    )
    rows = rows.filter(rows.silent & (rows.others > 0))
    return rows.select(silent_payment="payment_id", for_others=rows.others / (rows.all_spoken + 1))


def named_third_persons(judged: ir.Table, best: ir.StringValue, mode: Mode) -> ir.Table:
    """Payments of payers for others whose session names neither the payer nor the credited one.

    An agency buys for its clients, and one purchase for the one went to the other: the credits are
    the named client's, not the payer's. Only of payers of whom at least ``ONCE_OR_TWICE`` other
    payments went to whom the session named, and none to the payer where it named another.

    Parameters
    ----------
    judged, best, mode
        as ``likely_patrons`` takes them.

    Returns
    -------
    ``third_payment``: payment ids.
    """
    session = judged[f"v_{SESSION}"]
    for_another = ibis.coalesce(session != best, False)
    rows = judged.select(
        "payment_id",
        "created_at",
        payer=best,
        followed=(
            for_another
            & ibis.coalesce(session == judged.credited, False)
            & (judged.patron >= _PAYS_FOR_OTHERS)
        ).cast("int64"),
        kept=(for_another & ibis.coalesce(best == judged.credited, False)).cast("int64"),
        third=for_another & (session != judged.credited) & (best != judged.credited),
    )
    thirds = rows.filter(ibis.coalesce(rows.third, False)).select("payer").distinct()
    rows = rows.semi_join(thirds.view(), "payer")
    rows = rows.mutate(
        others=rows.followed.sum().over(reach(mode, "payer")),
        own=rows.kept.sum().over(reach(mode, "payer")),
    )
    rows = rows.filter(
        ibis.coalesce(rows.third, False) & (rows.others >= ONCE_OR_TWICE) & (rows.own == 0)
    )
    return rows.select(third_payment="payment_id")


def reach(mode: Mode, *of: str) -> Any:
    """The rows that may speak for a row: those of its group, as of it the ones up to it."""
    if mode == "hindsight":
        return ibis.window(group_by=of)
    return ibis.cumulative_window(group_by=of, order_by=["created_at", "payment_id"])


def _first(of: list[str], order: list[ir.Column]) -> ir.IntegerValue:
    """1 for the first row of a group, else 0."""
    place = ibis.row_number().over(ibis.window(group_by=of, order_by=order))
    return (place == 0).cast("int64")
