"""The kinds and states of an entries table, and what is settled of them so far."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from credit_forensics.databases.read_only import ReadOnlyDatabase
from credit_forensics.databases.relations import quote_identifier, quote_text
from credit_forensics.evidence.ledgers.inference.column_roles import type_of
from credit_forensics.evidence.ledgers.inference.decisions import Question
from credit_forensics.evidence.ledgers.inference.labels_of import labels_of, signs_of_labels
from credit_forensics.evidence.ledgers.inference.movements import Movements, amount_sql
from credit_forensics.evidence.ledgers.inference.moves_nothing import Groups
from credit_forensics.evidence.ledgers.inference.owner_of import Owner
from credit_forensics.evidence.ledgers.inference.probes import as_text, groups
from credit_forensics.evidence.ledgers.inference.samples import Field, SampledTable
from credit_forensics.evidence.ledgers.inference.signs import sign_of
from credit_forensics.evidence.ledgers.inference.statuses import State, states_of
from credit_forensics.evidence.ledgers.inference.table_roles import EntriesTable

Keep = list[dict[str | None, bool | None]]


@dataclass
class Unsettled:
    """What is known of an entries table's kinds and states; each further source fills in.

    Attributes
    ----------
    kind, states
        the column of kinds, where there is one, and the columns that say whether a row counts.
    seen
        each combination of their values, how many rows have it, its least and largest amount.
    labels
        the least and largest amount of each kind, among the rows that may count.
    signs
        of each kind 1, -1, or 0 where nothing said it yet.
    keep
        of each state whether rows of each value count, None where nothing said it yet.
    unsigned
        no amount is below zero.
    use_signs
        the kinds' signs are what makes an amount add or take.
    moves
        what comes out.
    """

    database: ReadOnlyDatabase
    entries: EntriesTable
    owner: Owner
    direction: int
    kind: Field | None
    states: Sequence[State]
    seen: Groups
    labels: dict[str, tuple[Decimal, Decimal]]
    signs: dict[str, int]
    keep: Keep
    unsigned: bool
    use_signs: bool
    moves: Movements

    @property
    def fields(self) -> list[Field]:
        """The columns whose values ``seen`` combines: the kind first."""
        return _fields(self.kind, self.states)

    @property
    def offset(self) -> int:
        """The place of the first state among them."""
        return 1 if self.kind else 0

    @property
    def open_labels(self) -> list[str]:
        """The kinds of which nothing said yet whether they add or take."""
        return [label for label in sorted(self.labels) if self.use_signs and not self.signs[label]]

    @property
    def open_states(self) -> list[tuple[int, str | None]]:
        """The states, by place and value, of which nothing said yet whether rows count."""
        return [
            (n, value)
            for n, values in enumerate(self.keep)
            for value, counts in values.items()
            if counts is None
        ]

    def where(self) -> str:
        """SQL of the rows that count.

        Raises
        ------
        Question
            where none would.
        """
        parts = []
        for state, values in zip(self.states, self.keep, strict=True):
            if all(values.values()):
                continue
            column = f"e.{quote_identifier(state.field.column)}"
            if state.kind == "moment":
                parts.append(f"{column} IS NULL")
                continue
            good = sorted(value for value, counts in values.items() if counts and value is not None)
            if state.kind == "status" and not any(values.values()):
                said = ", ".join(sorted(repr(value) for value in values)[:6])
                raise Question(f"no row would count by {state.field.name}, which says {said} alone")
            listed = ", ".join(quote_text(value, self.database.dialect) for value in good)
            test = f"{as_text(self.database, column)} IN ({listed})" if good else "1 = 0"
            parts.append(f"({test} OR {column} IS NULL)" if values.get(None) else test)
        return " AND ".join(parts)


def read_unsettled(
    database: ReadOnlyDatabase,
    entries: EntriesTable,
    owner: Owner,
    tables: Sequence[SampledTable],
    *,
    direction: int,
    by_states: bool,
) -> Unsettled:
    """What the words of an entries table say of its kinds and states.

    Parameters
    ----------
    tables
        among which one may say what the numbers of a kind are called, and which way they go.
    direction
        what the table's name says of all its entries.
    by_states
        whether states say which rows count; else the case file does.

    Raises
    ------
    Question
        where the states have too many values to be counted.
    """
    table = entries.table
    amount = amount_sql(database, entries, "e")
    kind = type_of(table, [owner.field, *([entries.amount] if entries.amount else [])])
    states = states_of(table) if by_states else []
    seen = groups(database, table, _fields(kind, states), amount_sql(database, entries, "t"))
    if seen is None and kind is not None:
        # Too many kinds to be kinds: free text.
        kind = None
        seen = groups(database, table, _fields(kind, states), amount_sql(database, entries, "t"))
    if seen is None:
        raise Question(f"the states of {table.label} cannot be counted")
    offset = 1 if kind else 0
    keep = _states(states, seen, offset)
    counted = [
        one
        for one in seen
        if all(keep[n].get(value) is not False for n, value in enumerate(one[0][offset:]))
    ]
    labels: dict[str, tuple[Decimal, Decimal]] = {}
    for key, _, low, high in counted:
        if kind:
            before = labels.get(key[0] or "", (low, high))
            labels[key[0] or ""] = (min(before[0], low), max(before[1], high))
    unsigned = bool(counted) and all(low >= 0 for _, _, low, _ in counted)
    moves = Movements(f"-({amount})" if direction < 0 else amount, kind)
    moves.labels = labels_of(kind, tables) if kind else {}
    signs = {label: sign_of(moves.labels.get(label, label)) for label in labels}
    if kind and unsigned:
        # What the shop's own table of kinds says goes before what their names mean.
        signs |= {n: s for n, s in signs_of_labels(kind, tables).items() if n in labels}
    return Unsettled(
        database, entries, owner, direction, kind, states, seen, labels, signs, keep, unsigned,
        use_signs=bool(kind) and unsigned and direction == 0 and entries.debit is None,
        moves=moves,
    )  # fmt: skip


def _fields(kind: Field | None, states: Sequence[State]) -> list[Field]:
    return [*([kind] if kind else []), *(state.field for state in states)]


def _states(states: Sequence[State], seen: Groups, offset: int) -> Keep:
    keep: Keep = []
    for n, state in enumerate(states):
        values = sorted({key[offset + n] for key, *_ in seen}, key=repr)
        if state.kind == "moment":
            keep.append({value: value is None for value in values})
        elif len(values) == 1 and state.kind == "status" and state.counts(values[0]) is None:
            # All entries have it, so it does not set any apart.
            keep.append({values[0]: True})
        else:
            keep.append({value: state.counts(value) for value in values})
    return keep
