"""Reads JSON of flat tables: rows of a warehouse, with ``customer_id`` and times as text."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import duckdb

from credit_forensics.evidence.custody import Input
from credit_forensics.evidence.evidence import Evidence
from credit_forensics.evidence.files.archives import head
from credit_forensics.evidence.files.identify_input import Identified
from credit_forensics.evidence.files.json_lines import Document
from credit_forensics.evidence.stripe.documents import read_rows
from credit_forensics.evidence.stripe.flat_tables import (
    document_sql,
    livemode_of_folder,
    note_no_card,
)

# No object of the API has these: there they are called ``customer``, ``payment_intent``, ….
_FLAT = frozenset((
    "customer_id", "payment_intent_id", "charge_id", "invoice_id", "subscription_id",
    "latest_charge_id",
))  # fmt: skip
_FORMATS = {"lines": "newline_delimited", "array": "array"}
_LOOKED_AT = 1 << 16


def is_flat_json(path: Path, found: Identified) -> bool:
    """Whether the first object of a file is a row of a flat table.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "rows.jsonl"
    >>> _ = path.write_text('{"id": "ch_1", "customer_id": "cus_1"}')
    >>> is_flat_json(path, Identified("stripe charges", "lines"))
    True
    """
    if found.layout not in _FORMATS or found.compression != "plain":
        return False
    text = head(path, _LOOKED_AT).decode("utf-8", "replace").lstrip("\ufeff[ \r\n\t")
    try:
        first, _ = json.JSONDecoder().raw_decode(text)
    except (ValueError, RecursionError):
        return False
    return isinstance(first, dict) and "object" not in first and bool(_FLAT & first.keys())


def load_flat_json(evidence: Evidence, path: Path, source: Input, found: Identified) -> bool:
    """Read such a file into the staging tables; whether it could be read at once.

    Where it could not, nothing of it is read.
    """
    cursor: duckdb.DuckDBPyConnection = evidence.connection.cursor()
    escaped = str(path).replace("'", "''").replace("[", "[[]")
    rows = f"read_json('{escaped}', format = '{_FORMATS[found.layout]}', sample_size = -1)"
    try:
        relation = cursor.sql(f"SELECT * FROM {rows}")
        flat = {
            name: str(kind) for name, kind in zip(relation.columns, relation.types, strict=True)
        }
        document = document_sql(flat, livemode_of_folder(source.name))
        texts = cursor.execute(f"SELECT {document} FROM {rows}").fetchall()
    except duckdb.Error:
        return False
    finally:
        cursor.close()
    note_no_card(evidence.custody, flat, source.name)

    def documents() -> Iterator[Document]:
        for line, (text,) in enumerate(texts, start=1):
            yield Document(line, text)

    read_rows(evidence, source, documents())
    return True
