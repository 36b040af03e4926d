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
STATES: Floats = np.array([1.0, 0.7, 0.55, 0.4, 0.25])
_BEGINS = 2e-4  # chance that a burst begins in the next period
_ENDS = 0.04  # chance that a burst is over in the next period


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
    emission = np.exp(log_likelihood - log_likelihood.max(axis=1, keepdims=True))
    start = np.full(states, _BEGINS / (states - 1))
    start[0] = 1 - _BEGINS
    moves = transition()
    # A period is a step: move, then see its payments. Backwards the steps are the transposes.
    forward = _scan(moves[None, :, :] * emission[:, None, :], start @ np.linalg.inv(moves))
    backward = np.ones((periods, states))
    if periods > 1:
        steps = emission[:0:-1, :, None] * moves.T[None, :, :]
        backward[:-1] = _scan(steps, np.ones(states))[::-1]
    both = forward * backward
    states_given_all: Floats = both / both.sum(axis=1, keepdims=True)
    return states_given_all


def _scan(steps: Floats, start: Floats) -> Floats:
    """``start`` times each prefix of a product of matrices, scaled: ``[step, state]``.

    In blocks: products within all blocks at once, then from block to block, then within again; so
    that Python loops over the square root of the steps only.
    """
    count, states, _ = steps.shape
    length = max(int(np.sqrt(count)), 1)
    blocks = -(-count // length)
    padded = np.broadcast_to(np.eye(states), (blocks * length, states, states)).copy()
    padded[:count] = steps
    padded = padded.reshape(blocks, length, states, states)
    whole = np.broadcast_to(np.eye(states), (blocks, states, states))
    for place in range(length):
        whole = whole @ padded[:, place]
        whole = whole / whole.sum(axis=(1, 2), keepdims=True)
    beliefs = np.empty((blocks, states))
    belief = start / start.sum()
    for block in range(blocks):
        beliefs[block] = belief
        belief = belief @ whole[block]
        belief = belief / belief.sum()
    result = np.empty((blocks, length, states))
    for place in range(length):
        beliefs = np.einsum("bs,bst->bt", beliefs, padded[:, place])
        beliefs = beliefs / beliefs.sum(axis=1, keepdims=True)
        result[:, place] = beliefs
    scanned: Floats = result.reshape(blocks * length, states)[:count]
    return scanned
