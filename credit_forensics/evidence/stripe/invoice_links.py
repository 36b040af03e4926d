"""Joins invoices to their session and their money, by the ids that they name of each other.

Before API version 2025-03-31 an invoice names its PaymentIntent and charge, and they name it;
since then an invoice payment stands between them. Where an export holds none of these ids, the
one charge of the same customer and sum at the time of the payment is taken, and marked.
"""

from __future__ import annotations

import duckdb

from credit_forensics.evidence.stripe.objects import row_count

# A charge is made seconds before its invoice counts as paid, and while its session is open.
_PAID_WITHIN = "INTERVAL 10 MINUTE"
# Where only the creation is known: an invoice is charged an hour after it, or some days later.
_CHARGED_WITHIN = "INTERVAL 3 DAY"

_NAMED = """
CREATE OR REPLACE TEMP TABLE invoice_money AS
SELECT money_id, min(invoice_id) AS invoice_id FROM (
    SELECT i.invoice_id, coalesce(i.payment_intent_id, c.payment_intent_id, i.charge_id) AS money_id
    FROM merged_invoices i LEFT JOIN merged_charges c USING (charge_id)
    UNION ALL
    SELECT p.invoice_id, coalesce(p.payment_intent_id, c.payment_intent_id, p.charge_id)
    FROM merged_invoice_payments p LEFT JOIN merged_charges c USING (charge_id)
    UNION ALL SELECT invoice_id, payment_intent_id FROM merged_intents
    UNION ALL SELECT invoice_id, coalesce(payment_intent_id, charge_id) FROM merged_charges
)
WHERE invoice_id IS NOT NULL AND money_id IS NOT NULL
GROUP BY money_id
"""
_SESSIONS = """
CREATE OR REPLACE TEMP TABLE session_invoices AS
SELECT invoice_id, min(session_id) AS session_id FROM (
    SELECT session_id, invoice_id FROM merged_sessions WHERE invoice_id IS NOT NULL
    UNION ALL
    SELECT s.session_id, arg_min(i.invoice_id, i.created_at)
    FROM merged_sessions s JOIN merged_invoices i USING (subscription_id)
    WHERE s.invoice_id IS NULL AND i.billing_reason = 'subscription_create'
    GROUP BY 1
)
GROUP BY 1
"""
_INFERRED = f"""
CREATE OR REPLACE TEMP TABLE inferred_money AS
WITH tellers AS (
    SELECT invoice_id AS object_id, customer_id, currency, amount_paid AS amount,
        coalesce(i.paid_at, t.paid_at) AS paid_at, created_at
    FROM merged_invoices i
    LEFT JOIN (
        SELECT object_id AS invoice_id, min(created_at) AS paid_at FROM stripe_events
        WHERE type IN ('invoice.paid', 'invoice.payment_succeeded') GROUP BY 1
    ) t USING (invoice_id)
    WHERE status = 'paid' AND amount_paid > 0
        AND invoice_id NOT IN (SELECT invoice_id FROM invoice_money)
    UNION ALL
    SELECT session_id, customer_id, currency, amount_total, NULL, created_at
    FROM merged_sessions
    WHERE mode = 'subscription' AND payment_status = 'paid' AND amount_total > 0
        AND payment_intent_id IS NULL
        AND session_id NOT IN (SELECT session_id FROM session_invoices WHERE invoice_id IN (
            SELECT invoice_id FROM merged_invoices UNION SELECT invoice_id FROM invoice_money))
), loose AS (
    SELECT money_id, customer_id, currency, amount, coalesce(succeeded_at, created_at) AS taken_at
    FROM money
    WHERE lone AND succeeded
        AND money_id NOT IN (SELECT money_id FROM invoice_money)
        AND money_id NOT IN (
            SELECT payment_intent_id FROM merged_sessions WHERE payment_intent_id IS NOT NULL)
), near AS (
    SELECT object_id, money_id,
        abs(epoch(taken_at) - epoch(coalesce(paid_at, tellers.created_at))) AS apart
    FROM tellers JOIN loose USING (customer_id, currency, amount)
    WHERE taken_at BETWEEN
        CASE WHEN paid_at IS NULL THEN tellers.created_at ELSE paid_at - {_PAID_WITHIN} END
        AND CASE WHEN paid_at IS NULL THEN tellers.created_at + {_CHARGED_WITHIN}
            ELSE paid_at + {_PAID_WITHIN} END
)
-- Each the other's nearest, so that no money is taken for two invoices.
SELECT object_id, money_id FROM near
QUALIFY row_number() OVER (PARTITION BY object_id ORDER BY apart, money_id) = 1
    AND row_number() OVER (PARTITION BY money_id ORDER BY apart, object_id) = 1
"""
# A session's invoice and money; an invoice's money where no session has it.
_LINKS = """
CREATE OR REPLACE TEMP TABLE links AS
WITH moneys AS (
    SELECT invoice_id, arg_max(money_id, (coalesce(succeeded, false)::INT,
            coalesce(epoch_us(succeeded_at), 0), money_id)) AS money_id,
        sum(amount_refunded)::BIGINT AS amount_refunded,
        sum(amount_disputed)::BIGINT AS amount_disputed, bool_or(disputed) AS disputed,
        count(*) AS parts
    FROM invoice_money LEFT JOIN money USING (money_id) GROUP BY 1
), invoices AS (
    SELECT invoice_id FROM merged_invoices
    UNION SELECT invoice_id FROM invoice_money UNION SELECT invoice_id FROM session_invoices
)
SELECT s.session_id, i.invoice_id, m.money_id,
    CASE WHEN parts > 1 THEN m.amount_refunded END AS refunded_in_parts,
    CASE WHEN parts > 1 THEN m.amount_disputed END AS disputed_in_parts
FROM invoices i
LEFT JOIN session_invoices s USING (invoice_id) LEFT JOIN moneys m USING (invoice_id)
UNION ALL
SELECT object_id, NULL, money_id, NULL, NULL FROM inferred_money
WHERE object_id IN (SELECT session_id FROM merged_sessions)
"""
TABLES = ("invoice_money", "session_invoices", "inferred_money", "links")


def link_invoices(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the temporary tables ``invoice_money`` and ``links`` from the merged objects.

    ``invoice_money``: ``money_id, invoice_id``, of which ``inferred_money`` (``object_id,
    money_id``) were inferred; ``links``: ``session_id, invoice_id, money_id``, a row an invoice
    that anything names, and a row a session whose money was inferred. All are empty where a shop
    has no invoices and no subscriptions.
    """
    connection.execute(_NAMED)
    connection.execute(_SESSIONS)
    subscribed = "merged_sessions WHERE mode = 'subscription' AND payment_intent_id IS NULL"
    if row_count(connection, "merged_invoices") or row_count(connection, subscribed):
        connection.execute(_INFERRED)
        connection.execute(
            "INSERT INTO invoice_money SELECT money_id, object_id FROM inferred_money"
            " WHERE object_id IN (SELECT invoice_id FROM merged_invoices)"
        )
    else:
        connection.execute(
            "CREATE OR REPLACE TEMP TABLE inferred_money (object_id VARCHAR, money_id VARCHAR)"
        )
    connection.execute(_LINKS)
