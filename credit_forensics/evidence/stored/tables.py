"""The tables of the stored evidence: what the loaders wrote, with hashes of the keys to find it by.

A row is found by scanning eight bytes a row, not its texts, and of the texts only the blocks with
a hit are read: what a look-up costs hardly depends on how much is stored.
"""

from __future__ import annotations

from collections.abc import Iterable

import duckdb

from credit_forensics.evidence.folding_sql import account_name_keys, email_key
from credit_forensics.tables.catalogue import spec

KEYS: dict[str, tuple[str, ...]] = {
    "stripe_sessions": (
        "session_id",
        "payment_intent_id",
        "customer_id",
        "invoice_id",
        "subscription_id",
    ),
    "stripe_intents": ("payment_intent_id", "invoice_id", "customer_id"),
    "stripe_charges": (
        "charge_id",
        "payment_intent_id",
        "card_fingerprint",
        "invoice_id",
        "customer_id",
    ),
    "stripe_refunds": ("refund_id", "charge_id", "payment_intent_id"),
    "stripe_disputes": ("dispute_id", "charge_id", "payment_intent_id"),
    "stripe_customers": ("customer_id",),
    "stripe_invoices": (
        "invoice_id",
        "payment_intent_id",
        "charge_id",
        "subscription_id",
        "customer_id",
    ),
    "stripe_invoice_payments": (
        "invoice_payment_id",
        "invoice_id",
        "payment_intent_id",
        "charge_id",
    ),
    "stripe_subscriptions": ("subscription_id",),
    "stripe_prices": ("price_id",),
    "stripe_products": ("product_id",),
    "stripe_credit_grants": ("grant_id",),
    "stripe_credit_transactions": ("transaction_id",),
    "stripe_events": ("event_id", "object_id", "payment_intent_id"),
    "deliveries": ("event_id", "payment_id"),
    "ledger": ("entry_id", "event_id", "payment_id", "user_id"),
    "customers": ("customer_id", "user_id"),
    "users": ("user_id", "email_key"),
    "balances": ("user_id",),
    "user_links": ("user_id", "linked_user_id"),
    "memberships": ("user_id", "account_id"),
    "sign_ins": ("user_id", "email_key"),
    "logged_sessions": ("session_id",),
}
# Tables that a database fills; its rows are read again and replace older ones of the same key.
DATABASE = ("ledger", "customers", "users", "balances", "user_links", "memberships")
IDENTITY = {
    "ledger": ("entry_id",),
    "customers": ("customer_id", "user_id"),
    "users": ("user_id",),
    "balances": ("user_id",),
    "user_links": ("user_id", "linked_user_id"),
    "memberships": ("user_id", "account_id", "role", "since", "until"),
}
# A user id is looked up in any case of its letters.
_FOLDED = ("user_id", "linked_user_id", "account_id")


def create(connection: duckdb.DuckDBPyConnection) -> None:
    """Create the stored tables in the database attached as ``stored``, where they are not there."""
    for name, keys in KEYS.items():
        table_spec = spec(name)
        body = table_spec.create_sql.partition("(")[2][:-1]
        hashes = ", ".join(f"hash_{key} UBIGINT" for key in keys)
        connection.execute(
            f"CREATE TABLE IF NOT EXISTS stored.{name} ({body}, input INTEGER, {hashes})"
        )
    connection.execute(
        """CREATE TABLE IF NOT EXISTS stored.user_names (hash_user_id UBIGINT, hash_name UBIGINT);
        CREATE TABLE IF NOT EXISTS stored.inputs (
            input INTEGER, name VARCHAR, kind VARCHAR, seen VARCHAR);
        CREATE TABLE IF NOT EXISTS stored.touched (h UBIGINT, is_user BOOLEAN);
        CREATE TABLE IF NOT EXISTS stored.coverage (
            source VARCHAR, first_at TIMESTAMPTZ, last_at TIMESTAMPTZ);
        CREATE TABLE IF NOT EXISTS stored.meta (key VARCHAR, value VARCHAR);
        CREATE TABLE IF NOT EXISTS stored.judged (
            h UBIGINT, payment_id VARCHAR, created_at TIMESTAMPTZ, first_pattern BIGINT,
            pattern BIGINT, families_agreeing BIGINT, families_available BIGINT);
        CREATE TABLE IF NOT EXISTS stored.pending (h UBIGINT)"""
    )


def hash_of(column: str, sql: str | None = None) -> str:
    """SQL of the hash by which a column is looked up.

    Examples
    --------
    >>> hash_of("user_id"), hash_of("event_id"), hash_of("user_id", "trim(value)")
    ('hash(lower(user_id))', 'hash(event_id)', 'hash(lower(trim(value)))')
    """
    sql = sql or column
    return f"hash(lower({sql}))" if column in _FOLDED else f"hash({sql})"


def store_table(connection: duckdb.DuckDBPyConnection, name: str, source: int) -> None:
    """Append what an evidence table holds to its stored table, as of one input."""
    connection.execute(
        f"INSERT INTO stored.{name} BY NAME SELECT {columns(name)}, {source} AS input, "
        f"{hashes(name)} FROM main.{name}"
    )
    if name == "users":
        connection.execute(names_sql("main.users"))


def names_sql(rows: str) -> str:
    """SQL that keeps the names which the accounts in ``rows`` may be typed by."""
    return f"""INSERT INTO stored.user_names
        SELECT DISTINCT {hash_of("user_id")}, hash(unnest({account_name_keys("name")}))
        FROM {rows} WHERE name IS NOT NULL AND user_id IS NOT NULL"""


def hashes(name: str) -> str:
    """SQL of a table's hash columns, from its evidence table."""
    made = []
    for key in KEYS[name]:
        # Accounts are stored before their e-mails are folded; an absent value is never looked up.
        sql = email_key("email") if (name, key) == ("users", "email_key") else key
        made.append(f"CASE WHEN {sql} IS NOT NULL THEN {hash_of(key, sql)} END AS hash_{key}")
    return ", ".join(made)


def columns(name: str) -> str:
    """The columns of an evidence table, quoted."""
    return ", ".join(f'"{column}"' for column in spec(name).column_names)


def bring(
    connection: duckdb.DuckDBPyConnection, name: str, found_by: Iterable[tuple[str, str]]
) -> None:
    """Put into an evidence table the stored rows that any of the look-ups finds.

    Parameters
    ----------
    found_by
        pairs of a key column and a query for the wanted hashes.
    """
    places = " UNION ".join(
        f"SELECT rowid FROM stored.{name} WHERE hash_{key} IN ({wanted})"
        for key, wanted in found_by
    )
    connection.execute(
        f"INSERT INTO main.{name} BY NAME SELECT {columns(name)} FROM stored.{name} "
        f"WHERE rowid IN ({places})"
    )


def bring_all(connection: duckdb.DuckDBPyConnection) -> None:
    """Put all stored rows into the evidence tables."""
    for name in KEYS:
        connection.execute(
            f"INSERT INTO main.{name} BY NAME SELECT {columns(name)} FROM stored.{name}"
        )
