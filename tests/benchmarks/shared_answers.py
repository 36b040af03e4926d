"""Fuses claims whose answers are shared: all questions are answered by the same few classes.

Dawid and Skene's (1979) confusion matrix for each source, hierarchically: a source leans on all
sources, and within a block (questions that were put to the very same sources) on itself; a block's
share of each class leans on that of all. Blocks leave the question at hand out, so that it does not
hear its own echo. What sources have in common is not seen by one fit, so probabilities are the mean
of the fit and of what it gives where the sources are drawn anew (the Bayesian bootstrap; Rubin
1981). No run reads a truth; form and constants were settled with some in view (docs/accuracy.md).
"""

from __future__ import annotations

from functools import cached_property

import numpy as np
import pandas as pd
from claim_set import ClaimSet
from scipy.special import logsumexp

from credit_forensics.arrays import Floats, Ints
from credit_forensics.judgement.dependence import DECLARED_STRENGTH

_ROUNDS, _ROUNDS_WITHOUT_BLOCKS, _ROUNDS_DRAWN = 80, 20, 12
_CLOSE = 1e-4
_DRAWS = 16
_LEAST = 0.01  # of a claim, so that no class is impossible


def fit_shared(claims: ClaimSet) -> tuple[Floats, Ints]:
    """``[question, answer]`` probabilities, and the answer of each question.

    The answers are the fit's own; what is drawn anew only says how sure of them to be.
    """
    fitted = _Confusions(claims)
    whole = fitted.fit(np.ones(len(claims.sources)), fitted.votes, _ROUNDS, _ROUNDS_WITHOUT_BLOCKS)
    random = np.random.default_rng(0)
    drawn = np.zeros_like(whole)
    for _ in range(_DRAWS):
        weight = random.exponential(size=len(claims.sources))
        drawn += fitted.fit(weight, whole, _ROUNDS_DRAWN, 0)
    return (whole + drawn / _DRAWS) / 2, whole.argmax(axis=1).astype(np.int64)


class _Confusions:
    """The claims of a set, and what EM reads of them again and again."""

    def __init__(self, claims: ClaimSet) -> None:
        self.claims = claims
        self.classes = len(claims.answers)
        self.cell = claims.source * self.classes + claims.answer
        self.block = _blocks(claims)
        self.blocks = int(self.block.max(initial=-1)) + 1
        place = claims.source * self.blocks + self.block[claims.question]
        self.local, found = pd.factorize(place)
        self.locals = len(found)

    @cached_property
    def votes(self) -> Floats:
        """``[question, class]``: the shares of the claims."""
        count = self._summed(
            self.claims.question,
            len(self.claims.questions),
            np.eye(self.classes)[self.claims.answer],
        )
        result: Floats = count / count.sum(axis=1, keepdims=True)
        return result

    def fit(self, weight: Floats, start: Floats, rounds: int, without_blocks: int) -> Floats:
        """EM from a start, each source's word taken so many times; ``[question, class]``."""
        by_block = self.blocks < len(self.claims.questions)
        belief = start
        for number in range(rounds):
            said, share = self._parameters(belief, weight, by_block and number >= without_blocks)
            score = np.log(share) + self._summed(
                self.claims.question,
                len(self.claims.questions),
                weight[self.claims.source][:, None] * np.log(said),
            )
            before, belief = belief, np.exp(score - logsumexp(score, axis=1, keepdims=True))
            if np.abs(belief - before).max(initial=0.0) < _CLOSE and (
                number > without_blocks or not by_block
            ):
                break
        return belief

    def _parameters(self, belief: Floats, weight: Floats, by_block: bool) -> tuple[Floats, Floats]:
        """How likely each claim is in each class, and each question's shares of the classes."""
        claims, classes = self.claims, self.classes
        own = belief[claims.question]
        shape = (-1, classes, classes)  # source, answer, class
        count = self._summed(self.cell, len(claims.sources) * classes, own).reshape(shape)
        of_all = (count * weight[:, None, None]).sum(axis=0) + _LEAST
        # One claim in all, shared by the rows of a source's matrix.
        leant = count + of_all / of_all.sum(axis=0) / classes
        said = leant[claims.source, claims.answer] / leant.sum(axis=1)[claims.source]
        usual = (belief.sum(axis=0) + _LEAST) / (len(belief) + _LEAST * classes)
        if not by_block:
            return said, np.broadcast_to(usual, belief.shape)
        cell = self.local * classes + claims.answer
        here = self._summed(cell, self.locals * classes, own).reshape(shape)
        others = np.maximum(here[self.local, claims.answer] - own, 0.0)
        all_here = here.sum(axis=1)[self.local] - own
        said = (others + DECLARED_STRENGTH * said) / (all_here + DECLARED_STRENGTH)
        beside = self._summed(self.block, self.blocks, belief)[self.block] - belief
        share = np.maximum(beside, 0.0) + DECLARED_STRENGTH * usual
        return said, share / share.sum(axis=1, keepdims=True)

    def _summed(self, place: Ints, size: int, values: Floats) -> Floats:
        """``[place, class]``: the sum of the values at each place."""
        columns = [np.bincount(place, values[:, one], size) for one in range(self.classes)]
        return np.column_stack(columns)


def _blocks(claims: ClaimSet) -> Ints:
    """``[question]``: a number for each set of sources that questions were put to."""
    size = np.bincount(claims.question, minlength=len(claims.questions))
    start = np.cumsum(size) - size
    block, blocks = np.zeros(len(size), dtype=np.int64), 0
    for many in np.unique(size):
        here = np.flatnonzero(size == many)
        asked = claims.source[start[here][:, None] + np.arange(many)]
        found, place = np.unique(asked, axis=0, return_inverse=True)
        block[here] = blocks + place.reshape(-1)
        blocks += len(found)
    return block
