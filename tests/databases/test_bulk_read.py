"""Bulk reads: both ways out of PostgreSQL give the same exact values, under one snapshot."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import duckdb
import psycopg
import pytest

from credit_forensics.databases import bulk_read
from credit_forensics.databases.bulk_read import read_into
from credit_forensics.databases.read_only import UnreadableError, open_read_only
from credit_forensics.errors import CaseError

ODD = """
CREATE TYPE mood AS ENUM ('happy', 'sad');
CREATE DOMAIN credits AS NUMERIC CHECK (VALUE > -1e30);
CREATE TABLE odd (
  whole BIGINT, small SMALLINT, exact NUMERIC, bounded credits, id UUID, kind mood, meta JSONB,
  note TEXT, padded CHAR(5), at_zone TIMESTAMPTZ, naive TIMESTAMP, day DATE, flag BOOLEAN);
INSERT INTO odd VALUES
  (9223372036854775807, -1, 12345678901234567890.12345678901234567890, 7,
   '0b1e6b9a-0f7c-4f41-9a53-5f6a2a1c9d10', 'sad', '{"b": 1, "a": "x"}', E'two\nlines, "q" \\\\.',
   'ab', '2025-09-01 16:39:07.123456+02', '2025-09-01 14:39:07', '2025-09-01', true),
  (NULL, NULL, NULL, NULL, NULL, NULL, NULL, '', NULL, 'infinity', NULL, NULL, NULL),
  (0, 0, 0.10, 0, NULL, 'happy', NULL, '\\.', '', NULL, NULL, NULL, false);
"""


@pytest.fixture(params=["adbc", "copy"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(bulk_read, "postgres_way", lambda: request.param)
    return str(request.param)


def run(url: str, script: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(script)


def read_text(url: str, query: str) -> list[tuple[Any, ...]]:
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    with open_read_only(url, Path(), "ledger") as database:
        read_into(connection, database, query, "raw")
    columns = [row[0] for row in connection.execute("DESCRIBE raw").fetchall()]
    texts = ", ".join(f'CAST("{name}" AS VARCHAR)' for name in columns)
    return connection.execute(f"SELECT {texts} FROM raw").fetchall()


def test_every_type_leaves_exactly(way: str, postgres_database: str) -> None:
    run(postgres_database, ODD)
    assert read_text(postgres_database, "SELECT * FROM odd ORDER BY whole DESC NULLS LAST") == [
        (
            "9223372036854775807",
            "-1",
            "12345678901234567890.12345678901234567890",
            "7",
            "0b1e6b9a-0f7c-4f41-9a53-5f6a2a1c9d10",
            "sad",
            '{"a": "x", "b": 1}',
            'two\nlines, "q" \\.',
            "ab",
            "2025-09-01 14:39:07.123456+00",
            "2025-09-01 14:39:07",
            "2025-09-01 00:00:00",
            "true",
        ),
        ("0", "0", "0.10", "0", None, "happy", None, "\\.", "", None, None, None, "false"),
        (None,) * 7 + ("",) + (None,) * 5,
    ]


def test_the_way_is_the_one_asked_for(
    way: str, postgres_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    used = []
    for name in ("_adbc_batches", "_copy_batches"):
        real = getattr(bulk_read, name)

        def spy(*arguments: Any, real: Any = real, name: str = name) -> Any:
            used.append(name)
            return real(*arguments)

        monkeypatch.setattr(bulk_read, name, spy)
    assert read_text(postgres_database, "SELECT 1 AS a") == [("1",)]
    assert used == [f"_{way}_batches"]


def test_no_rows_give_an_empty_table_with_its_columns(way: str, postgres_database: str) -> None:
    connection = duckdb.connect()
    with open_read_only(postgres_database, Path(), "ledger") as database:
        assert read_into(connection, database, "SELECT 1 AS a, 'x' AS b WHERE false", "raw") == 0
    assert [row[0] for row in connection.execute("DESCRIBE raw").fetchall()] == ["a", "b"]


def test_one_column_of_nothing_keeps_its_rows(way: str, postgres_database: str) -> None:
    query = "SELECT CASE WHEN n = 2 THEN '' WHEN n = 3 THEN 'x' END AS a FROM generate_series(1, 4) AS n"
    values = [row[0] for row in read_text(postgres_database, query)]
    assert values == [None, "", "x", None]


def test_many_rows_arrive_once_each(way: str, postgres_database: str) -> None:
    connection = duckdb.connect()
    query = "SELECT n AS n, repeat('x', 50) AS pad FROM generate_series(1, 300000) AS n"
    with open_read_only(postgres_database, Path(), "ledger") as database:
        assert read_into(connection, database, query, "raw") == 300_000
    assert connection.execute(
        "SELECT count(DISTINCT n), sum(CAST(n AS BIGINT)) FROM raw"
    ).fetchall() == [(300_000, 45_000_150_000)]


def test_a_failure_in_the_middle_is_no_short_table(way: str, postgres_database: str) -> None:
    query = "SELECT 1000000 / (n - 250000) AS a FROM generate_series(1, 300000) AS n"
    with (
        open_read_only(postgres_database, Path(), "ledger") as database,
        pytest.raises(UnreadableError, match=r"^division by zero$"),
    ):
        read_into(duckdb.connect(), database, query, "raw")


def test_all_reads_see_one_moment(way: str, postgres_database: str) -> None:
    run(postgres_database, "CREATE TABLE t (a INTEGER); INSERT INTO t VALUES (1)")
    connection = duckdb.connect()
    with open_read_only(postgres_database, Path(), "ledger") as database:
        assert read_into(connection, database, "SELECT a FROM t", "raw") == 1
        run(postgres_database, "INSERT INTO t VALUES (2)")
        assert read_into(connection, database, "SELECT a FROM t", "raw") == 1


def test_two_statements_are_refused(way: str, postgres_database: str) -> None:
    run(postgres_database, "CREATE TABLE t (a INTEGER)")
    escape = (
        "SELECT 1 AS a) AS q LIMIT 0; SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE; "
        "COMMIT; DROP TABLE t; SELECT * FROM (SELECT 1 AS a"
    )
    with (
        open_read_only(postgres_database, Path(), "ledger") as database,
        pytest.raises(UnreadableError, match="multiple commands"),
    ):
        read_into(duckdb.connect(), database, escape, "raw")
    run(postgres_database, "SELECT a FROM t")


ENDLESS = (
    "CREATE VIEW endless AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)"
    " SELECT i FROM n"
)


def test_a_view_without_an_end_is_left(way: str, postgres_database: str) -> None:
    run(postgres_database, ENDLESS)
    with (
        pytest.raises(CaseError, match="the view endless gave no end within 1 seconds"),
        open_read_only(postgres_database, Path(), "ledger") as database,
    ):
        read_into(duckdb.connect(), database, "SELECT i FROM endless", "raw", view_seconds=1)


def test_what_follows_a_view_without_an_end_is_read(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "a.db")) as file:
        file.executescript(f"{ENDLESS}; CREATE TABLE t AS SELECT 7 AS i; PRAGMA user_version = 1;")
    connection = duckdb.connect()
    with open_read_only("sqlite:///a.db", tmp_path, "ledger") as database:
        with pytest.raises(UnreadableError, match="endless gave no end"):
            read_into(connection, database, "SELECT i FROM Endless", "raw", view_seconds=1)
        assert read_into(connection, database, "SELECT i FROM t", "raw", view_seconds=1) == 1
