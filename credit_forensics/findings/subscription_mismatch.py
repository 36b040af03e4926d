"""Finds subscriptions whose state in Stripe and whose grants do not fit."""

from __future__ import annotations

from credit_forensics.findings.finding import Correction, Finding, Words
from credit_forensics.findings.finding_rows import finding_rows, sentence
from credit_forensics.tables.catalogue import Tables
from credit_forensics.tables.expressions import ibis, ir

NAME = "subscription_mismatch"
SEVERITY = "medium"
PROOF = (
    "Stripe says what state a subscription is in, and the ledger what was granted for it: granted "
    "for a period that begins after its end, nothing of what a live one paid, or two live ones of "
    "one customer."
)

LIVE = ("active", "trialing", "past_due")
UNGRANTED_FROM = 2
"""So many paid invoices without any grant are no slip of one delivery."""


def find_subscription_mismatch(tables: Tables) -> ir.Table:
    """Subscriptions that were granted without being live, live without grants, or doubled.

    * ``granted_after_end``: the ledger holds credits of a payment whose period begins after the
      subscription ended; what was paid before it ended is owed, whatever became of it later.
    * ``two_live``: one customer has two live subscriptions, and both were granted to one account;
      named once, by the later one.

    A subscription of which only invoices were read has no state, and nothing is said of it.

    Examples
    --------
    >>> import pandas as pd
    >>> from credit_forensics.engines.duckdb import engine_of
    >>> day = pd.Timestamp("2025-09-01", tz="UTC")
    >>> engine = engine_of(
    ...     subscriptions={"subscription_id": ["sub_1"], "status": ["canceled"],
    ...         "ended_at": [day]},
    ...     payments={"payment_id": ["in_1"], "subscription_id": ["sub_1"],
    ...         "period_start": [day + pd.Timedelta("1D")]},
    ...     credited={"payment_id": ["in_1"], "credited_user_id": ["a"], "granted": [50]})
    >>> engine.frame(find_subscription_mismatch(Tables()))["cause"].tolist()
    ['granted_after_end']
    """
    payments, credited, subscriptions = tables.payments, tables.credited, tables.subscriptions
    paid = payments.filter(payments.subscription_id.notnull() & payments.livemode.coalesce(True))
    held = credited.filter(credited.granted - credited.reversed.coalesce(0) > 0)
    granted = paid.join(held, "payment_id").select(
        "payment_id",
        "subscription_id",
        "period_start",
        "amount",
        "currency",
        "event_id",
        "credited_user_id",
        at=held.credited_at.coalesce(paid.created_at),
        credits=held.granted - held.reversed.coalesce(0),
    )
    late = granted.join(subscriptions, "subscription_id")
    late = late.filter(late.ended_at.notnull() & (late.period_start > late.ended_at))
    late = late.select(
        *granted.columns,
        cause=ibis.literal("granted_after_end"),
        told=ibis.literal(", which had ended before that period began"),
    )
    live = is_live(subscriptions)
    latest = granted.mutate(
        place=ibis.row_number().over(
            group_by=granted.subscription_id, order_by=[granted.at.desc(), granted.payment_id]
        )
    )
    both = live.join(latest.filter(latest.place == 0), "subscription_id")
    both = both.mutate(
        place=ibis.row_number().over(
            # Two that are for two accounts are one customer's who pays for another.
            group_by=[both.customer_id, both.credited_user_id],
            order_by=[both.created_at, both.subscription_id],
        )
    )
    second = both.filter(both.place > 0).select(
        *granted.columns,
        cause=ibis.literal("two_live"),
        told=ibis.literal(", while another subscription of the same customer is live and granted"),
    )
    rows = late.union(second).mutate(rightful_user_id=ibis.null("string"))
    rows = rows.mutate(told=sentence(" holds {credits} credits{told}.", rows))
    rows = rows.union(_without_grants(tables, live, paid, granted).select(*rows.columns))
    return finding_rows(
        rows,
        NAME,
        SEVERITY,
        "payment_id event_id cause credited_user_id rightful_user_id credits amount currency",
        probability=1.0,
        created_at=rows.at,
        explanation=sentence("Payment {payment_id} of subscription {subscription_id}{told}", rows),
    )


def is_live(subscriptions: ir.Table) -> ir.Table:
    """Those subscriptions of a customer that run.

    Examples
    --------
    >>> is_live(Tables().subscriptions).columns == Tables().subscriptions.columns
    True
    """
    return subscriptions.filter(
        subscriptions.status.isin(LIVE)
        & subscriptions.customer_id.notnull()
        & subscriptions.ended_at.isnull()
    )


def _without_grants(tables: Tables, live: ir.Table, paid: ir.Table, granted: ir.Table) -> ir.Table:
    """The latest payment of each live subscription of whose payments none was granted."""
    verdicts = tables.verdicts
    unbooked = verdicts.filter(verdicts.verdict == "not_credited").select(
        "payment_id", "rightful_user_id"
    )
    rows = paid.join(unbooked, "payment_id").select(
        "payment_id",
        "subscription_id",
        "period_start",
        "amount",
        "currency",
        "rightful_user_id",
        event_id=ibis.null("string"),
        credited_user_id=ibis.null("string"),
        at=paid.completed_at.coalesce(paid.created_at),
        credits=paid.expected_credits,
        cause=ibis.literal("live_without_grants"),
    )
    rows = rows.semi_join(live, "subscription_id").anti_join(granted, "subscription_id")
    rows = rows.cross_join(granted.aggregate(others=granted.subscription_id.nunique()))
    rows = rows.mutate(
        times=rows.payment_id.count().over(group_by=rows.subscription_id),
        place=ibis.row_number().over(
            group_by=rows.subscription_id, order_by=[rows.at.desc(), rows.payment_id]
        ),
    )
    rows = rows.filter((rows.place == 0) & (rows.times >= UNGRANTED_FROM) & (rows.others > 0))
    return rows.mutate(
        told=sentence(
            " is its latest of {times}, of which none was granted, though the subscription is "
            "live and others are granted.",
            rows,
        )
    )


FINDING = Finding(
    NAME,
    SEVERITY,
    PROOF,
    find_subscription_mismatch,
    Correction(
        "No entry is booked until it is known which subscription is meant to run.",
        person="which subscription is meant to run is known to the customer and the shop alone",
        turn=135,
    ),
    en=Words(
        "subscription mismatch",
        "What was granted does not fit the state of the subscription.",
        {
            "granted_after_end": "granted after its end",
            "two_live": "two live ones",
            "live_without_grants": "live without grants",
        },
    ),
    de=Words(
        "unpassendes Abo",
        "Die Gutschriften passen nicht zum Stand des Abos.",
        {
            "granted_after_end": "nach dem Ende gutgeschrieben",
            "two_live": "zwei laufende",
            "live_without_grants": "läuft ohne Gutschriften",
        },
    ),
    place=94,
)
