"""Finds credits for payments that were never paid."""

from __future__ import annotations

from credit_forensics.findings.finding import Correction, Finding, Words
from credit_forensics.findings.finding_rows import finding_rows, sentence
from credit_forensics.findings.odd_payments import PAID_STATUSES
from credit_forensics.tables.catalogue import Tables
from credit_forensics.tables.expressions import ibis, ir

NAME = "unpaid_credit"
SEVERITY = "high"
PROOF = "Stripe says the payment is unpaid, failed or expired, and the ledger holds its credits."


def find_unpaid_credit(tables: Tables) -> ir.Table:
    """Live payments with net credits that are not paid, or whose session expired.

    Credits booked before an asynchronous payment that later succeeded are not meant: the status
    is the latest that Stripe tells. A payment whose status is not known is passed over, and a
    test payment is ``test_mode_credit``.

    Examples
    --------
    >>> from credit_forensics.engines.duckdb import engine_of
    >>> engine = engine_of(
    ...     payments={"payment_id": ["cs_1"], "payment_status": ["unpaid"]},
    ...     credited={"payment_id": ["cs_1"], "granted": [50], "reversed": [0]})
    >>> engine.frame(find_unpaid_credit(Tables()))["cause"].tolist()
    ['unpaid']
    """
    credited, payments, ledger = tables.credited, tables.payments, tables.ledger
    free = payments.filter(
        (payments.payment_status == "no_payment_required") & (payments.for_credits == "no")
    )
    bought = ledger.filter((ledger.kind == "purchase") & (ledger.delta > 0))
    bought = bought.semi_join(free, "payment_id")
    bought = bought.group_by("payment_id").aggregate(bought=bought.delta.sum())
    rows = credited.join(payments, "payment_id").select(
        credited.payment_id,
        credited.event_id,
        credited.credited_user_id,
        credited.credited_at,
        payments.created_at,
        payments.amount,
        payments.currency,
        kept=credited.granted - credited.reversed.coalesce(0),
        live=payments.livemode.coalesce(True),
        state=ibis.cases(
            ((payments.status == "expired").coalesce(False), "expired"),
            (payments.payment_status.notin(PAID_STATUSES), payments.payment_status),
            else_="",
        ),
    )
    rows = rows.left_join(bought, "payment_id").drop("payment_id_right")
    rows = rows.mutate(
        state=ibis.ifelse((rows.state == "") & rows.bought.notnull(), "free", rows.state),
        kept=ibis.least(rows.kept, rows.bought.coalesce(rows.kept)),
    )
    rows = rows.filter(rows.live & (rows.kept > 0) & (rows.state != ""))
    state = ibis.ifelse(rows.state.isin(("expired", "failed", "free")), rows.state, "unpaid")
    return finding_rows(
        rows,
        NAME,
        SEVERITY,
        "payment_id event_id credited_user_id amount currency",
        cause=state,
        probability=1.0,
        credits=rows.kept,
        created_at=rows.credited_at.coalesce(rows.created_at),
        explanation=sentence(
            "Payment {payment_id} is {state}, yet {kept} credits of it are on {credited_user_id}.",
            rows,
            state=state,
        ),
    )


FINDING = Finding(
    NAME,
    SEVERITY,
    PROOF,
    find_unpaid_credit,
    Correction(
        "All that is left of the credits is reversed.",
        action="take",
        rule="unearned",
        person_for=(
            ("unpaid", "the payment may still succeed"),
            ("free", "whether an order that cost nothing is granted is for the shop to say"),
        ),
        turn=10,
    ),
    en=Words(
        "unpaid credit",
        "Granted although nothing was paid.",
        {
            "unpaid": "unpaid",
            "failed": "payment failed",
            "expired": "expired",
            "free": "cost nothing",
        },
    ),
    de=Words(
        "unbezahlte Gutschrift",
        "Gutgeschrieben, obwohl nichts bezahlt wurde.",
        {
            "unpaid": "unbezahlt",
            "failed": "Zahlung gescheitert",
            "expired": "abgelaufen",
            "free": "kostete nichts",
        },
    ),
    odd=True,
    place=60,
)
