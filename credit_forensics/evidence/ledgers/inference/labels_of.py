"""Finds what the numbers of a kind are called, where a small table of the shop's own says so."""

from __future__ import annotations

from collections.abc import Sequence

from credit_forensics.evidence.ledgers.inference import words as w
from credit_forensics.evidence.ledgers.inference.samples import Field, SampledTable

_MOST = 64
_NAMES = ("name", "label", "code", "title", "slug", "key", "description")


def labels_of(kind: Field, tables: Sequence[SampledTable]) -> dict[str, str]:
    """The label of each value of ``kind``; empty where the values are no numbers or no table fits.

    A table of kinds has no more rows than kinds, a key that holds every value, and is called for
    the column (``transaction_types`` for ``type_id``).
    """
    values = set(kind.values)
    if not values or not all(value.isdigit() for value in values):
        return {}
    own = kind.words - w.KEY
    for table in sorted(tables, key=lambda one: one.label):
        if not table.whole or not 0 < table.rows <= _MOST or not own & table.words:
            continue
        texts = [f for f in table.columns if f.filled == table.rows and not f.numbers]
        names = [f for name in _NAMES for f in texts if name in f.words]
        for key in table.columns:
            if names and key.unique and values <= set(key.values):
                found = zip(key.texts, names[0].texts, strict=True)
                return {number: label for number, label in found if number and label}
    return {}
