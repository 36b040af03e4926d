"""The digest of a ledger's rows as they were taken, for the custody of a database server."""

from __future__ import annotations

import hashlib

import duckdb

from credit_forensics.databases.values import digest_table
from credit_forensics.tables.catalogue import spec

TABLES = ("ledger", "users", "customers", "balances", "user_links", "memberships")


def digest_rows(connection: duckdb.DuckDBPyConnection, schema: str) -> str:
    """SHA-256 over the rows of the tables that a ledger fills, whatever their order.

    Parameters
    ----------
    connection
        holds the tables.
    schema
        where they are: ``main`` for evidence in memory.

    Examples
    --------
    >>> from credit_forensics.evidence.evidence import Evidence
    >>> len(digest_rows(Evidence().connection, "main"))
    64
    """
    digests = []
    for name in TABLES:
        columns = ", ".join(f'"{column}"' for column in spec(name).column_names)
        connection.execute(
            f"CREATE OR REPLACE TEMP VIEW _taken AS SELECT {columns} FROM {schema}.{name}"
        )
        digests.append(f"{name} {digest_table(connection, '_taken')}")
    connection.execute("DROP VIEW _taken")
    return hashlib.sha256("\n".join(digests).encode()).hexdigest()
