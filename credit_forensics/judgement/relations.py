"""What is known of a payer and an account that are two people, as one number a payment.

The number holds five things: how many of the payer's other payments went to accounts of others,
among how many, what became of this very pair, whether the account's owner pays into accounts of
others as well, and whether the account is one that many others' sessions name. Each number has a
probability where the session is wrong, where somebody pays for another, and where what was typed is
wrong; the model compares the three.
"""

from __future__ import annotations

from functools import lru_cache
from math import comb

import numpy as np
import numpy.typing as npt

from credit_forensics.arrays import Floats
from credit_forensics.judgement.beta_binomial import beta_binomial

Integers = npt.NDArray[np.int64]

# What became of the pair: once; again, with own purchases or others' between; again, into an
# account that never pays for itself; again, into one that does (an id that sticks).
ONCE, AGAIN_AND_OTHERS, AGAIN, STUCK = 0, 1, 2, 3
RELATIONS = (
    "once",
    "again, and own purchases or others' between",
    "again, days apart, into an account that never pays for itself",
    "again, into an account that pays for itself",
)
# How many further payments of the payer went to others: none, one, several, or several that are
# half or more of all; and lower bounds of how many further ones there are.
SEVERAL, FURTHERS = 2, 4
TOTAL_BOUNDS = (1, 3, 7, 16, 40)
_TOTALS = (0, 2, 5, 10, 25, 75)
_FURTHERS = (0.0, 1.0, 3.0, 5.0)
_FURTHER, _TOTAL, _PAIR = FURTHERS, len(TOTAL_BOUNDS) + 1, len(RELATIONS)
MUTUAL = _FURTHER * _TOTAL * _PAIR
"""What is added where the account's owner is seen to pay into accounts of others too."""
UNSHARED = 1 + 2 * MUTUAL
"""Codes below this say nothing of the account; the same codes from here on: many name it."""
SIZE = 2 * UNSHARED

# Sessions go wrong one by one, some people's more often than others' (as if ``_ALIKE`` payments of
# theirs had been seen), or an id sticks, and goes on to the same account.
_ALIKE = 20.0
# A patron pays for others now and then, or as a rule: Beta priors of the share.
_PATRONS = ((1.0, 8.0), (2.0, 1.0))
# Of several payments for others: how often the pair is there once, and of those that recur into one
# account alone, how often that account also pays for itself.
_ONCE_OF_WRONG, _OWNS_OF_WRONG = 0.45, 0.67
_ONCE_OF_PATRONS, _OWNS_OF_PATRONS = 0.3, 0.45
_ONE_ACCOUNT = 0.6
# Own purchases may have ended for a reason: at least so often all of them came before.
_HABIT = 0.25
_PAIRS_THAT_STICK = (0.0, 0.05, 0.30, 0.65)
# A wrong e-mail, name or card is seldom so again and again, but for a habit or a renewal.
_OWNERS_FURTHER = (0.6, 0.1, 0.1, 0.2)
_PAIRS_OF_OWNERS = (0.2, 0.6, 0.1, 0.1)
_LEAST = 1e-3
# Who is paid for seldom pays for others; where most sessions are wrong, nearly everybody does.
_MUTUAL_OF_PATRONS, _PAYMENTS_OF_OWNER = 0.1, 3
_MUTUAL_OF_WRONG = (0.1, 0.8)  # at least and at most


def code(further: int, total: int, pair: int, *, mutual: bool = False, shared: bool = False) -> int:
    """The number of a relation, from counts.

    Examples
    --------
    >>> code(0, 0, ONCE), code(0, 0, ONCE, shared=True)
    (1, 194)
    """
    place = sum(total >= bound for bound in TOTAL_BOUNDS)
    beyond = MUTUAL * mutual + UNSHARED * shared
    of_further = int(_further_places(np.array([further]), total)[0])
    return 1 + (pair * _TOTAL + place) * _FURTHER + of_further + beyond


def _further_places(further: Integers, total: int) -> Integers:
    most = np.where(2 * further >= total, SEVERAL + 1, SEVERAL)
    result: Integers = np.where(further >= SEVERAL, most, further)
    return result


def is_shared(relation: Integers) -> npt.NDArray[np.bool_]:
    """Whether the account is one that many others' sessions name."""
    result: npt.NDArray[np.bool_] = relation >= UNSHARED
    return result


def is_known(relation: Integers) -> npt.NDArray[np.bool_]:
    """Whether the payer is known to be another person than the account's owner."""
    result: npt.NDArray[np.bool_] = relation % UNSHARED > 0
    return result


@lru_cache(maxsize=1)
def acts() -> Floats:
    """What a payment of each relation counts as, among those that show a cause in common.

    Payments of one payer for others are one act: a boss who buys for a team at once is no burst of
    wrong sessions.

    Examples
    --------
    >>> [round(float(acts()[one]), 2) for one in (0, code(0, 0, ONCE), code(5, 5, ONCE))]
    [1.0, 1.0, 0.17]
    """
    further = np.array([1 / (1 + count) for count in _FURTHERS])
    of_pairs = np.concatenate([[1.0], np.tile(further, 2 * _PAIR * _TOTAL)])
    result: Floats = np.concatenate([of_pairs, of_pairs])
    return result


def of_wrong_sessions(wrong: float) -> tuple[Floats, Floats]:
    """How usual each relation is where the session is wrong; 1 where the payer is not another.

    Parameters
    ----------
    wrong
        the share of sessions that are wrong.

    Returns
    -------
    for sessions that go wrong one by one, and for ids that stick.
    """
    return _of_wrong_sessions(round(float(np.log(np.clip(wrong, 1e-4, 0.95))), 2))


@lru_cache(maxsize=256)
def _of_wrong_sessions(log_wrong: float) -> tuple[Floats, Floats]:
    wrong = float(np.exp(log_wrong))
    one_by_one, sticking = np.empty((2, _PAIR, _TOTAL, _FURTHER))
    for place, total in enumerate(_TOTALS):
        one_by_one[:, place] = _in_any_order(
            total, (wrong * _ALIKE, (1 - wrong) * _ALIKE), _ONCE_OF_WRONG, _OWNS_OF_WRONG
        )
        further = _in_bounds(total, 1.0, 1.0)
        if total:
            further[0] = 0.0
            further /= further.sum()
        sticking[:, place] = _with_pairs(further, _PAIRS_THAT_STICK)
    mutual = float(np.clip(1 - (1 - wrong) ** _PAYMENTS_OF_OWNER, *_MUTUAL_OF_WRONG))
    return _by_code(one_by_one, mutual), _by_code(sticking, mutual)


@lru_cache(maxsize=1)
def of_patrons() -> tuple[Floats, Floats]:
    """How usual each relation is where somebody pays for others now and then, and as a rule."""
    kinds = []
    for alpha, beta in _PATRONS:
        values = np.zeros((_PAIR, _TOTAL, _FURTHER))
        for place, total in enumerate(_TOTALS):
            # The payment at hand is one for another.
            values[:, place] = _in_any_order(
                total, (alpha + 1, beta), _ONCE_OF_PATRONS, _OWNS_OF_PATRONS
            )
        kinds.append(_by_code(values, _MUTUAL_OF_PATRONS))
    return kinds[0], kinds[1]


def mixed(kinds: tuple[Floats, Floats], second: float) -> Floats:
    """How usual each relation is where a share is of the second kind."""
    return (1 - second) * kinds[0] + second * kinds[1]


def second_kind(kinds: tuple[Floats, Floats], second: float) -> Floats:
    """The chance that it is of the second kind, given each relation."""
    result: Floats = second * kinds[1] / mixed(kinds, second)
    return result


@lru_cache(maxsize=1)
def of_owners() -> Floats:
    """How usual each relation is where the account's owner paid, and typed another's name."""
    result = np.empty((_PAIR, _TOTAL, _FURTHER))
    result[:] = _with_pairs(np.array(_OWNERS_FURTHER), _PAIRS_OF_OWNERS)[:, None]
    return _by_code(result, _MUTUAL_OF_PATRONS)


def _in_any_order(total: int, prior: tuple[float, float], once: float, owns: float) -> Floats:
    """``[pair, further]`` where payments for others and own ones come in any order.

    That all own ones came before the first for another is then a coincidence, the rarer the more
    there are; an id that sticks makes it the rule.
    """
    further = np.arange(total + 1)
    chances = beta_binomial(total, *prior)
    orders = np.array([comb(total + 1, others) for others in range(1, total + 2)], np.float64)
    before = _ONE_ACCOUNT * np.maximum(1 / orders, _HABIT)
    again = np.where(further > 0, (1 - once) * chances, 0.0)
    by_pair = np.empty((_PAIR, total + 1))
    by_pair[ONCE] = chances - again
    by_pair[AGAIN_AND_OTHERS] = again * (1 - before)
    by_pair[AGAIN] = again * before * (1 - owns)
    by_pair[STUCK] = again * before * owns
    place = _further_places(further, total)
    return np.stack([np.bincount(place, row, _FURTHER) for row in by_pair])


def _in_bounds(total: int, alpha: float, beta: float) -> Floats:
    """Probability of each count of further payments for others (beta-binomial)."""
    chances = beta_binomial(total, alpha, beta)
    place = _further_places(np.arange(total + 1), total)
    return np.bincount(place, chances, _FURTHER).astype(np.float64)


def _with_pairs(further: Floats, pairs: tuple[float, ...]) -> Floats:
    """``[pair, further]``: without a further payment the pair is there once."""
    result = np.outer(pairs, further)
    result[:, 0] = 0.0
    result[ONCE, 0] = further[0]
    return result


def _by_code(values: Floats, mutual: float) -> Floats:
    flat = np.maximum(values, _LEAST).ravel()
    of_pairs = np.concatenate([[1.0], (1 - mutual) * flat, mutual * flat])
    result: Floats = np.concatenate([of_pairs, of_pairs])
    return result
