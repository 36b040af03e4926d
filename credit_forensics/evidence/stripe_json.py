"""Reads Stripe objects from JSON into the staging tables, and keeps what it could not read.

The fast way lets DuckDB read the file straight into the staging table, strictly. Where that
fails, because a line is broken or the file holds something else than it seemed to, nothing of
it is kept, and the file is read again object by object.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import duckdb

from credit_forensics.evidence.archives import archive_problem
from credit_forensics.evidence.custody import Input
from credit_forensics.evidence.recognise import NAMES, Recognised
from credit_forensics.evidence.store import Evidence
from credit_forensics.evidence.stripe_documents import read_documents
from credit_forensics.evidence.stripe_envelopes import EVENT_FIELDS, insert_envelopes
from credit_forensics.evidence.stripe_nested import take_expanded, take_nested_charges
from credit_forensics.evidence.stripe_objects import (
    BY_OBJECT,
    INTENT,
    NESTED,
    ObjectKind,
    Type,
    insert_sql,
    kind_sql,
    row_count,
    type_sql,
)

Progress = Callable[[str, int, int], None]

_FORMATS = {"lines": "newline_delimited", "array": "array"}
_PACKED = {"plain": "none", "gz": "gzip", "zst": "zstd"}
_OBJECTS = {f"stripe {name}": object_ for object_, name in NAMES.items()}
# DuckDB takes these for a pattern, also in a file's own name.
_PATTERN = frozenset("*?[")


class _NotUniformError(Exception):
    """The file holds something else than one kind of whole objects."""


def load_stripe_json(
    evidence: Evidence,
    path: Path,
    source: Input,
    recognised: Recognised,
    *,
    origin: str | None = None,
    progress: Progress | None = None,
) -> None:
    """Read a JSON file of Stripe objects into the staging tables.

    Parameters
    ----------
    evidence
        whose staging tables take the rows, whose custody takes the rejects.
    path, source
        the file, and its entry in custody; ``source.rows`` is raised by the objects read.
    recognised
        what ``recognise`` said of it; a wrong guess costs time, never rows.
    origin
        the column ``source`` of the rows; by default the kind's name (``sessions``, …). An
        object that an event carries always has ``events``.
    progress
        called with the input's name, bytes done and bytes in all.
    """
    connection: duckdb.DuckDBPyConnection = evidence.connection
    size = path.stat().st_size
    tell = progress or (lambda name, done, total: None)
    tell(source.name, 0, size)
    packed = recognised.compression != "plain"
    fast = recognised.layout in _FORMATS and not _PATTERN & set(str(path))
    if fast and not (packed and archive_problem(path)):
        try:
            source.rows += _load_at_once(connection, path, recognised, origin)
        except (duckdb.Error, _NotUniformError):
            pass
        else:
            tell(source.name, size, size)
            return
    read_documents(
        evidence,
        path,
        source,
        recognised.layout,
        origin=origin,
        progress=lambda done: tell(source.name, done, size),
    )
    tell(source.name, size, size)


def _load_at_once(
    connection: duckdb.DuckDBPyConnection, path: Path, recognised: Recognised, origin: str | None
) -> int:
    object_ = _OBJECTS.get(recognised.what, "")
    if object_ != "event" and object_ not in BY_OBJECT:
        raise _NotUniformError
    connection.begin()
    try:
        if object_ == "event":
            rows = _load_events(connection, path, recognised)
        else:
            kind = BY_OBJECT[object_]
            rows = _load_objects(connection, path, recognised, kind, origin or NAMES[object_])
        take_expanded(connection)
    except BaseException:
        connection.rollback()
        raise
    connection.commit()
    return rows


def _load_objects(
    connection: duckdb.DuckDBPyConnection,
    path: Path,
    recognised: Recognised,
    kind: ObjectKind,
    origin: str,
) -> int:
    label = _text(origin)
    scan = _scan(path, recognised, kind.fields)
    # A row of another kind gets no key, which tells after one scan whether all were of the kind.
    key = f"CASE WHEN {kind_sql('o.object', 'o.id')} = '{kind.object}' THEN o.id END"
    connection.execute(insert_sql(kind, f"{scan} AS o", label, "NULL", key))
    inserted = connection.fetchone()
    if row_count(connection, f"{kind.table} WHERE {kind.key} IS NULL"):
        raise _NotUniformError
    if kind is INTENT:
        nested = _scan(path, recognised, NESTED)
        packed = ", ".join(f"{name} := n.{name}" for name in NESTED)
        take_nested_charges(
            connection,
            f"(SELECT struct_pack({packed}) AS o, {label} AS source,"
            f" NULL::TIMESTAMPTZ AS snapshot_at FROM {nested} AS n)",
        )
    return int(inserted[0]) if inserted else 0


def _load_events(connection: duckdb.DuckDBPyConnection, path: Path, recognised: Recognised) -> int:
    scan = _scan(path, recognised, EVENT_FIELDS)
    connection.execute(f"CREATE OR REPLACE TEMP TABLE envelopes AS SELECT o FROM {scan} AS o")
    is_event = kind_sql("o.object", "o.id")
    if row_count(connection, f"envelopes WHERE o.id IS NULL OR {is_event} <> 'event'"):
        raise _NotUniformError
    rows = insert_envelopes(connection)
    connection.execute("DROP TABLE envelopes")
    return rows


def _scan(path: Path, recognised: Recognised, fields: dict[str, Type] | object) -> str:
    assert isinstance(fields, dict)
    columns = ", ".join(f'"{name}": {_text(type_sql(type_))}' for name, type_ in fields.items())
    return (
        f"read_json({_text(str(path))}, format = '{_FORMATS[recognised.layout]}',"
        f" compression = '{_PACKED[recognised.compression]}', columns = {{{columns}}})"
    )


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
