"""Puts corrections in an order in which no balance is driven below zero, as far as there is one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from credit_forensics.repair.entries import Correction


@dataclass(frozen=True)
class Step:
    """A correction in its place. ``held``: it would drive a balance below zero.

    ``before``: the balance of each account it moves, as the steps before it leave them.
    """

    correction: Correction
    held: bool
    before: dict[str, int]


def booking_order(
    corrections: Sequence[Correction],
    balances: Mapping[str, int],
    *,
    allow_negative: bool = False,
) -> list[Step]:
    """Order corrections so that what one gives can cover what another takes; held ones come last.

    Corrections of one payment stay in their order, and one that follows a held one is held: it
    reckons with what the other moves. Otherwise the given order is kept.

    Examples
    --------
    >>> from credit_forensics.repair.entries import Entry
    >>> takes = Correction("wrong_user", "", "cs_1", 1.0, None, (Entry("reversal", "a", -5, "k"),))
    >>> gives = Correction("missing_credit", "", "cs_2", 1.0, None,
    ...     (Entry("correction", "a", 5, "l"),))
    >>> [step.correction.payment_id for step in booking_order([takes, gives], {"a": 0})]
    ['cs_2', 'cs_1']
    """
    left = dict(balances)
    steps: list[Step] = []
    pending = list(corrections)
    while pending:
        waiting: list[Correction] = []
        blocked: set[str] = set()
        for one in pending:
            moved = one.moved
            covered = all(delta > 0 or left[user] + delta >= 0 for user, delta in moved.items())
            if one.payment_id in blocked and one.entries:
                waiting.append(one)
            elif not covered and not allow_negative:
                waiting.append(one)
                blocked.add(one.payment_id)
            else:
                steps.append(Step(one, False, {e.user_id: left[e.user_id] for e in one.entries}))
                for user, delta in moved.items():
                    left[user] += delta
        if len(waiting) == len(pending):
            break
        pending = waiting
    else:
        return steps
    held = [Step(one, True, {e.user_id: left[e.user_id] for e in one.entries}) for one in pending]
    return steps + held


def follows(corrections: Sequence[Correction]) -> list[tuple[int, ...]]:
    """For each correction the numbers, from 1, of those of its payment that go before it.

    Examples
    --------
    >>> from credit_forensics.repair.entries import Entry
    >>> one = Correction("wrong_user", "", "cs_1", 1.0, None, (Entry("reversal", "a", -5, "k"),))
    >>> follows([one, one])
    [(), (1,)]
    """
    seen: dict[str, list[int]] = {}
    found: list[tuple[int, ...]] = []
    for number, one in enumerate(corrections, start=1):
        found.append(tuple(seen.get(one.payment_id, ())) if one.entries else ())
        if one.entries:
            seen.setdefault(one.payment_id, []).append(number)
    return found
