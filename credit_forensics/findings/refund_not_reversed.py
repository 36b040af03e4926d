"""Finds refunded payments whose credits were not taken back."""

from __future__ import annotations

from credit_forensics.coverage.absences import with_coverage
from credit_forensics.findings.finding import Correction, Finding, Words
from credit_forensics.findings.finding_rows import finding_rows, sentence, shown_money
from credit_forensics.findings.mixed_carts import UNTOLD_LINES
from credit_forensics.findings.refunded import TOLERANCE, refund_balance
from credit_forensics.tables.catalogue import Tables
from credit_forensics.tables.expressions import ir

NAME = "refund_not_reversed"
SEVERITY = "medium"
PROOF = "Stripe shows a refund or a lost dispute, and the ledger took back less than its share."


def find_refund_not_reversed(tables: Tables) -> ir.Table:
    """Payments with a refund or lost dispute whose share of the credits is still there.

    A part refunded takes back its part (see ``refunded.refund_balance`` for the rule); one credit
    of difference is rounding. Credits are those still to be taken back. Where the entries that
    take credits back name no payment, nothing is said: one of them may be this one's.

    Examples
    --------
    >>> from credit_forensics.engines.duckdb import engine_of
    >>> engine = engine_of(
    ...     payments={"payment_id": ["cs_1"], "amount": [900], "amount_lost": [300],
    ...         "expected_credits": [50]},
    ...     coverage={"source": ["refunds"]},
    ...     credited={"payment_id": ["cs_1"], "granted": [50], "reversed": [0]})
    >>> engine.frame(find_refund_not_reversed(Tables()))["credits"].tolist()
    [17]
    """
    rows = with_coverage(refund_balance(tables), tables.coverage, "refunds")
    rows = rows.filter((rows.amount_lost > 0) & (rows.granted > 0) & (rows.outstanding > TOLERANCE))
    rows = rows.filter(rows.refunds_shows)
    return finding_rows(
        rows,
        NAME,
        SEVERITY,
        "payment_id event_id credited_user_id currency created_at",
        probability=1.0,
        credits=rows.outstanding,
        amount=rows.amount_lost,
        explanation=sentence(
            "Of payment {payment_id}, {lost} of {paid} were refunded or lost in a dispute, "
            "which takes back {due} credits; the ledger took back {taken}.",
            rows,
            lost=shown_money(rows.amount_lost, rows.currency),
            paid=shown_money(rows.amount, rows.currency),
        ),
    )


FINDING = Finding(
    NAME,
    SEVERITY,
    PROOF,
    find_refund_not_reversed,
    Correction(
        "The share of the money that went back is taken back, as a refund.",
        action="take",
        rule="refund",
        turn=60,
    ),
    en=Words("refund not reversed", "Refunded or lost to a dispute, and the credits still stand."),
    de=Words(
        "Erstattung nicht zurückgebucht",
        "Erstattet oder im Streitfall verloren, und die Credits stehen noch.",
    ),
    odd=True,
    practices=(UNTOLD_LINES,),
    place=100,
)
