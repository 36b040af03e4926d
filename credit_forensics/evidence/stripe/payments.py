"""Assembles payments, what tells of them, their metadata and events from the objects in staging.

A payment is one sum of money for one purchase, whichever of Checkout session, invoice, invoice
payment, PaymentIntent and charge tell of it. What Stripe's fields mean, and which of them can be
absent, is in Stripe's API reference.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import duckdb

from credit_forensics.case_file import Price
from credit_forensics.evidence.evidence import Evidence
from credit_forensics.evidence.stripe.credits_a_unit import Unit, credits_a_unit
from credit_forensics.evidence.stripe.invoice_links import TABLES as LINK_TABLES
from credit_forensics.evidence.stripe.invoice_links import link_invoices
from credit_forensics.evidence.stripe.merge_snapshots import merge_snapshots
from credit_forensics.evidence.stripe.money_sql import MONEY_SQL
from credit_forensics.evidence.stripe.payment_items import take_items
from credit_forensics.tables.catalogue import spec

_OBJECTS = (
    "sessions",
    "intents",
    "charges",
    "refunds",
    "disputes",
    "customers",
    "invoices",
    "invoice_payments",
    "subscriptions",
    "prices",
    "products",
)
_MADE = (
    *("payments", "payment_objects", "payment_items", "prices"),
    *("subscriptions", "metadata", "events"),
)

# Sessions, lone invoices and lone money under one heading, before what depends on others.
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
), paid_invoices AS (
    SELECT object_id AS invoice_id, min(created_at) AS told_at FROM stripe_events
    WHERE type IN ('invoice.paid', 'invoice.payment_succeeded') GROUP BY 1
), invoices AS (
    SELECT i.* EXCLUDE (payment_intent_id, charge_id, paid_at),
        coalesce(i.paid_at, t.told_at) AS paid_at,
        CASE WHEN i.status = 'paid' THEN coalesce(nullif(i.amount_paid, 0), i.total)
            ELSE coalesce(i.total, i.amount_paid) END AS amount
    FROM merged_invoices i LEFT JOIN paid_invoices t USING (invoice_id)
), session_links AS (
    SELECT session_id, max(invoice_id) AS invoice_id, max(money_id) AS money_id,
        max(refunded_in_parts) AS refunded_in_parts, max(disputed_in_parts) AS disputed_in_parts
    FROM links WHERE session_id IN (SELECT session_id FROM merged_sessions) GROUP BY 1
)
SELECT s.session_id AS payment_id, 'checkout' AS kind,
    -- A payments export tells of sessions without saying when and in what state they were.
    coalesce(s.created_at, m.created_at) AS created_at,
    coalesce(o.late_at, o.completed_at, m.succeeded_at, i.paid_at) AS completed_at,
    coalesce(s.livemode, m.livemode, CASE
        WHEN starts_with(s.session_id, 'cs_live_') THEN true
        WHEN starts_with(s.session_id, 'cs_test_') THEN false END) AS livemode,
    s.mode, i.billing_reason, coalesce(s.subscription_id, i.subscription_id) AS subscription_id,
    i.period_start, i.period_end,
    coalesce(s.status, CASE WHEN m.succeeded THEN 'complete' END) AS status,
    CASE
        WHEN s.payment_status IN ('paid', 'no_payment_required') THEN s.payment_status
        WHEN m.succeeded OR o.late_success THEN 'paid'
        WHEN o.late_failure THEN 'failed'
        WHEN i.status = 'paid'
            THEN CASE WHEN i.amount > 0 THEN 'paid' ELSE 'no_payment_required' END
        -- A delayed method that failed: the session stays complete and unpaid for ever.
        WHEN s.status = 'complete' AND m.has_charge AND NOT m.pending THEN 'failed'
        ELSE coalesce(s.payment_status, CASE WHEN m.has_charge THEN 'unpaid' END)
    END AS payment_status,
    coalesce(s.amount_total, i.amount, m.amount) AS amount,
    coalesce(s.currency, m.currency, i.currency) AS currency,
    coalesce(s.customer_id, m.customer_id, i.customer_id) AS customer_id,
    s.customer_creation, s.customer_email, s.client_reference_id,
    coalesce(s.details_email, m.email, i.customer_email) AS payer_email,
    coalesce(s.details_name, m.name, i.customer_name) AS payer_name,
    coalesce(s.payment_intent_id, nullif(l.money_id, m.charge_id)) AS payment_intent_id,
    s.price_id, s.metadata_row AS session_metadata_row, s.lines_row AS session_lines_row,
    l.invoice_id, i.metadata_row AS invoice_metadata_row, i.lines_row AS invoice_lines_row,
    i.subscription_metadata_row,
    m.* EXCLUDE (created_at, livemode, intent_status, amount, currency, customer_id, email, name)
        REPLACE (coalesce(l.refunded_in_parts, m.amount_refunded) AS amount_refunded,
            coalesce(l.disputed_in_parts, m.amount_disputed) AS amount_disputed)
FROM merged_sessions s
LEFT JOIN session_links l ON l.session_id = s.session_id
LEFT JOIN invoices i ON i.invoice_id = l.invoice_id
LEFT JOIN money m ON m.money_id = coalesce(s.payment_intent_id, l.money_id)
LEFT JOIN outcomes o ON o.session_id = s.session_id
UNION ALL BY NAME
SELECT l.invoice_id AS payment_id, 'invoice' AS kind,
    coalesce(i.created_at, m.created_at) AS created_at,
    CASE WHEN m.succeeded OR i.status = 'paid' THEN coalesce(i.paid_at, m.succeeded_at)
        END AS completed_at,
    coalesce(i.livemode, m.livemode) AS livemode,
    CASE WHEN i.subscription_id IS NOT NULL THEN 'subscription' ELSE 'payment' END AS mode,
    i.billing_reason, i.subscription_id, i.period_start, i.period_end,
    CASE WHEN i.status = 'paid' OR m.succeeded THEN 'complete'
        WHEN i.status IN ('void', 'uncollectible') THEN 'expired' ELSE 'open' END AS status,
    CASE WHEN i.status = 'paid' AND i.amount <= 0 THEN 'no_payment_required'
        WHEN i.status = 'paid' OR m.succeeded THEN 'paid' ELSE 'unpaid' END AS payment_status,
    coalesce(i.amount, m.amount) AS amount, coalesce(i.currency, m.currency) AS currency,
    coalesce(i.customer_id, m.customer_id) AS customer_id,
    coalesce(m.email, i.customer_email) AS payer_email,
    coalesce(m.name, i.customer_name) AS payer_name,
    nullif(l.money_id, m.charge_id) AS payment_intent_id,
    l.invoice_id, i.metadata_row AS invoice_metadata_row, i.lines_row AS invoice_lines_row,
    i.subscription_metadata_row,
    m.* EXCLUDE (created_at, livemode, intent_status, amount, currency, customer_id, email, name)
        REPLACE (coalesce(l.refunded_in_parts, m.amount_refunded) AS amount_refunded,
            coalesce(l.disputed_in_parts, m.amount_disputed) AS amount_disputed)
FROM links l
LEFT JOIN invoices i ON i.invoice_id = l.invoice_id
LEFT JOIN money m ON m.money_id = l.money_id
WHERE l.invoice_id IS NOT NULL AND (i.invoice_id IS NOT NULL OR m.money_id IS NOT NULL)
    AND (l.session_id IS NULL OR l.session_id NOT IN (SELECT session_id FROM merged_sessions))
UNION ALL BY NAME
SELECT money_id AS payment_id,
    CASE WHEN money_id IS DISTINCT FROM charge_id THEN 'intent' ELSE 'charge' END AS kind,
    created_at, succeeded_at AS completed_at, livemode,
    'payment' AS mode,
    CASE WHEN succeeded THEN 'complete' WHEN intent_status = 'canceled' THEN 'expired'
        ELSE 'open' END AS status,
    CASE WHEN succeeded THEN 'paid' ELSE 'unpaid' END AS payment_status,
    amount, currency, customer_id, email AS payer_email, name AS payer_name,
    CASE WHEN money_id IS DISTINCT FROM charge_id THEN money_id END AS payment_intent_id,
    * EXCLUDE (created_at, livemode, intent_status, amount, currency, customer_id, email, name)
FROM money
WHERE lone
    AND money_id NOT IN (
        SELECT payment_intent_id FROM merged_sessions WHERE payment_intent_id IS NOT NULL)
    AND money_id NOT IN (SELECT money_id FROM invoice_money)
    AND money_id NOT IN (SELECT money_id FROM inferred_money)
"""

# Every alias of a payment but its own id; refunds and disputes lead there by their money.
_ALIASES = """
INSERT INTO payment_objects BY NAME
WITH moneys AS (
    SELECT payment_intent_id AS money_id, payment_id FROM drafts
    WHERE payment_intent_id IS NOT NULL
    UNION ALL
    SELECT money_id, payment_id FROM drafts
    WHERE money_id IS NOT NULL AND money_id IS DISTINCT FROM payment_intent_id
    UNION ALL
    SELECT t.money_id, d.payment_id FROM invoice_money t JOIN drafts d USING (invoice_id)
), owned AS (
    SELECT m.money_id, min(payment_id) AS payment_id,
        CASE WHEN count(i.money_id) > 0 THEN 'inferred' ELSE 'named' END AS tie
    FROM moneys m LEFT JOIN inferred_money i ON i.money_id = m.money_id GROUP BY 1
), told AS (
    SELECT money_id AS object_id, 'intent' AS kind, payment_id, tie FROM owned
    WHERE NOT starts_with(money_id, 'ch_') AND NOT starts_with(money_id, 'py_')
    UNION ALL
    SELECT c.charge_id, 'charge', o.payment_id, o.tie FROM merged_charges c
    JOIN owned o ON o.money_id = coalesce(c.payment_intent_id, c.charge_id)
    UNION ALL
    SELECT invoice_id, 'invoice', payment_id, 'named' FROM drafts WHERE invoice_id IS NOT NULL
    UNION ALL
    SELECT p.invoice_payment_id, 'invoice_payment', d.payment_id, 'named'
    FROM merged_invoice_payments p JOIN drafts d USING (invoice_id)
    UNION ALL
    SELECT r.refund_id, 'refund', o.payment_id, o.tie
    FROM merged_refunds r LEFT JOIN merged_charges c USING (charge_id)
    JOIN owned o
        ON o.money_id = coalesce(r.payment_intent_id, c.payment_intent_id, r.charge_id)
    UNION ALL
    SELECT d.dispute_id, 'dispute', o.payment_id, o.tie
    FROM merged_disputes d LEFT JOIN merged_charges c USING (charge_id)
    JOIN owned o
        ON o.money_id = coalesce(d.payment_intent_id, c.payment_intent_id, d.charge_id)
)
SELECT payment_id, object_id, kind, tie FROM told WHERE object_id <> payment_id
"""

_METADATA = """
INSERT INTO metadata (payment_id, source, position, key, value)
SELECT * FROM (
    SELECT payment_id, '{source}', unnest(range(1, len(keys) + 1)), unnest(keys),
        unnest(texts) AS text
    FROM (
        SELECT payment_id, map_keys(entries) AS keys, map_values(entries) AS texts
        FROM (SELECT d.payment_id, {entries} AS entries FROM drafts d {join})
    )
)
WHERE text IS NOT NULL
"""
_MAP = "s.metadata"
_JSON_MAP = "TRY_CAST({} AS MAP(VARCHAR, VARCHAR))"
_METADATA_JOINS = (
    ("session", _MAP, "JOIN stripe_sessions s ON s.rowid = d.session_metadata_row"),
    ("invoice", _MAP, "JOIN stripe_invoices s ON s.rowid = d.invoice_metadata_row"),
    (
        "subscription",
        _JSON_MAP.format("s.subscription_metadata::JSON"),
        "JOIN stripe_invoices s ON s.rowid = d.subscription_metadata_row",
    ),
    # The subscription's own, where no invoice copied it.
    (
        "subscription",
        _MAP,
        "JOIN merged_subscriptions c USING (subscription_id)"
        " JOIN stripe_subscriptions s ON s.rowid = c.metadata_row"
        " WHERE d.subscription_metadata_row IS NULL",
    ),
    (
        "line",
        _JSON_MAP.format("json_extract(s.lines, '$.data[0].metadata')"),
        "JOIN stripe_invoices s ON s.rowid = d.invoice_lines_row"
        " WHERE json_type(s.lines, '$.data[0].metadata') = 'OBJECT'",
    ),
    ("intent", _MAP, "JOIN stripe_intents s ON s.rowid = d.intent_metadata_row"),
    ("charge", _MAP, "JOIN stripe_charges s ON s.rowid = d.charge_metadata_row"),
    (
        "customer",
        _MAP,
        "JOIN merged_customers c USING (customer_id)"
        " JOIN stripe_customers s ON s.rowid = c.metadata_row",
    ),
)

_ACCOUNTS = """
CREATE OR REPLACE TEMP TABLE fact_accounts AS
WITH accounts AS (
    SELECT object_id, min(account) AS account FROM stripe_events
    WHERE account IS NOT NULL AND object_id IS NOT NULL GROUP BY 1
)
SELECT payment_id, min(account) AS account FROM (
    SELECT payment_id, account FROM accounts JOIN payment_objects USING (object_id)
    UNION ALL
    SELECT payment_id, account FROM accounts JOIN drafts ON payment_id = object_id
) GROUP BY 1
"""

_PAYMENTS = """
INSERT INTO payments BY NAME
SELECT * EXCLUDE (of_another_product) FROM (
WITH told_prices AS (
    SELECT payment_id,
        arg_min(value, told_rank) FILTER (key = 'price_id' AND value <> '') AS price_id,
        arg_min(value, told_rank)
            FILTER (key = 'credits' AND regexp_full_match(value, '0*[1-9][0-9]{0,8}([.]0+)?'))
            AS credits
    FROM (
        SELECT *, CASE source WHEN 'session' THEN 1 WHEN 'intent' THEN 2 WHEN 'charge' THEN 3
            WHEN 'invoice' THEN 4 ELSE 5 END AS told_rank
        FROM metadata WHERE key IN ('price_id', 'credits') AND source <> 'customer'
    )
    GROUP BY 1
), begun AS (
    SELECT subscription_id, min(created_at) AS begun_at, bool_and(customer_email IS NOT NULL)
        AS email_given
    FROM drafts WHERE kind = 'checkout' AND subscription_id IS NOT NULL GROUP BY 1
), bound AS (
    SELECT customer_id, min(bound_at) AS bound_at FROM customers
    WHERE bound_at IS NOT NULL
        AND customer_id IN (SELECT customer_id FROM drafts WHERE kind <> 'checkout')
    GROUP BY 1
), presets AS (
    SELECT d.payment_id,
        CASE
            WHEN d.customer_id IS NULL THEN false
            -- Without a session the customer itself was charged. A binding that is older than
            -- the subscription, or the charge, by a day was not written by what began it.
            WHEN d.kind <> 'checkout' THEN coalesce(b.bound_at >=
                coalesce(begun.begun_at, d.created_at) - INTERVAL 1 DAY, true)
            -- Stripe makes the customer that a session asked for, so it is no older than the
            -- session and no earlier payment has it.
            WHEN coalesce(d.customer_creation, '') IN ('always', 'if_required')
                THEN coalesce(min(d.created_at) OVER (PARTITION BY d.customer_id) < d.created_at,
                    false)
            WHEN d.mode = 'subscription' AND c.created_at > d.created_at THEN false
            ELSE true
        END AS customer_preset,
        c.customer_id IS NULL OR c.email IS NOT NULL AS customer_may_have_email,
        CASE WHEN d.kind <> 'checkout' AND begun.begun_at IS NOT NULL
            THEN begun.email_given OR coalesce(c.created_at < begun.begun_at, true)
            ELSE d.kind <> 'checkout' AND d.customer_id IS NOT NULL END AS email_of_customer
    FROM drafts d LEFT JOIN merged_customers c USING (customer_id)
    LEFT JOIN begun ON begun.subscription_id = d.subscription_id
    LEFT JOIN bound b ON b.customer_id = d.customer_id
)
SELECT
    -- Where the case lists its prices, a price that is not among them buys something else.
    price_list.there AND NOT coalesce(i.listed, false)
        AND coalesce(d.price_id, i.price_id, t.price_id) IS NOT NULL
        AND known.price_id IS NULL AND i.credits IS NULL AND t.credits IS NULL
        AS of_another_product,
    d.payment_id, d.kind, d.created_at, d.completed_at, d.livemode, a.account, d.mode,
    coalesce(d.billing_reason, CASE WHEN d.kind = 'checkout' AND d.mode = 'subscription'
        THEN 'subscription_create' END) AS billing_reason,
    d.subscription_id, d.period_start, d.period_end, d.status,
    d.payment_status, d.amount, d.currency, d.customer_id, p.customer_preset,
    d.client_reference_id, d.payer_email, d.payer_name, d.payment_intent_id, d.card_fingerprint,
    coalesce(d.amount_refunded, 0) AS amount_refunded,
    coalesce(d.disputed, false) AS disputed,
    CASE WHEN of_another_product THEN 0 ELSE coalesce(i.credits,
        CASE WHEN NOT coalesce(i.prorated, false)
            THEN coalesce(known.credits, t.credits::DOUBLE::BIGINT) END) END AS expected_credits,
    CASE WHEN of_another_product THEN 'no' ELSE 'yes' END AS for_credits,
    d.customer_email IS NOT NULL
        OR ((p.customer_preset OR p.email_of_customer) AND p.customer_may_have_email)
        AS email_prefilled,
    least(coalesce(d.amount_refunded, 0) + coalesce(d.amount_disputed, 0), d.amount)
        AS amount_lost,
    coalesce(d.price_id, i.price_id, t.price_id) AS price_id
FROM drafts d
CROSS JOIN (SELECT count(*) > 0 AS there FROM known_prices) AS price_list
JOIN presets p USING (payment_id)
LEFT JOIN told_prices t USING (payment_id)
LEFT JOIN item_sums i USING (payment_id)
LEFT JOIN fact_accounts a USING (payment_id)
LEFT JOIN known_prices known ON known.price_id = coalesce(d.price_id, t.price_id)
)
"""

_EVENTS = """
INSERT INTO events BY NAME
WITH told AS (
    SELECT event_id, min(type) AS type, min(created_at) AS created_at,
        min(object_id) AS object_id, min(object_type) AS object_type,
        min(payment_intent_id) AS payment_intent_id,
        bool_and(livemode) AS livemode, max(api_version) AS api_version, min(account) AS account
    FROM stripe_events WHERE event_id IS NOT NULL
    GROUP BY 1
), lone AS (
    SELECT payment_id FROM drafts WHERE kind <> 'checkout'
)
SELECT t.event_id, t.type, t.created_at,
    CASE WHEN t.object_type = 'checkout.session' THEN t.object_id
        ELSE coalesce(i.payment_id, o.payment_id, l.payment_id, li.payment_id) END AS payment_id,
    t.object_id, t.livemode, t.api_version, t.account
FROM told t
LEFT JOIN payment_objects o ON o.object_id = t.object_id
LEFT JOIN payment_objects i ON i.object_id = t.payment_intent_id
LEFT JOIN lone l ON l.payment_id = t.object_id
LEFT JOIN lone li ON li.payment_id = t.payment_intent_id
"""


def assemble_payments(
    evidence: Evidence, prices: Mapping[str, int | Price], units: Sequence[Unit] = ()
) -> None:
    """Merge the Stripe objects in staging into the tables of payments, and ``events``.

    Replaces what those tables hold, so it may be called again after more was loaded. Columns that
    fold text or read user ids (``…_key``, ``reference_…``, ``metadata.user_id`` and its like) stay
    empty; a later step fills them.

    Parameters
    ----------
    evidence
        with the staging tables loaded, and the bindings of customers where there are any.
    prices
        credits a price is worth, by price id; believed before metadata ``credits``.
    units
        what ``units_of_credits`` told of all payments, where these are a part of them.

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
    made = ("money", "drafts", "known_prices", "item_sums", "fact_accounts", *LINK_TABLES)
    try:
        connection.execute(MONEY_SQL)
        link_invoices(connection)
        connection.execute(_DRAFTS)
        for name in _MADE:
            connection.execute(f'DROP TABLE IF EXISTS "{name}"')
            connection.execute(spec(name).create_sql)
        connection.execute(_ALIASES)
        for source, entries, join in _METADATA_JOINS:
            connection.execute(_METADATA.format(source=source, entries=entries, join=join))
        connection.execute(_ACCOUNTS)
        take_items(connection, prices)
        connection.execute(_PAYMENTS)
        credits_a_unit(connection, units)
        connection.execute(_EVENTS)
        connection.execute(
            "INSERT INTO subscriptions BY NAME SELECT subscription_id, customer_id, status,"
            " created_at, ended_at FROM merged_subscriptions"
        )
    finally:
        for name in (*merged, *made):
            connection.execute(f"DROP TABLE IF EXISTS temp.{name}")
