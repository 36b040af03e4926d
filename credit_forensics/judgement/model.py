"""One-coin Dawid-Skene over evidence families, fitted by EM on pattern counts.

The E-step runs over distinct patterns and the states of the burst chain, never over payments:
given a period's state, payments of one pattern are alike, so only their counts matter.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy.sparse import csr_array

from credit_forensics.arrays import Floats
from credit_forensics.judgement.bursts import STATES, smooth
from credit_forensics.judgement.families import FALSE_VALUES, Family
from credit_forensics.judgement.patterns import Cells, Patterns
from credit_forensics.judgement.scores import (
    Believed,
    candidate_weights,
    contributions,
    others_weight,
)
from credit_forensics.resolution.method import NAME, SESSION

# An accuracy is held above one half (a family worse than chance would be read backwards) and
# below certainty, so that no voice alone outweighs all others together.
_LOWEST, _HIGHEST = 0.505, 0.9998
_ROUNDS, _ROUNDS_A_CHAIN = 60, 10
_CLOSE = 1e-6


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
    return np.clip(result, 1e-4, _HIGHEST)


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


def fit_model(
    patterns: Patterns,
    cells: Cells,
    accounts: int,
    accuracy: Sequence[Floats] | None = None,
) -> Fit:
    """Fit accuracies by EM, and the burst chain with them.

    Parameters
    ----------
    patterns
        distinct patterns.
    cells
        how many payments of each pattern lie in each period.
    accounts
        number of accounts, for how much a shared name says.
    accuracy
        accuracies of an earlier fit, which then stay; only the burst chain is fitted.

    Returns
    -------
    The fit. Below three families with data the accuracies are not identifiable: the priors stay,
    ``identifiable`` is false and a note says so.
    """
    empty = [np.zeros(len(family.levels)) for family in patterns.families]
    fit = Fit(
        families=patterns.families,
        accuracy=[
            np.array([level.alpha / (level.alpha + level.beta) for level in family.levels])
            for family in patterns.families
        ],
        voices=empty,
        right=[values.copy() for values in empty],
        states=np.eye(len(STATES))[np.zeros(max(cells.periods, 1), dtype=int)],
        accounts=accounts,
        identifiable=int((patterns.level > 0).any(axis=0).sum()) >= 3,
    )
    if accuracy is not None:
        fit.accuracy = [values.copy() for values in accuracy]
    if not len(patterns):
        return fit
    counts = csr_array(
        (cells.count, (cells.period, cells.pattern)), shape=(cells.periods, len(patterns))
    )
    if accuracy is not None:
        _expect(patterns, _update_states(patterns, counts, fit), fit)
        return fit
    if not fit.identifiable:
        fit.notes.append("Fewer than three families have data, so accuracies stay at their priors.")
        _expect(patterns, _update_states(patterns, counts, fit), fit)
        return fit
    while fit.rounds < _ROUNDS:
        before = np.concatenate(fit.accuracy)
        by_state = _update_states(patterns, counts, fit)
        # The chain moves little, so the accuracies settle between its updates.
        for _ in range(_ROUNDS_A_CHAIN):
            fit.rounds += 1
            if _maximize(patterns, by_state, fit) < _CLOSE:
                break
        if np.abs(np.concatenate(fit.accuracy) - before).max() < _CLOSE:
            break
    _update_states(patterns, counts, fit)
    return fit


def _update_states(patterns: Patterns, counts: csr_array, fit: Fit) -> Floats:
    """Smooth the chain; returns how many payments of a pattern it sees in each state."""
    likelihood = state_posteriors(patterns, fit).likelihood
    fit.states = smooth(counts @ np.log(likelihood).T)
    by_state: Floats = (counts.T @ fit.states).T
    return by_state


def _maximize(patterns: Patterns, by_state: Floats, fit: Fit) -> float:
    """One EM step on the accuracies; returns the largest change."""
    before = np.concatenate(fit.accuracy)
    _expect(patterns, by_state, fit)
    for index, family in enumerate(patterns.families):
        alpha = np.array([level.alpha for level in family.levels])
        beta = np.array([level.beta for level in family.levels])
        raised = (alpha + fit.right[index]) / (alpha + beta + fit.voices[index])
        fit.accuracy[index] = np.clip(raised, _LOWEST, _HIGHEST)
    return float(np.abs(np.concatenate(fit.accuracy) - before).max())


def _expect(patterns: Patterns, by_state: Floats, fit: Fit) -> None:
    """E-step: voices of each level, and how many of them are expected to be right.

    ``by_state[state, pattern]``: payments, by what the chain thinks of their periods.
    """
    thought = state_posteriors(patterns, fit)
    several = (patterns.level > 0).sum(axis=1) >= 2
    weight = by_state * several
    expected = (thought.probability * weight[:, :, None]).sum(axis=0)
    in_all = weight.sum(axis=0)
    rows = np.arange(len(patterns))
    bearing = np.column_stack(
        [patterns.bears & patterns.exists, patterns.credited_bears & patterns.outsider]
    )
    for index, family in enumerate(patterns.families):
        level = patterns.level[:, index]
        voices = in_all
        slot = np.maximum(patterns.slot[:, index] - 1, 0)
        if family.name == NAME:
            right = np.where(bearing, expected, 0.0).sum(axis=1)
        elif family.name == SESSION:
            # What a burst broke says nothing of the level; the chain accounts for it.
            voices = weight[0]
            right = weight[0] * thought.probability[0][rows, slot]
        else:
            right = expected[rows, slot]
        size = len(family.levels) + 1
        fit.voices[index] = np.bincount(level, voices, size)[1:size].astype(np.float64)
        fit.right[index] = np.bincount(level, right, size)[1:size].astype(np.float64)
