"""Causes that wrong sessions have in common: a time, and the front end that made them.

A lone session that disagrees with its payer may be somebody who pays for another; several that
share an hour or a release, and whose neighbours are right less often than elsewhere, are a fault.
Periods have a chain of states (``bursts``), front ends a state each, with a prior that most are
quiet. A session is as accurate as the worse of the two says. Both are smoothed in turn, each given
what the other is believed to be (mean field; Jordan et al. 1999, An introduction to variational
methods for graphical models).

What one payer does again and again is one act here: payers who pay for others do so often, and
would make a burst by themselves.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from credit_forensics.arrays import Floats
from credit_forensics.extras import Later
from credit_forensics.judgement.bursts import (
    BEGINS,
    STATES,
    Marks,
    log_evidence,
    smooth,
    states_of_marks,
)
from credit_forensics.judgement.pattern_arrays import Cells

if TYPE_CHECKING:
    from scipy import sparse
else:
    # Slow to load, and what is stored was judged before.
    sparse = Later("scipy.sparse")

Integers = npt.NDArray[np.int64]

# A case that is looked into has a burst at least so often, however short its time is; but one in a
# hundred periods at most begins one. At twice as much, patrons of one day were taken for a burst.
_BURST_IN_A_CASE, _MOST_BEGIN = 0.1, 0.01
# How often a front end breaks sessions; the less often, the more of the payments it made: of the
# shop's usual one the accuracies speak. One of a single payment shares nothing.
_BROKEN, _FEWEST = 0.1, 2
_FEW_PERIODS = 1_000
_SIZE = len(STATES)


@dataclass(frozen=True)
class Groups:
    """Payments by period and front end: ``counts[group, pattern]``, and what each group is.

    ``marks``: the front ends' numbers, 0 for none named; ``mark[group]`` is a place among them.
    ``share[place]``: of the payments; ``judged[place]``: whether a state of its own is fitted.
    """

    counts: sparse.csr_array
    period: Integers
    mark: Integers
    periods: int
    marks: Integers
    share: Floats
    judged: npt.NDArray[np.bool_]

    @classmethod
    def of(cls, cells: Cells, patterns: int) -> Groups:
        """The groups of the cells."""
        marks, place = np.unique(cells.marked, return_inverse=True)
        keys, group = np.unique(cells.period * len(marks) + place, return_inverse=True)
        counts = sparse.csr_array(
            (cells.count, (group, cells.pattern)), shape=(len(keys), patterns)
        )
        payments = np.bincount(place, cells.count, len(marks))
        share = payments / max(payments.sum(), 1.0)
        judged = (marks > 0) & (payments >= _FEWEST) & (share < 1)
        period, mark = np.divmod(keys, max(len(marks), 1))
        return cls(counts, period, mark, max(cells.periods, 1), marks, share, judged)

    def by_period(self, values: Floats) -> Floats:
        """Sums over the groups of each period."""
        return _summed(values, self.period, self.periods)

    def by_mark(self, values: Floats) -> Floats:
        """Sums over the groups of each front end."""
        return _summed(values, self.mark, len(self.marks))

    @property
    def begins(self) -> float:
        """The chance that a burst begins in a period: the higher, the fewer have payments."""
        busy = max(len(np.unique(self.period)), 1)
        return max(BEGINS, min(_BURST_IN_A_CASE / busy, _MOST_BEGIN))

    @property
    def log_prior(self) -> Floats:
        """``[place, state]``: how usual each state is of each front end."""
        broken = np.maximum(_BROKEN * (1 - self.share) ** 2, 1e-12)
        each = np.repeat(broken[:, None] / (_SIZE - 1), _SIZE - 1, axis=1)
        result: Floats = np.log(np.column_stack([1 - broken, each]))
        return result

    def array_of(self, marks: Marks) -> Floats:
        """``[place, state]`` of what is known of front ends; quiet where nothing is."""
        return states_of_marks(marks, self.marks)


def _summed(values: Floats, place: Integers, size: int) -> Floats:
    return np.column_stack([np.bincount(place, column, size) for column in values.T])


def smooth_both(
    groups: Groups, told: Floats, begins: float, marks: Marks, given: Marks
) -> tuple[Floats, dict[str, list[float]]]:
    """States of the periods, and of the front ends.

    Parameters
    ----------
    groups
        payments by period and front end.
    told
        ``[group, state]``: log-likelihood of a group's payments in each state.
    begins
        the chance that a burst begins in a period.
    marks
        what was believed of front ends before.
    given
        front ends whose states are known, and stay.
    """
    if not groups.judged.any() and not given:
        return smooth(groups.by_period(told), begins), {}
    of_marks = groups.array_of({**marks, **given})
    fitted = groups.judged & ~np.isin(groups.marks, [int(mark) for mark in given])
    # Few periods cost little, and few payments are soon swayed by where one begins.
    for _ in range(3 if groups.periods < _FEW_PERIODS else 1):
        states = smooth(groups.by_period(_given(told, of_marks[groups.mark])), begins)
        log_odds = groups.by_mark(_given(told, states[groups.period])) + groups.log_prior
        odds = np.exp(log_odds - log_odds.max(axis=1, keepdims=True))
        of_marks[fitted] = (odds / odds.sum(axis=1, keepdims=True))[fitted]
    return states, {
        str(mark): row for mark, row in zip(groups.marks.tolist(), of_marks.tolist(), strict=True)
    }


def evidence_of_both(groups: Groups, told: Floats, begins: float, marks: Marks) -> float:
    """A lower bound of the log-probability of all payments, whatever the states."""
    of_marks = groups.array_of(marks)
    found = log_evidence(groups.by_period(_given(told, of_marks[groups.mark])), begins)
    believed = of_marks[groups.judged]
    surprise = believed * (np.log(np.maximum(believed, 1e-300)) - groups.log_prior[groups.judged])
    return found - float(surprise.sum())


def _given(told: Floats, other: Floats) -> Floats:
    """What payments say of one cause's state, the other's being believed to be ``other``."""
    worse = np.maximum.outer(np.arange(_SIZE), np.arange(_SIZE))
    result: Floats = np.einsum("gst,gt->gs", told[:, worse], other)
    return result
