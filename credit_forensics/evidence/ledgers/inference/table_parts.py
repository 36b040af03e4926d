"""Reads tables that each hold a part of one: a table a month or a year, a shard, an archive."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from credit_forensics.databases.read_only import ReadOnlyDatabase, UnreadableError
from credit_forensics.databases.relations import Relation
from credit_forensics.evidence.ledgers.inference import words as w
from credit_forensics.evidence.ledgers.inference.column_roles import entry_key
from credit_forensics.evidence.ledgers.inference.probes import overlap
from credit_forensics.evidence.ledgers.inference.samples import Field, SampledTable, sample
from credit_forensics.evidence.ledgers.inference.union_of_parts import (
    COPY,
    MONTHS,
    queries_of_parts,
)

_ARCHIVE = frozenset(
    ["archive", "archived", "arch", "cold", "hot", "current", "live", "recent", "closed"]
)
_HISTORY = frozenset(
    ["history", "historical", "audit", "aud", "version", "revision", "hist", "cdc", "change", "log"]
)
# What an archive has beside the columns of its table.
_MOVED = {"archived", "archive", "moved"}
# So many of the columns are those of the other table.
_ALIKE, _COVERED = 0.7, 0.8


def read_as_one(
    database: ReadOnlyDatabase, tables: Sequence[SampledTable], named: Relation | None
) -> list[SampledTable]:
    """The tables, with those that are parts of one made one, and old versions left out.

    ``named`` is the one that the case file names; it is taken alone.
    """
    own = [t for t in tables if named and is_relation(t, named)]
    rest = without_histories(database, [t for t in tables if t not in own])
    families: dict[tuple[str, tuple[str, ...]], list[SampledTable]] = {}
    for table in rest:
        families.setdefault((table.relation.schema, _stem_of(table.relation.name)), []).append(
            table
        )
    found = list(own)
    for (_, stem), members in families.items():
        filled = [t for t in members if t.rows]
        moves = w.UNIT | w.BOOKS | w.ENTRY | w.ADDING | w.SPENDING
        concerned = set(stem) & (moves | w.OWNER | w.PEOPLE | w.PAYING)
        if len(filled) < 2 or not concerned:
            found += members
            continue
        found += _merged(database, stem, filled)
    return found


def is_relation(table: SampledTable, relation: Relation) -> bool:
    """Whether a table is that of the database, or its current rows."""
    return (table.relation.schema, table.relation.name) == (relation.schema, relation.name)


def may_be_part(other: Relation, relation: Relation) -> bool:
    """Whether another table may hold a part of a table: of its columns, under such a name.

    Examples
    --------
    >>> columns = {"id": "", "user_id": "", "delta": ""}
    >>> ledger = Relation("", "credit_ledger", columns)
    >>> [may_be_part(Relation("", name, columns), ledger)
    ...  for name in ("credit_ledger_2025", "credit_ledger_archive", "credits", "credit_ledger")]
    [True, True, False, False]
    """
    if other.schema != relation.schema or other.name == relation.name:
        return False
    shared = {c.lower() for c in other.columns} & {c.lower() for c in relation.columns}
    alike = len(shared) >= _ALIKE * max(len(other.columns), len(relation.columns), 1)
    return alike and _stem_of(other.name) == _stem_of(relation.name)


def without_histories(
    database: ReadOnlyDatabase, tables: Sequence[SampledTable]
) -> list[SampledTable]:
    """The tables without those that only store what rows of another were before.

    A shop whose only book is called a history keeps it.
    """
    return [t for t in tables if not any(_is_history_of(database, t, other) for other in tables)]


def _is_history_of(database: ReadOnlyDatabase, table: SampledTable, base: SampledTable) -> bool:
    added = table.words & _HISTORY - base.words
    images = "cdc" in added
    if table is base or not base.rows or not added:
        return False
    if not images and not base.words <= table.words:
        return False
    theirs = {f.column.lower() for f in base.columns}
    covered = theirs & {f.column.lower() for f in table.columns}
    key = entry_key(base)
    there = table.field(key.column) if key else None
    if len(covered) < max(3.0, _COVERED * len(theirs)) or key is None or there is None:
        return False
    # Rows of their own are no old versions: they are an archive, though it is called a history.
    return overlap(database, there.values, base, key) > 0


def _stem_of(name: str) -> tuple[str, ...]:
    """The words of a name without dates, numbers and what says archive or copy."""
    return tuple(
        word
        for word in w.words(name)
        if not re.search(r"\d", word) and word not in MONTHS | _ARCHIVE | COPY | {"p", "y", "m"}
    )


def _merged(
    database: ReadOnlyDatabase, stem: tuple[str, ...], members: Sequence[SampledTable]
) -> list[SampledTable]:
    """The members as one table; each for itself, with a doubt, where that cannot be told."""
    members = sorted(members, key=lambda t: (bool(t.words & COPY), t.relation.name))
    columns = _shared_columns(members)
    names = ", ".join(t.label for t in members[:4]) + (" …" if len(members) > 4 else "")
    doubt = (
        f"{names} are named as parts of one table: each may hold a part of the ledger, or be an "
        "old copy of it (name one with table, or all of them with a query of your own)"
    )
    if columns is None:
        return [replace(t, doubt=t.doubt or doubt) for t in members]
    try:
        queries = queries_of_parts(database, members, columns)
    except UnreadableError:
        queries = None
    if queries is None:
        return [replace(t, doubt=t.doubt or doubt) for t in members]
    if len(queries) == 1:
        # One of them has all the rows of the others: a view over them, or a copy beside it.
        return [next(iter(queries.values()))]
    first = members[0].relation
    label = f"{first.name} and {len(queries) - 1} more like it"
    types = {column: first.columns.get(column, "") for column in columns}
    query = "\nUNION ALL\n".join(str(part.relation.query) for part in queries.values())
    read = sample(database, Relation(first.schema, label, types, query=query))
    if read is None:
        return [replace(t, doubt=t.doubt or doubt) for t in members]
    notes = [f"read as one: {', '.join(queries)}", *(t.note for t in members if t.note)]
    fields = read.fields if read.whole else _together(members, read)
    return [
        replace(
            read, fields=fields, rows=len(fields[0].texts), words=frozenset(stem),
            note="; ".join(notes), doubt=next((t.doubt for t in members if t.doubt), ""),
        )
    ]  # fmt: skip


def _together(members: Sequence[SampledTable], read: SampledTable) -> tuple[Field, ...]:
    """The samples of all members one after the other, for the first table fills a sample alone."""
    fields = []
    for field in read.fields:
        texts: list[str | None] = []
        for table in members:
            same = next((f for f in table.fields if f.name.lower() == field.name.lower()), None)
            texts += same.texts if same else [None] * table.rows
        fields.append(replace(field, texts=tuple(texts)))
    return tuple(fields)


def _shared_columns(members: Sequence[SampledTable]) -> list[str] | None:
    """The columns of all members as the first calls them; none where they are made differently."""
    sets = [
        {
            f.column.lower()
            for f in t.columns
            if not f.words & _MOVED or t.words.isdisjoint(_ARCHIVE)
        }
        for t in members
    ]
    every, shared = set().union(*sets), set.intersection(*sets)
    if len(shared) < _ALIKE * len(every):
        return None
    order = {f.column.lower(): f.column for t in reversed(members) for f in t.columns}
    return [order[name] for name in order if name in every]
