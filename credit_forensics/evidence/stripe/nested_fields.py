"""Takes objects that were expanded inside others to the staging table of their kind.

A request may expand a session's ``payment_intent`` and that intent's ``latest_charge``; such an
export holds in one file what others hold in three.
"""

from __future__ import annotations

import duckdb

from credit_forensics.evidence.stripe.objects import (
    CHARGE,
    CUSTOMER,
    INTENT,
    INVOICE,
    INVOICE_PAYMENT,
    NESTED,
    NESTED_PAYMENTS,
    PRODUCT,
    SUBSCRIPTION,
    ObjectKind,
    Type,
    insert_sql,
    row_count,
    structure,
)

_EXPANDED = (
    ("stripe_sessions", "payment_intent_id", INTENT),
    ("stripe_sessions", "customer_id", CUSTOMER),
    ("stripe_refunds", "charge_id", CHARGE),
    ("stripe_disputes", "charge_id", CHARGE),
    ("stripe_refunds", "payment_intent_id", INTENT),
    ("stripe_disputes", "payment_intent_id", INTENT),
    ("stripe_intents", "customer_id", CUSTOMER),
    ("stripe_charges", "payment_intent_id", INTENT),
    ("stripe_charges", "customer_id", CUSTOMER),
    ("stripe_sessions", "invoice_id", INVOICE),
    ("stripe_sessions", "subscription_id", SUBSCRIPTION),
    ("stripe_intents", "invoice_id", INVOICE),
    ("stripe_charges", "invoice_id", INVOICE),
    ("stripe_invoice_payments", "invoice_id", INVOICE),
    ("stripe_invoice_payments", "payment_intent_id", INTENT),
    ("stripe_invoice_payments", "charge_id", CHARGE),
    ("stripe_subscriptions", "latest_invoice_id", INVOICE),
    ("stripe_subscriptions", "customer_id", CUSTOMER),
    ("stripe_invoices", "subscription_id", SUBSCRIPTION),
    ("stripe_invoices", "payment_intent_id", INTENT),
    ("stripe_invoices", "charge_id", CHARGE),
    ("stripe_invoices", "customer_id", CUSTOMER),
    ("stripe_prices", "product_id", PRODUCT),
)
# Nearly every export has none: one look at all places, before each by itself.
_ANY_EXPANDED = " UNION ALL ".join(
    f"SELECT 1 FROM {table} WHERE "
    + " OR ".join(f"starts_with({column}, '{{')" for name, column, _ in _EXPANDED if name == table)
    for table in dict.fromkeys(name for name, _, _ in _EXPANDED)
)
_DEEPEST = 4
_NESTED_IN: dict[str, dict[str, Type]] = {
    INTENT.object: NESTED,
    INVOICE.object: NESTED_PAYMENTS,
}


def take_expanded(connection: duckdb.DuckDBPyConnection) -> None:
    """Give expanded objects to the table of their kind, and leave their id where they stood.

    While loading, a column such as ``payment_intent_id`` holds what the JSON held: an id, or the
    text of an object where the request expanded it. Repeats while something is found, because a
    session may hold an intent that holds a customer. Call it inside the load's transaction.
    """
    for _ in range(_DEEPEST):
        if not row_count(connection, f"({_ANY_EXPANDED})"):
            return
        found = [_take(connection, *place) for place in _EXPANDED]
        if not any(found):
            return


def _take(connection: duckdb.DuckDBPyConnection, table: str, column: str, kind: ObjectKind) -> bool:
    where = f"starts_with({column}, '{{') AND json_valid({column})"
    if not row_count(connection, f"{table} WHERE {where}"):
        return False
    fields = {**kind.fields, **_NESTED_IN.get(kind.object, {})}
    connection.execute(f"""
        CREATE OR REPLACE TEMP TABLE expanded AS
        SELECT from_json({column}::JSON, '{structure(fields)}') AS o, source, snapshot_at
        FROM {table} WHERE {where}
        """)
    connection.execute(insert_sql(kind, "expanded WHERE o.id IS NOT NULL", "source", "snapshot_at"))
    if kind is INTENT:
        take_nested_charges(connection, "expanded")
    if kind is INVOICE:
        take_invoice_payments(connection, "expanded")
    connection.execute(
        f"UPDATE {table} SET {column} = json_extract_string({column}, '$.id') WHERE {where}"
    )
    connection.execute("DROP TABLE expanded")
    return True


def take_nested_charges(connection: duckdb.DuckDBPyConnection, intents: str) -> None:
    """Take the charges that intents hold: ``latest_charge``, before 2022-11-15 ``charges``.

    ``intents`` names rows of ``o`` (with the fields ``NESTED``), ``source``, ``snapshot_at``.
    """
    from_ = f"""(
        SELECT from_json(charge, '{structure(CHARGE.fields)}') AS o, row_source, taken_at
        FROM (
            SELECT source AS row_source, snapshot_at AS taken_at,
                unnest(list_append(
                    from_json(json_extract(o.charges, '$.data'), '["JSON"]'), o.latest_charge))
                    AS charge
            FROM {intents}
            WHERE json_type(o.charges) = 'OBJECT' OR json_type(o.latest_charge) = 'OBJECT'
        )
        WHERE json_type(charge) = 'OBJECT'
    ) WHERE o.id IS NOT NULL"""
    connection.execute(insert_sql(CHARGE, from_, "row_source", "taken_at"))


def take_invoice_payments(connection: duckdb.DuckDBPyConnection, invoices: str) -> None:
    """Take the invoice payments that invoices hold in ``payments``, since 2025-03-31.

    ``invoices`` names rows of ``o`` (with the fields ``NESTED_PAYMENTS``), ``source``,
    ``snapshot_at``.
    """
    from_ = f"""(
        SELECT from_json(payment, '{structure(INVOICE_PAYMENT.fields)}') AS o, row_source, taken_at
        FROM (
            SELECT source AS row_source, snapshot_at AS taken_at,
                unnest(from_json(json_extract(o.payments, '$.data'), '["JSON"]')) AS payment
            FROM {invoices} WHERE json_type(o.payments) = 'OBJECT'
        )
        WHERE json_type(payment) = 'OBJECT'
    ) WHERE o.id IS NOT NULL"""
    connection.execute(insert_sql(INVOICE_PAYMENT, from_, "row_source", "taken_at"))
