"""Finds the table beside the entries that says whose they are, where they do not say it."""

from __future__ import annotations

from collections.abc import Sequence

from credit_forensics.evidence.ledgers.inference import words as w
from credit_forensics.evidence.ledgers.inference.column_roles import entry_key
from credit_forensics.evidence.ledgers.inference.samples import Field, SampledTable

# What a table of links has besides the two keys: its own, an order, a time.
_BESIDE = w.KEY | {"ord", "order", "position", "sort"}
# So many of its rows must lead to an entry of the sample, where the sample is all there is.
_LEADS = 0.9


def owner_link(
    table: SampledTable, tables: Sequence[SampledTable]
) -> tuple[SampledTable, Field, Field] | None:
    """The table of links to owners, its column with the entry and the one with the owner.

    Each entry has one owner there, else the links say something else.
    """
    key = entry_key(table)
    if key is None or not key.values:
        return None
    for other in tables:
        if other is table or not is_link_table(other):
            continue
        back = [f for f in other.columns if f.words & w.KEY and f.words - w.KEY == table.words]
        holders = [
            f
            for f in other.columns
            if f.words & w.KEY and f.words & w.OWNER and not f.words & w.NOT_OWNER and f not in back
        ]
        if len(back) != 1 or len(holders) != 1 or len(back[0].values) < back[0].filled:
            continue
        here = set(key.values)
        found = sum(1 for value in back[0].values if value in here)
        if found >= _LEADS * len(back[0].values) or not (table.whole and other.whole):
            return other, back[0], holders[0]
    return None


def is_link_table(table: SampledTable) -> bool:
    """A table of keys alone: it says what belongs to what, and moves nothing."""
    keys = [f for f in table.columns if f.words & w.KEY and f.words - w.KEY]
    rest = [f for f in table.columns if f not in keys and not f.is_time]
    return len(keys) == 2 and all(f.words & _BESIDE and not f.words & w.CHANGE for f in rest)
