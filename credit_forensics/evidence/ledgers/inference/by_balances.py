"""What kinds and states do, by what makes the stored balances come out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from functools import partial
from itertools import product

from credit_forensics.evidence.ledgers.inference.decisions import Question
from credit_forensics.evidence.ledgers.inference.probes import as_text, sums_by_owner
from credit_forensics.evidence.ledgers.inference.signs import (
    AGREES,
    Weight,
    agreement,
    best_weights,
)
from credit_forensics.evidence.ledgers.inference.unsettled import Keep, Unsettled

_MOST_OPEN = 6
_ACCOUNTS = 400
"""So many accounts tell; of each candidate for the balances at most half of them."""

Balances = Sequence[Mapping[str, Decimal]]
Sums = list[tuple[str, tuple[str | None, ...], Decimal]]


def settle_by_balances(unsettled: Unsettled, balances: Balances) -> None:
    """Settle what is open by what makes the stored balances come out; else ask.

    Parameters
    ----------
    unsettled
        gets what was open, and how well the balances agree.
    balances
        candidates for the stored balance of each account.

    Raises
    ------
    Question
        where something is open, and no balances tell.
    """
    open_labels, open_states = unsettled.open_labels, unsettled.open_states
    if (balances and _settle(unsettled, balances)) or not (open_labels or open_states):
        return
    fields, offset = unsettled.fields, unsettled.offset
    asked = [f"type {label!r}" for label in open_labels]
    asked += [f"{fields[offset + n].name} {value!r}" for n, value in open_states]
    raise Question(
        f"{unsettled.entries.table.label} has entries of {', '.join(asked[:6])}, and neither words "
        "nor the stored balances say whether they add credits, take them, or do not count"
    )


def come_out_without(unsettled: Unsettled, balances: Balances, marked: str) -> bool:
    """Whether stored balances are as well the sums of the entries without some rows as with them.

    Parameters
    ----------
    unsettled
        all settled but which of its rows are left out.
    balances
        candidates for the stored balance of each account.
    marked
        SQL of the rows in question, over ``e``; the accounts that have one are asked.
    """
    database, owner, moves = unsettled.database, unsettled.owner, unsettled.moves
    table = database.quoted(unsettled.entries.table.relation)
    counted = f" WHERE {moves.where}" if moves.where else ""
    rows = (
        f"SELECT {as_text(database, owner.sql(database))} AS owner, "
        f"CASE WHEN {marked} THEN 'left out' ELSE '' END AS k0, "
        f"{moves.signed(database)} AS amount FROM {table} AS e{owner.join(database)}{counted}"
    )
    having = database.fetch_rows(
        f"SELECT DISTINCT owner FROM ({rows}) AS r WHERE k0 <> '' ORDER BY 1 LIMIT {_ACCOUNTS}"
    )
    sums = sums_by_owner(database, rows, [str(one) for (one,) in having if one], 1)
    with_them = max(agreement(sums, found, lambda _: 1) for found in balances)
    without = max(agreement(sums, found, lambda key: int(not key[0])) for found in balances)
    return without >= with_them


def _settle(unsettled: Unsettled, balances: Balances) -> bool:
    """Whether one of the candidates settles all that is open."""
    moves, signs, keep = unsettled.moves, unsettled.signs, unsettled.keep
    open_labels, open_states = unsettled.open_labels, unsettled.open_states
    sums = _sums(unsettled, balances)
    kept: Keep = [dict(values) for values in keep]

    def weight_of_state(key: tuple[str | None, ...]) -> int:
        states = enumerate(key[unsettled.offset :])
        return int(all(kept[n].get(value) is not False for n, value in states))

    def weight(key: tuple[str | None, ...]) -> int:
        sign = (signs.get(key[0] or "", 1) or 1) if unsettled.use_signs else 1
        return sign * weight_of_state(key)

    for found in balances:
        if open_states and not open_labels and len(open_states) <= _MOST_OPEN:
            settled_states = _settle_states(
                open_states, kept, partial(agreement, sums, found), weight
            )
            if settled_states is not None:
                moves.agrees, choice = settled_states
                for (n, value), counts in zip(open_states, choice, strict=True):
                    keep[n][value] = counts
                return True
            continue
        if open_states:
            return False
        settled = {label: sign for label, sign in signs.items() if sign}
        best = (
            best_weights(sums, found, settled, open_labels, weight_of_state)
            if open_labels
            else None
        )
        if best:
            signs.update(best[0])
            moves.agrees = best[1]
            return True
        moves.agrees = max(agreement(sums, found, weight), moves.agrees or 0.0)
    return False


def _sums(unsettled: Unsettled, balances: Balances) -> Sums:
    """Of some accounts the sum of each combination of kind and states."""
    database, owner, fields = unsettled.database, unsettled.owner, unsettled.fields
    texts = "".join(
        f"{as_text(database, f.sql(database, 'e'))} AS k{n}, " for n, f in enumerate(fields)
    )
    rows = (
        f"SELECT {as_text(database, owner.sql(database))} AS owner, {texts}"
        f"{unsettled.moves.amount} AS amount "
        f"FROM {database.quoted(unsettled.entries.table.relation)} AS e{owner.join(database)}"
    )
    wanted = sorted({one for found in balances for one in list(found)[: _ACCOUNTS // 2]})
    return sums_by_owner(database, rows, wanted[:_ACCOUNTS], len(fields))


def _settle_states(
    open_states: Sequence[tuple[int, str | None]],
    kept: Keep,
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
