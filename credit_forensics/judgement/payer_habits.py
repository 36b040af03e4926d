"""What a payer's other payments say of one: a step of its own, since it reads all payments."""

from __future__ import annotations

from collections.abc import Sequence

from credit_forensics.judgement.families import Family
from credit_forensics.judgement.likely_patrons import habit, likely_patrons, unnamed_recipients
from credit_forensics.judgement.strangers import strangers
from credit_forensics.judgement.verdicts import MISATTRIBUTED_FROM, person_of_best
from credit_forensics.resolution.history import Mode
from credit_forensics.tables.catalogue import Tables
from credit_forensics.tables.expressions import ibis, ir

HABITS = {"payment_id": "string", "habit": "float64", "elsewhere": "float64"}


def payer_habits(
    tables: Tables, judged: ir.Table, families: Sequence[Family], mode: Mode
) -> ir.Table:
    """The payments of which the payer's other payments say something, a row each.

    Parameters
    ----------
    tables
        the evidence.
    judged
        voices joined to ``posteriors``.
    families
        in the order of the patterns.
    mode
        ``as_of`` counts each payment's past alone.

    Returns
    -------
    columns of ``HABITS``: ``habit``, how often such a payer pays for others, and ``elsewhere``, the
    chance that a payment of which no session, or nothing but the session, speaks is for another.
    """
    best = person_of_best(judged, families)
    patrons = likely_patrons(judged, best, mode, MISATTRIBUTED_FROM)
    unnamed = unnamed_recipients(judged, best, mode)
    strange = strangers(tables.payments, judged, mode)
    nothing = ibis.null("float64")
    rows = ibis.union(
        patrons.select(payment_id=patrons.patron_payment, habit=habit(patrons), elsewhere=nothing),
        unnamed.select(
            payment_id=unnamed.silent_payment, habit=nothing, elsewhere=unnamed.for_others
        ),
        strange.select(
            payment_id=strange.stranger_payment, habit=nothing, elsewhere=strange.strange
        ),
    )
    # Of no payment do both of the last two speak: one has no session, the other nothing else.
    return rows.group_by("payment_id").aggregate(
        habit=rows.habit.max(), elsewhere=rows.elsewhere.max()
    )
