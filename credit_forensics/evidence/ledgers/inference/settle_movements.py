"""Settles which entries add credits, which take them, and which do not count."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from credit_forensics.databases.read_only import ReadOnlyDatabase
from credit_forensics.databases.relations import quote_text
from credit_forensics.evidence.ledgers.inference import words as w
from credit_forensics.evidence.ledgers.inference.by_balances import Balances, settle_by_balances
from credit_forensics.evidence.ledgers.inference.column_roles import way_of
from credit_forensics.evidence.ledgers.inference.decisions import Question
from credit_forensics.evidence.ledgers.inference.given_back import given_back, is_one_of
from credit_forensics.evidence.ledgers.inference.known_values import KnownValues
from credit_forensics.evidence.ledgers.inference.movements import Movements
from credit_forensics.evidence.ledgers.inference.moves_nothing import (
    states_of_holds,
    without_amount,
)
from credit_forensics.evidence.ledgers.inference.other_shops import other_shops
from credit_forensics.evidence.ledgers.inference.owner_of import Owner
from credit_forensics.evidence.ledgers.inference.payment_kinds import (
    kinds_that_book_payments,
    kinds_that_return_payments,
)
from credit_forensics.evidence.ledgers.inference.probes import as_text
from credit_forensics.evidence.ledgers.inference.rows_in_test_mode import without_test_mode
from credit_forensics.evidence.ledgers.inference.running_balance import (
    running_balance_falls,
    signs_by_running_balance,
)
from credit_forensics.evidence.ledgers.inference.samples import Field, SampledTable
from credit_forensics.evidence.ledgers.inference.signs import may_add
from credit_forensics.evidence.ledgers.inference.table_roles import EntriesTable
from credit_forensics.evidence.ledgers.inference.unsettled import Unsettled, read_unsettled

Way = tuple[Field, list[str]]


def settle_movements(
    database: ReadOnlyDatabase,
    entries: EntriesTable,
    owner: Owner,
    balances: Balances,
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
    unsettled = read_unsettled(
        database, entries, owner, tables, direction=direction, by_states=own_where is None
    )
    unsigned = unsettled.unsigned and entries.debit is None
    way = way_of(entries.table, [owner.field]) if unsigned else None
    if way is not None and direction == 0 and own_signs is None:
        _by_way(unsettled, way)
    _turn_books_of_what_is_owed(unsettled)
    if own_signs is not None:
        unsettled.signs = {label: own_signs.get(label, 1) for label in unsettled.labels}
        unsettled.use_signs = True
    if len(unsettled.labels) == 1:
        # One kind alone, and no amount below zero: nothing in this table takes credits.
        unsettled.signs.update(dict.fromkeys(unsettled.open_labels, 1))
    if unsettled.unsigned and not balances and direction >= 0:
        _by_refunds(unsettled, known)
    if unsettled.kind is not None and unsettled.open_labels:
        _by_payments(unsettled, unsettled.kind, known)
    empty = without_amount(unsettled.labels, unsettled.open_labels)
    unsettled.signs.update(dict.fromkeys(empty, 1))
    if unsettled.kind is not None and unsettled.states and not balances:
        _without_holds(unsettled, unsettled.kind)
    settle_by_balances(unsettled, balances)
    moves = unsettled.moves
    told = unsettled.use_signs or way is not None or own_signs is not None
    if unsettled.unsigned and not told and direction == 0:
        _ask_for_signs(entries, owner, balances, moves)
    if unsettled.use_signs:
        moves.signs = {label: unsettled.signs[label] or 1 for label in sorted(unsettled.labels)}
        moves.taking = tuple(label for label, sign in moves.signs.items() if sign < 0)
    moves.adds_only = unsettled.unsigned and way is None and not moves.taking
    moves.where = own_where or unsettled.where()
    if empty and not own_where:
        moves.where = " AND ".join(p for p in (moves.where, f"{moves.amount} IS NOT NULL") if p)
    if not own_where:
        if not balances:
            _without_other_shops(unsettled, known)
        tried = without_test_mode(unsettled, balances, known)
        if tried is not None:
            moves.where = " AND ".join(part for part in (moves.where, tried[0]) if part)
            moves.left_out.append(("test_mode", tried[1]))
    return moves


def _by_way(unsettled: Unsettled, way: Way) -> None:
    """Take the sign that a column of its own gives the amount."""
    column, taking = way
    database, moves = unsettled.database, unsettled.moves
    listed = ", ".join(quote_text(value, database.dialect) for value in taking)
    label = as_text(database, column.sql(database, "e"))
    moves.amount = (
        f"(CASE WHEN {label} IN ({listed}) THEN -({moves.amount}) ELSE {moves.amount} END)"
    )
    moves.notes.append(f"{column.name} says which way: {', '.join(taking)} takes credits")
    unsettled.use_signs = False


def _without_other_shops(unsettled: Unsettled, known: KnownValues) -> None:
    """Leave out what is of brands or tenants whose payments are not here.

    Where balances are stored, those of the other shops would then drift from their entries.
    """
    found = other_shops(unsettled.entries.table, known)
    if found is None or found[0] == unsettled.owner.field:
        return
    (column, shops), moves = found, unsettled.moves
    without = f"NOT {is_one_of(unsettled.database, column, shops)}"
    moves.where = " AND ".join(part for part in (moves.where, without) if part)
    said = (
        f"entries of {column.name} {', '.join(shops)} name no payment that was read: taken for "
        f"another shop's, they are not read; [ledger.entries] where says it otherwise."
    )
    moves.left_out.append(("another_shop", said))
    moves.notes.append(f"{column.name} {', '.join(shops)}: of another shop")


def _turn_books_of_what_is_owed(unsettled: Unsettled) -> None:
    """Turn all signs where what adds by its word is below zero, and what takes above."""
    kind, moves = unsettled.kind, unsettled.moves
    if kind and not unsettled.unsigned and _is_inverted(unsettled.labels, unsettled.signs):
        moves.amount = f"-({moves.amount})"
        moves.notes.append(f"what {kind.name} says adds credits is below zero: signs are turned")


def _by_refunds(unsettled: Unsettled, known: KnownValues) -> None:
    """Take rows that say that their purchase was refunded for both: given, and taken back."""
    table, database, moves = unsettled.entries.table, unsettled.database, unsettled.moves
    refunded: list[Way] = []
    for n, state in enumerate(unsettled.states):
        asked = [value for m, value in unsettled.open_states if m == n and state.kind == "status"]
        refunded.append((state.field, given_back(table, state.field, asked, known)))
        unsettled.keep[n].update(dict.fromkeys(refunded[-1][1], True))
    if unsettled.kind is not None:
        labels = given_back(table, unsettled.kind, unsettled.open_labels, known)
        refunded.append((unsettled.kind, labels))
        unsettled.signs.update(dict.fromkeys(labels, 1))
    told = [(field, values) for field, values in refunded if values]
    moves.given_back = " OR ".join(is_one_of(database, field, values) for field, values in told)
    moves.notes += [
        f"{field.name} {', '.join(values)}: given, and taken back" for field, values in told
    ]


def _by_payments(unsettled: Unsettled, kind: Field, known: KnownValues) -> None:
    """Ask the payments that entries book or return, then the balance that is kept beside each."""
    entries, signs = unsettled.entries, unsettled.signs
    table, asked = entries.table, unsettled.open_labels
    # What books payments adds, whatever it is called.
    signs.update(dict.fromkeys(kinds_that_book_payments(table, kind, asked, known), 1))
    if entries.direction > 0 and all(sign >= 0 for sign in signs.values()):
        # A table of grants adds whatever its kinds do not take by a word of their own.
        signs.update({label: 1 for label in asked if may_add(label)})
    signs.update(dict.fromkeys(kinds_that_return_payments(table, kind, signs, known), -1))
    still = unsettled.open_labels
    if still and entries.amount is not None:
        owner = unsettled.owner.field
        signs.update(signs_by_running_balance(table, owner, entries.amount, kind, still))


def _without_holds(unsettled: Unsettled, kind: Field) -> None:
    """Leave out what was only held."""
    states = unsettled.states
    table, asked = unsettled.entries.table, unsettled.open_states
    for n, value in states_of_holds(table, kind, states, unsettled.seen, asked):
        unsettled.keep[n][value] = False
        unsettled.moves.notes.append(f"holds of {states[n].field.name} {value!r} do not count")


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
    balances: Balances,
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
