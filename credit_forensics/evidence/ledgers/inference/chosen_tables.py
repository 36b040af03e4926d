"""Decides which of the tables that may hold entries is the ledger, or which several are."""

from __future__ import annotations

from collections.abc import Sequence

from credit_forensics.evidence.ledgers.inference import words as w
from credit_forensics.evidence.ledgers.inference.column_roles import type_of, way_of
from credit_forensics.evidence.ledgers.inference.decisions import Decision, Question
from credit_forensics.evidence.ledgers.inference.samples import SampledTable
from credit_forensics.evidence.ledgers.inference.signs import sign_of
from credit_forensics.evidence.ledgers.inference.table_roles import EntriesTable

# Two tables whose scores are nearer than this both might be the ledger.
RIVAL = 1.5
# The movement's column must be so much better than the next.
_AMOUNT_MARGIN = 0.5


def chosen_tables(candidates: Sequence[EntriesTable]) -> list[EntriesTable]:
    """The best table, or the several that each hold one direction of the movements."""
    first = candidates[0]
    if first.amount is not None and first.amount_margin < _AMOUNT_MARGIN:
        raise Question(
            f"{first.table.label} has several columns that may be the credits of an entry, "
            f"{first.amount.name} and another",
            first_mapping(first),
        )
    unsigned = all(n >= 0 for n in (first.amount.numbers if first.amount else ()))
    if first.direction and unsigned:
        beside = [
            c
            for c in candidates[1:]
            if c.direction
            and c.amount is not None
            and c.table.words & (w.UNIT | {"balance", "wallet"}) | (w.UNIT & c.amount.words)
            and all(n >= 0 for n in c.amount.numbers)
        ]
        if beside:
            return [first, *beside]
    if first.direction < 0 and unsigned and not _adds_too(first):
        raise Question(
            f"{first.table.label} takes credits by its name, and no table is found that adds them",
            first_mapping(first),
        )
    twins = [
        c
        for c in candidates[1:]
        if c.table.rows
        and _same_columns(first.table, c.table)
        and not _same_rows(first.table, c.table)
    ]
    if twins:
        names = ", ".join(c.table.label for c in twins[:3])
        raise Question(
            f"{first.table.label} is made like {names}: each may hold a part of the ledger, or be "
            "an old copy of it (name one with table, or all of them with a query of your own)",
            first_mapping(first),
        )
    rivals = [
        c
        for c in candidates[1:]
        if first.score - c.score < RIVAL and not _same_rows(first.table, c.table)
    ]
    if rivals:
        names = ", ".join(c.table.label for c in rivals[:3])
        raise Question(
            f"{first.table.label} may be the ledger, and so may {names}", first_mapping(first)
        )
    return [first]


def _adds_too(entries: EntriesTable) -> bool:
    """Whether a table whose name says that it takes credits has entries that add some."""
    kind = type_of(entries.table, [entries.owner])
    labels = kind.values if kind else ()
    way = way_of(entries.table, [entries.owner])
    return way is not None or any(sign_of(label) > 0 for label in labels)


def _same_columns(one: SampledTable, other: SampledTable) -> bool:
    """Tables of one shape: of another tenant or year, an archive, a copy."""
    return {f.column.lower() for f in one.columns} == {f.column.lower() for f in other.columns}


def _same_rows(one: SampledTable, other: SampledTable) -> bool:
    """A view over the other table, or a copy: what both have is the same."""
    shared = [(f, same) for f in one.columns if (same := other.field(f.column)) is not None]
    return (
        one.rows == other.rows
        and any(f.unique and len(f.values) > 1 for f, _ in shared)
        and all(set(f.values) == set(same.values) for f, same in shared)
    )


def first_mapping(entries: EntriesTable) -> str:
    """How a mapping of these entries might begin."""
    columns = {"user_id": entries.owner.name}
    if entries.amount:
        columns["delta"] = entries.amount.name
    elif entries.credit and entries.debit:
        columns["delta"] = f"coalesce({entries.credit.name}, 0) - coalesce({entries.debit.name}, 0)"
    return Decision("entries", entries.table.label, columns).as_toml()
