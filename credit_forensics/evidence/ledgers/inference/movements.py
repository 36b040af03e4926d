"""How the amount of an entry becomes credits with a sign, and which rows count at all."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from itertools import product

from credit_forensics.databases.read_only import ReadOnlyDatabase
from credit_forensics.databases.relations import quote_identifier, quote_text
from credit_forensics.evidence.ledgers.inference import words as w
from credit_forensics.evidence.ledgers.inference.column_roles import type_of, way_of
from credit_forensics.evidence.ledgers.inference.decisions import Question
from credit_forensics.evidence.ledgers.inference.given_back import given_back, is_one_of
from credit_forensics.evidence.ledgers.inference.known_values import KnownValues
from credit_forensics.evidence.ledgers.inference.labels_of import labels_of, signs_of_labels
from credit_forensics.evidence.ledgers.inference.moves_nothing import (
    states_of_holds,
    without_amount,
)
from credit_forensics.evidence.ledgers.inference.owner_of import Owner
from credit_forensics.evidence.ledgers.inference.payment_kinds import (
    kinds_that_book_payments,
    kinds_that_return_payments,
)
from credit_forensics.evidence.ledgers.inference.probes import as_text, groups, sums_by_owner
from credit_forensics.evidence.ledgers.inference.running_balance import (
    running_balance_falls,
    signs_by_running_balance,
)
from credit_forensics.evidence.ledgers.inference.samples import Field, SampledTable
from credit_forensics.evidence.ledgers.inference.signs import (
    AGREES,
    Weight,
    agreement,
    best_weights,
    may_add,
    sign_of,
)
from credit_forensics.evidence.ledgers.inference.statuses import State, states_of
from credit_forensics.evidence.ledgers.inference.table_roles import EntriesTable

_MOST_OPEN = 6
_TEXTS = ("text", "char", "varchar", "character", "string")


@dataclass
class Movements:
    """The settled amount: ``taking`` are types with a minus, ``where`` SQL of the rows that count.

    ``adds_only`` says that nothing takes credits, ``agrees`` is the part of the accounts whose
    stored balance is the sum of their entries, ``given_back`` SQL of the rows that are purchases
    and their refunds in one.
    """

    amount: str
    type: Field | None
    taking: tuple[str, ...] = ()
    where: str = ""
    agrees: float | None = None
    adds_only: bool = False
    notes: list[str] = field(default_factory=list)
    signs: dict[str, int] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)
    given_back: str = ""

    def type_sql(self, database: ReadOnlyDatabase) -> str:
        """The type's column, its numbers by their labels where those are known."""
        assert self.type is not None
        sql = self.type.sql(database, "e")
        if not self.labels:
            return sql
        whens = " ".join(
            f"WHEN {quote_text(number, database.dialect)} "
            f"THEN {quote_text(label, database.dialect)}"
            for number, label in sorted(self.labels.items())
        )
        return f"CASE {as_text(database, sql)} {whens} END"

    def signed(self, database: ReadOnlyDatabase) -> str:
        """The amount with its sign, in the database's SQL."""
        if not self.taking or self.type is None:
            return self.amount
        listed = ", ".join(quote_text(label, database.dialect) for label in self.taking)
        label = as_text(database, self.type.sql(database, "e"))
        return f"CASE WHEN {label} IN ({listed}) THEN -({self.amount}) ELSE {self.amount} END"


def amount_sql(database: ReadOnlyDatabase, entries: EntriesTable, alias: str) -> str:
    """The amount as it stands, or credit less debit."""
    if entries.amount is not None:
        return number_sql(database, entries.amount, alias)
    assert entries.credit is not None and entries.debit is not None
    given, taken = (number_sql(database, f, alias) for f in (entries.credit, entries.debit))
    return f"(coalesce({given}, 0) - coalesce({taken}, 0))"


def number_sql(database: ReadOnlyDatabase, field: Field, alias: str) -> str:
    """A column of numbers, also where its type is text."""
    sql = field.sql(database, alias)
    if database.dialect == "sqlite":
        return f"({sql} + 0)" if field.path or field.type.startswith(_TEXTS) else sql
    typed = field.path or field.type.startswith(_TEXTS)
    return f"nullif(trim({sql}), '')::numeric" if typed else sql


def settle_movements(
    database: ReadOnlyDatabase,
    entries: EntriesTable,
    owner: Owner,
    balances: Sequence[Mapping[str, Decimal]],
    *,
    tables: Sequence[SampledTable] = (),
    known: KnownValues,
    direction: int = 0,
    own_where: str | None = None,
    own_signs: Mapping[str, int] | None = None,
) -> Movements:
    """Settle signs and states by words first, and by the stored balances where words do not do.

    Parameters
    ----------
    balances
        candidates for the stored balance of each account; the one that agrees best is believed.
    tables
        among which one may say what the numbers of a kind are called.
    known
        the payments, which tell what entries do of which no word says it.
    direction
        what the table's name says of all its entries, where it is one of several tables.
    own_where, own_signs
        what the case file says of it.

    Raises
    ------
    Question
        where a type or state of entries is there and neither words nor balances say what it does.
    """
    table = entries.table
    amount = amount_sql(database, entries, "e")
    kind = type_of(table, [owner.field, *([entries.amount] if entries.amount else [])])
    states = [] if own_where is not None else states_of(table)
    fields = [*([kind] if kind else []), *(state.field for state in states)]
    seen = groups(database, table, fields, amount_sql(database, entries, "t"))
    if seen is None and kind is not None:
        # Too many kinds to be kinds: free text.
        kind, fields = None, [state.field for state in states]
        seen = groups(database, table, fields, amount_sql(database, entries, "t"))
    if seen is None:
        raise Question(f"the states of {table.label} cannot be counted")
    moves = Movements(f"-({amount})" if direction < 0 else amount, kind)
    moves.labels = labels_of(kind, tables) if kind else {}
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
    signs = {label: sign_of(moves.labels.get(label, label)) for label in labels}
    if kind and unsigned:
        # What the shop's own table of kinds says goes before what their names mean.
        signs |= {n: s for n, s in signs_of_labels(kind, tables).items() if n in labels}
    use_signs = bool(kind) and unsigned and direction == 0 and entries.debit is None
    way = way_of(table, [owner.field]) if unsigned and entries.debit is None else None
    if way is not None and direction == 0 and own_signs is None:
        moves.amount = _by_way(database, way, amount)
        moves.notes.append(f"{way[0].name} says which way: {', '.join(way[1])} takes credits")
        use_signs = False
    if kind and not unsigned and not use_signs and _is_inverted(labels, signs):
        moves.amount = f"-({amount})"
        moves.notes.append(f"what {kind.name} says adds credits is below zero: signs are turned")
    if own_signs is not None:
        signs = {label: own_signs.get(label, 1) for label in labels}
        use_signs = True
    open_labels = [label for label in sorted(labels) if use_signs and signs[label] == 0]
    open_states = [(n, v) for n in range(len(states)) for v, c in keep[n].items() if c is None]
    if len(labels) == 1 and open_labels:
        # One kind alone, and no amount below zero: nothing in this table takes credits.
        signs[open_labels[0]], open_labels = 1, []
    if unsigned and not balances and direction >= 0:
        refunded = []
        for n, state in enumerate(states):
            asked = [value for m, value in open_states if m == n and state.kind == "status"]
            refunded.append((state.field, given_back(table, state.field, asked, known)))
            keep[n].update(dict.fromkeys(refunded[-1][1], True))
        if kind:
            refunded.append((kind, given_back(table, kind, open_labels, known)))
            signs.update(dict.fromkeys(refunded[-1][1], 1))
        _give_back(database, moves, refunded)
        open_labels = [label for label in open_labels if signs[label] == 0]
        open_states = [(n, value) for n, value in open_states if keep[n][value] is None]
    if kind and open_labels:
        # What books payments adds, whatever it is called.
        signs.update(dict.fromkeys(kinds_that_book_payments(table, kind, open_labels, known), 1))
        if entries.direction > 0 and all(sign >= 0 for sign in signs.values()):
            # A table of grants adds whatever its kinds do not take by a word of their own.
            signs.update({label: 1 for label in open_labels if may_add(label)})
        signs.update(dict.fromkeys(kinds_that_return_payments(table, kind, signs, known), -1))
        still = [label for label in open_labels if signs[label] == 0]
        if still and entries.amount is not None:
            signs.update(signs_by_running_balance(table, owner.field, entries.amount, kind, still))
        open_labels = [label for label in open_labels if signs[label] == 0]
    empty = without_amount(labels, open_labels)
    signs.update(dict.fromkeys(empty, 1))
    open_labels = [label for label in open_labels if label not in empty]
    if kind and states and not balances:
        for n, value in states_of_holds(table, kind, states, seen, open_states):
            keep[n][value] = False
            moves.notes.append(f"holds of {states[n].field.name} {value!r} do not count")
        open_states = [(n, value) for n, value in open_states if keep[n][value] is None]
    _by_balances(
        database, entries, owner, moves, fields,
        balances=balances, keep=keep, signs=signs, use_signs=use_signs,
        open_labels=open_labels, open_states=open_states,
    )  # fmt: skip
    if unsigned and not use_signs and way is None and own_signs is None and direction == 0:
        _ask_for_signs(entries, owner, balances, moves)
    if use_signs:
        moves.signs = {label: signs[label] or 1 for label in sorted(labels)}
        moves.taking = tuple(label for label in sorted(labels) if signs[label] < 0)
    moves.adds_only = unsigned and way is None and not moves.taking
    moves.where = own_where or _where(database, states, keep)
    if empty and not own_where:
        moves.where = " AND ".join(p for p in (moves.where, f"{moves.amount} IS NOT NULL") if p)
    return moves


def _give_back(
    database: ReadOnlyDatabase, moves: Movements, refunded: Sequence[tuple[Field, list[str]]]
) -> None:
    """Take rows that say that their purchase was refunded for both: given, and taken back."""
    told = [(field, values) for field, values in refunded if values]
    moves.given_back = " OR ".join(is_one_of(database, field, values) for field, values in told)
    moves.notes += [
        f"{field.name} {', '.join(values)}: given, and taken back" for field, values in told
    ]


def _is_inverted(labels: Mapping[str, tuple[Decimal, Decimal]], signs: Mapping[str, int]) -> bool:
    """Whether all that adds by its word is below zero, and all that takes above: a shop's books
    of what it owes.
    """
    adding = [span for label, span in labels.items() if signs[label] > 0]
    taking = [span for label, span in labels.items() if signs[label] < 0]
    return (
        bool(adding)
        and bool(taking)
        and all(high <= 0 for _, high in adding)
        and all(low >= 0 for low, _ in taking)
    )


def _ask_for_signs(
    entries: EntriesTable,
    owner: Owner,
    balances: Sequence[Mapping[str, Decimal]],
    moves: Movements,
) -> None:
    """Ask where no amount is below zero, nothing says what takes credits, and yet some do."""
    table, amount = entries.table, entries.amount
    if entries.debit is not None or amount is None:
        return
    falls = running_balance_falls(table, owner.field, amount)
    against = entries.direction == 0 and bool(balances) and not moves.agrees
    if falls or (against and table.words & w.ENTRY):
        why = "its running balance falls" if falls else "they sum up to no stored balance"
        raise Question(
            f"{table.label} has no amount below zero and no kind that says what takes credits, "
            f"though {why}"
        )


def _by_way(database: ReadOnlyDatabase, way: tuple[Field, list[str]], amount: str) -> str:
    """The amount with the sign that a column of its own gives it."""
    listed = ", ".join(quote_text(value, database.dialect) for value in way[1])
    label = as_text(database, way[0].sql(database, "e"))
    return f"(CASE WHEN {label} IN ({listed}) THEN -({amount}) ELSE {amount} END)"


def _states(
    states: Sequence[State],
    seen: Sequence[tuple[tuple[str | None, ...], int, Decimal, Decimal]],
    offset: int,
) -> list[dict[str | None, bool | None]]:
    keep: list[dict[str | None, bool | None]] = []
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


def _by_balances(
    database: ReadOnlyDatabase,
    entries: EntriesTable,
    owner: Owner,
    moves: Movements,
    fields: Sequence[Field],
    *,
    balances: Sequence[Mapping[str, Decimal]],
    keep: list[dict[str | None, bool | None]],
    signs: dict[str, int],
    use_signs: bool,
    open_labels: Sequence[str],
    open_states: Sequence[tuple[int, str | None]],
) -> None:
    """Settle what is open by what makes the stored balances come out; else ask."""
    offset = 1 if moves.type else 0
    asked = [f"type {label!r}" for label in open_labels]
    asked += [f"{fields[offset + n].name} {value!r}" for n, value in open_states]
    if balances:
        texts = ", ".join(
            f"{as_text(database, f.sql(database, 'e'))} AS k{n}" for n, f in enumerate(fields)
        )
        rows = (
            f"SELECT {as_text(database, owner.sql(database))} AS owner, {texts}"
            f"{', ' if texts else ''}{moves.amount} AS amount "
            f"FROM {database.quoted(entries.table.relation)} AS e{owner.join(database)}"
        )
        wanted = sorted({one for found in balances for one in list(found)[:200]})[:400]
        sums = sums_by_owner(database, rows, wanted, len(fields))
        kept = [dict(values) for values in keep]

        def weight_of_state(key: tuple[str | None, ...]) -> int:
            return int(all(kept[n].get(value) is not False for n, value in enumerate(key[offset:])))

        for found in balances:
            if open_states and not open_labels and len(open_states) <= _MOST_OPEN:
                settled_states = _settle_states(
                    open_states, kept, partial(agreement, sums, found),
                    lambda key: _sign(key, signs, use_signs) * weight_of_state(key),
                )  # fmt: skip
                if settled_states is not None:
                    moves.agrees, choice = settled_states
                    for (n, value), counts in zip(open_states, choice, strict=True):
                        keep[n][value] = kept[n][value] = counts
                    asked = []
                    break
                continue
            if open_states:
                break
            settled = {label: sign for label, sign in signs.items() if sign}
            best = (
                best_weights(sums, found, settled, open_labels, weight_of_state)
                if open_labels
                else None
            )
            if best:
                signs.update(best[0])
                moves.agrees, asked = best[1], []
                break
            share = agreement(
                sums, found, lambda key: _sign(key, signs, use_signs) * weight_of_state(key)
            )
            moves.agrees = max(share, moves.agrees or 0.0)
    if asked:
        raise Question(
            f"{entries.table.label} has entries of {', '.join(asked[:6])}, and neither words nor "
            "the stored balances say whether they add credits, take them, or do not count"
        )


def _settle_states(
    open_states: Sequence[tuple[int, str | None]],
    kept: list[dict[str | None, bool | None]],
    agrees_with: Callable[[Weight], float],
    weight: Weight,
) -> tuple[float, tuple[bool, ...]] | None:
    """Which of the open states count, where one choice alone makes the balances come out."""
    shares = []
    for choice in product((True, False), repeat=len(open_states)):
        for (n, value), counts in zip(open_states, choice, strict=True):
            kept[n][value] = counts
        shares.append((agrees_with(weight), choice))
    for n, value in open_states:
        kept[n][value] = None
    shares.sort(key=lambda one: -one[0])
    tied = len(shares) > 1 and shares[1][0] == shares[0][0]
    return None if shares[0][0] < AGREES or tied else shares[0]


def _sign(key: tuple[str | None, ...], signs: Mapping[str, int], use_signs: bool) -> int:
    return (signs.get(key[0] or "", 1) or 1) if use_signs else 1


def _where(
    database: ReadOnlyDatabase,
    states: Sequence[State],
    keep: Sequence[Mapping[str | None, bool | None]],
) -> str:
    parts = []
    for state, values in zip(states, keep, strict=True):
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
        listed = ", ".join(quote_text(value, database.dialect) for value in good)
        test = f"{as_text(database, column)} IN ({listed})" if good else "1 = 0"
        parts.append(f"({test} OR {column} IS NULL)" if values.get(None) else test)
    return " AND ".join(parts)
