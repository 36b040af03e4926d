"""Lists the tables and views of a database, with their columns."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from credit_forensics.databases.urls import one_line

if TYPE_CHECKING:
    import psycopg


@dataclass(frozen=True)
class Relation:
    """A table or view: where it is, and its columns with their types in lower case.

    ``problem`` says why its columns cannot be told (a view over a table that is gone),
    ``hides_rows`` that row security applies to who reads, ``estimate`` is the database's own
    guess at the number of rows (-1: none). ``query`` is what is read in its place: the rows that
    are current, or several tables as one.
    """

    schema: str
    name: str
    columns: dict[str, str] = field(default_factory=dict)
    problem: str = ""
    hides_rows: bool = False
    estimate: int = -1
    query: str = ""

    def column(self, name: str) -> str | None:
        """The column of that name, else the only one that differs by case alone, else none."""
        if name in self.columns:
            return name
        same = [column for column in self.columns if column.lower() == name.lower()]
        return same[0] if len(same) == 1 else None


def quote_identifier(name: str) -> str:
    """A name as an SQL identifier, for SQLite, PostgreSQL and DuckDB alike.

    Examples
    --------
    >>> quote_identifier('userId"; DROP TABLE users; --')
    '"userId""; DROP TABLE users; --"'
    """
    return '"' + name.replace("\x00", "").replace('"', '""') + '"'


def quote_text(text: str, dialect: str) -> str:
    """A text as an SQL literal, spelt in hexadecimal where a character might mean something.

    Examples
    --------
    >>> quote_text("deduct", "sqlite"), quote_text("it's", "sqlite")
    ("'deduct'", "CAST(X'69742773' AS TEXT)")
    """
    if text.isascii() and text.isprintable() and "'" not in text and "\\" not in text:
        return f"'{text}'"
    spelt = text.replace("\x00", "").encode("utf-8", "replace").hex()
    if dialect == "sqlite":
        return f"CAST(X'{spelt}' AS TEXT)"
    return f"convert_from(decode('{spelt}', 'hex'), 'UTF8')"


def sqlite_relations(connection: sqlite3.Connection) -> list[Relation]:
    """Tables and views of a SQLite database, by name; SQLite's own are left out."""
    found = []
    names = connection.execute(
        "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') "
        "AND name NOT LIKE 'sqlite_%' ORDER BY name"
    ).fetchall()
    for (name,) in names:
        try:
            rows = connection.execute(f"PRAGMA table_info({quote_identifier(name)})").fetchall()
        except sqlite3.Error as error:
            found.append(Relation("", name, {}, one_line(error)))
            continue
        found.append(Relation("", name, {row[1]: str(row[2]).lower() for row in rows}))
    return found


_POSTGRES_RELATIONS = """
SELECT n.nspname, c.relname,
       array_agg(a.attname::text ORDER BY a.attnum) FILTER (WHERE a.attnum IS NOT NULL),
       array_agg(format_type(a.atttypid, NULL) ORDER BY a.attnum)
           FILTER (WHERE a.attnum IS NOT NULL),
       row_security_active(c.oid), c.reltuples::bigint
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
LEFT JOIN pg_catalog.pg_attribute AS a
  ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT c.relispartition
  AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
  AND n.nspname NOT LIKE 'pg\\_temp%'
GROUP BY 1, 2, c.oid, c.reltuples
ORDER BY 1, 2
"""


def postgres_relations(connection: psycopg.Connection[Any]) -> list[Relation]:
    """Tables, views and foreign tables of a PostgreSQL database, by schema and name.

    Partitions are left out: the table that they are parts of has their rows.
    """
    return [
        Relation(
            schema,
            name,
            dict(zip(columns or [], types or [], strict=True)),
            hides_rows=bool(hides),
            estimate=int(estimate),
        )
        for schema, name, columns, types, hides, estimate in connection.execute(_POSTGRES_RELATIONS)
    ]
