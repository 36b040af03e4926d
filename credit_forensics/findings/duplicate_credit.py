"""Finds payments that were granted more than once."""

from __future__ import annotations

from datetime import timedelta

from credit_forensics.findings.finding import Correction, Finding, Words
from credit_forensics.findings.finding_rows import finding_rows, sentence
from credit_forensics.findings.usual_parts import USUAL_PARTS, usual_parts
from credit_forensics.findings.usual_tranches import USUAL_TRANCHES, usual_tranches
from credit_forensics.resolution.inferred_ties import inferred_grants
from credit_forensics.resolution.shared_grants import shared_grants
from credit_forensics.tables.catalogue import Tables
from credit_forensics.tables.expressions import ibis, ir

NAME = "duplicate_credit"
SEVERITY = "high"
PROOF = "The ledger holds two or more grants for one payment that no reversal cancels."

# Monthly parts of a longer period; months differ by three days, and jobs run late.
APART, AT_MOST = timedelta(days=25), timedelta(days=35)
LONG = timedelta(days=45)


def duplicate_surplus(tables: Tables) -> ir.Table:
    """payment_id and surplus (credits, above zero) of each payment granted more than once.

    The surplus is what was granted beyond the price's worth (where that is not known, beyond an
    even share of the grants, unless they are the parts that such payments usually have, see
    ``usual_parts`` and ``usual_tranches``), as far as refunds did not take it back. Two grants that
    make up one price between them leave none, so they are no duplicate. Of what is granted in parts
    over a long period (``instalments``) only a part that follows another too soon is surplus.

    Examples
    --------
    >>> duplicate_surplus(Tables()).columns
    ('payment_id', 'surplus')
    """
    credited, payments = tables.credited, tables.payments
    twice = credited.filter(credited.grants >= 2)
    twice = twice.anti_join(shared_grants(tables), "payment_id")
    twice = twice.anti_join(usual_parts(tables), "payment_id")
    twice = twice.anti_join(usual_tranches(tables), "payment_id")
    rows = twice.join(payments, "payment_id").select(
        twice.payment_id,
        kept=twice.granted - twice.reversed.coalesce(0),
        beyond=twice.granted
        - payments.expected_credits.nullif(0).coalesce(twice.granted // twice.grants),
        live=payments.livemode.coalesce(True),
    )
    rows = rows.filter(rows.live)
    parts = instalments(credited, payments, tables.ledger)
    rows = rows.left_join(parts, "payment_id").select(
        rows.payment_id, surplus=ibis.least(rows.kept, parts.too_soon.coalesce(rows.beyond))
    )
    return rows.filter(rows.surplus > 0)


def instalments(credited: ir.Table, payments: ir.Table, ledger: ir.Table) -> ir.Table:
    """payment_id and too_soon (credits) of each subscription's payment that is granted in parts.

    A year that was paid at once and is granted month by month: the grants lie at least
    ``APART`` from one another, within the period that was paid; where no invoice shows the
    period, there are three or more, none of them longer than ``AT_MOST`` after the one before.

    Examples
    --------
    >>> from credit_forensics.tables.catalogue import Tables
    >>> tables = Tables()
    >>> instalments(tables.credited, tables.payments, tables.ledger).columns
    ('payment_id', 'too_soon')
    """
    twice = credited.filter(credited.grants >= 2)
    subscribed = payments.filter(
        payments.subscription_id.notnull() | (payments.mode == "subscription").coalesce(False)
    )
    grants = ledger.filter((ledger.kind == "purchase") & (ledger.delta > 0))
    grants = grants.semi_join(twice, "payment_id").semi_join(subscribed, "payment_id")
    order = ibis.window(group_by=grants.payment_id, order_by=[grants.created_at, grants.entry_id])
    grants = grants.select(
        "payment_id", "delta", "created_at", last=grants.created_at.lag().over(order)
    )
    soon = (grants.created_at < grants["last"] + APART).coalesce(False)
    late = (grants.created_at > grants["last"] + AT_MOST).coalesce(False)
    sums = grants.group_by("payment_id").aggregate(
        too_soon=grants.delta.sum(where=soon).coalesce(0),
        apart=grants.count(where=~soon),
        late=late.any(),
        last_at=grants.created_at.max(),
    )
    rows = sums.join(subscribed, "payment_id").select(
        sums,
        of_a_long_period=(subscribed.period_end > subscribed.period_start + LONG)
        & (sums.last_at <= subscribed.period_end),
        regular=subscribed.period_end.isnull() & (sums.apart >= 3) & ~sums.late,
    )
    rows = rows.filter(
        (rows.apart >= 2) & (rows.of_a_long_period.coalesce(False) | rows.regular.coalesce(False))
    )
    return rows.select("payment_id", "too_soon")


def find_duplicate_credit(tables: Tables) -> ir.Table:
    """Live payments with two grants or more, net of reversals; credits are the surplus.

    The cause is ``one_event`` where every grant names the same event (a redelivery booked
    again), ``checkout_and_invoice`` where one names the session, or an event of it, and
    another its invoice, ``several_events`` where they name other different ones, ``unknown``
    where none is named.
    The time is that of the latest grant.

    Examples
    --------
    >>> from credit_forensics.engines.duckdb import engine_of
    >>> engine = engine_of(
    ...     payments={"payment_id": ["cs_1"], "expected_credits": [50]},
    ...     credited={"payment_id": ["cs_1"], "granted": [100], "reversed": [0],
    ...         "grants": [2]})
    >>> engine.frame(find_duplicate_credit(Tables()))["credits"].tolist()
    [50]
    """
    credited, payments, ledger = tables.credited, tables.payments, tables.ledger
    surplus = duplicate_surplus(tables)
    grants = ledger.filter((ledger.kind == "purchase") & (ledger.delta > 0))
    grants = grants.semi_join(surplus, "payment_id")
    told = tables.events.semi_join(grants.filter(grants.event_id.notnull()), "event_id")
    told = told.group_by("event_id").aggregate(event_type=told.type.min())
    grants = grants.left_join(told, "event_id").drop("event_id_right")
    events = grants.group_by("payment_id").aggregate(
        event_count=grants.event_id.nunique(),
        last_granted_at=grants.created_at.max(),
        by_checkout=(
            grants.event_type.startswith("checkout.session.")
            | (grants.event_type.isnull() & (grants.tie == "named"))
        ).any(),
        by_invoice=(
            grants.event_type.startswith("invoice.")
            | (grants.event_type.isnull() & (grants.tie == "by invoice"))
        ).any(),
    )
    rows = (
        surplus.join(credited, "payment_id")
        .join(payments, "payment_id")
        .select(
            surplus.payment_id,
            surplus.surplus,
            credited.credited_user_id,
            credited.credited_at,
            credited.event_id,
            credited.grants,
            credited.accounts,
            payments.amount,
            payments.currency,
            payments.created_at,
        )
        .left_join(events, "payment_id")
        .drop("payment_id_right")
        .left_join(inferred_grants(tables), "payment_id")
        .drop("payment_id_right")
    )
    return finding_rows(
        rows,
        NAME,
        SEVERITY,
        "payment_id event_id credited_user_id amount currency",
        cause=ibis.cases(
            ((rows.by_checkout & rows.by_invoice).coalesce(False), "checkout_and_invoice"),
            (rows.event_count == 1, "one_event"),
            (rows.event_count > 1, "several_events"),
            else_="unknown",
        ),
        probability=rows.tie_probability.coalesce(1.0),
        credits=rows.surplus,
        created_at=rows.last_granted_at.coalesce(rows.credited_at, rows.created_at),
        explanation=sentence(
            "Payment {payment_id} was granted {grants} times, on {accounts}{noun}; {surplus} "
            "credits are too many.",
            rows,
            noun=ibis.ifelse(rows.accounts == 1, " account", " accounts"),
        ),
    )


FINDING = Finding(
    NAME,
    SEVERITY,
    PROOF,
    find_duplicate_credit,
    Correction(
        "The surplus is reversed, first on accounts that are not the payer's.",
        action="take",
        rule="surplus",
        turn=30,
    ),
    en=Words(
        "duplicate credit",
        "Granted more than once.",
        {
            "one_event": "one event booked again",
            "several_events": "several events",
            "checkout_and_invoice": "by checkout and by invoice",
        },
    ),
    de=Words(
        "doppelte Gutschrift",
        "Mehr als einmal gutgeschrieben.",
        {
            "one_event": "ein Ereignis erneut gebucht",
            "several_events": "mehrere Ereignisse",
            "checkout_and_invoice": "durch Kasse und durch Rechnung",
        },
    ),
    odd=True,
    practices=(USUAL_PARTS, USUAL_TRANCHES),
    place=50,
)
