"""Judges each payment by the model as it could be fitted on the payments before it.

``as_of`` uses nothing later: neither accuracies and shares, nor what later periods say of a burst.
All payments are taken in order of time, in periods of some five payments or a day. A payment's
period is judged by a fit on earlier periods, and by what those make the state of the chain; so a
judgement of the first half stays what it is when the second half appears. The model is fitted anew
whenever there are a quarter more payments, so fits cost a few times what one does.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from credit_forensics.arrays import Floats
from credit_forensics.judgement.bursts import STATES, filtered
from credit_forensics.judgement.fit import Fit, FitsInOrder, state_posteriors, with_own
from credit_forensics.judgement.model import fit_model
from credit_forensics.judgement.pattern_arrays import Cells, Patterns, some_patterns
from credit_forensics.judgement.periods import AS_OF_WIDTH, PAYMENTS_A_PERIOD
from credit_forensics.judgement.posterior import Posterior, posterior_blocks

Integers = npt.NDArray[np.int64]

_DAY = 86_400 // AS_OF_WIDTH
_FIRST_FIT, _GROWTH = 20, 1.25


def chain_periods(hour: Integers, count: Floats) -> tuple[Integers, Integers]:
    """Group hours into periods of the chain: a period ends with its fifth payment or a day.

    Parameters
    ----------
    hour, count
        of each cell, ascending by hour.

    Returns
    -------
    The first hour of each period, and how many days lie between it and the one before, less one:
    so many periods without payments carry the chain on.

    Examples
    --------
    >>> chain_periods(np.array([0, 1, 2, 3, 99]), np.array([4.0, 1, 1, 1, 1]))
    (array([ 0,  2, 99]), array([0, 0, 3]))
    """
    hours, place = np.unique(hour, return_inverse=True)
    payments = np.bincount(place, count)
    starts: list[int] = []
    held = 0.0
    for one, many in zip(hours.tolist(), payments.tolist(), strict=True):
        if not starts or held >= PAYMENTS_A_PERIOD or one - starts[-1] >= _DAY:
            starts.append(one)
            held = 0.0
        held += many
    begins = np.array(starts, dtype=np.int64)
    empty = np.diff(begins, prepend=begins[:1]) // _DAY - 1
    return begins, np.maximum(empty, 0)


def fit_in_order(
    patterns: Patterns, hour: Integers, pattern: Integers, count: Floats, accounts: Integers
) -> FitsInOrder:
    """Fit the model on ever more of the payments, and run the chain over all of them once.

    Parameters
    ----------
    patterns
        distinct patterns.
    hour, pattern, count
        of each cell, ascending by hour.
    accounts
        the hour in which each account was made, ascending; 0 where nobody knows.
    """
    starts, empty = chain_periods(hour, count)
    period = np.searchsorted(starts, hour, side="right") - 1
    payments = np.bincount(period, count, len(starts))
    so_far = np.concatenate([[0.0], np.cumsum(payments)])[:-1]
    fit_of = np.zeros(len(starts), dtype=np.int64)
    fits: list[Fit] = []
    due = 0.0
    for place, known in enumerate(so_far.tolist()):
        if known >= due:
            rows = period < place
            cells = Cells(period[rows], pattern[rows], count[rows], place)
            made = int(np.searchsorted(accounts, starts[place], side="right"))
            fits.append(_fit(patterns, cells, made))
            due = max(_FIRST_FIT, known * _GROWTH)
        fit_of[place] = len(fits) - 1
    by_fit = []
    for number, fit in enumerate(fits):
        mine = fit_of[period] == number
        chosen, which = np.unique(pattern[mine], return_inverse=True)
        log_likelihood = np.log(state_posteriors(some_patterns(patterns, chosen), fit).likelihood)
        by_fit.append((mine, log_likelihood[:, which].T * count[mine, None]))
    told = np.zeros((len(starts), len(STATES)))
    for mine, values in by_fit:
        np.add.at(told, period[mine], values)
    return FitsInOrder(starts, filtered(told, empty), fit_of, tuple(fits))


def _fit(patterns: Patterns, cells: Cells, accounts: int) -> Fit:
    """A fit on the cells; patterns that none of them has are not there."""
    chosen, place = np.unique(cells.pattern, return_inverse=True)
    return fit_model(
        some_patterns(patterns, chosen), replace(cells, pattern=place.astype(np.int64)), accounts
    )


def posteriors_in_order(
    sequence: FitsInOrder,
    patterns: Patterns,
    judged: Patterns,
    hour: Integers,
    pattern: Integers,
) -> Iterator[tuple[slice, Posterior]]:
    """The posterior of each cell, in order, each block with the cells that it is of.

    ``judged`` are the patterns as they are judged, ``patterns`` as the chain hears them.
    """
    period = np.searchsorted(sequence.starts, hour, side="right") - 1
    number = sequence.fit_of[period]
    for one in np.unique(number).tolist():
        rows = np.flatnonzero(number == one)
        # Cells lie in order of time, so those of one fit lie together.
        first = int(rows[0])
        chosen, place = np.unique(pattern[rows], return_inverse=True)
        heard, fit = some_patterns(patterns, chosen), sequence.fits[one]
        states = with_own(heard, fit, sequence.before[period[rows]], place)
        cells = Cells(
            period=np.arange(len(rows)),
            pattern=place.astype(np.int64),
            count=np.ones(len(rows)),
            periods=len(rows),
        )
        blocks = posterior_blocks(some_patterns(judged, chosen), cells, replace(fit, states=states))
        for part, thought in blocks:
            yield slice(first + part.start, first + min(part.stop, len(rows))), thought
