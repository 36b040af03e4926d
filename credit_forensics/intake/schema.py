"""The intake's tables, with the unique indexes that the original handler lacked."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from credit_forensics.intake.named_entries import PAYMENT_IN_REASON, REASON_NAMES_A_PAYMENT

TABLES = sa.MetaData()
_TIME = sa.DateTime(timezone=True)
_NOW = sa.text("now()")

users = sa.Table(
    "users",
    TABLES,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("email", sa.Text),
    sa.Column("name", sa.Text),
    sa.Column("created_at", _TIME, server_default=_NOW),
)
sa.Index("intake_users_by_email", sa.func.lower(sa.func.btrim(users.c.email)))
sa.Index("intake_users_by_folded_id", sa.func.lower(users.c.id))

stripe_customers = sa.Table(
    "stripe_customers",
    TABLES,
    sa.Column("user_id", sa.Text, nullable=False),
    sa.Column("stripe_customer_id", sa.Text, nullable=False),
    sa.Column("created_at", _TIME, server_default=_NOW),
    sa.Index("intake_one_user_a_customer", "stripe_customer_id", unique=True),
    sa.Index("intake_customers_by_user", "user_id"),
)
credit_ledger = sa.Table(
    "credit_ledger",
    TABLES,
    sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
    sa.Column("user_id", sa.Text, nullable=False),
    sa.Column("delta", sa.BigInteger, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("stripe_event_id", sa.Text),
    sa.Column("created_at", _TIME, server_default=_NOW, nullable=False),
    sa.Column("payment_id", sa.Text),
    # purchase:<payment>, refund:<payment>:<credits reversed so far>, reversal:<payment>,
    # refund:<payment>:back:<refund or dispute>
    sa.Column("entry_key", sa.Text),
    sa.Index("intake_one_entry_a_key", "entry_key", unique=True),
    sa.Index(
        "intake_one_purchase_an_event",
        "stripe_event_id",
        unique=True,
        postgresql_where=sa.text("reason LIKE 'stripe\\_purchase:%'"),
    ),
    sa.Index("intake_ledger_by_user_and_time", "user_id", "created_at"),
    sa.Index("intake_ledger_by_payment", "payment_id"),
    # Entries by hand and of the handler before name a payment in their reason alone.
    sa.Index(
        "intake_ledger_by_named_payment",
        sa.text(PAYMENT_IN_REASON),
        postgresql_where=sa.text(REASON_NAMES_A_PAYMENT),
    ),
)
user_credits = sa.Table(
    "user_credits",
    TABLES,
    sa.Column("user_id", sa.Text, primary_key=True),
    sa.Column("total_credits", sa.BigInteger, nullable=False),
)
intake_events = sa.Table(
    "intake_events",
    TABLES,
    sa.Column("event_id", sa.Text, primary_key=True),
    sa.Column("type", sa.Text, nullable=False),
    sa.Column("received_at", _TIME, server_default=_NOW, nullable=False),
    sa.Column("body", sa.LargeBinary, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
    sa.Column("next_attempt_at", _TIME),
    sa.Column("dead_at", _TIME),
    sa.Column("last_error", sa.Text),
    # Whether it was delivered; what was read from Stripe's list of events has no signature.
    sa.Column("signed", sa.Boolean, nullable=False, server_default=sa.true()),
    sa.Index("intake_events_by_time", "received_at"),
    sa.Index(
        "intake_events_to_try",
        "next_attempt_at",
        postgresql_where=sa.text("next_attempt_at IS NOT NULL"),
    ),
    sa.Index("intake_dead_events", "event_id", postgresql_where=sa.text("dead_at IS NOT NULL")),
)
intake_deliveries = sa.Table(
    "intake_deliveries",
    TABLES,
    sa.Column("event_id", sa.Text, nullable=False),
    sa.Column("payment_id", sa.Text),
    sa.Column("request_id", sa.Text, nullable=False),
    sa.Column("outcome", sa.Text, nullable=False),
    sa.Column("error", sa.Text),
    sa.Column("handled_at", _TIME, server_default=_NOW, nullable=False),
    sa.Column("signature_valid", sa.Boolean),
    sa.Column("method", sa.Text),
    sa.Column("resolved_user_id", sa.Text),
    sa.Column("credits", sa.BigInteger),
    sa.Index("intake_deliveries_by_event", "event_id"),
)
intake_payments = sa.Table(
    "intake_payments",
    TABLES,
    sa.Column("payment_id", sa.Text, primary_key=True),
    sa.Column("payment_intent_id", sa.Text),
    sa.Column("customer_id", sa.Text),
    sa.Column("user_id", sa.Text, nullable=False),
    sa.Column("credits", sa.BigInteger, nullable=False),
    sa.Column("amount", sa.BigInteger, nullable=False),
    sa.Column("currency", sa.Text, nullable=False),
    sa.Column("event_id", sa.Text, nullable=False),
    sa.Column("method", sa.Text, nullable=False),
    sa.Column("families", sa.Text, nullable=False),
    sa.Column("created_at", _TIME, nullable=False),
    sa.Column("booked_at", _TIME, server_default=_NOW, nullable=False),
    sa.Index("intake_one_payment_an_intent", "payment_intent_id", unique=True),
    sa.Index("intake_payments_by_customer", "customer_id"),
)
intake_losses = sa.Table(
    "intake_losses",
    TABLES,
    sa.Column("payment_intent_id", sa.Text, nullable=False),
    # charge:ch_…:<amount> (refunds so far), dispute:dp_… (lost), back:… (money that came back)
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("amount", sa.BigInteger, nullable=False),
    sa.Column("event_id", sa.Text, nullable=False),
    sa.Column("told_at", _TIME),
    sa.Column("made_at", _TIME),
    sa.PrimaryKeyConstraint("payment_intent_id", "source"),
)
intake_invoices = sa.Table(
    "intake_invoices",
    TABLES,
    # Which PaymentIntent paid an invoice, and as which payment it is booked: its session's, for
    # the first of a subscription that began with one, else its own.
    sa.Column("invoice_id", sa.Text, primary_key=True),
    sa.Column("payment_id", sa.Text),
    sa.Column("payment_intent_id", sa.Text),
)
review_queue = sa.Table(
    "review_queue",
    TABLES,
    sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
    sa.Column("payment_id", sa.Text, nullable=False),
    sa.Column("event_id", sa.Text, nullable=False),
    sa.Column("problem", sa.Text, nullable=False),
    sa.Column("claims", sa.Text, nullable=False),
    sa.Column("suggested_user_id", sa.Text),
    sa.Column("credits", sa.BigInteger),
    sa.Column("amount", sa.BigInteger, nullable=False),
    sa.Column("currency", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False, server_default="open"),
    sa.Column("queued_at", _TIME, server_default=_NOW, nullable=False),
    sa.Index("intake_one_item_a_payment", "payment_id", unique=True),
)
review_decisions = sa.Table(
    "review_decisions",
    TABLES,
    sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
    sa.Column("item_id", sa.BigInteger, nullable=False),
    sa.Column("payment_id", sa.Text, nullable=False),
    sa.Column("action", sa.Text, nullable=False),
    sa.Column("user_id", sa.Text),
    sa.Column("decided_by", sa.Text, nullable=False),
    sa.Column("why", sa.Text, nullable=False),
    sa.Column("credits", sa.BigInteger),
    sa.Column("decided_at", _TIME, server_default=_NOW, nullable=False),
    sa.Index("intake_decisions_by_item", "item_id"),
)
checkout_attempts = sa.Table(
    "checkout_attempts",
    TABLES,
    sa.Column("attempt_key", sa.Text, primary_key=True),
    sa.Column("user_id", sa.Text, nullable=False),
    sa.Column("started_at", _TIME, server_default=_NOW, nullable=False),
)
intake_caught_up = sa.Table(
    "intake_caught_up",
    TABLES,
    # One row: up to when Stripe's own list of events was read and what it had is kept.
    sa.Column("one", sa.Boolean, primary_key=True, server_default=sa.true()),
    sa.Column("until", _TIME, nullable=False),
    sa.CheckConstraint("one", name="intake_caught_up_once"),
)

# The lines of the delivery log, from the database: a log whose disk was full lacks none of these.
_LOG_VIEW = """
CREATE OR REPLACE VIEW intake_delivery_log AS
SELECT handled_at, json_build_object(
    'event', 'webhook_delivery', 'event_id', event_id, 'payment_id', payment_id,
    'request_id', request_id,
    'timestamp', to_char(handled_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"+00:00"'),
    'signature_valid', signature_valid, 'method', method, 'resolved_user_id', resolved_user_id,
    'credits', credits, 'outcome', outcome, 'error', error)::text AS line
FROM intake_deliveries
"""

# What must be unique for a payment to be booked once, whatever repeats.
UNIQUE_INDEXES: dict[str, str] = {
    "intake_one_entry_a_key": "credit_ledger",
    "intake_one_purchase_an_event": "credit_ledger",
    "intake_one_user_a_customer": "stripe_customers",
    "intake_one_payment_an_intent": "intake_payments",
    "intake_one_item_a_payment": "review_queue",
}


async def create_schema(engine: AsyncEngine) -> None:
    """Create what is not there yet; what is there stays as it is.

    A ledger of the built-in mapping that is already in use gets the two columns and the indexes
    that it lacks.

    Raises
    ------
    sqlalchemy.exc.IntegrityError
        when rows of a ledger in use are not unique where they must be.
    """
    transacting = engine.execution_options(isolation_level="READ COMMITTED")
    async with transacting.begin() as connection:
        # Two workers that start at once would otherwise both create the same table.
        # On a busy machine it takes longer than a delivery may.
        await connection.execute(
            sa.text(
                "SET LOCAL lock_timeout = 0; SET LOCAL statement_timeout = 0; "
                "SET LOCAL idle_in_transaction_session_timeout = 0"
            )
        )
        await connection.execute(sa.text("SELECT pg_advisory_xact_lock(734112009)"))
        await connection.run_sync(TABLES.create_all)
        await connection.run_sync(_add_columns)
        await connection.run_sync(_create_indexes)
        await connection.execute(sa.text(_LOG_VIEW))


def _add_columns(connection: sa.Connection) -> None:
    """Columns that a table of an earlier version, or a ledger in use, lacks."""
    inspector = sa.inspect(connection)
    compiler = connection.dialect.ddl_compiler(connection.dialect, None)  # type: ignore[arg-type]
    for table in (
        credit_ledger,
        intake_events,
        intake_deliveries,
        intake_losses,
        review_decisions,
    ):
        there = {column["name"] for column in inspector.get_columns(table.name)}
        for column in table.columns:
            if column.name not in there and (column.nullable or column.server_default is not None):
                told = compiler.get_column_specification(column)
                connection.execute(
                    sa.text(f"ALTER TABLE {table.name} ADD COLUMN IF NOT EXISTS {told}")
                )


def _create_indexes(connection: sa.Connection) -> None:
    # Earlier versions had one that knew of no invoices.
    connection.execute(sa.text("DROP INDEX IF EXISTS intake_ledger_by_reason"))
    for table in TABLES.tables.values():
        for index in table.indexes:
            index.create(connection, checkfirst=True)
