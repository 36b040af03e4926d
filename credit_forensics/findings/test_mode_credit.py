"""Finds credits booked for Stripe's test mode."""

from __future__ import annotations

from credit_forensics.findings.finding import Correction, Finding, Words
from credit_forensics.findings.finding_rows import finding_rows, sentence
from credit_forensics.tables.catalogue import Tables
from credit_forensics.tables.expressions import ir

NAME = "test_mode_credit"
SEVERITY = "high"
PROOF = "Stripe says livemode is false, and the ledger holds credits for the payment."


def find_test_mode_credit(tables: Tables) -> ir.Table:
    """Test-mode payments with credits in the ledger, net of reversals and refunds.

    Examples
    --------
    >>> from credit_forensics.engines.duckdb import engine_of
    >>> engine = engine_of(
    ...     payments={"payment_id": ["cs_1", "cs_2"], "livemode": [False, True]},
    ...     credited={"payment_id": ["cs_1", "cs_2"], "granted": [50, 50], "reversed": [0, 0]})
    >>> engine.frame(find_test_mode_credit(Tables()))["payment_id"].tolist()
    ['cs_1']
    """
    credited, payments = tables.credited, tables.payments
    test = payments.filter(payments.livemode == False)  # noqa: E712 - an Ibis comparison
    rows = credited.join(test, "payment_id").select(
        credited.payment_id,
        credited.event_id,
        credited.credited_user_id,
        credited.credited_at,
        test.created_at,
        test.amount,
        test.currency,
        kept=credited.granted - credited.reversed.coalesce(0),
    )
    rows = rows.filter(rows.kept > 0)
    return finding_rows(
        rows,
        NAME,
        SEVERITY,
        "payment_id event_id credited_user_id amount currency",
        probability=1.0,
        credits=rows.kept,
        created_at=rows.credited_at.coalesce(rows.created_at),
        explanation=sentence(
            "Payment {payment_id} was made in test mode, yet {kept} credits of it are on "
            "{credited_user_id}.",
            rows,
        ),
    )


FINDING = Finding(
    NAME,
    SEVERITY,
    PROOF,
    find_test_mode_credit,
    Correction(
        "All that is left of the credits is reversed.",
        action="take",
        rule="unearned",
        turn=20,
    ),
    en=Words("test-mode credit", "A test-mode payment granted in the live ledger."),
    de=Words(
        "Gutschrift aus dem Testmodus",
        "Eine Zahlung im Testmodus, im echten Ledger gutgeschrieben.",
    ),
    odd=True,
    place=70,
)
