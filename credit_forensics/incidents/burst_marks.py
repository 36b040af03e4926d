"""Parts bursts that follow each other without a pause, by a mark that their wrong payments have.

A fault that comes with a front-end version of its own marks its payments. Where the mark changes
in the middle of a burst, one fault ended and another began, though the rate shows nothing of it.

The search is binary segmentation on the marks in order of time (Vostrikova 1981, Soviet
Mathematics Doklady 24:55), with the likelihood ratio of two multinomial distributions against one
and a penalty in the manner of Yao (1988, Statistics & Probability Letters 6:181).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from credit_forensics.arrays import Floats, Ints
from credit_forensics.extras import Later

if TYPE_CHECKING:
    from scipy import special
else:
    # Slow to load, and what is stored was judged before.
    special = Later("scipy.special")

EVERYDAY = -1
_SMALLEST = 3
_NEARLY_ALL = 0.9
# More different marks than this in one stretch mark nothing; the rarer ones count as one.
_MOST = 30


@dataclass(frozen=True)
class Marks:
    """What each misattributed payment has, in order of time.

    ``value`` numbers the values, ``share`` is the share of wrong ones among all payments that
    have the value (0 where nothing is known).
    """

    value: Ints
    share: Floats

    @classmethod
    def none(cls, count: int) -> Marks:
        """Nothing is known of any of ``count`` payments.

        Examples
        --------
        >>> Marks.none(2).share.tolist()
        [0.0, 0.0]
        """
        return cls(np.zeros(count, dtype=np.int64), np.zeros(count))

    @classmethod
    def of(cls, values: pd.Series[str], carriers: pd.Series[int]) -> Marks:
        """The marks of wrong payments by their values and how many payments have each.

        Examples
        --------
        >>> Marks.of(pd.Series(["2.1", "2.1", None]), pd.Series([4, 4, None])).share.tolist()
        [0.5, 0.5, 0.0]
        """
        value, _ = pd.factorize(values, sort=True)
        wrong = np.bincount(value[value >= 0], minlength=1)[np.maximum(value, 0)]
        share = wrong / np.maximum(carriers.fillna(1).to_numpy(dtype=np.float64), 1.0)
        return cls(value.astype(np.int64), np.where(value >= 0, share, 0.0))

    def parts(self, start: int, end: int, rate: float) -> list[Part]:
        """The parts of a burst.

        Parameters
        ----------
        start, end
            the burst's first and last wrong payment.
        rate
            share of wrong ones in the burst. A value whose payments go wrong less than half as
            often marks nothing: it is an everyday one, and all those are taken for one, so that a
            release in the middle of a burst does not part it.

        Examples
        --------
        >>> marks = Marks(np.repeat([0, 1], 20), np.full(40, 0.7))
        >>> [(part.first, part.last) for part in marks.parts(0, 39, 0.6)]
        [(0, 19), (20, 39)]
        """
        inside = slice(start, end + 1)
        own = np.where(self.share[inside] >= rate / 2, self.value[inside], EVERYDAY)
        edges = [0, *_changes(own), len(own)]
        return [_part(own[low:high], start + low) for low, high in pairwise(edges)]


@dataclass(frozen=True)
class Part:
    """First and last wrong payment of a part of a burst, by their place in order, and its mark.

    Where nearly all have one mark, that is ``mark``, and first and last have it; else it is
    ``EVERYDAY``.
    """

    first: int
    last: int
    mark: int


def _part(own: Ints, start: int) -> Part:
    values, counts = np.unique(own, return_counts=True)
    mark = int(values[np.argmax(counts)])
    if mark == EVERYDAY or counts.max() < _NEARLY_ALL * len(own):
        return Part(start, start + len(own) - 1, EVERYDAY)
    places = np.flatnonzero(own == mark)
    return Part(start + int(places[0]), start + int(places[-1]), mark)


def _changes(values: Ints) -> list[int]:
    """Places at which another mixture of values begins, in order."""
    _, codes, counts = np.unique(values, return_inverse=True, return_counts=True)
    rank = np.argsort(np.argsort(-counts, kind="stable"), kind="stable")
    kinds = np.minimum(rank, _MOST - 1)[codes]
    if kinds.max(initial=0) == 0:
        return []
    before = np.zeros((len(kinds) + 1, int(kinds.max()) + 1))
    np.cumsum(np.eye(before.shape[1])[kinds], axis=0, out=before[1:])
    found: list[int] = []
    spans = [(0, len(kinds))]
    while spans:
        low, high = spans.pop()
        place = _best_change(before[low : high + 1])
        if place is not None:
            found.append(low + place)
            spans += [(low, low + place), (low + place, high)]
    return sorted(found)


def _best_change(before: Floats) -> int | None:
    """The likeliest place of a change, where there is one; ``before`` as cumulated counts."""
    counts = before - before[0]
    size, total = len(counts) - 1, counts[-1]
    if size < 2 * _SMALLEST:
        return None
    places = np.arange(_SMALLEST, size - _SMALLEST + 1)
    gain = _log_likelihood(counts[places]) + _log_likelihood(total - counts[places])
    gain = gain - _log_likelihood(total[None, :])
    best = int(np.argmax(gain))
    penalty = (1 + (np.count_nonzero(total) - 1) / 2) * np.log(size) + 3
    return int(places[best]) if gain[best] >= penalty else None


def _log_likelihood(counts: Floats) -> Floats:
    """Of each row's counts under its own shares."""
    result: Floats = special.xlogy(counts, counts / counts.sum(axis=1, keepdims=True)).sum(axis=1)
    return result
