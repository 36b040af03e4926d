"""A fitted model, and what it makes of a pattern: states, weights and the session's accuracy.

How it is fitted stands in ``model``; what is here needs arrays alone, so that an explanation of
what was judged before loads nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from credit_forensics.arrays import Floats
from credit_forensics.judgement.bursts import BEGINS, STATES, states_of_marks, worse_of
from credit_forensics.judgement.families import (
    FALSE_VALUES,
    PATRONS_ALPHA,
    PATRONS_BETA,
    PATRONS_OF_SHARED,
    REGULAR_ALPHA,
    REGULAR_BETA,
    SHARED_ALPHA,
    SHARED_BETA,
    STICKS_ALPHA,
    STICKS_BETA,
    Family,
)
from credit_forensics.judgement.pattern_arrays import Cells, Patterns
from credit_forensics.judgement.relations import (
    is_known,
    is_shared,
    mixed,
    of_owners,
    of_patrons,
    of_wrong_sessions,
)
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
FIRST_WRONG = 0.01
RATES = ("patrons", "regular", "wrong", "sticks", "shared", "dependence", "begins", "marks")


@dataclass
class Fit:
    """A fitted model, as plain arrays.

    ``accuracy[family]``: one a level. ``voices[family]`` and ``right[family]``: how many voices of
    each level there were on payments with two families or more, and how many of them are expected
    to be right. ``states[period, state]``: the burst chain, ``begins``: how often a burst begins;
    ``marks``: the states of the front ends. ``identifiable`` is false below three families with
    data, where the priors stay.

    ``patrons``: share of payments that somebody pays for another person's account (``paid_for`` of
    the ``asked``), ``regular``: of them by people who do so as a rule; ``wrong``: share of sessions
    that are wrong, ``sticks``: of them by an id that sticks; ``shared``: the session's accuracy
    where it names an account that many others' name; ``many``: whether this is a shop where paying
    for others is usual. ``dependence``: of the families, families by families, learned from the
    errors that they share. ``in_order``: where payments are judged as of their time, the fits that
    they are judged by; what else stands here is then of all of them together.
    """

    families: tuple[Family, ...]
    accuracy: list[Floats]
    voices: list[Floats]
    right: list[Floats]
    states: Floats
    accounts: int
    identifiable: bool
    rounds: int = 0
    patrons: float = PATRONS_ALPHA / (PATRONS_ALPHA + PATRONS_BETA)
    regular: float = REGULAR_ALPHA / (REGULAR_ALPHA + REGULAR_BETA)
    wrong: float = FIRST_WRONG
    sticks: float = STICKS_ALPHA / (STICKS_ALPHA + STICKS_BETA)
    shared: float = SHARED_ALPHA / (SHARED_ALPHA + SHARED_BETA)
    paid_for: float = 0.0
    asked: float = 0.0
    many: bool = False
    dependence: list[list[float]] = field(default_factory=list)
    begins: float = BEGINS
    marks: dict[str, list[float]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    in_order: FitsInOrder | None = None

    def at(self, period: int, patterns: Patterns) -> tuple[Fit, int]:
        """The fit that a payment of a period and pattern was judged by, and its period there."""
        if self.in_order is None:
            return self, period
        return self.in_order.at(period, patterns), 0

    @property
    def rates(self) -> dict[str, Any]:
        """Shares that are fitted beside the accuracies, and the dependence, as plain values."""
        return {name: getattr(self, name) for name in RATES}

    @property
    def believed(self) -> Believed:
        """The accuracies, as the scores take them."""
        return Believed(self.accuracy, self.accounts, self.dependence)

    def states_of(self, cells: Cells, rows: slice = slice(None)) -> Floats:
        """``[cell, state]``: the worse of what its period and its front end are believed to be."""
        return worse_of(
            self.states[cells.period[rows]], states_of_marks(self.marks, cells.marked[rows])
        )


@dataclass(frozen=True)
class FitsInOrder:
    """Fits in order of time, each of the payments before.

    ``starts``: the hour from which each period of the chain begins, ascending. ``before[period,
    state]``: the chain, by the periods before. ``fit_of[period]``: which of ``fits`` holds there.
    """

    starts: npt.NDArray[np.int64]
    before: Floats
    fit_of: npt.NDArray[np.int64]
    fits: tuple[Fit, ...]

    def at(self, hour: int, patterns: Patterns) -> Fit:
        """The fit for a payment of that hour, of the one pattern: its only period is that one."""
        place = int(np.searchsorted(self.starts, hour, side="right")) - 1
        fit: Fit = self.fits[int(self.fit_of[place])]
        return replace(fit, states=with_own(patterns, fit, self.before[[place]], np.array([0])))


@dataclass(frozen=True)
class StatePosteriors:
    """``probability[state, pattern, slot]`` of each candidate, and ``rest[state, pattern]`` of
    everybody else; ``likelihood[state, pattern]`` of the session's word given the other families;
    ``patron[state, pattern]``: the chance that the payer pays for the account that the session
    names and is another person; ``patron_credited``: that this payer is whom the credits went to.
    """

    probability: Floats
    rest: Floats
    likelihood: Floats
    patron: Floats
    patron_credited: Floats


@dataclass(frozen=True)
class SessionWord:
    """What the session's naming somebody is worth in each pattern, given a state.

    ``by_payer``: how likely it is where that person paid; ``by_another``: where another did,
    because the session is wrong or because somebody pays for that person, whose share is
    ``patron``.
    """

    by_payer: Floats
    by_another: Floats
    patron: Floats

    @property
    def accuracy(self) -> Floats:
        """The accuracy of a witness for who paid that is worth the same."""
        return self.by_payer / (self.by_payer + self.by_another)


def session_word(patterns: Patterns, fit: Fit, state: int) -> SessionWord:
    """The session family as a witness for who paid, given the state of its period."""
    index = patterns.index(SESSION)
    level, relation = patterns.level[:, index], patterns.related
    right = np.clip(fit.accuracy[index][np.maximum(level - 1, 0)] * STATES[state], 1e-4, HIGHEST)
    known, shared = is_known(relation), is_shared(relation)
    # Many others' sessions name this account: by that, whatever the level and the period.
    right = np.where(shared, min(fit.shared, HIGHEST), right)
    patrons = np.where(shared, max(fit.patrons, PATRONS_OF_SHARED), fit.patrons)
    wrong = (1 - right) * mixed(of_wrong_sessions(fit.wrong), fit.sticks)[relation]
    of_patron = mixed(of_patrons(), fit.regular)[relation]
    paid_for = np.where(known, right * patrons * of_patron, 0.0)
    by_payer = np.where(known, right * (1 - patrons), right) * of_owners()[relation]
    both = wrong + paid_for
    return SessionWord(by_payer, both, paid_for / both)


def session_accuracy(patterns: Patterns, fit: Fit, state: int) -> Floats:
    """The session family's accuracy in each pattern, given the state of its period."""
    return session_word(patterns, fit, state).accuracy


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
    patron = np.zeros((len(STATES), len(patterns)))
    credited = patterns.credited - 1
    elsewhere = speaks & (credited >= 0) & (credited != slot)
    patron_credited = np.zeros((len(STATES), len(patterns)))
    for state in range(len(STATES)):
        word = session_word(patterns, fit, state)
        accuracy = word.accuracy
        weight = silent.copy()
        weight[rows[speaks], slot[speaks]] *= (
            FALSE_VALUES * accuracy[speaks] / (1 - accuracy[speaks])
        )
        total = weight.sum(axis=1) + others
        probability[state] = weight / total[:, None]
        rest[state] = others / total
        told = word.by_payer * believed + word.by_another * (1 - believed) / FALSE_VALUES
        likelihood[state] = np.where(speaks, told, 1.0)
        # Summed without the session's person, so that a tiny probability keeps its digits.
        apart = weight.copy()
        apart[rows, slot] = 0.0
        another = (apart.sum(axis=1) + others) / total
        patron[state] = np.where(speaks, another * word.patron, 0.0)
        paid = probability[state][rows, np.maximum(credited, 0)]
        patron_credited[state] = np.where(elsewhere, paid * word.patron, 0.0)
    return StatePosteriors(probability, rest, likelihood, patron, patron_credited)


def with_own(
    patterns: Patterns, fit: Fit, before: Floats, pattern: npt.NDArray[np.int64]
) -> Floats:
    """The states of each cell: by the periods before, and by the payment itself.

    Parameters
    ----------
    patterns, fit
        what the chain hears, and by which accuracies.
    before
        ``[cell, state]``: the chain by the periods before.
    pattern
        of each cell.
    """
    states = before * state_posteriors(patterns, fit).likelihood[:, pattern].T
    result: Floats = states / states.sum(axis=1, keepdims=True)
    return result


def cell_session_accuracy(patterns: Patterns, cells: Cells, fit: Fit) -> Floats:
    """The session family's accuracy in each cell, its own payment left out.

    One number a cell stands for the mixture over the states: with it the bars of an explanation
    sum to the very score that the mixed posterior is the softmax of.
    """
    likelihood = state_posteriors(patterns, fit).likelihood
    without = fit.states_of(cells) / likelihood[:, cells.pattern].T
    without /= without.sum(axis=1, keepdims=True)
    words = [session_word(patterns, fit, state) for state in range(len(STATES))]
    by_payer, by_another = (
        (without * np.column_stack(values)[cells.pattern]).sum(axis=1)
        for values in ([one.by_payer for one in words], [one.by_another for one in words])
    )
    result: Floats = by_payer / (by_payer + by_another)
    return result
