"""Finds where an account's balance is stored, and which of several numbers it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from credit_forensics.databases.read_only import ReadOnlyDatabase
from credit_forensics.evidence.ledgers.inference import words as w
from credit_forensics.evidence.ledgers.inference.accounts_of import balance_fields, keyed_by
from credit_forensics.evidence.ledgers.inference.owner_of import Owner
from credit_forensics.evidence.ledgers.inference.samples import Field, SampledTable

_ACCOUNTS = 200


@dataclass(frozen=True)
class StoredBalance:
    """A table's balance: its key, the columns that add up to it, and some of its rows."""

    table: SampledTable
    key: Field
    parts: tuple[Field, ...]
    sample: dict[str, Decimal]

    def sql(self, database: ReadOnlyDatabase, alias: str) -> str:
        """The balance in the database's own SQL."""
        columns = [part.sql(database, alias) for part in self.parts]
        return (
            columns[0]
            if len(columns) == 1
            else ("(" + " + ".join(f"coalesce({column}, 0)" for column in columns) + ")")
        )


def stored_balances(
    database: ReadOnlyDatabase,
    tables: Sequence[SampledTable],
    entries: SampledTable,
    owner: Owner,
) -> list[StoredBalance]:
    """Every place where the balance may be stored, best by its name first."""
    found: list[tuple[float, str, StoredBalance]] = []
    others = [t for t in tables if t.relation != entries.relation and not t.words & w.ENTRY]
    keyed = keyed_by(database, others, owner.values, unique=False)
    for one in keyed:
        numbers = balance_fields(one.table)
        if not numbers or one.table.words & w.PAYING or one.table.doubt:
            continue
        numbers = [f for f in numbers if not _moved(one.table, one.key, f)]
        if not numbers:
            continue
        choices: list[tuple[Field, ...]] = [(field,) for field in numbers]
        if 2 <= len(numbers) <= 4:
            choices.append(tuple(numbers))
        for parts in choices:
            sample = _sample(database, one.table, one.key, parts)
            own = frozenset().union(*(part.words for part in parts))
            rank = 2.0 if "balance" in own else 1.0 if own & {"remaining", "current"} else 0.5
            rank += 0.5 if one.table.words & {"balance", "wallet", "credit"} else 0.0
            rank -= 0.2 * (len(own - w.BALANCE)) + (0.4 if len(parts) > 1 else 0.0)
            name = one.table.label + "+".join(part.name for part in parts)
            found.append((-rank, name, StoredBalance(one.table, one.key, parts, sample)))
    return [one for _, _, one in sorted(found, key=lambda row: row[:2])]


def _moved(table: SampledTable, key: Field, number: Field) -> bool:
    """Whether a number is what one event added or took ("bonuses"), and no balance."""
    does = table.words & (w.ADDING | w.SPENDING) - w.EITHER_WAY - w.UNIT
    if not does or number.words & {"balance", "remaining", "current", "available", "total"}:
        return False
    timed = any(f.is_time and not f.words & {"updated"} for f in table.columns)
    return timed and any(f.unique and f != key and f.words & w.KEY for f in table.columns)


def _sample(
    database: ReadOnlyDatabase, table: SampledTable, key: Field, parts: Sequence[Field]
) -> dict[str, Decimal]:
    totals: dict[str, Decimal] = {}
    for place, owner in enumerate(key.texts):
        if not owner or (owner not in totals and len(totals) >= _ACCOUNTS):
            continue
        try:
            value = sum((Decimal(part.texts[place] or "0") for part in parts), Decimal(0))
        except InvalidOperation:
            continue
        totals[owner] = totals.get(owner, Decimal(0)) + value
    return totals
