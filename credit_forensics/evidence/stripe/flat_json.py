"""Reads JSON of flat tables: rows of a warehouse, with ``customer_id`` and times as text."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import duckdb
import pyarrow as pa

from credit_forensics.evidence.custody import Input
from credit_forensics.evidence.evidence import Evidence
from credit_forensics.evidence.files.archives import Archive, head
from credit_forensics.evidence.files.csv_headings import in_small_letters
from credit_forensics.evidence.files.identify_input import Identified
from credit_forensics.evidence.files.json_documents import decode, split_documents
from credit_forensics.evidence.files.json_lines import Document, lines
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
# A tool that joins the names of what is nested keeps the object's own name beside them.
_NESTED = ("metadata__", "customer_details__", "billing_details__", "payment_method_details__")
_COLUMN = re.compile(r"\w{1,100}")
_LOOKED_AT = 1 << 16
_BATCH = 20_000


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
    if found.layout not in ("lines", "array"):
        return False
    text = head(path, _LOOKED_AT).decode("utf-8", "replace").lstrip("\ufeff[ \r\n\t")
    try:
        first, _ = json.JSONDecoder().raw_decode(text)
    except (ValueError, RecursionError):
        return False
    if not isinstance(first, dict):
        return False
    names = {name.lower() for name in first}
    nested = any(name.startswith(_NESTED) for name in names)
    return nested or ("object" not in names and bool(_FLAT & names))


def load_flat_json(evidence: Evidence, path: Path, source: Input, found: Identified) -> None:
    """Read such a file into the staging tables; what is no row is told with its line."""
    archive = Archive(path)
    text = archive.text()
    rows = lines(text) if found.layout == "lines" else split_documents(decode(text))
    read_rows(evidence, source, _objects(evidence, source, rows), archive=archive)


def _objects(evidence: Evidence, source: Input, rows: Iterator[Document]) -> Iterator[Document]:
    """Stripe's object of each row; what is no JSON object comes as it is."""
    livemode = livemode_of_folder(source.name)
    first = True
    while batch := list(islice(rows, _BATCH)):
        sound = [row for row in batch if not row.problem]
        yield from (row for row in batch if row.problem)
        table = {
            "line": pa.array([row.line for row in sound], pa.int64()),
            "text": pa.array([row.text for row in sound], pa.string()),
        }
        cursor = evidence.connection.cursor()
        try:
            cursor.register("flat_rows", pa.table(table))
            names = _columns(cursor)
            if first:
                note_no_card(evidence.custody, names, source.name)
            first = False
            opened = cursor.execute(_opened_sql(names, livemode)).fetchall()
        finally:
            cursor.close()
        yield from (Document(line, text) for line, text in opened)


def _columns(cursor: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """The keys of the rows as columns of text: a type that were guessed would change ids."""
    found = cursor.execute(
        """SELECT DISTINCT unnest(json_keys(text)) AS name FROM flat_rows
        WHERE TRY(json_type(text)) = 'OBJECT' ORDER BY name"""
    ).fetchall()
    # Of two spellings of a key the one in small letters comes last, and counts.
    folded = {name.lower(): name for (name,) in found if _COLUMN.fullmatch(name)}
    return dict.fromkeys(sorted(folded.values()), "VARCHAR")


def _opened_sql(names: dict[str, str], livemode: bool | None) -> str:
    if not names:
        return "SELECT line, text FROM flat_rows ORDER BY line"
    small = dict(zip(in_small_letters(list(names)), names, strict=True))
    columns = ", ".join(
        f'json_extract_string(body, \'$."{name}"\') AS "{column}"' for column, name in small.items()
    )
    document = document_sql(dict.fromkeys(small, "VARCHAR"), livemode)
    return f"""SELECT line, CASE WHEN body IS NULL THEN text ELSE {document} END
        FROM (SELECT line, text, body, {columns} FROM (SELECT *,
            CASE WHEN TRY(json_type(text)) = 'OBJECT' THEN text END AS body FROM flat_rows))
        ORDER BY line"""
