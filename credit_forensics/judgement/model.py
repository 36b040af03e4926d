"""One-coin Dawid-Skene over evidence families, fitted by EM on pattern counts.

The E-step runs over distinct patterns and the states of the burst chain, never over payments:
given a period's state, payments of one pattern are alike, so only their counts matter.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from credit_forensics.arrays import Floats
from credit_forensics.extras import Later
from credit_forensics.judgement.bursts import STATES, Marks, states_of_marks, worse_of
from credit_forensics.judgement.common_cause import (
    Groups,
    evidence_of_both,
    smooth_both,
)
from credit_forensics.judgement.dependence import common_errors, learned_dependence
from credit_forensics.judgement.families import (
    MANY_ALPHA,
    MANY_BETA,
    MANY_SHOPS,
    PATRONS_ALPHA,
    PATRONS_BETA,
    REGULAR_ALPHA,
    REGULAR_BETA,
    SHARED_ALPHA,
    SHARED_BETA,
    STICKS_ALPHA,
    STICKS_BETA,
)
from credit_forensics.judgement.fit import (
    FIRST_WRONG,
    HIGHEST,
    LOWEST,
    Fit,
    session_accuracy,
    state_posteriors,
)
from credit_forensics.judgement.pattern_arrays import Cells, Patterns
from credit_forensics.judgement.relations import (
    acts,
    is_known,
    is_shared,
    of_patrons,
    of_wrong_sessions,
    second_kind,
)
from credit_forensics.resolution.family_names import NAME, SESSION

if TYPE_CHECKING:
    from scipy import special
else:
    # Slow to load, and what is stored was judged before.
    special = Later("scipy.special")

__all__ = ["Fit", "fit_model", "session_accuracy", "state_posteriors"]

_ROUNDS, _ROUNDS_A_CHAIN = 60, 10
_CLOSE = 1e-6
# Whether paying for others is usual is asked from so many payments by known others on.
_FEWEST_KNOWN, _LEAST_KNOWN = 3, 0.02
_WRONG_SEEN = 50.0  # payments that the first guess at the share of wrong sessions counts as


def fit_model(
    patterns: Patterns,
    cells: Cells,
    accounts: int,
    accuracy: Sequence[Floats] | None = None,
    rates: Mapping[str, Any] | None = None,
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
    accuracy, rates
        those of an earlier fit (``Fit.rates``), which then stay; only the burst chain is fitted.

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
        for name, value in (rates or {}).items():
            setattr(fit, name, value)
    if not len(patterns):
        return fit
    groups = Groups.of(cells, len(patterns))
    if "begins" not in (rates or {}):
        fit.begins = groups.begins
    if accuracy is not None:
        # Into the copy goes what is fitted beside the accuracies: what was given stays.
        _expect(patterns, _update_states(patterns, groups, fit, fit.marks), replace(fit))
        return fit
    if not fit.identifiable:
        fit.notes.append("Fewer than three families have data, so accuracies stay at their priors.")
        _expect(patterns, _update_states(patterns, groups, fit), fit)
        return fit
    # Few pay for others, to begin with: sessions that are wrong are not to be explained away. Where
    # many payers are others all the same, the case decides which of the two shops it is.
    known = is_known(patterns.related)[cells.pattern]
    few = _fitted(patterns, groups, fit)
    if cells.count[known].sum() < max(_FEWEST_KNOWN, _LEAST_KNOWN * cells.count.sum()):
        return few
    many = _fitted(patterns, groups, replace(fit, many=True))
    return max(few, many, key=lambda one: _evidence(patterns, groups, one))


def _fitted(patterns: Patterns, groups: Groups, start: Fit) -> Fit:
    alpha, beta = _patrons_prior(start)
    # As if none of the payments were for another, to begin with.
    unseen = 0.0 if start.many else groups.counts.sum()
    fit = replace(
        start,
        accuracy=[values.copy() for values in start.accuracy],
        voices=[values.copy() for values in start.voices],
        right=[values.copy() for values in start.right],
        patrons=alpha / (alpha + beta + unseen),
    )
    while fit.rounds < _ROUNDS:
        before = np.concatenate(fit.accuracy)
        by_state = _update_states(patterns, groups, fit)
        # Chain and dependence move little, so the accuracies settle between their updates.
        for number in range(_ROUNDS_A_CHAIN):
            fit.rounds += 1
            if _maximize(patterns, by_state, fit, learn=number == 0) < _CLOSE:
                break
        if np.abs(np.concatenate(fit.accuracy) - before).max() < _CLOSE:
            break
    _update_states(patterns, groups, fit)
    return fit


def _patrons_prior(fit: Fit) -> tuple[float, float]:
    return (MANY_ALPHA, MANY_BETA) if fit.many else (PATRONS_ALPHA, PATRONS_BETA)


def _evidence(patterns: Patterns, groups: Groups, fit: Fit) -> float:
    """How well a fit explains the sessions' words, a share that was fitted costing its freedom."""
    likelihood = state_posteriors(patterns, fit).likelihood
    evidence = evidence_of_both(groups, groups.counts @ np.log(likelihood).T, fit.begins, fit.marks)
    evidence += float(np.log(MANY_SHOPS if fit.many else 1 - MANY_SHOPS))
    index = patterns.index(SESSION)
    levels = zip(patterns.families[index].levels, fit.right[index], fit.voices[index], strict=True)
    fitted = [
        (level.alpha, level.beta, right, voices - right, fit.accuracy[index][place])
        for place, (level, right, voices) in enumerate(levels)
    ]
    fitted.append((*_patrons_prior(fit), fit.paid_for, fit.asked - fit.paid_for, fit.patrons))
    for alpha, beta, yes, no, share in fitted:
        evidence += float(special.betaln(alpha + yes, beta + no) - special.betaln(alpha, beta))
        evidence -= float(yes * np.log(share) + no * np.log1p(-share))
    return evidence


def _update_states(
    patterns: Patterns, groups: Groups, fit: Fit, given: Marks | None = None
) -> Floats:
    """Smooth the causes in common; returns how many payments of a pattern are in each state."""
    likelihood = state_posteriors(patterns, fit).likelihood
    told = groups.counts @ (np.log(likelihood) * acts()[patterns.related]).T
    fit.states, fit.marks = smooth_both(groups, told, fit.begins, fit.marks, given or {})
    of_marks = states_of_marks(fit.marks, groups.marks)
    by_group = worse_of(fit.states[groups.period], of_marks[groups.mark])
    by_state: Floats = (groups.counts.T @ by_group).T
    return by_state


def _maximize(patterns: Patterns, by_state: Floats, fit: Fit, *, learn: bool) -> float:
    """One EM step on the accuracies; returns the largest change."""
    before = np.concatenate(fit.accuracy)
    _expect(patterns, by_state, fit, learn=learn)
    for index, family in enumerate(patterns.families):
        alpha = np.array([level.alpha for level in family.levels])
        beta = np.array([level.beta for level in family.levels])
        raised = (alpha + fit.right[index]) / (alpha + beta + fit.voices[index])
        fit.accuracy[index] = np.clip(raised, LOWEST, HIGHEST)
    one, other = _patrons_prior(fit)
    fit.patrons = (one + fit.paid_for) / (one + other + fit.asked)
    return float(np.abs(np.concatenate(fit.accuracy) - before).max())


def _share(of: Floats, weight: Floats, alpha: float, beta: float) -> float:
    return float((alpha + (of * weight).sum()) / (alpha + beta + weight.sum()))


def _expect(patterns: Patterns, by_state: Floats, fit: Fit, *, learn: bool = True) -> None:
    """E-step: voices of each level, and how many of them are expected to be right.

    ``by_state[state, pattern]``: payments, by what the chain thinks of their periods. ``learn``:
    whether to learn the dependence as well.
    """
    thought = state_posteriors(patterns, fit)
    several = (patterns.level > 0).sum(axis=1) >= 2
    weight = by_state * several
    expected = (thought.probability * weight[:, :, None]).sum(axis=0)
    in_all = weight.sum(axis=0)
    rows = np.arange(len(patterns))
    index = patterns.index(SESSION)
    speaking = patterns.level[:, index] > 0
    shared = speaking & is_shared(patterns.related)
    alone = speaking & ~shared
    fit.asked = float(in_all[speaking].sum())
    named = np.maximum(patterns.slot[:, index] - 1, 0)
    patron = (thought.patron * weight).sum(axis=0)
    fit.paid_for = float(patron.sum())
    by_right = expected[rows, named] + patron
    wrong = np.maximum(in_all - by_right, 0.0)
    fit.wrong = float(
        (FIRST_WRONG * _WRONG_SEEN + wrong[speaking].sum()) / (_WRONG_SEEN + in_all[speaking].sum())
    )
    if learn:
        both_wrong, same_wrong = common_errors(patterns, expected, in_all, patron)
        # Families are declared by where their values come from: one does not depend on another.
        fit.dependence = learned_dependence(same_wrong, both_wrong, 0.0).tolist()
    # What kind of patron or fault it is shows where the payer is known to be another.
    apart = speaking & is_known(patterns.related)
    regular = second_kind(of_patrons(), fit.regular)[patterns.related]
    fit.regular = _share(regular, patron * apart, REGULAR_ALPHA, REGULAR_BETA)
    sticks = second_kind(of_wrong_sessions(fit.wrong), fit.sticks)[patterns.related]
    fit.sticks = _share(sticks, wrong * (apart & alone), STICKS_ALPHA, STICKS_BETA)
    fit.shared = float(
        (SHARED_ALPHA + by_right[shared].sum())
        / (SHARED_ALPHA + SHARED_BETA + in_all[shared].sum())
    )
    bearing = np.column_stack(
        [patterns.has_name & patterns.exists, patterns.credited_has_name & patterns.outsider]
    )
    for index, family in enumerate(patterns.families):
        level = patterns.level[:, index]
        voices = in_all
        slot = np.maximum(patterns.slot[:, index] - 1, 0)
        if family.name == NAME:
            right = np.where(bearing, expected, 0.0).sum(axis=1)
        elif family.name == SESSION:
            # What a burst or a shared account broke says nothing of the level.
            voices = np.where(shared, 0.0, weight[0])
            right = voices * (thought.probability[0][rows, slot] + thought.patron[0])
        else:
            right = expected[rows, slot]
        size = len(family.levels) + 1
        fit.voices[index] = np.bincount(level, voices, size)[1:size].astype(np.float64)
        fit.right[index] = np.bincount(level, right, size)[1:size].astype(np.float64)
