"""Copies tables of MySQL or MariaDB, under one read-only snapshot, into a SQLite database."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from credit_forensics.databases.urls import CONNECT_SECONDS, masked, one_line, secrets
from credit_forensics.databases.written_rows import create_table, insert_rows
from credit_forensics.errors import CaseError
from credit_forensics.extras import load

if TYPE_CHECKING:
    from sqlalchemy.engine import URL

_ROWS = 20_000
_UUID = ((1, 8), (9, 4), (13, 4), (17, 4), (21, 12))
_SESSION = (
    "SET SESSION time_zone = '+00:00'",
    "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ",
    "SET SESSION TRANSACTION READ ONLY",
    "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY",
)
_COLUMNS = """SELECT table_name, column_name, data_type, column_type
FROM information_schema.columns WHERE table_schema = database()
ORDER BY table_name, ordinal_position"""


def copy_tables(url: URL, target: Path, wanted: Callable[[str], bool]) -> None:
    """Copy the tables and views that are wanted, by their names; times are UTC.

    Raises
    ------
    CaseError
        when the server cannot be reached or refuses, does not prove that the transaction may
        only read, or a table cannot be read; no message holds the password.
    """
    name = masked(url)
    driver = load("pymysql")
    with _connection(driver, url, name) as connection:
        copy = sqlite3.connect(target)
        try:
            cursor = connection.cursor()
            for statement in _SESSION:
                cursor.execute(statement)
            if not _read_only(driver, cursor):
                raise CaseError(
                    f"The ledger database {name} did not accept a read-only connection."
                )
            tables: dict[str, list[tuple[str, str, str]]] = {}
            cursor.execute(_COLUMNS)
            for table, *column in cursor.fetchall():
                tables.setdefault(table, []).append((column[0], column[1], column[2]))
            for table, columns in tables.items():
                if wanted(table):
                    _copy(driver, connection, copy, table, columns)
            copy.commit()
        except driver.Error as error:
            raise CaseError(
                f"The ledger database {name} cannot be read: {one_line(error, *secrets(url))}."
            ) from None
        finally:
            copy.close()


@contextmanager
def _connection(driver: Any, url: URL, name: str) -> Iterator[Any]:
    query = {key: value for key, value in url.query.items() if isinstance(value, str)}
    secure = {"ssl": {"ca": query["ssl_ca"]}} if "ssl_ca" in query else {}
    if query.get("ssl", query.get("ssl-mode", "")).lower() in ("true", "required"):
        secure.setdefault("ssl", {})
    try:
        connection = driver.connect(
            host=url.host or "localhost",
            port=url.port or 3306,
            user=url.username,
            password=url.password or "",
            database=url.database,
            unix_socket=query.get("unix_socket"),
            charset="utf8mb4",
            connect_timeout=CONNECT_SECONDS,
            **secure,
        )
    except (driver.Error, OSError, RuntimeError) as error:
        raise CaseError(
            f"The ledger database {name} cannot be opened: {one_line(error, *secrets(url))}."
        ) from None
    try:
        yield connection
    finally:
        # Closing without a commit ends the transaction; there is nothing to keep.
        connection.close()


def _read_only(driver: Any, cursor: Any) -> bool:
    """What the server answers when asked whether this session may only read."""
    for variable in ("transaction_read_only", "tx_read_only"):
        try:
            cursor.execute(f"SELECT @@session.{variable}")
        except driver.Error:
            # The one name is MySQL's, the other MariaDB's before version 11.
            continue
        return bool(cursor.fetchone()[0] == 1)
    return False


def _copy(
    driver: Any,
    connection: Any,
    copy: sqlite3.Connection,
    table: str,
    columns: list[tuple[str, str, str]],
) -> None:
    kinds, select = {}, []
    for column, kind, whole in columns:
        name = _quoted(column)
        if whole.startswith("tinyint(1)"):
            kinds[column], sql = "boolean", name
        elif kind.endswith("int"):
            kinds[column], sql = "integer", name
        elif kind == "bit":
            kinds[column], sql = "integer", f"{name} + 0"
        elif kind in ("decimal", "float", "double"):
            kinds[column], sql = "numeric", f"CAST({name} AS CHAR)"
        elif kind in ("date", "datetime", "timestamp"):
            kinds[column], sql = "timestamp", f"CAST({name} AS CHAR)"
        elif whole == "binary(16)":
            parts = ", ".join(f"SUBSTR(HEX({name}), {at}, {size})" for at, size in _UUID)
            kinds[column], sql = "text", f"LOWER(CONCAT_WS('-', {parts}))"
        elif kind in ("binary", "varbinary"):
            kinds[column], sql = "text", f"LOWER(HEX({name}))"
        elif kind.endswith("blob") or kind in ("geometry", "point", "vector"):
            continue
        else:
            kinds[column] = "json" if kind == "json" else "text"
            sql = f"CAST({name} AS CHAR)"
        select.append(sql)
    if not kinds:
        return
    create_table(copy, table, kinds)
    with connection.cursor(driver.cursors.SSCursor) as rows:
        rows.execute(f"SELECT {', '.join(select)} FROM {_quoted(table)}")
        insert_rows(copy, table, list(kinds), iter(lambda: list(rows.fetchmany(_ROWS)), []))


def _quoted(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"
