"""What a payer's other payments say of one: a step of its own, since it reads all payments."""

from __future__ import annotations

from collections.abc import Sequence

from credit_forensics.judgement.families import Family
from credit_forensics.judgement.likely_patrons import (
    habit,
    likely_patrons,
    named_third_persons,
    unnamed_recipients,
)
from credit_forensics.judgement.strangers import strangers
from credit_forensics.judgement.verdicts import MISATTRIBUTED_FROM, person_of_best
from credit_forensics.resolution.history import Mode
from credit_forensics.tables.catalogue import Tables
from credit_forensics.tables.expressions import ibis, ir

HABITS = {
    "payment_id": "string",
    "habit": "float64",
    "elsewhere": "float64",
    "third": "boolean",
}


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
    chance that a payment of which no session, or nothing but the session, speaks is for another,
    and ``third``, whether such a payer's session names a third person.
    """
    best = person_of_best(judged, families)
    patrons = likely_patrons(judged, best, mode, MISATTRIBUTED_FROM)
    unnamed = unnamed_recipients(judged, best, mode)
    strange = strangers(tables.payments, judged, mode)
    thirds = named_third_persons(judged, best, mode)
    rows = ibis.union(
        _say("patron_payment", patrons, habit=habit(patrons)),
        _say("silent_payment", unnamed, elsewhere=unnamed.for_others),
        _say("stranger_payment", strange, elsewhere=strange.strange),
        _say("third_payment", thirds, third=ibis.literal(True)),
    )
    # Of no payment do both of the last two speak: one has no session, the other nothing else.
    return rows.group_by("payment_id").aggregate(
        habit=rows.habit.max(), elsewhere=rows.elsewhere.max(), third=rows.third.any()
    )


def _say(payment_id: str, rows: ir.Table, **said: ir.Value) -> ir.Table:
    """The columns of ``HABITS``: what is said, and null for what is not."""
    nothing = {name: ibis.null(kind) for name, kind in HABITS.items() if name != "payment_id"}
    return rows.select(**{"payment_id": rows[payment_id], **nothing, **said})
