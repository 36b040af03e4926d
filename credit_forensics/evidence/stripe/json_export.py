"""Reads Stripe objects from JSON into the staging tables, and keeps what it could not read.

The fast way lets DuckDB read the file straight into the staging table. It is told to go on after
an error, which loses data without a word: a broken line becomes a row of nothing, a metadata key
that repeats empties the map. So rows that came out odd are taken back, and their lines, found
again by their place, are read one by one. Where that cannot be done the whole file is read so.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import duckdb

from credit_forensics.evidence.custody import Input
from credit_forensics.evidence.evidence import Evidence
from credit_forensics.evidence.files.archives import Archive, archive_problem
from credit_forensics.evidence.files.identify_input import NAMES, Identified
from credit_forensics.evidence.files.json_lines import Document, nth_filled_lines, nth_lines
from credit_forensics.evidence.stripe.documents import read_documents, read_rows
from credit_forensics.evidence.stripe.envelopes import EVENT_FIELDS, insert_envelopes
from credit_forensics.evidence.stripe.nested_fields import (
    take_invoice_payments,
    take_nested_charges,
)
from credit_forensics.evidence.stripe.objects import (
    BY_OBJECT,
    CREDIT_PREFIXES,
    INTENT,
    INVOICE,
    KINDS,
    NESTED,
    NESTED_PAYMENTS,
    ObjectKind,
    Type,
    insert_sql,
    kind_sql,
    type_sql,
)
from credit_forensics.progress import Progress

_FORMATS = {"lines": "newline_delimited", "array": "array"}
_PACKED = {"plain": "none", "gz": "gzip", "zst": "zstd"}
_OBJECTS = {f"stripe {name}": object_ for object_, name in NAMES.items()}
# DuckDB takes these for a pattern, also in a file's own name.
_PATTERN = frozenset("*?[")
_MOST_ODD = 10_000
_CREDITS = ", ".join(f"'{name}'" for name in CREDIT_PREFIXES)
_WITH_METADATA = ", ".join(f"'{kind.object}'" for kind in KINDS if "metadata" in kind.columns)


class _NotUniformError(Exception):
    """The file holds something else than whole objects of one kind."""


def load_stripe_json(
    evidence: Evidence,
    path: Path,
    source: Input,
    recognised: Identified,
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
        what ``identify`` said of it; a wrong guess costs time, never rows.
    origin
        the column ``source`` of the rows; by default the kind's name (``sessions``, …). An
        object that an event carries always has ``events``.
    progress
        called with the input's name, bytes done and bytes in all.
    """
    size = path.stat().st_size
    tell = progress or (lambda name, done, total: None)
    tell(source.name, 0, size)
    fast = recognised.layout in _FORMATS and not _PATTERN & set(str(path))
    if fast and recognised.compression != "plain":
        fast = not archive_problem(path)
    file = _File(evidence.connection, path, recognised, origin)
    for lenient in (True, False) if recognised.layout == "lines" else (False,):
        if not fast:
            break
        with contextlib.suppress(duckdb.Error, _NotUniformError):
            odd = file.load(lenient=lenient)
            source.rows += file.rows
            read_rows(evidence, source, iter(odd), origin)
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


class _File:
    """A file that DuckDB reads at once; after ``load``, ``rows`` counts the rows it gave."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        path: Path,
        recognised: Identified,
        origin: str | None,
    ) -> None:
        self.connection = connection
        self.path = path
        self.recognised = recognised
        self.origin = origin
        self.rows = 0

    def load(self, *, lenient: bool) -> list[Document]:
        """Load the file; returns the lines that must be read one by one.

        Raises
        ------
        duckdb.Error, _NotUniformError
            when it cannot be loaded so; nothing of it is kept.
        """
        object_ = _OBJECTS.get(self.recognised.what, "")
        if object_ == "event":
            return self._events(lenient=lenient)
        if object_ in BY_OBJECT:
            return self._objects(BY_OBJECT[object_], lenient=lenient)
        raise _NotUniformError

    def _objects(self, kind: ObjectKind, *, lenient: bool) -> list[Document]:
        label = _text(self.origin or NAMES[kind.object])
        before = self._number(f"SELECT coalesce(max(rowid), -1) FROM {kind.table}")
        # A row of another kind gets no key.
        key = f"CASE WHEN {kind_sql('o.object', 'o.id')} = '{kind.object}' THEN o.id END"
        odd = f"{kind.key} IS NULL"
        if lenient and "metadata" in kind.columns:
            odd += " OR metadata IS NULL"
        try:
            with _in_order(self.connection):
                self.connection.execute(
                    insert_sql(kind, f"{self._scan(kind.fields, lenient)} AS o", label, "NULL", key)
                )
            new = f"{kind.table} WHERE rowid > {before}"
            found = self._odd(new, odd, lenient=lenient)
            if found:
                self.connection.execute(f"DELETE FROM {new} AND ({odd})")
            if kind is INTENT:
                self._nested(label, NESTED, take_nested_charges, lenient=lenient)
            if kind is INVOICE:
                self._nested(label, NESTED_PAYMENTS, take_invoice_payments, lenient=lenient)
        except BaseException:
            self.connection.execute(f"DELETE FROM {kind.table} WHERE rowid > {before}")
            raise
        return found

    def _nested(
        self,
        label: str,
        fields: Mapping[str, Type],
        take: Callable[[duckdb.DuckDBPyConnection, str], None],
        *,
        lenient: bool,
    ) -> None:
        packed = ", ".join(f"{name} := n.{name}" for name in fields)
        take(
            self.connection,
            f"(SELECT struct_pack({packed}) AS o, {label} AS source,"
            f" NULL::TIMESTAMPTZ AS snapshot_at FROM {self._scan(fields, lenient)} AS n)",
        )

    def _events(self, *, lenient: bool) -> list[Document]:
        scan = self._scan(EVENT_FIELDS, lenient)
        with _in_order(self.connection):
            self.connection.execute(
                f"CREATE OR REPLACE TEMP TABLE envelopes AS SELECT o FROM {scan} AS o"
            )
        odd = f"o.id IS NULL OR {kind_sql('o.object', 'o.id')} IS DISTINCT FROM 'event'"
        # Their amount is an object, which this structure has no place for.
        odd += f" OR o.data.object.object IN ({_CREDITS})"
        if lenient:
            odd += (
                f" OR (o.data.object.object IN ({_WITH_METADATA})"
                " AND o.data.object.metadata IS NULL)"
            )
        try:
            found = self._odd("envelopes WHERE true", odd, lenient=lenient)
            if found:
                self.connection.execute(f"DELETE FROM envelopes WHERE {odd}")
            insert_envelopes(self.connection)
        finally:
            self.connection.execute("DROP TABLE envelopes")
        return found

    def _odd(self, new: str, odd: str, *, lenient: bool) -> list[Document]:
        """The lines of the rows that came out odd; sets ``rows`` to the number of the others."""
        total = self._number(f"SELECT count(*) FROM {new}")
        numbers = [
            row[0]
            for row in self.connection.execute(
                f"SELECT rowid FROM {new} AND ({odd}) ORDER BY rowid LIMIT {_MOST_ODD + 1}"
            ).fetchall()
        ]
        self.rows = total - len(numbers)
        if not numbers:
            return []
        if not lenient or len(numbers) > _MOST_ODD:
            raise _NotUniformError
        first = self._number(f"SELECT min(rowid) FROM {new}")
        return _nth_lines(self.path, {number - first for number in numbers}, total)

    def _number(self, query: str) -> int:
        [(number,)] = self.connection.execute(query).fetchall()
        return int(number or 0)

    def _scan(self, fields: Mapping[str, Type], lenient: bool) -> str:
        columns = ", ".join(f'"{name}": {_text(type_sql(t))}' for name, t in fields.items())
        return (
            f"read_json({_text(str(self.path))}, format = '{_FORMATS[self.recognised.layout]}',"
            f" compression = '{_PACKED[self.recognised.compression]}',"
            f" ignore_errors = {str(lenient).lower()}, columns = {{{columns}}})"
        )


@contextlib.contextmanager
def _in_order(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Rows keep the order of the lines, so that a row's place tells its line."""
    [(before,)] = connection.execute(
        "SELECT current_setting('preserve_insertion_order')"
    ).fetchall()
    connection.execute("SET preserve_insertion_order = true")
    try:
        yield
    finally:
        connection.execute(f"SET preserve_insertion_order = {str(bool(before)).lower()}")


def _nth_lines(path: Path, wanted: set[int], total: int) -> list[Document]:
    """The lines at these places (from 0) among the lines that are not blank.

    Raises
    ------
    _NotUniformError
        when there are not ``total`` lines, so that places tell nothing.
    """
    found, count = nth_lines(Archive(path).text(), wanted)
    if count != total:
        # DuckDB makes no row of a blank line.
        found, count = nth_filled_lines(Archive(path).text(), wanted)
    if count != total:
        raise _NotUniformError
    return found


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
