"""Puts exported tables (CSV, JSON, Parquet, DuckDB, a dump in SQL) into a SQLite database.

JSON may be lines, a list, or one object; what ``mongoexport`` (``$oid``, ``$date``,
``$numberDecimal``), Firestore (``stringValue``, ``fields``) and DynamoDB (``Item``, ``S``, ``N``)
wrap is unwrapped. What is nested stays JSON.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb

from credit_forensics.databases.relations import quote_identifier
from credit_forensics.databases.tables_of_dump import is_dump, write_dump
from credit_forensics.databases.unwrapped_values import is_of_dynamo, plain_of_dynamo, plain_value
from credit_forensics.databases.urls import one_line
from credit_forensics.databases.written_rows import create_table, insert_rows
from credit_forensics.databases.written_values import plain_columns
from credit_forensics.errors import CaseError

_ROWS = 20_000
_CSV = "read_csv(?, all_varchar = true, header = true, sample_size = -1, encoding = ?)"
# Up to 15 digits are a number that SQLite keeps exactly; a leading zero makes it a text.
_INTEGER, _NUMBER = "-?(0|[1-9][0-9]{0,14})", r"-?(0|[1-9][0-9]{0,14})(\.[0-9]+)?"
_COLLECTIONS, _HEAD = "__collections__", 4096


def write_tables(files: Mapping[str, Sequence[Path]], target: Path) -> None:
    """Write each file's rows into the table of its name; several files of one name add up.

    Raises
    ------
    CaseError
        when a file cannot be read as any of these.
    """
    connection = sqlite3.connect(target)
    try:
        for name, paths in files.items():
            for path in paths:
                try:
                    _write(connection, name, path)
                except (duckdb.Error, sqlite3.Error, ValueError, OSError, RecursionError) as error:
                    raise CaseError(
                        f"ledger.files: {path.name} cannot be read: {one_line(error)}."
                    ) from None
        connection.commit()
    finally:
        connection.close()


def _write(connection: sqlite3.Connection, name: str, path: Path) -> None:
    if not path.is_file():
        raise ValueError("it is not a file")
    with path.open("rb") as file:
        head = file.read(64)
    if not head.strip():
        raise ValueError("it is empty")
    if head.startswith(b"SQLite format 3"):
        raise ValueError('it is a SQLite database; name it with url = "sqlite:///…"')
    if head[8:12] == b"DUCK":
        with duckdb.connect(str(path), read_only=True) as source:
            tables = [row[0] for row in source.execute("SHOW TABLES").fetchall()]
            for table in tables:
                label = name if len(tables) == 1 else table
                _from_duckdb(connection, label, source, quote_identifier(table), [])
        return
    with duckdb.connect() as source:
        if head.startswith(b"PAR1"):
            _from_duckdb(connection, name, source, "read_parquet(?)", [str(path)])
        elif head.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"["):
            _insert_documents(connection, name, path)
        elif is_dump(path):
            write_dump(connection, path)
        else:
            _from_csv(connection, name, source, path)


def _from_csv(
    connection: sqlite3.Connection, name: str, source: duckdb.DuckDBPyConnection, path: Path
) -> None:
    encoding = "utf-8"
    try:
        source.execute(f"CREATE TEMP TABLE rows AS FROM {_CSV}", [str(path), encoding])
    except duckdb.Error:
        encoding = "latin-1"
        source.execute(f"CREATE TEMP TABLE rows AS FROM {_CSV}", [str(path), encoding])
    columns = [row[0] for row in source.execute("DESCRIBE rows").fetchall()]
    delimiter = source.execute(
        "SELECT delimiter FROM sniff_csv(?, all_varchar = true, encoding = ?)",
        [str(path), encoding],
    ).fetchall()[0][0]
    if plain := plain_columns(source, "rows", columns, delimiter):
        replaced = ", ".join(f"{sql} AS {quote_identifier(one)}" for one, sql in plain.items())
        source.execute(f"CREATE TEMP TABLE plain_rows AS SELECT * REPLACE ({replaced}) FROM rows")
        source.execute("DROP TABLE rows")
        source.execute("ALTER TABLE plain_rows RENAME TO rows")
    tests = ", ".join(
        f"coalesce(bool_and(regexp_full_match({quote_identifier(column)}, '{pattern}')), false)"
        for column in columns
        for pattern in (_INTEGER, _NUMBER)
    )
    found = source.execute(f"SELECT {tests} FROM rows").fetchall()[0]
    kinds = [
        "integer" if found[2 * n] else "numeric" if found[2 * n + 1] else "text"
        for n in range(len(columns))
    ]
    create_table(connection, name, dict(zip(columns, kinds, strict=True)))
    rows = source.execute("FROM rows")
    insert_rows(connection, name, columns, iter(lambda: rows.fetchmany(_ROWS), []))


def _from_duckdb(
    connection: sqlite3.Connection,
    name: str,
    source: duckdb.DuckDBPyConnection,
    relation: str,
    values: list[str],
) -> None:
    described = source.execute(f"DESCRIBE SELECT * FROM {relation}", values).fetchall()
    kinds, select = {}, []
    for column, kind, *_ in described:
        quoted = quote_identifier(column)
        if kind in (
            "TINYINT",
            "SMALLINT",
            "INTEGER",
            "BIGINT",
            "UTINYINT",
            "USMALLINT",
            "UINTEGER",
        ):
            kinds[column], sql = "integer", quoted
        elif kind == "BOOLEAN":
            kinds[column], sql = "boolean", f"CAST({quoted} AS INTEGER)"
        elif kind.startswith(("DECIMAL", "DOUBLE", "FLOAT", "HUGEINT", "UBIGINT")):
            kinds[column], sql = "numeric", f"CAST({quoted} AS VARCHAR)"
        elif kind.startswith(("STRUCT", "MAP", "JSON")) or kind.endswith("]"):
            kinds[column], sql = "json", f"CAST(to_json({quoted}) AS VARCHAR)"
        elif kind.startswith(("TIMESTAMP", "DATE")):
            at = f"{quoted} AT TIME ZONE 'UTC'" if "ZONE" in kind else quoted
            kinds[column], sql = "timestamp", f"CAST({at} AS VARCHAR)"
        else:
            kinds[column], sql = "text", f"CAST({quoted} AS VARCHAR)"
        select.append(f"{sql} AS {quoted}")
    create_table(connection, name, kinds)
    rows = source.execute(f"SELECT {', '.join(select)} FROM {relation}", values)
    insert_rows(connection, name, list(kinds), iter(lambda: rows.fetchmany(_ROWS), []))


def _insert_documents(connection: sqlite3.Connection, name: str, path: Path) -> None:
    with path.open(encoding="utf-8-sig") as file:
        nested = _COLLECTIONS in file.read(_HEAD)
        file.seek(0)
        if nested and isinstance(whole := json.load(file), dict) and _COLLECTIONS in whole:
            tables: dict[str, list[dict[str, Any]]] = {}
            _collect(whole[_COLLECTIONS], {}, tables)
            for collection, rows in tables.items():
                _insert_rows_of(connection, collection, rows.__iter__)
            return
    _insert_rows_of(connection, name, lambda: documents(path))


def _collect(
    collections: Mapping[str, Any], above: dict[str, Any], tables: dict[str, list[dict[str, Any]]]
) -> None:
    """The documents of a backup of Firestore by their collections, with the ids of those above."""
    for collection, held in collections.items():
        for key, document in held.items():
            fields = {k: v for k, v in document.items() if k != _COLLECTIONS}
            row = {"id": key, **above, **_plain_row(fields)}
            tables.setdefault(collection, []).append(row)
            _collect(document.get(_COLLECTIONS) or {}, {**above, f"{collection}_id": key}, tables)


def _insert_rows_of(
    connection: sqlite3.Connection, name: str, rows: Callable[[], Iterator[dict[str, Any]]]
) -> None:
    columns: dict[str, str] = {}
    for row in rows():
        for key in row:
            columns.setdefault(key.lower(), key)
    create_table(connection, name, dict.fromkeys(columns.values(), ""))
    batch = []
    for row in rows():
        by = {key.lower(): value for key, value in row.items()}
        batch.append(tuple(by.get(key) for key in columns))
        if len(batch) == _ROWS:
            insert_rows(connection, name, list(columns.values()), [batch])
            batch = []
    insert_rows(connection, name, list(columns.values()), [batch])


def documents(path: Path) -> Iterator[dict[str, Any]]:
    """The rows of a JSON file, each with plain values."""
    with path.open(encoding="utf-8-sig") as file:
        first = file.readline()
        file.seek(0)
        try:
            lines = isinstance(json.loads(first), dict) and bool(file.readline())
            # A line alone is a document as a whole.
            lines = lines and file.readline().lstrip()[:1] == "{"
        except ValueError:
            lines = False
        file.seek(0)
        if not lines:
            yield from _rows_of(json.load(file))
            return
        for line in file:
            if line.strip():
                yield from _rows_of(json.loads(line), single=True)


def _rows_of(document: Any, *, single: bool = False) -> Iterator[dict[str, Any]]:
    if isinstance(document, list):
        for one in document:
            yield from _rows_of(one, single=True)
        return
    if document is None and single:
        # What capture of changes writes after a row that is gone.
        return
    if not isinstance(document, dict):
        raise ValueError("it holds no objects")
    listed = next((document[key] for key in ("documents", "data") if key in document), None)
    if not single and isinstance(listed, list):
        yield from _rows_of(listed)
        return
    if not single and document and all(map(_is_document, document.values())):
        # One object whose keys are the documents' ids.
        for key, one in document.items():
            if "fields" not in document and not key.startswith("__"):
                yield {"id": key, **_plain_row(one)}
        if "fields" not in document:
            return
    yield _plain_row(document)


def _is_document(value: Any) -> bool:
    """Whether a value is an object with fields of its own, and no wrapped scalar."""
    return isinstance(value, dict) and not isinstance(plain_value(value), str | int | float | None)


def _plain_row(document: dict[str, Any]) -> dict[str, Any]:
    if isinstance(document.get("fields"), dict) and "name" in document:
        # Firestore: the document's id is the end of its name.
        own = {"id": str(document["name"]).rsplit("/", 1)[-1]}
        document = {**own, **document["fields"]}
    elif len(document) == 1 and isinstance(document.get("Item"), dict):
        document = document["Item"]
    if document and all(map(is_of_dynamo, document.values())):
        return {key: _stored(plain_of_dynamo(value)) for key, value in document.items()}
    return {key: _stored(plain_value(value)) for key, value in document.items()}


def _stored(value: Any) -> Any:
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, bool):
        return int(value)
    # An integer that SQLite cannot hold stays its digits.
    return str(value) if isinstance(value, int) and abs(value) >= 2**63 else value
