"""Opens a SQLite or PostgreSQL database for reading only, proves it, and lists what it holds."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from credit_forensics.databases.relations import (
    Relation,
    postgres_relations,
    quote_identifier,
    sqlite_relations,
)
from credit_forensics.databases.urls import (
    PlainSqlite,
    libpq_arguments,
    masked,
    one_line,
    parse_to_read,
    secrets,
    sqlite_path,
)
from credit_forensics.errors import CaseError
from credit_forensics.extras import Later

if TYPE_CHECKING:
    import psycopg
    from psycopg import conninfo
    from sqlalchemy.engine import URL
else:
    # Slow to load, and needed only where a server is asked.
    psycopg = Later("psycopg")
    conninfo = Later("psycopg.conninfo")

LOCK_SECONDS = 30
STATEMENT_SECONDS = 1800
# For looking at what a database holds, before it is read.
PROBE_SECONDS = 20
_SQLITE_VIEWS = "SELECT name FROM sqlite_master WHERE type = 'view'"
_POSTGRES_VIEWS = """SELECT c.relname::text FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind = 'v' AND n.nspname NOT IN ('pg_catalog', 'information_schema')"""


class UnreadableError(Exception):
    """A statement that the database refused; the message is one line without any values."""


class ReadOnlyDatabase:
    """An open database. ``name`` is its URL with the password masked.

    ``dialect`` is ``sqlite`` or ``postgresql``; ``driver`` the DB-API connection, which is inside
    one read-only transaction, so that everything read belongs to one moment; ``snapshot`` names
    that moment for further connections (PostgreSQL; empty where the server lends none).
    """

    def __init__(self, name: str, url: URL | PlainSqlite, driver: Any, path: Path | None) -> None:
        self.name = name
        self.url = url
        self.driver = driver
        self.path = path
        self.dialect = url.get_backend_name()
        self.snapshot = ""
        self._relations: list[Relation] | None = None
        self._views: frozenset[str] | None = None

    def relations(self) -> list[Relation]:
        """Tables and views, sorted by schema and name; the system's own are left out.

        Raises
        ------
        UnreadableError
            when the database does not tell.
        """
        if self._relations is None:
            listed = sqlite_relations if self.dialect == "sqlite" else postgres_relations
            with _refusals():
                self._relations = listed(self.driver)
        return self._relations

    def views(self) -> frozenset[str]:
        """The names of its views, whose rows need not have an end."""
        if self._views is None:
            listed = _SQLITE_VIEWS if self.dialect == "sqlite" else _POSTGRES_VIEWS
            with _refusals():
                self._views = frozenset(name for (name,) in self.driver.execute(listed))
        return self._views

    def find(self, name: str, schema: str | None = None) -> Relation | None:
        """A table or view by name, exact before by case alone.

        Without a schema the search path's come first, then any other if only one has it.
        """
        schema = schema if schema and self.dialect != "sqlite" else None
        if schema is None and self.dialect == "postgresql":
            for on_path in self.search_path():
                found = self._find(name, on_path)
                if found:
                    return found
        return self._find(name, schema)

    def _find(self, name: str, schema: str | None) -> Relation | None:
        here = [r for r in self.relations() if schema is None or r.schema == schema]
        for same in (
            [r for r in here if r.name == name],
            [r for r in here if r.name.lower() == name.lower()],
        ):
            if len(same) == 1:
                return same[0]
        return None

    def search_path(self) -> list[str]:
        """The schemas that an unqualified name is looked up in (PostgreSQL)."""
        with _refusals():
            row = self.driver.execute("SELECT current_schemas(false)::text[]").fetchone()
        return list(row[0])

    def quoted(self, relation: Relation) -> str:
        """The relation as what stands after FROM: its name, or the query read in its place."""
        if relation.query:
            return f"({relation.query})"
        name = quote_identifier(relation.name)
        return f"{quote_identifier(relation.schema)}.{name}" if relation.schema else name

    def describe(self, query: str) -> list[tuple[str, str]]:
        """Names and types of a query's columns, without running it.

        The query goes through the extended protocol (PostgreSQL) or ``sqlite3.execute``, neither
        of which takes more than one statement.

        Raises
        ------
        UnreadableError
            when the database refuses the query.
        """
        probe = f"SELECT * FROM (\n{query}\n) AS q LIMIT 0"
        if self.dialect == "sqlite":
            with _refusals():
                cursor = self.driver.execute(probe)
                return [(column[0], "") for column in cursor.description]
        with _refusals(), self.driver.transaction():
            # Asking for binary results is what makes psycopg use the extended protocol.
            cursor = self.driver.execute(probe, binary=True)
            types = self.driver.adapters.types
            names = []
            for column in cursor.description:
                known = types.get(column.type_code)
                names.append((column.name, known.name if known else ""))
            return names

    def fetch_row(self, query: str, seconds: int = STATEMENT_SECONDS) -> tuple[Any, ...]:
        """The one row of a query, of which nothing remains when the database refuses it.

        Raises
        ------
        UnreadableError
            when it does, or is not done in time.
        """
        return self.fetch_rows(query, seconds)[0]

    def fetch_rows(self, query: str, seconds: int = PROBE_SECONDS) -> list[tuple[Any, ...]]:
        """The rows of a small query, of which nothing remains when it is refused or takes too long.

        Raises
        ------
        UnreadableError
            when the database refuses it, or it is not done in time.
        """
        if self.dialect == "sqlite":
            until = time.monotonic() + seconds
            self.driver.set_progress_handler(lambda: time.monotonic() > until, 100_000)
            self.driver.text_factory = lambda value: value.decode("utf-8", "replace")
            try:
                with _refusals():
                    return list(self.driver.execute(query).fetchall())
            finally:
                self.driver.text_factory = str
                self.driver.set_progress_handler(None, 0)
        limit = "SELECT set_config('statement_timeout', %s, true)"
        with _refusals(), self.driver.transaction():
            self.driver.execute(limit, [f"{seconds}s"])
            rows = self.driver.execute(query).fetchall()
            self.driver.execute(limit, [f"{STATEMENT_SECONDS}s"])
        return [tuple(row) for row in rows]

    def conninfo(self) -> str:
        """The libpq connection string, for a second connection. It holds the password."""
        assert not isinstance(self.url, PlainSqlite)
        return conninfo.make_conninfo("", **libpq_arguments(self.url))


@contextmanager
def open_read_only(url: str, folder: Path, what: str) -> Iterator[ReadOnlyDatabase]:
    """Open a database for reading only.

    SQLite is opened with ``mode=ro`` and ``PRAGMA query_only``; a file that is not there is never
    created, and a database in WAL mode at rest is opened immutable, so that no file appears
    beside it. PostgreSQL gets one ``REPEATABLE READ, READ ONLY`` transaction in a session whose
    default is read-only; what the server answers is checked.

    Parameters
    ----------
    url
        a SQLAlchemy URL; drivers other than the house's own (``+asyncpg``, ``+aiosqlite``) and
        settings that only other clients know (Prisma's ``?schema=``) are put right.
    folder
        where a relative SQLite path starts.
    what
        what it is to the case, for messages: "ledger".

    Raises
    ------
    CaseError
        when the URL is of another kind, the file is missing or no database, or the server cannot
        be reached, refuses or is lost while it is read; no message holds the password.
    """
    parsed = parse_to_read(url, what)
    path = None
    if parsed.get_backend_name() == "sqlite":
        path = sqlite_path(parsed, folder, what)
    name = masked(parsed)
    if path is not None:
        connect = partial(_connect_sqlite, path)
    else:
        assert not isinstance(parsed, PlainSqlite)
        connect = partial(_connect_postgres, parsed)
    driver = _connected(connect, f"The {what} database {name}", secrets(parsed))
    try:
        database = ReadOnlyDatabase(name, parsed, driver, path)
        with _refusals():
            if database.dialect == "postgresql":
                _begin(database)
            proven = _read_only(database)
        if not proven:
            raise CaseError(f"The {what} database {name} did not accept a read-only connection.")
        yield database
    except UnreadableError as error:
        raise CaseError(f"The {what} database {name} cannot be read: {error}.") from None
    finally:
        # Closing without a commit ends the transaction; there is nothing to keep.
        driver.close()


@contextmanager
def _refusals() -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, psycopg.Error) as error:
        raise UnreadableError(one_line(error)) from None


def _connected(connect: Callable[[], Any], subject: str, hidden: list[str]) -> Any:
    try:
        return connect()
    except Exception as error:  # the driver's, or the system's
        found = error
    raise CaseError(f"{subject} cannot be opened: {one_line(found, *hidden)}.")


def _connect_sqlite(path: Path) -> sqlite3.Connection:
    with path.open("rb") as file:
        header = file.read(20)
    log = path.with_name(path.name + "-wal")
    at_rest = header[18:20] == b"\x02\x02" and not (log.exists() and log.stat().st_size)
    options = "mode=ro&immutable=1" if at_rest else "mode=ro"
    uri = f"file:{quote(str(path.resolve()))}?{options}"
    connection = sqlite3.connect(
        uri, uri=True, timeout=LOCK_SECONDS, isolation_level=None, check_same_thread=False
    )
    connection.execute("PRAGMA query_only = ON")
    connection.execute("PRAGMA trusted_schema = OFF")
    connection.execute("BEGIN")
    return connection


def _connect_postgres(url: URL) -> Any:
    connection = psycopg.connect(
        **libpq_arguments(url), client_encoding="utf8", prepare_threshold=None
    )
    connection.autocommit = True
    connection.execute("SET default_transaction_read_only = on")
    connection.autocommit = False
    connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
    connection.read_only = True
    return connection


def _begin(database: ReadOnlyDatabase) -> None:
    """Begin the reading transaction, and lend its snapshot to further connections."""
    for lend in (True, False):
        for setting, value in session_settings().items():
            database.driver.execute("SELECT set_config(%s, %s, true)", [setting, value])
        try:
            if lend:
                row = database.driver.execute("SELECT pg_export_snapshot()").fetchone()
                database.snapshot = str(row[0])
            return
        except psycopg.Error:
            # A server that lends none (a standby of old) has spoilt the transaction.
            database.driver.rollback()


def session_settings(seconds: int = STATEMENT_SECONDS) -> dict[str, str]:
    """What holds for the reading transaction in PostgreSQL, whatever the role's defaults are."""
    return {
        "TimeZone": "UTC",
        "DateStyle": "ISO, MDY",
        "extra_float_digits": "1",
        "statement_timeout": f"{seconds}s",
        "lock_timeout": f"{LOCK_SECONDS}s",
        # The snapshot's owner waits while another connection reads under it.
        "idle_in_transaction_session_timeout": "0",
    }


def _read_only(database: ReadOnlyDatabase) -> bool:
    """What the database answers when asked whether this connection may only read."""
    if database.dialect == "sqlite":
        (answer,) = database.driver.execute("PRAGMA query_only").fetchone()
        # Reads the first page: a damaged or locked file shows here.
        database.driver.execute("SELECT count(*) FROM sqlite_master").fetchone()
        return bool(answer == 1)
    answers = [
        database.driver.execute(f"SHOW {setting}").fetchone()[0]
        for setting in ("transaction_read_only", "default_transaction_read_only")
    ]
    return answers == ["on", "on"]
