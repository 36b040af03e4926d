"""An example of a Stripe export without personal data: what an object is, its keys, never values
that a customer gave."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
from itertools import islice
from pathlib import Path
from typing import Any

import duckdb

from credit_forensics.evidence.files.archives import head
from credit_forensics.evidence.files.csv_headings import id_column
from credit_forensics.evidence.files.json_documents import decode, split_documents
from credit_forensics.evidence.stripe.objects import KINDS

_HEAD = 1 << 17
_ROWS = 50
_PREFIXES = (*(prefix for kind in KINDS for prefix in kind.prefixes), "evt_", "cus_", "in_")
_SHOWN = ("type", "status", "payment_status", "currency", "livemode")


def json_example(path: Path) -> str:
    """The first object of a JSON export.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "a"
    >>> _ = path.write_text('{"id": "cs_1", "created": 1756764000, "metadata": {"user_id": "7"}}')
    >>> json_example(path)
    'cs_1, created 2025-09-01, metadata user_id'
    """
    text = head(path, _HEAD)
    for document in split_documents(decode(iter([text]))):
        try:
            value = json.loads(document.text or "")
        except (ValueError, RecursionError):
            continue
        if isinstance(value, dict):
            return _shown(value)
    return ""


def _shown(value: dict[str, Any]) -> str:
    for key in ("detail", "data", "object"):
        inner = value.get(key)
        if "id" not in value and isinstance(inner, dict):
            value = inner
    parts = [str(value.get("id", ""))[:40]]
    created = value.get("created")
    if isinstance(created, int) and 0 < created < 4_102_444_800:
        parts.append(f"created {dt.datetime.fromtimestamp(created, dt.UTC):%Y-%m-%d}")
    parts += [f"{key} {value[key]}" for key in _SHOWN if isinstance(value.get(key), (str, bool))]
    metadata = value.get("metadata")
    if isinstance(metadata, dict) and metadata:
        parts.append(f"metadata {' '.join(sorted(map(str, metadata))[:8])}")
    return ", ".join(part for part in parts if part)


def csv_example(path: Path) -> str | None:
    """The headings of a CSV export, the first eight; None where its ids are not Stripe's."""
    text = head(path, _HEAD).decode("utf-8-sig", "replace")
    first = text.split("\n", 1)[0]
    delimiter = max(",;\t", key=first.count)
    names, *rows = islice(csv.reader(io.StringIO(text), delimiter=delimiter), _ROWS)
    folded = [name.strip().lower() for name in names]
    own = [n for n, name in enumerate(folded) if name == "id"]
    # The answer of a query has its own name for it.
    own = own or [n for n, name in enumerate(folded) if name == id_column(folded)]
    ids = own or [n for n, name in enumerate(folded) if "id" in name.split()]
    stripes = any(row[n].startswith(_PREFIXES) for row in rows for n in ids if n < len(row))
    return f"columns {', '.join(names[:8])}" if stripes or not rows else None


def parquet_example(path: Path) -> str | None:
    """The columns of a Parquet file, the first eight; None where no value is an id of Stripe's."""
    connection = duckdb.connect()
    try:
        rows = connection.execute(
            "SELECT * FROM read_parquet(?) LIMIT 50", [str(path).replace("[", "[[]")]
        )
        names = [column[0] for column in rows.description or []]
        values = [value for row in rows.fetchall() for value in row if isinstance(value, str)]
    except duckdb.Error:
        return None
    finally:
        connection.close()
    stripes = any(value.startswith(_PREFIXES) for value in values)
    return f"columns {', '.join(names[:8])}" if stripes else None
