"""A fitted model, and what it makes of a pattern: states, weights and the session's accuracy.

How it is fitted stands in ``model``; what is here needs arrays alone, so that an explanation of
what was judged before loads nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from credit_forensics.arrays import Floats
from credit_forensics.judgement.bursts import STATES
from credit_forensics.judgement.families import FALSE_VALUES, Family
from credit_forensics.judgement.pattern_arrays import Cells, Patterns
from credit_forensics.judgement.scores import (
    Believed,
    candidate_weights,
    contributions,
    others_weight,
)
from credit_forensics.resolution.family_names import SESSION

# An accuracy is held above one half (a family worse than chance would be read backwards) and
# below certainty, so that no voice alone outweighs all others together.
LOWEST, HIGHEST = 0.505, 0.9998


@dataclass
class Fit:
    """A fitted model, as plain arrays.

    ``accuracy[family]``: one a level. ``voices[family]`` and ``right[family]``: how many voices of
    each level there were on payments with two families or more, and how many of them are expected
    to be right. ``states[period, state]``: the burst chain. ``identifiable`` is false below three
    families with data, where the priors stay.
    """

    families: tuple[Family, ...]
    accuracy: list[Floats]
    voices: list[Floats]
    right: list[Floats]
    states: Floats
    accounts: int
    identifiable: bool
    rounds: int = 0
    notes: list[str] = field(default_factory=list)

    @property
    def believed(self) -> Believed:
        """The accuracies, as the scores take them."""
        return Believed(self.accuracy, self.accounts)


@dataclass(frozen=True)
class StatePosteriors:
    """``probability[state, pattern, slot]`` of each candidate, and ``rest[state, pattern]`` of
    everybody else; ``likelihood[state, pattern]`` of the session's word given the other families.
    """

    probability: Floats
    rest: Floats
    likelihood: Floats


def session_accuracy(patterns: Patterns, fit: Fit, state: int) -> Floats:
    """The session family's accuracy in each pattern, given the state of its period."""
    index = patterns.index(SESSION)
    level = patterns.level[:, index]
    result: Floats = fit.accuracy[index][np.maximum(level - 1, 0)] * STATES[state]
    return np.clip(result, 1e-4, HIGHEST)


def state_posteriors(patterns: Patterns, fit: Fit) -> StatePosteriors:
    """The softmax over each pattern's candidates, for each state of the burst chain."""
    index = patterns.index(SESSION)
    speaks = patterns.level[:, index] > 0
    slot = np.maximum(patterns.slot[:, index] - 1, 0)
    rows = np.arange(len(patterns))
    others = others_weight(patterns, fit.believed)
    neutral = np.full(len(patterns), 0.5)
    bars = contributions(patterns, fit.believed, neutral)
    bars[:, index, :] = 0.0
    scores = bars.sum(axis=1)
    silent = candidate_weights(patterns, scores)
    # What the other families think of the session's person.
    believed = silent[rows, slot] / (silent.sum(axis=1) + others)
    probability = np.empty((len(STATES), *silent.shape))
    rest = np.empty((len(STATES), len(patterns)))
    likelihood = np.ones((len(STATES), len(patterns)))
    for state in range(len(STATES)):
        accuracy = session_accuracy(patterns, fit, state)
        weight = silent.copy()
        weight[rows[speaks], slot[speaks]] *= (
            FALSE_VALUES * accuracy[speaks] / (1 - accuracy[speaks])
        )
        total = weight.sum(axis=1) + others
        probability[state] = weight / total[:, None]
        rest[state] = others / total
        told = accuracy * believed + (1 - accuracy) * (1 - believed) / FALSE_VALUES
        likelihood[state] = np.where(speaks, told, 1.0)
    return StatePosteriors(probability, rest, likelihood)


def cell_session_accuracy(patterns: Patterns, cells: Cells, fit: Fit) -> Floats:
    """The session family's accuracy in each cell, its own payment left out.

    One number a cell stands for the mixture over the states: with it the bars of an explanation
    sum to the very score that the mixed posterior is the softmax of.
    """
    likelihood = state_posteriors(patterns, fit).likelihood
    without = fit.states[cells.period] / likelihood[:, cells.pattern].T
    without /= without.sum(axis=1, keepdims=True)
    by_state = np.column_stack(
        [session_accuracy(patterns, fit, state) for state in range(len(STATES))]
    )
    result: Floats = (without * by_state[cells.pattern]).sum(axis=1)
    return result
