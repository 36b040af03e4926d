"""Reads Parquet files of Stripe objects: API shapes, envelopes, and flat tables of them.

Sync tools write what Stripe sends with nested objects as structs, or as JSON in text columns,
and times as seconds or timestamps. Rows are turned into JSON by DuckDB and read like JSON
lines, so every shape that is known there is known here.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb

from credit_forensics.evidence.custody import Input
from credit_forensics.evidence.evidence import Evidence
from credit_forensics.evidence.files.csv_records import Record, heading
from credit_forensics.evidence.files.json_lines import Document
from credit_forensics.evidence.stripe.csv_export import read_export
from credit_forensics.evidence.stripe.documents import read_rows
from credit_forensics.evidence.stripe.flat_tables import (
    document_sql,
    livemode_of_folder,
    note_no_card,
    take_sibling,
)

# A heading that only the Dashboard writes.
_EXPORT = frozenset(
    ["created date (utc)", "created (utc)", "paymentintent id", "checkout session id"]
)
_ROWS = 20_000


def load_stripe_parquet(evidence: Evidence, path: Path, source: Input) -> None:
    """Read a Parquet file of Stripe objects into the staging tables.

    Parameters
    ----------
    evidence
        whose staging tables take the rows, whose custody takes the rejects; the "line" of a
        reject is the row's number, from 1.
    path, source
        the file, and its entry in custody.
    """
    connection: duckdb.DuckDBPyConnection = evidence.connection
    cursor = connection.cursor()
    try:
        relation = cursor.read_parquet(str(path).replace("[", "[[]"), file_row_number=True)
        columns = list(zip(relation.columns, relation.types, strict=True))
        names = {name for name, _ in columns} - {"file_row_number"}
    except duckdb.Error:
        evidence.custody.reject(source, 0, "the Parquet file is damaged")
        return
    if _EXPORT & {heading(name) for name in names}:
        _read_export(
            evidence, source, cursor, str(path), [n for n in relation.columns if n in names]
        )
        return
    relation.create_view("parquet_rows")
    try:
        if take_sibling(cursor, "parquet_rows", sorted(names), source):
            return
    except duckdb.Error:
        evidence.custody.reject(source, 0, "the Parquet file is damaged")
        return
    if "id" not in names and not names & {"detail", "object"}:
        source.taken_for = "unknown"
        source.notes.append("no column is named id; not a Stripe export")
        return
    flat = {name: str(kind) for name, kind in columns if name != "file_row_number"}
    note_no_card(evidence.custody, flat, source.name)
    document = document_sql(flat, livemode_of_folder(source.name))
    problem = ""

    def documents() -> Iterator[Document]:
        nonlocal problem
        line = 0
        try:
            rows = cursor.execute(f"SELECT file_row_number + 1, {document} FROM parquet_rows")
            while batch := rows.fetchmany(_ROWS):
                for line, text in batch:
                    yield Document(line, text)
        except duckdb.Error:
            # Damage in a later row group; the groups before it were read.
            problem = "the Parquet file is damaged"

    try:
        before = source.rows
        last = read_rows(evidence, source, documents())
        if problem:
            evidence.custody.reject(source, last, f"{problem}; what came before was read")
        if before == source.rows and not source.rejects:
            source.notes.append("the file has no rows")
    finally:
        cursor.close()


def _read_export(
    evidence: Evidence,
    source: Input,
    cursor: duckdb.DuckDBPyConnection,
    path: str,
    names: list[str],
) -> None:
    texts = ", ".join(f"coalesce(\"{name}\"::VARCHAR, '')" for name in names)

    def found() -> Iterator[Record]:
        yield Record(0, names)
        rows = cursor.execute(f"SELECT {texts} FROM read_parquet(?)", [path.replace("[", "[[]")])
        line = 0
        while batch := rows.fetchmany(_ROWS):
            for row in batch:
                line += 1
                yield Record(line, list(row))

    try:
        read_export(evidence, source, found())
    except duckdb.Error:
        evidence.custody.reject(source, 0, "the Parquet file is damaged")
