"""Who fails together: dependence between sources, learned from the errors that they share.

Two sources that are both wrong name the same false value by chance in one of ``n`` cases; what they
share beyond that, they copied or had from one hand (Dong, Berti-Equille, Srivastava 2009, Truth
discovery and copying detection). The learned share is pooled with what is declared: a pair begins
at its declaration, which weighs as much as twenty common errors, so that few of them change little.
Agreeing voices of dependence ``d`` count as ``k / (1 + (k - 1) d)``, the effective number of ``k``
equally correlated observations.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from credit_forensics.arrays import Floats
from credit_forensics.extras import Later
from credit_forensics.judgement.families import FALSE_VALUES
from credit_forensics.judgement.pattern_arrays import Patterns
from credit_forensics.resolution.family_names import BY_PAYER, NAME, SESSION

if TYPE_CHECKING:
    from scipy.sparse import csgraph
else:
    # Slow to load, and what is stored was fitted before.
    csgraph = Later("scipy.sparse.csgraph")

DECLARED_STRENGTH = 20.0
"""Common errors that a declaration counts as. On public claims 10 to 100 do about as well."""
ONE_WITNESS_FROM = 0.5
"""Families of at least this dependence are one witness."""


def learned_dependence(
    same_wrong: npt.ArrayLike,
    both_wrong: npt.ArrayLike,
    declared: npt.ArrayLike,
    false_values: float = FALSE_VALUES,
) -> Floats:
    """The dependence of pairs, 0 (none) to 1 (copies), from how often they are wrong together.

    Parameters
    ----------
    same_wrong, both_wrong
        expected questions on which both name one false value, and on which both are wrong.
    declared
        the dependence that is declared of them, 0 to 1.
    false_values
        effective number of false values: one in so many is named by both by chance.

    Examples
    --------
    >>> learned_dependence([0, 18, 180], [0, 20, 200], 0.0).round(2).tolist()
    [0.0, 0.44, 0.8]
    >>> learned_dependence(0, 0, 1.0).round(2).item()
    1.0
    """
    chance = 1.0 / false_values
    begins_at = chance + (1 - chance) * np.asarray(declared, dtype=np.float64)
    same, both = np.asarray(same_wrong, dtype=np.float64), np.asarray(both_wrong, dtype=np.float64)
    share = (same + DECLARED_STRENGTH * begins_at) / (both + DECLARED_STRENGTH)
    result: Floats = np.clip((share - chance) / (1 - chance), 0.0, 1.0)
    return result


def worth_beside(dependence_on_others: Floats) -> Floats:
    """What a voice counts beside agreeing ones, from the sum of its dependence on them.

    Examples
    --------
    >>> worth_beside(np.array([0.0, 1.0, 3.0])).tolist()
    [1.0, 0.5, 0.25]
    """
    result: Floats = 1.0 / (1.0 + dependence_on_others)
    return result


def common_errors(
    patterns: Patterns, expected: Floats, total: Floats, patron: Floats | None = None
) -> tuple[Floats, Floats]:
    """How often each two families are expected to be wrong, and to name one wrong person.

    Parameters
    ----------
    patterns
        distinct patterns.
    expected
        ``[pattern, slot]``: payments that the slot's person is expected to have paid.
    total
        payments of each pattern.
    patron
        payments of each pattern that somebody pays for the person whom the session names, who is
        then no error of the session's.

    Returns
    -------
    ``both_wrong`` and ``same_wrong``, families by families; 0 on the diagonal and for names, which
    are no witness of one person.
    """
    slot = patterns.slot
    right = expected[np.arange(len(patterns))[:, None], np.maximum(slot - 1, 0)]
    if patron is not None:
        right[:, patterns.index(SESSION)] += patron
    one, other = right[:, :, None], right[:, None, :]
    alike = patterns.alike
    wrong = total[:, None, None] - np.where(alike, np.maximum(one, other), one + other)
    named = np.array([family.name != NAME for family in patterns.families])
    speaks = (slot > 0) & named
    there = speaks[:, :, None] & speaks[:, None, :] & ~np.eye(len(named), dtype=np.bool_)
    wrong = np.where(there, np.maximum(wrong, 0.0), 0.0)
    return wrong.sum(axis=0), np.where(alike, wrong, 0.0).sum(axis=0)


def rivals_worth(patterns: Patterns, dependence: Sequence[Sequence[float]]) -> Floats:
    """``[pattern, family]``: what each family's voice counts, for the families that depend.

    Only voices for somebody else than the credited person lose weight: what fails together accuses
    less, and what confirms together needs another witness (``witness_groups``). So no dependence,
    however wrongly learned, makes an accusation. The session's word keeps its weight, which the
    burst chain and the relations set; whoever agrees with it by dependence loses theirs.
    """
    between = np.array(dependence, dtype=np.float64)
    if not between.any():
        return np.ones(patterns.slot.shape)
    whole = [index for index, one in enumerate(patterns.families) if one.name in (SESSION, NAME)]
    between[whole] = 0.0
    beside = np.zeros(patterns.slot.shape)
    for first, second in np.argwhere(between):
        beside[:, first] += between[first, second] * patterns.alike[:, first, second]
    rival = patterns.slot != patterns.credited[:, None]
    return worth_beside(np.where(rival, beside, 0.0))


def witness_groups(patterns: Patterns, dependence: Sequence[Sequence[float]]) -> list[list[int]]:
    """The families in groups that are one witness each.

    What a payer typed and paid with is one act by declaration; families that are seen to fail
    together are one by what was learned.
    """
    size = len(patterns.families)
    one = np.zeros((size, size), dtype=np.bool_)
    by_payer = np.array([family.name in BY_PAYER for family in patterns.families])
    one[np.ix_(by_payer, by_payer)] = True
    between = np.asarray(dependence, dtype=np.float64)
    if between.size:
        one |= between >= ONE_WITNESS_FROM
    groups, label = csgraph.connected_components(one, directed=False)
    return [np.flatnonzero(label == group).tolist() for group in range(groups)]
