"""Finds what the numbers of a kind are called and do, where a small table of the shop says so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from credit_forensics.evidence.ledgers.inference import words as w
from credit_forensics.evidence.ledgers.inference.column_roles import way_of
from credit_forensics.evidence.ledgers.inference.samples import Field, SampledTable

_MOST = 64
_SIGNS = frozenset({"sign", "factor", "direction", "effect", "multiplier", "way", "side", "flow"})
_NAMES = ("name", "label", "code", "title", "slug", "key", "description")


def signs_of_labels(kind: Field, tables: Sequence[SampledTable]) -> dict[str, int]:
    """1 or -1 of each value of ``kind``, where a column of its table of kinds says so; else empty.

    The column is called for it (``sign``, ``factor``, ``direction``), and holds 1 and -1 alone, or
    two words of which one adds and one takes.
    """
    found = _table_of_kinds(kind, tables)
    if found is None:
        return {}
    table, key = found
    for field in table.columns:
        if not field.words & _SIGNS or field.filled < table.rows:
            continue
        way = way_of(replace(table, fields=(field,)), ())
        if way is not None:
            pairs = zip(key.texts, field.texts, strict=True)
            return {number: -1 if said in way[1] else 1 for number, said in pairs if number}
    return {}


def labels_of(kind: Field, tables: Sequence[SampledTable]) -> dict[str, str]:
    """The label of each value of ``kind``; empty where the values are no numbers or no table fits.

    A table of kinds has no more rows than kinds, a key that holds every value, and is called for
    the column (``transaction_types`` for ``type_id``).
    """
    found = _table_of_kinds(kind, tables)
    if found is None:
        return {}
    table, key = found
    texts = [f for f in table.columns if f.filled == table.rows and not f.numbers]
    names = [f for name in _NAMES for f in texts if name in f.words]
    if not names:
        return {}
    pairs = zip(key.texts, names[0].texts, strict=True)
    return {number: label for number, label in pairs if number and label}


def _table_of_kinds(
    kind: Field, tables: Sequence[SampledTable]
) -> tuple[SampledTable, Field] | None:
    """The small table that has every value of ``kind`` as its key, and that key.

    A small ledger's own entries may be numbered like its kinds, and say nothing of them.
    """
    values = set(kind.values)
    if not values or not all(value.isdigit() for value in values):
        return None
    own = kind.words - w.KEY
    for table in sorted(tables, key=lambda one: one.label):
        if not table.whole or not 0 < table.rows <= _MOST or not own & table.words:
            continue
        if kind in table.columns:
            continue
        for key in table.columns:
            if key.unique and values <= set(key.values):
                return table, key
    return None
