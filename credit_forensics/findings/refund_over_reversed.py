"""Finds payments of which more credits were taken back than money."""

from __future__ import annotations

from credit_forensics.findings.fee_kept import FEE_KEPT, fee_kept
from credit_forensics.findings.finding import Correction, Finding, Words
from credit_forensics.findings.finding_rows import finding_rows, sentence, shown_money
from credit_forensics.findings.refunded import TOLERANCE, refund_balance
from credit_forensics.findings.usual_penalty import USUAL_PENALTY, usual_penalty
from credit_forensics.tables.catalogue import Tables
from credit_forensics.tables.expressions import ibis, ir

NAME = "refund_over_reversed"
SEVERITY = "medium"
PROOF = "The ledger took back more credits than refunds and lost disputes account for."


def find_refund_over_reversed(tables: Tables) -> ir.Table:
    """Payments whose ledger took back more than the share of the money that was lost.

    A dispute that was won is no loss, so credits taken back for it and not given again are found
    here. See ``refunded.refund_balance`` for the rule; one credit of difference is rounding.
    The cause is ``no_loss`` where no money was lost at all, else ``beyond_share``; and
    ``another_account`` where credits were taken from an account that never had any of them, which
    is then the one that is named. A fee that the shop keeps of every such refund (``fee_kept``) is
    its practice, and so are credits that every whole loss costs beside its own (``usual_penalty``).

    Examples
    --------
    >>> from credit_forensics.engines.duckdb import engine_of
    >>> engine = engine_of(
    ...     payments={"payment_id": ["cs_1"], "amount": [900], "amount_lost": [300],
    ...         "expected_credits": [50]},
    ...     credited={"payment_id": ["cs_1"], "granted": [50], "reversed": [50]})
    >>> engine.frame(find_refund_over_reversed(Tables()))["credits"].tolist()
    [33]
    """
    rows = refund_balance(tables)
    kept = fee_kept(tables).union(usual_penalty(tables), distinct=True).mutate(fee_is_kept=True)
    rows = rows.left_join(kept, "payment_id").drop("payment_id_right")
    beyond = (rows.taken > 0) & (rows.excess > TOLERANCE) & rows.fee_is_kept.isnull()
    rows = rows.filter(beyond | (rows.misplaced > TOLERANCE))
    elsewhere = rows.misplaced > 0
    return finding_rows(
        rows,
        NAME,
        SEVERITY,
        "payment_id event_id amount currency created_at",
        cause=ibis.cases(
            (elsewhere, "another_account"),
            (rows.amount_lost > 0, "beyond_share"),
            else_="no_loss",
        ),
        credited_user_id=ibis.ifelse(elsewhere, rows.misplaced_user_id, rows.credited_user_id),
        probability=1.0,
        credits=ibis.ifelse(elsewhere, rows.misplaced, rows.excess),
        explanation=ibis.ifelse(
            elsewhere,
            sentence(
                "The refund of payment {payment_id} took {misplaced} credits from "
                "{misplaced_user_id}, which never had any of them; they are on "
                "{credited_user_id}.",
                rows,
            ),
            sentence(
                "The ledger took back {taken} credits of payment {payment_id}, where {lost} "
                "of {paid}, refunded or lost in a dispute, account for {most_due}.",
                rows,
                lost=shown_money(rows.amount_lost, rows.currency),
                paid=shown_money(rows.amount, rows.currency),
            ),
        ),
    )


FINDING = Finding(
    NAME,
    SEVERITY,
    PROOF,
    find_refund_over_reversed,
    Correction(
        "What was taken back beyond the share is given again.",
        action="give",
        rule="refund",
        turn=70,
    ),
    en=Words(
        "refund over-reversed",
        "More credits taken back than were refunded.",
        {
            "no_loss": "nothing was refunded",
            "beyond_share": "more than the share",
            "another_account": "taken from another account",
        },
    ),
    de=Words(
        "Erstattung zu hoch zurückgebucht",
        "Mehr Credits zurückgebucht als erstattet.",
        {
            "no_loss": "nichts wurde erstattet",
            "beyond_share": "mehr als der Anteil",
            "another_account": "einem anderen Konto genommen",
        },
    ),
    odd=True,
    practices=(FEE_KEPT, USUAL_PENALTY),
    place=110,
)
