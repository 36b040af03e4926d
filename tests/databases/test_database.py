"""Read-only connections: what cannot be opened says so in a sentence, what is open cannot write."""

from __future__ import annotations

import os
import socket
import sqlite3
from pathlib import Path

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy.engine import make_url

from credit_forensics.databases import read_only as database_module
from credit_forensics.databases.read_only import ReadOnlyDatabase, UnreadableError, open_read_only
from credit_forensics.databases.relations import quote_identifier
from credit_forensics.databases.urls import libpq_arguments, masked, parse_url
from credit_forensics.errors import CaseError

SECRET = "s3cr3t-w0rd"


def make_sqlite(
    path: Path, script: str = "CREATE TABLE t (a INTEGER); INSERT INTO t VALUES (1);"
) -> None:
    connection = sqlite3.connect(path)
    connection.executescript(script)
    connection.close()


def refused(url: str, folder: Path = Path()) -> str:
    with pytest.raises(CaseError) as error, open_read_only(url, folder, "ledger"):
        pass
    message = str(error.value)
    assert "\n" not in message
    assert message.endswith(".")
    assert SECRET not in message
    return message


def test_sqlite_cannot_be_written_through(tmp_path: Path) -> None:
    make_sqlite(tmp_path / "a.db")
    with open_read_only("sqlite:///a.db", tmp_path, "ledger") as database:
        for statement in ("INSERT INTO t VALUES (2)", "CREATE TABLE u (a INTEGER)", "DROP TABLE t"):
            with pytest.raises(sqlite3.OperationalError, match=r"readonly|read-only"):
                database.driver.execute(statement)
        database.driver.execute("PRAGMA query_only = OFF")
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            database.driver.execute("INSERT INTO t VALUES (2)")


def test_postgresql_cannot_be_written_through(postgres_database: str) -> None:
    with psycopg.connect(postgres_database, autocommit=True) as connection:
        connection.execute("CREATE TABLE t (a INTEGER)")
    with open_read_only(postgres_database, Path(), "ledger") as database:
        for statement in (
            "INSERT INTO t VALUES (2)",
            "CREATE TABLE u (a INTEGER)",
            "SET TRANSACTION READ WRITE",
        ):
            with (
                pytest.raises(psycopg.Error, match=r"read-only|before any query"),
                database.driver.transaction(),
            ):
                database.driver.execute(statement)
        # A new transaction of the session is read-only too.
        database.driver.rollback()
        database.driver.read_only = None
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            database.driver.execute("INSERT INTO t VALUES (2)")
    with psycopg.connect(postgres_database) as connection:
        assert connection.execute("SELECT count(*) FROM t").fetchone() == (0,)


def test_a_missing_sqlite_file_is_not_made(tmp_path: Path) -> None:
    assert refused("sqlite:///gone.db", tmp_path) == "The ledger database gone.db does not exist."
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"", "is empty"), (b"PK\x03\x04 not a database", "is not a SQLite database")],
)
def test_a_file_that_is_no_database(tmp_path: Path, content: bytes, words: str) -> None:
    (tmp_path / "a.db").write_bytes(content)
    assert words in refused("sqlite:///a.db", tmp_path)
    assert (tmp_path / "a.db").read_bytes() == content


def test_a_damaged_sqlite_file(tmp_path: Path) -> None:
    (tmp_path / "a.db").write_bytes(b"SQLite format 3\x00" + os.urandom(4096))
    assert "cannot be" in refused("sqlite:///a.db", tmp_path)


def test_a_folder_is_no_database(tmp_path: Path) -> None:
    assert "is not a file" in refused(f"sqlite:///{tmp_path}")


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.db")
    assert "is not a file" in refused("sqlite:///a.db", tmp_path)


def test_a_file_that_somebody_has_locked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database_module, "LOCK_SECONDS", 0.1)
    make_sqlite(tmp_path / "a.db")
    writer = sqlite3.connect(tmp_path / "a.db", isolation_level=None)
    writer.execute("BEGIN EXCLUSIVE")
    assert "database is locked" in refused("sqlite:///a.db", tmp_path)
    writer.close()


def test_a_server_that_goes_away_while_it_is_read(postgres_database: str) -> None:
    with (
        pytest.raises(CaseError, match=r"^The ledger database .* cannot be read: [^\n]*\.$"),
        open_read_only(postgres_database, Path(), "ledger") as database,
    ):
        row = database.driver.execute("SELECT pg_backend_pid()").fetchone()
        with psycopg.connect(postgres_database, autocommit=True) as connection:
            connection.execute("SELECT pg_terminate_backend(%s)", [row[0]])
        database.relations()


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:"])
def test_a_url_without_a_file(url: str) -> None:
    assert "names no file" in refused(url)


def test_wal_mode_at_rest_leaves_no_file_behind(tmp_path: Path) -> None:
    make_sqlite(tmp_path / "a.db", "PRAGMA journal_mode = WAL; CREATE TABLE t (a INTEGER);")
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with open_read_only("sqlite:///a.db", tmp_path, "ledger") as database:
        assert [relation.name for relation in database.relations()] == ["t"]
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_wal_mode_in_use_is_read_with_its_log(tmp_path: Path) -> None:
    writer = sqlite3.connect(tmp_path / "a.db")
    writer.executescript("PRAGMA journal_mode = WAL; CREATE TABLE t (a INTEGER);")
    writer.execute("INSERT INTO t VALUES (7)")
    writer.commit()
    with open_read_only("sqlite:///a.db", tmp_path, "ledger") as database:
        assert database.driver.execute("SELECT a FROM t").fetchall() == [(7,)]
    writer.close()


def test_a_file_name_with_signs_that_mean_something_in_a_url(tmp_path: Path) -> None:
    make_sqlite(tmp_path / "50%23 of #1.db")
    with open_read_only("sqlite:///50%2523 of %231.db", tmp_path, "ledger") as database:
        assert database.driver.execute("SELECT a FROM t").fetchall() == [(1,)]


def test_nobody_listens() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    message = refused(f"postgresql://reader:{SECRET}@127.0.0.1:{port}/shop")
    assert f"postgresql://reader:***@127.0.0.1:{port}/shop cannot be opened" in message


def test_a_wrong_password(postgres_url: str) -> None:
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        row = connection.execute("SHOW hba_file").fetchone()
        assert row
        rules = Path(row[0])
        before = rules.read_text()
        connection.execute("DROP ROLE IF EXISTS locked_reader")
        connection.execute("CREATE ROLE locked_reader LOGIN PASSWORD 'right'")
        rules.write_text("local all locked_reader scram-sha-256\n" + before)
        try:
            connection.execute("SELECT pg_reload_conf()")
            url = make_url(postgres_url).set(username="locked_reader", password=SECRET)
            message = refused(url.render_as_string(hide_password=False))
        finally:
            rules.write_text(before)
            connection.execute("SELECT pg_reload_conf()")
            connection.execute("DROP ROLE locked_reader")
    assert "password authentication failed" in message


def test_a_database_that_is_not_there(postgres_url: str) -> None:
    url = make_url(postgres_url).set(database="nowhere").render_as_string(hide_password=False)
    assert 'database "nowhere" does not exist' in refused(url)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        (f"mysql://root:{SECRET}@localhost/shop", "only sqlite and postgresql"),
        ("ledger.db", "is not a database URL"),
        ("", "is not a database URL"),
        (f"postgresql://a:{SECRET}@host:port/x", "is not a database URL"),
    ],
)
def test_urls_that_cannot_be_used(url: str, words: str) -> None:
    assert words in refused(url)


def test_settings_of_other_clients_are_left_out() -> None:
    url = parse_url(
        "postgresql+asyncpg://a@db.example.com:6543/shop?schema=public&pgbouncer=true&ssl=require",
        "ledger",
    )
    arguments = libpq_arguments(url)
    assert arguments["sslmode"] == "require"
    assert arguments["port"] == 6543
    assert not {"schema", "pgbouncer", "ssl"} & set(arguments)


@settings(deadline=None, max_examples=60)
@given(st.text(st.characters(blacklist_categories=("Cs", "Cc")), min_size=6, max_size=20))
def test_no_password_is_ever_shown(password: str) -> None:
    url = make_url("postgresql://reader@db.example.com/shop").set(password=password)
    shown = masked(parse_url(url.render_as_string(hide_password=False), "ledger"))
    assert shown == "postgresql://reader:***@db.example.com/shop"


@settings(deadline=None, max_examples=60)
@given(
    st.text(st.characters(blacklist_categories=("Cs",), blacklist_characters="\x00"), min_size=1)
)
def test_a_quoted_name_is_one_name_whatever_it_holds(name: str) -> None:
    connection = sqlite3.connect(":memory:")
    connection.execute(f"CREATE TABLE {quote_identifier(name)} (a INTEGER)")
    names = [row[0] for row in connection.execute("SELECT name FROM sqlite_master")]
    connection.close()
    assert names == [name]


def test_tables_are_found_on_the_search_path_before_elsewhere(postgres_database: str) -> None:
    with psycopg.connect(postgres_database, autocommit=True) as connection:
        connection.execute(
            "CREATE SCHEMA app; CREATE TABLE app.users (id TEXT); CREATE TABLE users (id BIGINT);"
            'CREATE TABLE app."User" (id UUID); CREATE TABLE app.only_here (id TEXT);'
        )

    def where(database: ReadOnlyDatabase, name: str, schema: str | None = None) -> str:
        found = database.find(name, schema)
        return database.quoted(found) if found else ""

    with open_read_only(postgres_database, Path(), "ledger") as database:
        assert where(database, "users") == '"public"."users"'
        assert where(database, "users", "app") == '"app"."users"'
        assert where(database, "only_here") == '"app"."only_here"'
        assert where(database, "USER") == '"app"."User"'
        assert where(database, "absent") == ""


def test_describe_names_what_is_missing(postgres_database: str) -> None:
    with open_read_only(postgres_database, Path(), "ledger") as database:
        with pytest.raises(UnreadableError, match='relation "absent" does not exist'):
            database.describe("SELECT * FROM absent")
        assert database.describe("SELECT 1 AS a, 'x'::text AS b") == [("a", "int4"), ("b", "text")]
