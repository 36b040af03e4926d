"""Reads Stripe's objects out of a table that keeps them whole, as JSON text in a column."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from credit_forensics.evidence.custody import Input
from credit_forensics.evidence.evidence import Evidence
from credit_forensics.evidence.files.csv_records import Record
from credit_forensics.evidence.files.identify_input import NAMES, object_kind
from credit_forensics.evidence.files.json_lines import Document
from credit_forensics.evidence.stripe.documents import read_rows


def payload_column(names: Sequence[str], first: Sequence[Record]) -> int | None:
    """The place of the column whose texts are objects of Stripe's.

    None where a row is itself such an object, as in a flat table with its ``data`` as JSON.

    Examples
    --------
    >>> event = '{"id": "evt_1", "object": "event"}'
    >>> payload_column(["id", "payload"], [Record(2, ["1", event])])
    1
    >>> payload_column(["id", "data"], [Record(2, ["evt_1", '{"object": {"id": "cs_1"}}'])])
    """
    rows = [record.fields for record in first if not record.problem]
    own = names.index("id") if "id" in names else None
    if own is not None and any("_" in row[own][:7] for row in rows):
        return None
    for place in range(len(names)):
        texts = [row[place] for row in rows if row[place].strip()]
        whole = sum(map(_is_object, texts))
        # One that is broken is told by its line.
        if 2 * whole >= len(texts) > 0 and all(text.lstrip()[0] == "{" for text in texts):
            return place
    return None


def _is_object(text: str) -> bool:
    try:
        return text.lstrip().startswith("{") and object_kind(json.loads(text)) in NAMES
    except (ValueError, RecursionError):
        return False


def read_payloads(evidence: Evidence, source: Input, place: int, found: Iterator[Record]) -> int:
    """Read the objects in one column of the records; returns the line of the last.

    Parameters
    ----------
    evidence
        whose staging tables take the objects, whose custody takes the rejects.
    source
        the file's entry in custody.
    place
        of the column, from 0.
    """

    def documents() -> Iterator[Document]:
        for record in found:
            if record.problem:
                evidence.custody.reject(source, record.line, record.problem)
            elif record.fields[place].strip():
                yield Document(record.line, record.fields[place])

    return read_rows(evidence, source, documents())
