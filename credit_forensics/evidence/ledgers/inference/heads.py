"""Finds the row that several entries share: the journal has the time and words of its lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from credit_forensics.databases.read_only import ReadOnlyDatabase
from credit_forensics.evidence.ledgers.inference import words as w
from credit_forensics.evidence.ledgers.inference.column_roles import reasons_of, time_of, type_of
from credit_forensics.evidence.ledgers.inference.probes import as_text, overlap
from credit_forensics.evidence.ledgers.inference.samples import Field, SampledTable


@dataclass(frozen=True)
class Head:
    """The table that says when and why, which the entries' column ``by`` leads to by ``key``."""

    by: Field
    table: SampledTable
    key: Field

    def join(self, database: ReadOnlyDatabase) -> str:
        """The join to it as ``h``; entries are ``e``."""
        left = as_text(database, self.by.sql(database, "e"))
        right = as_text(database, self.key.sql(database, "h"))
        return f" LEFT JOIN {database.quoted(self.table.relation)} AS h ON {left} = {right}"

    def fields(self) -> dict[str, list[Field]]:
        """What it says of an entry: its time, its kind, its words."""
        time, kind = time_of(self.table), type_of(self.table, [self.key])
        reasons = reasons_of(self.table, [f for f in (self.key, time, kind) if f])
        parts = {"created_at": [time] if time else [], "type": [kind] if kind else []}
        return {target: found for target, found in {**parts, "reason": reasons}.items() if found}


def head_of(
    database: ReadOnlyDatabase, entries: SampledTable, tables: Sequence[SampledTable]
) -> Head | None:
    """The journal of entries that have no time of their own; none where there is none."""
    if time_of(entries) is not None:
        return None
    for table in tables:
        if table.relation == entries.relation or time_of(table) is None:
            continue
        for by in entries.columns:
            own = by.words - w.KEY
            if not own or not own & table.words or not by.values:
                continue
            for key in table.columns:
                unique = key.unique and not key.words - w.KEY - table.words
                if unique and overlap(database, by.values, table, key) >= 0.95:
                    return Head(by, table, key)
    return None
