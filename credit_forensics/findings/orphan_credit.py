"""Finds purchase entries that no payment backs."""

from __future__ import annotations

from credit_forensics.coverage.absences import with_coverage
from credit_forensics.coverage.linkage import id_prefix, money_events, read_prefixes
from credit_forensics.findings.finding import Correction, Finding, Words
from credit_forensics.findings.finding_rows import finding_rows, sentence
from credit_forensics.tables.catalogue import Tables
from credit_forensics.tables.expressions import ibis, ir

NAME = "orphan_credit"
SEVERITY = "high"
PROOF = (
    "Entries name their payments; this one lies in the time that Stripe's payments cover, "
    "and none backs it."
)


def find_orphan_credit(tables: Tables) -> ir.Table:
    """Purchase entries whose payment is empty or not among the payments, one row an entry.

    Only entries within the span of the payments count: outside it a payment may exist that was
    not exported; and only where the ledger's entries are tied to payments, or those that name one
    are (``few_named``) and this one does; and where it names an object of a kind that was read. An
    entry is backed as well where Stripe's own events hold its event and that event tells of a
    payment (its session may have begun before the span). The cause is ``no_payment`` where the
    entry names a payment that is not there, ``no_event`` where it names only an event,
    ``no_reference`` where it names neither.

    Reversed entries are no finding: a reversal of the same size for the same account and
    reference cancels one entry, and a reference whose purchases, reversals, corrections and
    refunds sum to zero or less is clean.

    Examples
    --------
    >>> import pandas as pd
    >>> from credit_forensics.engines.duckdb import engine_of
    >>> day = pd.Timestamp("2025-09-01", tz="UTC")
    >>> engine = engine_of(
    ...     coverage={"source": ["payments", "events"],
    ...         "since": [day] * 2, "until": [day + pd.Timedelta("30D")] * 2},
    ...     ledger={"entry_id": ["1"], "user_id": ["a"], "delta": [50], "kind": ["purchase"],
    ...         "event_id": ["evt_forged"], "created_at": [day + pd.Timedelta("1D")]})
    >>> engine.frame(find_orphan_credit(Tables()))["cause"].tolist()
    ['no_event']
    """
    ledger, payments, events, coverage = (
        tables.ledger,
        tables.payments,
        tables.events,
        tables.coverage,
    )
    entries = ledger.anti_join(payments, "payment_id").filter(
        lambda entry: entry.kind.isin(("purchase", "reversal", "correction", "refund"))
    )
    # Kinds of reference must not meet: an event may not stand for a user of the same spelling.
    entries = entries.mutate(
        reference=ibis.cases(
            (entries.payment_id.notnull(), sentence("p:{payment_id}", entries)),
            (entries.event_id.notnull(), sentence("e:{event_id}", entries)),
            else_=sentence("u:{user_id}", entries),
        )
    )
    net = entries.group_by("reference").aggregate(net=entries.delta.sum())
    net = net.filter(net.net > 0)
    reversals = entries.filter((entries.kind == "reversal") & (entries.delta < 0))
    cancelling = reversals.group_by(
        cancelled_reference=reversals.reference,
        cancelled_user=reversals.user_id,
        cancelled_delta=-reversals.delta,
    ).aggregate(cancellations=reversals.count())

    grants = entries.filter((entries.kind == "purchase") & (entries.delta > 0))
    # The latest of equal entries are taken as the cancelled ones; which of them makes no odds.
    grants = grants.mutate(
        place=ibis.row_number().over(
            group_by=[grants.reference, grants.user_id, grants.delta],
            order_by=[grants.created_at.desc(), grants.entry_id],
        )
    )
    grants = grants.semi_join(net, "reference")
    grants = grants.left_join(
        cancelling,
        [
            grants.reference == cancelling.cancelled_reference,
            grants.user_id == cancelling.cancelled_user,
            grants.delta == cancelling.cancelled_delta,
        ],
    )
    grants = grants.filter(grants.place >= grants.cancellations.coalesce(0))

    grants = grants.anti_join(money_events(events), "event_id")

    # What names an object of a kind that was not read may well be backed.
    of_a_kind = read_prefixes(tables.whole)
    grants = grants.left_join(of_a_kind, id_prefix(grants.payment_id) == of_a_kind.known_prefix)
    rows = with_coverage(with_coverage(grants, coverage, "payments"), coverage, "events")
    by_name = coverage.filter((coverage.source == "payments") & (coverage.reason == "few_named"))
    rows = rows.cross_join(by_name.aggregate(by_name=by_name.count() > 0))
    within = (rows.created_at >= rows.payments_since) & (rows.created_at <= rows.payments_until)
    rows = rows.filter(
        within.coalesce(False)
        & ibis.cases(
            (
                rows.payment_id.notnull(),
                rows.known_prefix.notnull() & (rows.payments_shows | rows.by_name),
            ),
            (rows.event_id.notnull(), rows.payments_shows & rows.events_shows),
            else_=rows.payments_shows,
        )
    )
    cause = ibis.cases(
        (rows.payment_id.notnull(), "no_payment"),
        (rows.event_id.notnull(), "no_event"),
        else_="no_reference",
    )
    return finding_rows(
        rows,
        NAME,
        SEVERITY,
        "payment_id event_id created_at",
        cause=cause,
        credited_user_id=rows.user_id,
        probability=1.0,
        credits=rows.delta,
        explanation=sentence(
            "Ledger entry {entry_id} grants {delta} credits to {user_id} as a purchase, but no "
            "payment backs it.",
            rows,
        ),
    )


FINDING = Finding(
    NAME,
    SEVERITY,
    PROOF,
    find_orphan_credit,
    Correction(
        "The entry is reversed once it is known that no payment stands behind it.",
        action="take",
        person="the entry may be forged, or its payment not exported",
        turn=120,
    ),
    en=Words(
        "orphan credit",
        "A purchase entry on {credited} that no payment backs.",
        {
            "no_payment": "no such payment",
            "no_event": "no such event",
            "no_reference": "names no payment",
        },
    ),
    de=Words(
        "Gutschrift ohne Zahlung",
        "Eine Kaufbuchung auf {credited}, hinter der keine Zahlung steht.",
        {
            "no_payment": "keine solche Zahlung",
            "no_event": "kein solches Ereignis",
            "no_reference": "nennt keine Zahlung",
        },
    ),
    odd=True,
    place=80,
)
