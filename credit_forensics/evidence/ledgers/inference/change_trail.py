"""Finds the table that records how a column of the accounts changed: an audit trail, versions."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from credit_forensics.evidence.ledgers.inference.samples import Field, SampledTable


def trail_of(tables: Sequence[SampledTable], number: Field) -> tuple[SampledTable, str] | None:
    """The table with the changes of a column, and the columns there that hold them.

    A change is ``{"credits": [0, 100]}`` or ``{"credits": {"old": 0, "new": 100}}`` in one column
    of JSON, or ``{"credits": 0}`` and ``{"credits": 100}`` in two.

    Parameters
    ----------
    number
        the accounts' column, whose name is looked for.
    """
    for table in tables:
        if table.field(number.column) is not None:
            continue
        columns = [field for field in table.columns if field.is_json]
        pairs = [f for f in columns if any(map(_is_pair, _values(f, number.column)))]
        sides = [f for f in columns if any(map(_is_number, _values(f, number.column)))]
        held = pairs[:1] or (sides[:2] if len(sides) > 1 else [])
        if held:
            return table, " and ".join(field.name for field in held)
    return None


def _values(field: Field, key: str) -> Iterator[object]:
    for text in field.values:
        try:
            document = json.loads(text)
        except (ValueError, RecursionError):
            continue
        if isinstance(document, dict) and key in document:
            yield document[key]


def _is_pair(value: object) -> bool:
    sides = list(value.values()) if isinstance(value, dict) else value
    if not isinstance(sides, list) or len(sides) != 2:
        return False
    return any(map(_is_number, sides)) and all(v is None or _is_number(v) for v in sides)


def _is_number(value: object) -> bool:
    if isinstance(value, str):
        return value.lstrip("-").replace(".", "", 1).isdigit()
    return isinstance(value, int | float) and not isinstance(value, bool)
