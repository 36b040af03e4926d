"""Writes a world's ledger into a database, in the layout ``credit_ledger``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import sqlalchemy as sa

_BATCH = 20_000


def write_ledger(tables: Mapping[str, pa.Table], url: str) -> None:
    """Create and fill ``users``, ``stripe_customers``, ``credit_ledger`` and ``user_credits``.

    A table whose evidence the world does not have is not created. Tables of these names that are
    there already are replaced.

    Parameters
    ----------
    tables
        a world's tables.
    url
        a SQLAlchemy URL.

    Raises
    ------
    sqlalchemy.exc.SQLAlchemyError
        when the database refuses.
    """
    engine = sa.create_engine(url)
    try:
        schema = sa.MetaData()
        plan = [
            (table, _renamed(tables[name], columns))
            for name, table, columns in _layout(schema)
            if name in tables
        ]
        wanted = [table for table, _ in plan]
        with engine.begin() as connection:
            schema.drop_all(connection, tables=list(schema.tables.values()))
            schema.create_all(connection, tables=wanted)
            for table, rows in plan:
                for start in range(0, len(rows), _BATCH):
                    connection.execute(table.insert(), rows[start : start + _BATCH])
    finally:
        engine.dispose()


def _layout(schema: sa.MetaData) -> list[tuple[str, sa.Table, dict[str, str]]]:
    time = sa.DateTime(timezone=True)
    users = sa.Table(
        "users",
        schema,
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("email", sa.Text),
        sa.Column("name", sa.Text),
        sa.Column("created_at", time),
    )
    customers = sa.Table(
        "stripe_customers",
        schema,
        sa.Column("user_id", sa.Text, nullable=False),
        sa.Column("stripe_customer_id", sa.Text, unique=True, nullable=False),
        sa.Column("created_at", time),
    )
    ledger = sa.Table(
        "credit_ledger",
        schema,
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("user_id", sa.Text, nullable=False),
        sa.Column("delta", sa.Integer, nullable=False),
        sa.Column("reason", sa.Text),
        sa.Column("stripe_event_id", sa.Text),
        sa.Column("created_at", time),
    )
    balances = sa.Table(
        "user_credits",
        schema,
        sa.Column("user_id", sa.Text, primary_key=True),
        sa.Column("total_credits", sa.Integer, nullable=False),
    )
    return [
        (
            "users",
            users,
            {"user_id": "id", "email": "email", "name": "name", "created_at": "created_at"},
        ),
        (
            "customers",
            customers,
            {"user_id": "user_id", "customer_id": "stripe_customer_id", "bound_at": "created_at"},
        ),
        (
            "ledger",
            ledger,
            {
                "entry_id": "id",
                "user_id": "user_id",
                "delta": "delta",
                "reason": "reason",
                "event_id": "stripe_event_id",
                "created_at": "created_at",
            },
        ),
        ("balances", balances, {"user_id": "user_id", "balance": "total_credits"}),
    ]


def _renamed(table: pa.Table, columns: Mapping[str, str]) -> list[dict[str, Any]]:
    chosen = table.select(list(columns)).rename_columns(list(columns.values()))
    if "entry_id" in columns:
        chosen = chosen.set_column(0, "id", chosen["id"].cast(pa.int64()))
    rows: list[dict[str, Any]] = chosen.to_pylist()
    return rows
