"""Scores the candidates of a pattern: the only place where a weight is computed.

The weight of a voice of accuracy ``a`` is ``ln(n a / (1 - a))`` with ``n`` effective false values
(ACCU; Dong, Berti-Equille, Srivastava 2009, Integrating conflicting data). A candidate's score is
the sum of the weights of the families that name it; "someone nobody names" scores 0 with weight
``n + 1 - |C|``. Posteriors are the softmax; an explanation's bars are the same numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from credit_forensics.arrays import Floats
from credit_forensics.judgement.dependence import rivals_worth
from credit_forensics.judgement.families import FALSE_VALUES, NAME_BOUNDS
from credit_forensics.judgement.pattern_arrays import Patterns
from credit_forensics.resolution.family_names import CARD, NAME, SESSION

# A name that no other family supports proves nothing: households type each other's, and in a
# burst there is little to hold against it. Its accuracy counts as no more than this, which keeps
# a name alone under the odds of a named misattribution even where most sessions are wrong.
LONE_NAME = 0.69

# A card's history errs where a household shares the card. A wrong name beside it then most likely
# is that very member's, so it could have been hardly anybody else's. On worlds with truth 1 to 2
# are about as good.
BESIDE_A_CARD = 1.25


@dataclass(frozen=True)
class Believed:
    """What voices are believed to be worth.

    ``accuracy[family]``: one accuracy a level, or one a level and row for the session family,
    whose accuracy differs by period; ``accounts``: how many there are; ``dependence``: of the
    families, square, empty where none is known.
    """

    accuracy: list[Floats]
    accounts: int
    dependence: Sequence[Sequence[float]] = ()


def name_false_values(
    level: npt.NDArray[np.int64], accounts: int, values: float = FALSE_VALUES
) -> Floats:
    """Effective false values of a typed name: a name that many accounts bear weighs less.

    A wrong name is a household member's (one in ``values``) or falls on a candidate by chance,
    which is as likely as the share of accounts that bear it.

    Examples
    --------
    >>> name_false_values(np.array([1, 6]), 1000).round(2).tolist()
    [4.98, 3.85]
    """
    name_owners = np.array([1, *NAME_BOUNDS, 2 * NAME_BOUNDS[-1]], dtype=np.float64)[level]
    share = np.minimum(name_owners / max(accounts, 1), 1.0)
    result: Floats = 1.0 / (1.0 / values + share)
    return result


def contributions(patterns: Patterns, believed: Believed, session: Floats) -> Floats:
    """The weight that each family gives each candidate.

    Parameters
    ----------
    patterns
        one row a pattern.
    believed
        accuracies a family and level.
    session
        the session family's accuracy in each row.

    Returns
    -------
    ``[pattern, family, slot]``; the last slot is the credited person where nobody names that
    person. The sum over families is the score, exactly.
    """
    size = len(patterns.families)
    exists = patterns.exists
    rows = np.arange(len(patterns))
    result = np.zeros((len(patterns), size, size + 1))
    worth = rivals_worth(patterns, believed.dependence)
    for index, family in enumerate(patterns.families):
        level = patterns.level[:, index]
        accuracy = believed.accuracy[index][np.maximum(level - 1, 0)]
        if family.name == SESSION:
            accuracy = session
        if family.name == NAME:
            odds = accuracy / (1 - accuracy)
            weight, beside = (
                np.maximum(np.log(name_false_values(level, believed.accounts, n) * odds), 0.0)
                for n in (FALSE_VALUES, BESIDE_A_CARD)
            )
            has_name = (level > 0)[:, None] & np.column_stack(
                [patterns.has_name & exists, patterns.credited_has_name & patterns.outsider]
            )
            by_card = [*(one.name == CARD for one in patterns.families), False]
            by_slot = np.where(by_card, beside[:, None], weight[:, None])
            result[:, index, :] = np.where(has_name, by_slot, 0.0)
            # Whom a name alone names: its own slot, or a credited person nobody else names.
            lone = np.minimum(weight, np.log(FALSE_VALUES * LONE_NAME / (1 - LONE_NAME)))
            for slot in (index, size):
                result[:, index, slot] = np.where(has_name[:, slot], lone, 0.0)
            continue
        weight = np.log(FALSE_VALUES * accuracy / (1 - accuracy)) * worth[:, index]
        named = (level > 0) & (patterns.slot[:, index] > 0)
        result[rows[named], index, patterns.slot[named, index] - 1] = weight[named]
    return result


def others_weight(patterns: Patterns, believed: Believed) -> Floats:
    """The weight of everybody whom no slot holds.

    ``n + 1 - |C|`` for those nobody names, and one share of a shared name's weight for all those
    together who bear it: a name that several have is split among them, not guessed away.
    """
    index = patterns.index(NAME)
    level = patterns.level[:, index]
    accuracy = believed.accuracy[index][np.maximum(level - 1, 0)]
    false_values = name_false_values(level, believed.accounts)
    shared = np.maximum(false_values * accuracy / (1 - accuracy), 1.0)
    bearing = (patterns.has_name & patterns.exists).sum(axis=1)
    fewest = np.array([0, 1, *(bound + 1 for bound in NAME_BOUNDS)])[level]
    candidates = patterns.exists.sum(axis=1) + patterns.outsider
    unnamed = np.maximum(FALSE_VALUES + 1 - candidates, 1.0)
    result: Floats = unnamed + np.where((level > 1) & (bearing < fewest), shared, 0.0)
    return result


def candidate_weights(patterns: Patterns, scores: Floats) -> Floats:
    """``exp(score)`` of each candidate, 0 where a slot is empty: ``[pattern, slot]``."""
    there = np.column_stack([patterns.exists, patterns.outsider])
    result: Floats = np.where(there, np.exp(scores), 0.0)
    return result
