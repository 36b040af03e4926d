"""Finds deliveries that the handler's log shows as failed."""

from __future__ import annotations

from credit_forensics.findings.finding import Correction, Finding, Words
from credit_forensics.findings.finding_rows import finding_rows, sentence
from credit_forensics.tables.catalogue import Tables
from credit_forensics.tables.expressions import ibis, ir

NAME = "failed_delivery"
SEVERITY = "medium"
PROOF = "The handler's own log says that it refused the delivery or could not finish it."

FAILURES = (
    ("signature_refused", "was refused for its signature"),
    ("resolution_failed", "ended without a user"),
    ("no_credits", "ended without a number of credits"),
    ("database_error", "ended in a database error"),
    ("handler_error", "was answered with an error"),
    ("incomplete", "broke off"),
    ("not_found", "was answered as not found"),
)


def find_failed_delivery(tables: Tables) -> ir.Table:
    """One row a failed delivery, also where a later one succeeded; the cause is the outcome.

    A delivery whose signature was refused names no event. The sentence gives the line of the
    log and says whether the payment has credits now; what the log quotes as the error may hold
    personal data and stays out.

    Examples
    --------
    >>> from credit_forensics.engines.duckdb import engine_of
    >>> engine = engine_of(
    ...     deliveries={"event_id": ["evt_1", "evt_2"], "outcome": ["credited", "no_credits"]})
    >>> engine.frame(find_failed_delivery(Tables()))["event_id"].tolist()
    ['evt_2']
    """
    deliveries, payments, credited = tables.deliveries, tables.payments, tables.credited
    failed = deliveries.filter(deliveries.outcome.isin([outcome for outcome, _ in FAILURES]))
    events = tables.events.semi_join(failed.view(), "event_id")
    events = events.group_by("event_id").aggregate(event_payment=events.payment_id.min())
    failed = failed.left_join(events, "event_id").drop("event_id_right")
    failed = failed.mutate(payment_id=failed.payment_id.coalesce(failed.event_payment))
    rows = failed.left_join(payments, "payment_id").select(
        failed.payment_id,
        failed.event_id,
        failed.outcome,
        failed.credits,
        failed.received_at,
        failed.source_line,
        payments.amount,
        payments.currency,
    )
    held = credited.select(held_payment=credited.payment_id, granted=credited.granted)
    rows = rows.left_join(held, rows.payment_id == held.held_payment)
    return finding_rows(
        rows,
        NAME,
        SEVERITY,
        payment_id=rows.payment_id,
        event_id=rows.event_id,
        cause=rows.outcome,
        probability=1.0,
        credits=rows.credits,
        amount=rows.amount,
        currency=rows.currency,
        created_at=rows.received_at,
        explanation=sentence(
            "A delivery{event}{payment} {failed}{line}{ending}",
            event=_if_there(rows.event_id, " of event {value}"),
            payment=_if_there(rows.payment_id, " for payment {value}"),
            failed=ibis.cases(*((rows.outcome == name, text) for name, text in FAILURES)),
            line=_if_there(rows.source_line, " (log line {value})"),
            ending=ibis.cases(
                (rows.payment_id.isnull(), "."),
                (rows.granted > 0, "; the payment has credits now."),
                else_="; the payment has no credits.",
            ),
        ),
    )


def _if_there(value: ir.Value, text: str) -> ir.StringValue:
    return ibis.ifelse(value.isnull(), "", sentence(text, value=value))


FINDING = Finding(
    NAME,
    SEVERITY,
    PROOF,
    find_failed_delivery,
    Correction(
        "Nothing is booked: what a failure left undone has a finding of its own.",
    ),
    en=Words(
        "failed delivery",
        "The handler's log shows a failure.",
        {
            "signature_refused": "signature refused",
            "resolution_failed": "resolution failed",
            "no_credits": "no credits named",
            "database_error": "database error",
            "handler_error": "answered with an error",
            "incomplete": "log breaks off",
            "not_found": "not found",
        },
    ),
    de=Words(
        "gescheiterte Zustellung",
        "Das Protokoll des Handlers zeigt einen Fehler.",
        {
            "signature_refused": "Signatur abgelehnt",
            "resolution_failed": "Zuordnung gescheitert",
            "no_credits": "keine Credits genannt",
            "database_error": "Datenbankfehler",
            "handler_error": "mit einem Fehler beantwortet",
            "incomplete": "Protokoll bricht ab",
            "not_found": "nicht gefunden",
        },
    ),
    follows=("missing_credit", "missing_renewal"),
    concerns="delivery",
    place=130,
)
