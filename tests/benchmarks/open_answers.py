"""Fuses claims whose answers are open: each question has answers of its own.

The judgement's own weights on any claims: a source of accuracy ``a`` weighs ``ln(n a / (1 - a))``,
"what nobody names" ``n + 1 - |C|``, and agreeing sources count by their dependence, which is
learned with their accuracies. Accuracies have a Beta prior over the sources, fitted by the marginal
likelihood of the expected right claims.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from claim_set import ClaimSet
from scipy.special import betaln

from credit_forensics.arrays import Floats, Ints
from credit_forensics.judgement.dependence import learned_dependence, worth_beside
from credit_forensics.judgement.families import FALSE_VALUES
from credit_forensics.judgement.fit import HIGHEST, LOWEST

_ROUNDS, _ROUNDS_A_PRIOR = 60, 5
_CLOSE = 1e-3
# Copiers and copied can change places from one round to the next; half a step each settles them.
_STEP = 0.5
_MEANS = np.linspace(0.5, 0.98, 25)
_STRENGTHS = np.geomspace(1.0, 50.0, 25)


@dataclass(frozen=True)
class OpenFit:
    """``probability[candidate]``, ``accuracy[source]``, ``dependence[pair]`` of the set's pairs."""

    probability: Floats
    accuracy: Floats
    dependence: Floats


def fit_open(claims: ClaimSet, declared: Floats | float = 0.0) -> OpenFit:
    """Learn accuracies, dependence and answers together.

    Parameters
    ----------
    claims
        the claims.
    declared
        the dependence that is declared of each pair of ``claims.pairs``, or of all. What pairs
        share on average is added to it: two sources that hardly meet are as dependent as others.
    """
    pairs, many = claims.pairs, _counted(claims.source, np.ones(len(claims)), len(claims.sources))
    # No candidate is believed yet, so that whoever agrees without good cause is seen to.
    named = np.bincount(claims.asked, minlength=len(claims.questions))
    probability = 1.0 / named[claims.asked]
    accuracy, dependence = np.zeros(len(many)), np.zeros(len(pairs.sources))
    alpha = beta = 1.0
    for number in range(_ROUNDS):
        right = _counted(claims.source, probability[claims.candidate], len(many))
        if number % _ROUNDS_A_PRIOR == 0:
            alpha, beta = _fitted_beta(right, many)
        accuracy = np.clip((alpha + right) / (alpha + beta + many), LOWEST, HIGHEST)
        dependence = _dependence(claims, probability, declared)
        settled = _posterior(claims, accuracy, dependence)
        change = float(np.abs(settled - probability).max(initial=0.0))
        probability = (1 - _STEP) * probability + _STEP * settled
        if change < _CLOSE:
            break
    return OpenFit(probability, accuracy, dependence)


def _counted(place: Ints, values: Floats, size: int) -> Floats:
    return np.bincount(place, values, size).astype(np.float64)


def _by_question(claims: ClaimSet, values: Floats) -> Floats:
    return _counted(claims.asked, values, len(claims.questions))


def _dependence(claims: ClaimSet, probability: Floats, declared: Floats | float) -> Floats:
    """From the errors that each pair shares, beginning at what pairs share on average."""
    pairs = claims.pairs
    one, other = (probability[claims.candidate[place]] for place in (pairs.first, pairs.second))
    both = np.where(pairs.alike, 1 - one, np.maximum(1 - one - other, 0.0))
    same = np.where(pairs.alike, both, 0.0)
    shared, wrong = pairs.summed(same), pairs.summed(both)
    # From all to each source and from two sources to their pair: sources that hardly meet are as
    # dependent as others, and no more than the more independent of the two.
    usual = learned_dependence(same.sum(), both.sum(), 0.0)
    of_source = learned_dependence(_of_each(claims, shared), _of_each(claims, wrong), usual)
    begins_at = of_source[pairs.sources].min(axis=1, initial=1.0)
    return learned_dependence(shared, wrong, np.maximum(declared, begins_at))


def _of_each(claims: ClaimSet, values: Floats) -> Floats:
    """``[source]``: of one value a pair, the sum over the pairs that a source is in."""
    columns = claims.pairs.sources.T
    size = len(claims.sources)
    return _counted(columns[0], values, size) + _counted(columns[1], values, size)


def _posterior(claims: ClaimSet, accuracy: Floats, dependence: Floats) -> Floats:
    pairs = claims.pairs
    beside = np.zeros(len(claims))
    on_each = pairs.on_each(np.where(pairs.alike, dependence[pairs.pair], 0.0))
    beside[: len(on_each)] = on_each
    weight = np.log(FALSE_VALUES * accuracy / (1 - accuracy))[claims.source] * worth_beside(beside)
    score = np.bincount(claims.candidate, weight, len(claims.asked))
    highest = np.zeros(len(claims.questions))
    np.maximum.at(highest, claims.asked, score)
    there = np.exp(score - highest[claims.asked])
    named = np.bincount(claims.asked, minlength=len(claims.questions))
    unnamed = np.maximum(FALSE_VALUES + 1 - named, 1.0) * np.exp(-highest)
    result: Floats = there / (_by_question(claims, there) + unnamed)[claims.asked]
    return result


def _fitted_beta(right: Floats, many: Floats) -> tuple[float, float]:
    """The Beta prior of the accuracies of greatest marginal likelihood, on a grid."""
    best, found = -np.inf, (1.0, 1.0)
    for strength in _STRENGTHS:
        alpha, beta = (_MEANS * strength)[:, None], ((1 - _MEANS) * strength)[:, None]
        likelihood = (betaln(alpha + right, beta + many - right) - betaln(alpha, beta)).sum(axis=1)
        place = int(likelihood.argmax())
        if likelihood[place] > best:
            best = float(likelihood[place])
            found = float(alpha[place, 0]), float(beta[place, 0])
    return found
