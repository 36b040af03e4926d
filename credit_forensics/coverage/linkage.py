"""Counts what ties the sources to each other: entries and accounts, in few rows."""

from __future__ import annotations

from credit_forensics.tables.catalogue import Tables
from credit_forensics.tables.expressions import ibis, ir

BOUGHT = ("purchase", "other")
"""Kinds of entries that may book a payment: an ``other`` one was not understood."""
TAKEN_BACK = ("refund", "reversal")
MONEY_EVENTS = ("checkout.session.", "payment_intent.", "charge.", "invoice.")


def entry_ties(tables: Tables) -> ir.Table:
    """Entries of bought credits and what they are tied to, a row a group; summed up it is small.

    Returns
    -------
    prefix (of the payment that is named, empty for none), by_event, kind, inferred, tied, inside
    (tied, or in the time of the payments), of_kind (the credits, of kind ``other`` alone), entries,
    credits, and ``payment_id``: any of the group, so that an engine may count bucket by bucket.
    """
    ledger, payments, spans = tables.ledger, tables.payments, tables.spans
    entries = ledger.filter((ledger.delta > 0) & ledger.kind.isin(BOUGHT))
    paid = payments.select(paid_id=payments.payment_id)
    rows = entries.left_join(paid, entries.payment_id == paid.paid_id)
    rows = rows.cross_join(_span(spans, "payments"))
    inferred = rows.tie == "inferred" if "tie" in rows.columns else ibis.literal(False)
    within = (rows.created_at >= rows.span_first) & (rows.created_at <= rows.span_last)
    groups = rows.select(
        "payment_id",
        "kind",
        prefix=id_prefix(rows.payment_id),
        by_event=rows.payment_id.isnull() & rows.event_id.notnull(),
        inferred=inferred.coalesce(False),
        tied=rows.paid_id.notnull(),
        # The entry of the last payment comes after it, and so after the span.
        inside=rows.paid_id.notnull() | within.coalesce(False),
        of_kind=ibis.ifelse(rows.kind == "other", rows.delta, ibis.null("int64")),
        credits=rows.delta,
    )
    keys = ["prefix", "by_event", "kind", "inferred", "tied", "inside", "of_kind"]
    return groups.group_by(keys).aggregate(
        payment_id=groups.payment_id.min(),
        entries=groups.count(),
        credits=groups.credits.sum().cast("int64"),
    )


def id_prefix(payment_id: ir.StringValue) -> ir.StringValue:
    """The beginning of an id that tells what object of Stripe's it is of: ``cs_``, ``pi_``."""
    return payment_id.substr(0, 3).coalesce("")


def read_prefixes(tables: Tables) -> ir.Table:
    """The beginnings of ids of which objects were read: ``known_prefix``, one row each."""
    payments, aliases = tables.payments, tables.payment_objects
    named = payments.filter(payments.payment_intent_id.notnull())
    return ibis.union(
        payments.select(known_prefix=id_prefix(payments.payment_id)).distinct(),
        named.select(known_prefix=id_prefix(named.payment_intent_id)).distinct(),
        aliases.select(known_prefix=id_prefix(aliases.object_id)).distinct(),
        distinct=True,
    )


def money_events(events: ir.Table) -> ir.Table:
    """Stripe's events that tell of a payment, or of money at all."""
    told = ibis.or_(*(events.type.startswith(prefix) for prefix in MONEY_EVENTS))
    return events.filter(events.payment_id.notnull() | told.coalesce(False))


def entries_by_event(tables: Tables) -> ir.Table:
    """Of the entries that name an event and no payment: how many are of an event that was read."""
    ledger = tables.ledger
    entries = ledger.filter(
        (ledger.delta > 0)
        & ledger.kind.isin(BOUGHT)
        & ledger.payment_id.isnull()
        & ledger.event_id.notnull()
    )
    rows = entries.semi_join(money_events(tables.events), "event_id")
    rows = rows.cross_join(_span(tables.spans, "payments"))
    inside = (rows.created_at >= rows.span_first) & (rows.created_at <= rows.span_last)
    rows = rows.filter(inside)
    return rows.aggregate(entries=rows.count(), credits=rows.delta.sum().coalesce(0).cast("int64"))


def account_counts(tables: Tables) -> ir.Table:
    """Accounts that the ledger names, and how many of them ``users`` and ``balances`` have."""
    named = tables.ledger.filter(tables.ledger.user_id.notnull()).select("user_id").distinct()
    known = named.semi_join(tables.users, "user_id")
    held = named.semi_join(tables.balances, "user_id")
    rows = named.aggregate(named=named.count())
    for name, of in (("known", known), ("held", held)):
        rows = rows.cross_join(of.aggregate(of.count().name(name)))
    for name, of in (("users", tables.users), ("balances", tables.balances)):
        rows = rows.cross_join(of.aggregate(of.count().name(name)))
    return rows


def taken_back(tables: Tables) -> ir.Table:
    """Entries that take credits back: ``tied`` to a payment, and ``untied``.

    ``ownerless`` are rejects for want of an account, which show all the same what they booked.
    """
    ledger = tables.ledger
    unowned = ledger.filter(ledger.user_id.isnull())
    rows = ledger.filter((ledger.delta < 0) & ledger.kind.isin(TAKEN_BACK))
    none = rows.payment_id.isnull() & rows.event_id.isnull()
    return rows.aggregate(
        untied=none.sum().coalesce(0).cast("int64"),
        tied=(~none).sum().coalesce(0).cast("int64"),
    ).cross_join(unowned.aggregate(ownerless=unowned.count()))


def _span(spans: ir.Table, source: str) -> ir.Table:
    of = spans.filter(spans.source == source)
    return of.aggregate(span_first=of.first_at.min(), span_last=of.last_at.max())
