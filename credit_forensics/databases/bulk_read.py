"""Reads many rows out of a read-only database straight into DuckDB, in bounded memory.

Every value leaves the database as what it is or as its exact text, never as a float: whole
numbers and times as such, everything else (numeric, uuid, enum, json) as text. From PostgreSQL
by ADBC where it is installed, else by psycopg's COPY; both under the snapshot of the connection
that asked, so that all tables belong to one moment.
"""

from __future__ import annotations

import io
import re
import sqlite3
import time
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, Literal

import duckdb
import pyarrow as pa
import pyarrow.csv as pacsv

from credit_forensics.databases.read_only import (
    STATEMENT_SECONDS,
    ReadOnlyDatabase,
    UnreadableError,
    session_settings,
)
from credit_forensics.databases.relations import quote_identifier
from credit_forensics.databases.urls import one_line, secrets
from credit_forensics.extras import Later, installed, load

if TYPE_CHECKING:
    import psycopg
else:
    # Slow to load, and needed only where a database is PostgreSQL.
    psycopg = Later("psycopg")

Way = Literal["adbc", "copy", "sqlite"]
SQLITE_ROWS = 20_000
VIEW_SECONDS = 45
_WHOLE = {"int2", "int4", "int8"}
_TIMES = {"timestamp", "timestamptz", "date"}
_TEXTS = {"text", "varchar"}


def read_into(
    connection: duckdb.DuckDBPyConnection,
    database: ReadOnlyDatabase,
    query: str,
    table: str,
    view_seconds: int = VIEW_SECONDS,
) -> int:
    """Run a query and keep its rows as a temporary DuckDB table.

    Parameters
    ----------
    connection
        the DuckDB connection.
    database
        the database to read from.
    query
        one SELECT statement in the database's own SQL.
    table
        name of the temporary table; replaced if it is there. Its columns are those of the query,
        each VARCHAR, BIGINT or a timestamp.
    view_seconds
        how long a query that names a view may take; a table has an end, a view need not.

    Returns
    -------
    int
        number of rows.

    Raises
    ------
    UnreadableError
        when the database refuses the query, or fails while it runs.
    """
    columns = database.describe(query)
    seconds = STATEMENT_SECONDS
    named = named_views(database, query)
    if named:
        seconds = view_seconds
    if database.dialect == "sqlite":
        batches = _sqlite_batches(database, query, columns, seconds)
    else:
        query = _postgres_query(query, columns)
        second = _adbc_connection(database, seconds) if postgres_way() == "adbc" else None
        if second is None:
            batches = _copy_batches(database, query, seconds)
        else:
            batches = _adbc_batches(database, second, query)
    began = time.monotonic()
    try:
        return _keep(connection, table, columns, batches)
    except UnreadableError as error:
        if not named or time.monotonic() - began < seconds:
            raise
        raise endless(named, seconds) from error


def named_views(database: ReadOnlyDatabase, query: str) -> list[str]:
    """The views that a query names, by name."""
    return sorted(
        view
        for view in database.views()
        if re.search(rf"(?<!\w){re.escape(view)}(?!\w)", query, re.IGNORECASE)
    )


def endless(views: list[str], seconds: int) -> UnreadableError:
    """What is said of views that gave no end in time."""
    return UnreadableError(
        f"the view {' or '.join(views)} gave no end within {seconds} seconds; view_seconds gives "
        "it more, and a table in its place has an end"
    )


def postgres_way() -> Way:
    """How PostgreSQL is read here: ``adbc`` if that driver is installed, else ``copy``."""
    return "adbc" if installed("adbc_driver_postgresql") else "copy"


def _keep(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    columns: list[tuple[str, str]],
    batches: Iterator[pa.RecordBatch],
) -> int:
    """Drain the batches into a DuckDB table; without any batch the columns are text."""
    name = quote_identifier(table)
    first = next(batches, None)
    if first is None:
        schema = pa.schema([(column, pa.string()) for column, _ in columns])
        first = pa.RecordBatch.from_pylist([], schema=schema)

    failure: list[BaseException] = []

    def stream() -> Iterator[pa.RecordBatch]:
        # DuckDB swallows the exception of a reader that fails, so it is kept for afterwards.
        try:
            yield first
            yield from batches
        except BaseException as error:
            failure.append(error)
            raise

    reader = pa.RecordBatchReader.from_batches(first.schema, stream())
    # A result that a caller left half-fetched would refuse the registration; this drops it.
    connection.execute("SELECT 1").fetchall()
    connection.register("_bulk_rows", reader)
    try:
        connection.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS SELECT * FROM _bulk_rows")
    except Exception:
        if failure:
            raise failure[0] from None
        raise
    finally:
        connection.unregister("_bulk_rows")
    if failure:
        raise failure[0]
    rows = connection.execute(f"SELECT count(*) FROM {name}").fetchall()
    return int(rows[0][0])


def _postgres_query(query: str, columns: list[tuple[str, str]]) -> str:
    casts = []
    for column, kind in columns:
        name = quote_identifier(column)
        if kind in _WHOLE:
            cast = f"{name}::int8"
        elif kind in _TIMES:
            # Arrow has no infinity; DuckDB's would be one more value that is no time.
            as_time = f"{name}::timestamp" if kind == "date" else name
            cast = f"CASE WHEN isfinite({name}) THEN {as_time} END"
        elif kind in _TEXTS:
            cast = name
        else:
            cast = f"{name}::text"
        casts.append(f"{cast} AS {name}")
    return f"SELECT {', '.join(casts)} FROM (\n{query}\n) AS q"


def _adbc_connection(database: ReadOnlyDatabase, seconds: int) -> Any:
    """A second connection under the same snapshot, or none where the server does not lend it.

    A connection pooler may refuse, a user may have no second connection left: then COPY over the
    first connection does.
    """
    if not database.snapshot:
        return None
    dbapi = load("adbc_driver_postgresql.dbapi")
    try:
        connection = dbapi.connect(database.conninfo())
    except dbapi.Error:
        return None
    try:
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            cursor.execute(f"SET TRANSACTION SNAPSHOT '{database.snapshot}'")
            for name, value in session_settings(seconds).items():
                cursor.execute(f"SET LOCAL {name} = '{value}'")
    except dbapi.Error:
        connection.close()
        return None
    return connection


def _adbc_batches(
    database: ReadOnlyDatabase, connection: Any, query: str
) -> Iterator[pa.RecordBatch]:
    dbapi = load("adbc_driver_postgresql.dbapi")
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(query)
            yield from cursor.fetch_record_batch()
    except (dbapi.Error, OSError, pa.ArrowException) as error:
        raise UnreadableError(one_line(error, *secrets(database.url))) from None


def _copy_batches(database: ReadOnlyDatabase, query: str, seconds: int) -> Iterator[pa.RecordBatch]:
    names = [name for name, _ in database.describe(query)]
    statement = f"COPY ({query}) TO STDOUT (FORMAT csv)".encode()
    limit = "SELECT set_config('statement_timeout', %s, true)"
    try:
        with database.driver.transaction():
            database.driver.execute(limit, [f"{seconds}s"])
            yield from _copied(database, statement, names)
            database.driver.execute(limit, [f"{STATEMENT_SECONDS}s"])
    except psycopg.Error as error:
        raise UnreadableError(one_line(error)) from None
    except pa.ArrowException as error:
        raise UnreadableError(one_line(error)) from None


def _copied(
    database: ReadOnlyDatabase, statement: bytes, names: list[str]
) -> Iterator[pa.RecordBatch]:
    with database.driver.cursor() as cursor, cursor.copy(statement) as copy:
        stream = io.BufferedReader(CopyStream(copy), buffer_size=1 << 20)
        first = stream.peek(1)
        if not first:
            return
        yield from pacsv.open_csv(
            pa.PythonFile(stream, mode="r"),
            read_options=pacsv.ReadOptions(
                column_names=names, block_size=4 << 20, use_threads=False
            ),
            parse_options=pacsv.ParseOptions(newlines_in_values=True, ignore_empty_lines=False),
            convert_options=pacsv.ConvertOptions(
                column_types={name: pa.string() for name in names},
                null_values=[""],
                strings_can_be_null=True,
                quoted_strings_can_be_null=False,
            ),
        )


class CopyStream(io.RawIOBase):
    """The chunks of a COPY as a readable stream."""

    def __init__(self, copy: Iterable[bytes | memoryview | bytearray]) -> None:
        self._chunks = iter(copy)
        self._rest = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        size = len(buffer)
        parts = [self._rest]
        have = len(self._rest)
        while have < size:
            chunk = next(self._chunks, None)
            if chunk is None:
                break
            parts.append(bytes(chunk))
            have += len(chunk)
        data = b"".join(parts)
        buffer[: min(size, have)] = data[:size]
        self._rest = data[size:]
        return min(size, have)


def _sqlite_batches(
    database: ReadOnlyDatabase, query: str, columns: list[tuple[str, str]], seconds: int
) -> Iterator[pa.RecordBatch]:
    # SQLite types values, not columns, so each leaves as text; whole reals lose their ".0".
    texts = ", ".join(_sqlite_text(quote_identifier(name)) for name, _ in columns)
    names = [name for name, _ in columns]
    database.driver.text_factory = _text
    until = time.monotonic() + seconds
    database.driver.set_progress_handler(lambda: time.monotonic() > until, 1_000_000)
    try:
        cursor = database.driver.execute(f"SELECT {texts} FROM (\n{query}\n) AS q")
        while rows := cursor.fetchmany(SQLITE_ROWS):
            arrays = [pa.array(values, pa.string()) for values in zip(*rows, strict=True)]
            yield pa.RecordBatch.from_arrays(arrays, names)
    except sqlite3.Error as error:
        raise UnreadableError(one_line(error)) from None
    finally:
        database.driver.text_factory = str
        database.driver.set_progress_handler(None, 0)


def _text(value: bytes) -> str:
    return value.decode("utf-8", "replace")


def _sqlite_text(name: str) -> str:
    uuid = " || '-' || ".join(
        f"substr(hex({name}), {start}, {size})"
        for start, size in ((1, 8), (9, 4), (13, 4), (17, 4), (21, 12))
    )
    return (
        f"CASE typeof({name}) WHEN 'integer' THEN CAST({name} AS TEXT) "
        f"WHEN 'real' THEN CASE WHEN abs({name}) < 9.2e18 AND {name} = CAST({name} AS INTEGER) "
        f"THEN CAST(CAST({name} AS INTEGER) AS TEXT) ELSE printf('%!.17g', {name}) END "
        f"WHEN 'blob' THEN CASE length({name}) WHEN 16 THEN lower({uuid}) "
        f"ELSE lower(hex({name})) END "
        f"ELSE {name} END"
    )
