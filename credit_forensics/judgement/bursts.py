"""Lets the session family's accuracy differ by period: faults come in bursts.

A hidden Markov chain runs over the periods. In the quiet state sessions are as accurate as their
level says; in a burst state a share of them names somebody else. The chain is smoothed forwards
and backwards, so that one proven wrong payment raises suspicion on its neighbours and many right
ones lower it. Periods without payments carry the chain on.

Source: Rabiner 1989, A tutorial on hidden Markov models, section III (scaled recursions).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

# Share of sessions that still name the payer, by state; the first is the quiet state.
STATES: Floats = np.array([1.0, 0.93, 0.8, 0.6, 0.35])
_BEGINS = 1e-3  # chance that a burst begins in the next period
_ENDS = 0.15  # chance that a burst is over in the next period


def transition(begins: float = _BEGINS, ends: float = _ENDS) -> Floats:
    """The matrix of moving from one state (row) to another (column) in one period.

    Examples
    --------
    >>> transition().sum(axis=1).round(12).tolist()
    [1.0, 1.0, 1.0, 1.0, 1.0]
    """
    bursts = len(STATES) - 1
    matrix = np.zeros((bursts + 1, bursts + 1))
    matrix[0, 0] = 1 - begins
    matrix[0, 1:] = begins / bursts
    matrix[1:, 0] = ends
    changes = 0.1 * (1 - ends)
    matrix[1:, 1:] = changes / max(bursts - 1, 1)
    np.fill_diagonal(matrix[1:, 1:], 1 - ends - changes)
    return matrix


def smooth(log_likelihood: Floats) -> Floats:
    """Smooth the states over the periods.

    Parameters
    ----------
    log_likelihood
        ``[period, state]``: log-likelihood of a period's payments in each state.

    Returns
    -------
    ``[period, state]``: the states' probabilities; rows sum to one.

    Examples
    --------
    >>> calm = np.zeros((5, len(STATES)))
    >>> stormy = calm.copy()
    >>> stormy[2] = [-40.0, 0.0, 5.0, 5.0, 0.0]
    >>> bool(smooth(calm)[2, 0] > 0.95 > 0.05 > smooth(stormy)[2, 0])
    True
    """
    periods, states = log_likelihood.shape
    moves = transition()
    start = np.full(states, _BEGINS / (states - 1))
    start[0] = 1 - _BEGINS
    emission = np.exp(log_likelihood - log_likelihood.max(axis=1, keepdims=True))
    forward = np.empty((periods, states))
    backward = np.ones((periods, states))
    belief = start
    for period in range(periods):
        belief = belief * emission[period]
        belief = belief / belief.sum()
        forward[period] = belief
        belief = belief @ moves
    ahead = np.ones(states)
    for period in range(periods - 2, -1, -1):
        ahead = moves @ (emission[period + 1] * ahead)
        ahead = ahead / ahead.sum()
        backward[period] = ahead
    both = forward * backward
    states_given_all: Floats = both / both.sum(axis=1, keepdims=True)
    return states_given_all
