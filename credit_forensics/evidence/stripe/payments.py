"""Assembles payments, their metadata and their events from the Stripe objects in staging.

One payment a Checkout session; a PaymentIntent or charge that no session owns is a payment of
its own. What Stripe's fields mean, and which of them can be absent, is in Stripe's API reference
(Checkout Session, Charge, PaymentIntent, Refund, Dispute).
"""

from __future__ import annotations

from collections.abc import Mapping

import duckdb
import pyarrow as pa

from credit_forensics.evidence.evidence import Evidence
from credit_forensics.evidence.stripe.merge_snapshots import merge_snapshots
from credit_forensics.evidence.stripe.money_sql import MONEY_SQL
from credit_forensics.tables.catalogue import spec

_OBJECTS = ("sessions", "intents", "charges", "refunds", "disputes", "customers")

# Sessions and lone money objects under one heading, before what depends on other payments.
_DRAFTS = """
CREATE OR REPLACE TEMP TABLE drafts AS
WITH outcomes AS (
    SELECT object_id AS session_id,
        min(created_at) FILTER (type = 'checkout.session.completed') AS completed_at,
        min(created_at) FILTER (type = 'checkout.session.async_payment_succeeded') AS late_at,
        bool_or(type = 'checkout.session.async_payment_succeeded') AS late_success,
        bool_or(type = 'checkout.session.async_payment_failed') AS late_failure
    FROM stripe_events WHERE object_id IS NOT NULL
    GROUP BY 1
)
SELECT s.session_id AS payment_id,
    -- A payments export tells of sessions without saying when and in what state they were.
    coalesce(s.created_at, m.created_at) AS created_at,
    coalesce(o.late_at, o.completed_at, m.succeeded_at) AS completed_at,
    coalesce(s.livemode, m.livemode, CASE
        WHEN starts_with(s.session_id, 'cs_live_') THEN true
        WHEN starts_with(s.session_id, 'cs_test_') THEN false END) AS livemode,
    s.mode, coalesce(s.status, CASE WHEN m.succeeded THEN 'complete' END) AS status,
    CASE
        WHEN s.payment_status IN ('paid', 'no_payment_required') THEN s.payment_status
        WHEN m.succeeded OR o.late_success THEN 'paid'
        WHEN o.late_failure THEN 'failed'
        -- A delayed method that failed: the session stays complete and unpaid for ever.
        WHEN s.status = 'complete' AND m.has_charge AND NOT m.pending THEN 'failed'
        ELSE coalesce(s.payment_status, CASE WHEN m.has_charge THEN 'unpaid' END)
    END AS payment_status,
    coalesce(s.amount_total, m.amount) AS amount,
    coalesce(s.currency, m.currency) AS currency,
    coalesce(s.customer_id, m.customer_id) AS customer_id,
    s.customer_creation, s.customer_email, s.client_reference_id,
    coalesce(s.details_email, m.email) AS payer_email,
    coalesce(s.details_name, m.name) AS payer_name,
    s.payment_intent_id, s.price_id, s.metadata_row AS session_metadata_row,
    m.* EXCLUDE (created_at, livemode, intent_status, amount, currency, customer_id, email, name)
FROM merged_sessions s
LEFT JOIN money m ON m.money_id = s.payment_intent_id
LEFT JOIN outcomes o ON o.session_id = s.session_id
UNION ALL BY NAME
SELECT money_id AS payment_id, created_at, succeeded_at AS completed_at, livemode,
    'payment' AS mode,
    CASE WHEN succeeded THEN 'complete' WHEN intent_status = 'canceled' THEN 'expired'
        ELSE 'open' END AS status,
    CASE WHEN succeeded THEN 'paid' ELSE 'unpaid' END AS payment_status,
    amount, currency, customer_id, email AS payer_email, name AS payer_name,
    CASE WHEN money_id IS DISTINCT FROM charge_id THEN money_id END AS payment_intent_id,
    * EXCLUDE (created_at, livemode, intent_status, amount, currency, customer_id, email, name)
FROM money
WHERE lone AND money_id NOT IN (
    SELECT payment_intent_id FROM merged_sessions WHERE payment_intent_id IS NOT NULL)
"""

_METADATA = """
INSERT INTO metadata (payment_id, source, position, key, value)
SELECT * FROM (
    SELECT payment_id, '{source}', unnest(range(1, len(keys) + 1)), unnest(keys),
        unnest(texts) AS text
    FROM (
        SELECT d.payment_id, map_keys(s.metadata) AS keys, map_values(s.metadata) AS texts
        FROM drafts d {join}
    )
)
WHERE text IS NOT NULL
"""
_METADATA_JOINS = {
    "session": "JOIN stripe_sessions s ON s.rowid = d.session_metadata_row",
    "intent": "JOIN stripe_intents s ON s.rowid = d.intent_metadata_row",
    "charge": "JOIN stripe_charges s ON s.rowid = d.charge_metadata_row",
    "customer": (
        "JOIN merged_customers c USING (customer_id)"
        " JOIN stripe_customers s ON s.rowid = c.metadata_row"
    ),
}

_PAYMENTS = """
INSERT INTO payments BY NAME
WITH told_prices AS (
    SELECT payment_id,
        arg_min(value, told_rank) FILTER (key = 'price_id' AND value <> '') AS price_id,
        arg_min(value, told_rank)
            FILTER (key = 'credits' AND regexp_full_match(value, '0*[1-9][0-9]{{0,8}}')) AS credits
    FROM (
        SELECT *, CASE source WHEN 'session' THEN 1 WHEN 'intent' THEN 2 ELSE 3 END AS told_rank
        FROM metadata WHERE key IN ('price_id', 'credits') AND source <> 'customer'
    )
    GROUP BY 1
), presets AS (
    SELECT d.payment_id,
        CASE
            WHEN d.customer_id IS NULL THEN false
            -- Stripe makes the customer that a session asked for, so it is no older than the
            -- session and no earlier payment has it.
            WHEN coalesce(d.customer_creation, '') IN ('always', 'if_required')
                THEN coalesce(min(d.created_at) OVER (PARTITION BY d.customer_id) < d.created_at,
                    false)
            WHEN d.mode = 'subscription' AND c.created_at > d.created_at THEN false
            ELSE true
        END AS customer_preset,
        c.customer_id IS NULL OR c.email IS NOT NULL AS customer_may_have_email
    FROM drafts d LEFT JOIN merged_customers c USING (customer_id)
)
SELECT d.payment_id, d.created_at, d.completed_at, d.livemode, d.mode, d.status,
    d.payment_status, d.amount, d.currency, d.customer_id, p.customer_preset,
    d.client_reference_id, d.payer_email, d.payer_name, d.payment_intent_id, d.card_fingerprint,
    coalesce(d.amount_refunded, 0) AS amount_refunded,
    coalesce(d.disputed, false) AS disputed,
    coalesce(known.credits, t.credits::BIGINT) AS expected_credits,
    d.customer_email IS NOT NULL OR (p.customer_preset AND p.customer_may_have_email)
        AS email_prefilled,
    least(coalesce(d.amount_refunded, 0) + coalesce(d.amount_disputed, 0), d.amount)
        AS amount_lost,
    coalesce(d.price_id, t.price_id) AS price_id
FROM drafts d
JOIN presets p USING (payment_id)
LEFT JOIN told_prices t USING (payment_id)
LEFT JOIN known_prices known ON known.price_id = coalesce(d.price_id, t.price_id)
"""

_EVENTS = """
INSERT INTO events BY NAME
WITH told AS (
    SELECT event_id, min(type) AS type, min(created_at) AS created_at,
        min(object_id) AS object_id, min(object_type) AS object_type,
        min(payment_intent_id) AS payment_intent_id,
        bool_and(livemode) AS livemode, max(api_version) AS api_version
    FROM stripe_events WHERE event_id IS NOT NULL
    GROUP BY 1
), owners AS (
    -- Which payment an object belongs to; charges, refunds and disputes lead there by the money.
    SELECT charge_id AS object_id, coalesce(payment_intent_id, charge_id) AS money_id
    FROM merged_charges
    UNION ALL
    SELECT r.refund_id, coalesce(r.payment_intent_id, c.payment_intent_id, r.charge_id)
    FROM merged_refunds r LEFT JOIN merged_charges c USING (charge_id)
    UNION ALL
    SELECT d.dispute_id, coalesce(d.payment_intent_id, c.payment_intent_id, d.charge_id)
    FROM merged_disputes d LEFT JOIN merged_charges c USING (charge_id)
), money_payments AS (
    SELECT coalesce(payment_intent_id, payment_id) AS money_id, min(payment_id) AS payment_id
    FROM drafts GROUP BY 1
)
SELECT t.event_id, t.type, t.created_at,
    CASE WHEN t.object_type = 'checkout.session' THEN t.object_id ELSE m.payment_id END
        AS payment_id,
    t.object_id, t.livemode, t.api_version
FROM told t
LEFT JOIN owners o ON o.object_id = t.object_id
LEFT JOIN money_payments m ON m.money_id = coalesce(t.payment_intent_id, o.money_id)
"""


def assemble_payments(evidence: Evidence, prices: Mapping[str, int]) -> None:
    """Merge the Stripe objects in staging into ``payments``, ``metadata`` and ``events``.

    Replaces what those three tables hold, so it may be called again after more was loaded.
    Columns that fold text or read user ids (``…_key``, ``reference_…``, ``metadata.user_id``
    and its like) stay empty; a later step fills them.

    Parameters
    ----------
    evidence
        with the staging tables loaded.
    prices
        credits a price is worth, by price id; believed before metadata ``credits``.

    Examples
    --------
    >>> import pandas as pd
    >>> evidence = Evidence()
    >>> evidence.add("stripe_sessions", pd.DataFrame({
    ...     "session_id": ["cs_1"], "payment_status": ["paid"], "price_id": ["price_small"]}))
    >>> assemble_payments(evidence, {"price_small": 50})
    >>> evidence.payments[["payment_id", "payment_status", "expected_credits"]].values.tolist()
    [['cs_1', 'paid', 50]]
    """
    connection: duckdb.DuckDBPyConnection = evidence.connection
    merged = [merge_snapshots(connection, f"stripe_{name}") for name in _OBJECTS]
    rows = {"price_id": list(prices), "credits": [int(value) for value in prices.values()]}
    schema = pa.schema([("price_id", pa.string()), ("credits", pa.int64())])
    known = pa.table(rows, schema=schema)
    connection.register("known_prices", known)
    try:
        connection.execute(MONEY_SQL)
        connection.execute(_DRAFTS)
        for name in ("payments", "metadata", "events"):
            connection.execute(f'DROP TABLE IF EXISTS "{name}"')
            connection.execute(spec(name).create_sql)
        for source, join in _METADATA_JOINS.items():
            connection.execute(_METADATA.format(source=source, join=join))
        connection.execute(_PAYMENTS.format())
        connection.execute(_EVENTS)
    finally:
        connection.unregister("known_prices")
        for name in (*merged, "money", "drafts"):
            connection.execute(f"DROP TABLE IF EXISTS temp.{name}")
