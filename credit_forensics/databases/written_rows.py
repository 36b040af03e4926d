"""Writes rows of an export into a table of a SQLite database."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from credit_forensics.databases.relations import quote_identifier


def create_table(connection: sqlite3.Connection, name: str, columns: Mapping[str, str]) -> None:
    """Create a table, or add the columns that it lacks."""
    if not columns:
        raise ValueError("it has no columns")
    there = {row[1] for row in connection.execute(f"PRAGMA table_info({quote_identifier(name)})")}
    if not there:
        body = ", ".join(f"{quote_identifier(c)} {kind}" for c, kind in columns.items())
        connection.execute(f"CREATE TABLE {quote_identifier(name)} ({body})")
        return
    for column, kind in columns.items():
        if column.lower() not in {one.lower() for one in there}:
            added = f"ADD COLUMN {quote_identifier(column)} {kind}"
            connection.execute(f"ALTER TABLE {quote_identifier(name)} {added}")


def insert_rows(
    connection: sqlite3.Connection,
    name: str,
    columns: Sequence[str],
    batches: Iterable[Sequence[tuple[Any, ...]]],
) -> None:
    """Append rows, a batch at a time."""
    listed = ", ".join(quote_identifier(column) for column in columns)
    marks = ", ".join("?" for _ in columns)
    statement = f"INSERT INTO {quote_identifier(name)} ({listed}) VALUES ({marks})"
    for batch in batches:
        connection.executemany(statement, batch)
