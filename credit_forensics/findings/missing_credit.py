"""Finds paid payments without credits, and the gate that stopped each."""

from __future__ import annotations

from datetime import timedelta

from credit_forensics.coverage.absences import covers, with_coverage
from credit_forensics.findings.finding import Correction, Finding, Words
from credit_forensics.findings.finding_rows import finding_rows, sentence
from credit_forensics.resolution.inferred_ties import inferred_grants
from credit_forensics.tables.catalogue import Tables
from credit_forensics.tables.expressions import ibis, ir

NAME = "missing_credit"
SEVERITY = "high"
PROOF = (
    "Stripe says paid, the ledger covers the time and names its payments, and no entry books this."
)

COMPLETING_EVENTS = (
    "checkout.session.completed",
    "checkout.session.async_payment_succeeded",
    "payment_intent.succeeded",
    "invoice.paid",
    "invoice.payment_succeeded",
)
ACKNOWLEDGED = ("credited", "duplicate", "database_error", "no_credits")
# Gates in the order in which a delivery passes them. A delayed payment has two completing events:
# that the handler skips the second matters less than what became of the first.
_REFUSED, _UNCLEAR, _ERROR, _BROKEN_OFF, _SKIPPED, _RESOLVED, _APPLIED = range(1, 8)
REFUSED_EARLIEST = timedelta(seconds=60)
REFUSED_LATEST = timedelta(minutes=15)


def find_missing_credit(tables: Tables) -> ir.Table:
    """Payments whose verdict is *not_credited*; the rightful user is named where it is known.

    What pays for a further period of a subscription is ``missing_renewal``.

    The cause is the furthest gate that any delivery of the payment reached:

    * ``acknowledged_not_applied``: the handler answered (success, duplicate, database error, no
      credits), and the ledger has nothing; or it skipped the completing event, and no other
      delivery came as far as resolution;
    * ``resolution_failed``: it could not tell the user;
    * ``signature_refused``: it refused the signature. A refused delivery names no event, so it is
      also taken where no delivery names the payment and one was refused between one minute
      before and 15 minutes after the payment completed;
    * ``not_delivered``: the log covers the time and no delivery is in it, though its deliveries
      were recognised (see ``coverage``);
    * ``unknown``: the log does not cover the time, the delivery broke off or was answered with an
      error of no known kind, or its end was not understood.

    Examples
    --------
    >>> from credit_forensics.engines.duckdb import engine_of
    >>> engine = engine_of(
    ...     verdicts={"payment_id": ["cs_1"], "verdict": ["not_credited"],
    ...         "rightful_user_id": ["a"]},
    ...     payments={"payment_id": ["cs_1"], "amount": [900]},
    ...     deliveries={"payment_id": ["cs_1"], "outcome": ["database_error"]})
    >>> engine.frame(find_missing_credit(Tables()))["cause"].tolist()
    ['acknowledged_not_applied']
    """
    return missing(tables, NAME, SEVERITY, renewals=False)


def is_renewal(payments: ir.Table) -> ir.BooleanValue:
    """Whether a payment is a further one of a subscription: it has an invoice and no session.

    Examples
    --------
    >>> is_renewal(Tables().payments).type()
    Boolean(nullable=True)
    """
    return (
        (payments.kind == "invoice").coalesce(False)
        & payments.subscription_id.notnull()
        & (payments.billing_reason != "subscription_create").coalesce(True)
    )


def missing(tables: Tables, name: str, severity: str, *, renewals: bool) -> ir.Table:
    """The findings of paid payments without credits, of renewals or of all others."""
    verdicts, payments = tables.verdicts, tables.payments
    unbooked = verdicts.filter(verdicts.verdict == "not_credited")
    of_kind = payments.filter(is_renewal(payments) == renewals)
    unbooked = unbooked.semi_join(of_kind, "payment_id")
    missing = unbooked.join(payments, "payment_id").select(
        unbooked.payment_id,
        unbooked.rightful_user_id,
        payments.amount,
        payments.currency,
        payments.expected_credits,
        paid_at=payments.completed_at.coalesce(payments.created_at),
    )
    completing = _completing_event(unbooked, tables)
    rows = missing.left_join(completing, missing.payment_id == completing.completing_payment)
    rows = rows.mutate(happened_at=rows.completing_at.coalesce(rows.paid_at))
    gates = _furthest_gate(unbooked, tables)
    rows = rows.left_join(gates, rows.payment_id == gates.gate_payment)
    refused = _refused_after(rows, tables)
    rows = rows.left_join(refused, rows.payment_id == refused.refused_payment)
    rows = with_coverage(rows, tables.coverage, "deliveries")
    # That no entry was paired with it is no surer than the pairs that were made.
    pairs = inferred_grants(tables.whole)
    rows = rows.cross_join(pairs.aggregate(tie_probability=pairs.tie_probability.min()))

    gate = rows.gate.coalesce(0)
    in_log = (rows.happened_at >= rows.deliveries_since) & (
        rows.happened_at <= rows.deliveries_until
    )
    covered = covers(rows, "deliveries", rows.happened_at)
    was_refused = (rows.refused_at <= rows.happened_at + REFUSED_LATEST).coalesce(False)
    cause = ibis.cases(
        (gate == _APPLIED, "acknowledged_not_applied"),
        (gate == _RESOLVED, "resolution_failed"),
        (gate == _SKIPPED, "acknowledged_not_applied"),
        (gate.isin((_UNCLEAR, _ERROR, _BROKEN_OFF)), "unknown"),
        ((gate == _REFUSED) | was_refused, "signature_refused"),
        (covered, "not_delivered"),
        else_="unknown",
    )
    reason = ibis.cases(
        (gate == _APPLIED, "the handler acknowledged its delivery and nothing was applied"),
        (gate == _RESOLVED, "the handler could not tell the user"),
        (gate == _SKIPPED, "the handler acknowledged its delivery and skipped it"),
        (gate == _BROKEN_OFF, "its delivery broke off in the handler's log"),
        (gate == _ERROR, "the handler answered its delivery with an error"),
        (gate == _UNCLEAR, "how its delivery ended was not understood in the handler's log"),
        (gate == _REFUSED, "the handler refused the signature of its delivery"),
        (was_refused, "a delivery was refused for its signature at that time"),
        (covered, "the handler's log shows no delivery"),
        (in_log.coalesce(False), "few or no deliveries were recognised in the handler's log"),
        else_="no log covers the time",
    )
    return finding_rows(
        rows,
        name,
        severity,
        "payment_id rightful_user_id amount currency",
        event_id=rows.completing_event,
        cause=cause,
        probability=rows.tie_probability.coalesce(1.0),
        credits=rows.expected_credits,
        created_at=rows.happened_at,
        explanation=sentence(
            "Payment {payment_id} is paid and no ledger entry books it: {reason}.",
            rows,
            reason=reason,
        ),
    )


def _their_events(unbooked: ir.Table, tables: Tables) -> ir.Table:
    """The events of payments that were not booked; nearly all are of others."""
    events = tables.events.semi_join(unbooked, "payment_id")
    return events.select("event_id", "type", "created_at", "payment_id")


def _completing_event(unbooked: ir.Table, tables: Tables) -> ir.Table:
    """The event that should have credited each payment: the session's latest, or the intent's."""
    theirs = _their_events(unbooked, tables)
    events = theirs.filter(theirs.type.isin(COMPLETING_EVENTS))
    ranked = events.mutate(
        place=ibis.row_number().over(
            group_by=events.payment_id,
            order_by=[
                ibis.ifelse(events.type == "payment_intent.succeeded", 1, 0),
                events.created_at.desc(),
                events.event_id,
            ],
        )
    )
    return ranked.filter(ranked.place == 0).select(
        completing_payment=ranked.payment_id,
        completing_event=ranked.event_id,
        completing_at=ranked.created_at,
    )


def _furthest_gate(unbooked: ir.Table, tables: Tables) -> ir.Table:
    """The furthest gate that a delivery of each payment reached."""
    named = tables.deliveries.select("payment_id", "event_id", "outcome")
    theirs = _their_events(unbooked, tables).view()
    # A delivery tells its payment, or its event does.
    told = named.semi_join(unbooked, "payment_id")
    untold = named.filter(named.payment_id.isnull()).semi_join(theirs, "event_id")
    delivered = told.union(untold)
    events = tables.events.semi_join(delivered, "event_id")
    events = events.group_by("event_id").aggregate(
        event_payment=events.payment_id.min(), event_type=events.type.min()
    )
    deliveries = delivered.left_join(events, "event_id").drop("event_id_right")
    completing = deliveries.event_type.isin(COMPLETING_EVENTS).coalesce(False)
    skipped = (deliveries.outcome == "ignored") & completing
    # How an event of another type was answered says nothing of the one that should have credited.
    own = completing | deliveries.event_type.isnull()
    gates = deliveries.select(
        gate_payment=deliveries.payment_id.coalesce(deliveries.event_payment),
        gate=ibis.cases(
            (deliveries.outcome.isin(ACKNOWLEDGED), _APPLIED),
            ((deliveries.outcome == "acknowledged") & own, _APPLIED),
            (deliveries.outcome == "resolution_failed", _RESOLVED),
            (skipped, _SKIPPED),
            (deliveries.outcome.isin(("incomplete", "not_found")), _BROKEN_OFF),
            ((deliveries.outcome == "handler_error") & own, _ERROR),
            (deliveries.outcome.isin(("ignored", "received")) & own, _UNCLEAR),
            (deliveries.outcome == "signature_refused", _REFUSED),
            else_=0,
        ),
    )
    gates = gates.filter(gates.gate_payment.notnull())
    return gates.group_by("gate_payment").aggregate(gate=gates.gate.max())


def _refused_after(rows: ir.Table, tables: Tables) -> ir.Table:
    """The first nameless refused delivery at or after each payment, less the slack."""
    deliveries = tables.deliveries
    refused = deliveries.filter(
        (deliveries.outcome == "signature_refused")
        & deliveries.payment_id.isnull()
        & deliveries.event_id.isnull()
        & deliveries.received_at.notnull()
    )
    # An as-of join that every engine runs: both in one line by time, and a look ahead.
    line = rows.select(
        refused_payment=rows.payment_id,
        at=rows.happened_at - REFUSED_EARLIEST,
        side=ibis.literal(0),
        received_at=ibis.null("timestamp('UTC')"),
    ).union(
        refused.select(
            refused_payment=ibis.null("string"),
            at=refused.received_at,
            side=ibis.literal(1),
            received_at=refused.received_at,
        )
    )
    ahead = ibis.window(order_by=[line.at, line.side], preceding=0, following=None)
    line = line.mutate(refused_at=line.received_at.min().over(ahead))
    return line.filter(line.refused_payment.notnull()).select("refused_payment", "refused_at")


FINDING = Finding(
    NAME,
    SEVERITY,
    PROOF,
    find_missing_credit,
    Correction(
        "What the price is worth is granted to whom two families of evidence name.",
        action="give",
        rule="missing",
        turn=90,
    ),
    en=Words(
        "missing credit",
        "Paid, and no entry in the ledger.",
        {
            "acknowledged_not_applied": "acknowledged, not applied",
            "resolution_failed": "resolution failed",
            "signature_refused": "signature refused",
            "not_delivered": "not delivered",
        },
    ),
    de=Words(
        "fehlende Gutschrift",
        "Bezahlt, aber keine Buchung im Ledger.",
        {
            "acknowledged_not_applied": "bestätigt, nicht gebucht",
            "resolution_failed": "Zuordnung gescheitert",
            "signature_refused": "Signatur abgelehnt",
            "not_delivered": "nicht zugestellt",
        },
    ),
    odd=True,
    place=40,
)
