"""Reads CSV files of Sigma, Data Pipeline and warehouses: flat tables of Stripe objects.

Their columns have the names that the same tables have in Parquet (``payment_intent_id``), money
stands in minor units, and metadata and lines lie in files of their own beside the objects.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

import pyarrow as pa

from credit_forensics.evidence.custody import Input
from credit_forensics.evidence.evidence import Evidence
from credit_forensics.evidence.files.csv_headings import id_column, is_flat_heading
from credit_forensics.evidence.files.csv_records import Record
from credit_forensics.evidence.files.json_lines import Document
from credit_forensics.evidence.stripe.documents import read_rows
from credit_forensics.evidence.stripe.flat_tables import (
    document_sql,
    livemode_of_folder,
    note_no_card,
    take_sibling,
)

_BATCH = 50_000
_ROWS = 20_000
_TABLE = "flat_csv_rows"


def is_flat(names: Sequence[str], first: Sequence[Record]) -> bool:
    """Whether the heading and the first records are a flat table's and not the Dashboard's.

    The Dashboard shows money in major units; no column of a flat table has a decimal.

    Examples
    --------
    >>> is_flat(["id", "amount", "customer_id"], [Record(2, ["ch_1", "900", "cus_1"])])
    True
    >>> is_flat(["id", "amount", "customer_id"], [Record(2, ["ch_1", "9.00", "cus_1"])])
    False
    """
    if not is_flat_heading(names):
        return False
    places = [place for place, name in enumerate(names) if name.startswith("amount")]
    shown = (row.fields[place] for row in first if not row.problem for place in places)
    return not any("." in text or "," in text for text in shown)


def read_flat_csv(
    evidence: Evidence, source: Input, names: Sequence[str], found: Iterator[Record]
) -> int:
    """Read the records of a flat table into the staging tables; returns the line of the last."""
    connection = evidence.connection
    own = id_column(names)
    names = ["id" if name == own else name for name in names]
    columns = ", ".join(f'"{name}" VARCHAR' for name in names)
    connection.execute(f"CREATE OR REPLACE TABLE {_TABLE} (file_row_number BIGINT, {columns})")
    last = 1
    try:
        while batch := list(islice(found, _BATCH)):
            last = batch[-1].line
            for record in batch:
                if record.problem:
                    evidence.custody.reject(source, record.line, record.problem)
            rows = [record for record in batch if not record.problem]
            staged = {"file_row_number": pa.array([r.line for r in rows], pa.int64())}
            for place, name in enumerate(names):
                texts = [record.fields[place].strip() or None for record in rows]
                staged[name] = pa.array(texts, pa.string())
            connection.register("flat_csv_batch", pa.table(staged))
            connection.execute(f"INSERT INTO {_TABLE} SELECT * FROM flat_csv_batch")
            connection.unregister("flat_csv_batch")
        if take_sibling(connection, _TABLE, sorted(names), source):
            return last
        flat = dict.fromkeys(names, "VARCHAR")
        note_no_card(evidence.custody, flat, source.name)
        read_rows(evidence, source, _documents(evidence, flat, source))
    finally:
        connection.execute(f"DROP TABLE IF EXISTS {_TABLE}")
    return last


def _documents(evidence: Evidence, flat: dict[str, str], source: Input) -> Iterator[Document]:
    document = document_sql(flat, livemode_of_folder(source.name))
    cursor = evidence.connection.cursor()
    try:
        rows = cursor.execute(f"SELECT file_row_number, {document} FROM {_TABLE} ORDER BY 1")
        while batch := rows.fetchmany(_ROWS):
            for line, text in batch:
                yield Document(line, text)
    finally:
        cursor.close()
