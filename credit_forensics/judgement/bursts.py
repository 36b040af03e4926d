"""Lets the session family's accuracy differ by period: faults come in bursts.

A hidden Markov chain runs over the periods. In the quiet state sessions are as accurate as their
level says; in a burst state a share of them names somebody else. The chain is smoothed forwards
and backwards, so that one proven wrong payment raises suspicion on its neighbours and many right
ones lower it. Periods without payments carry the chain on.

Source: Rabiner 1989, A tutorial on hidden Markov models, section III (scaled recursions).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from credit_forensics.arrays import Floats

Marks = Mapping[str, Sequence[float]]

# Share of sessions that still name the payer, by state; the first is the quiet state.
STATES: Floats = np.array([1.0, 0.7, 0.55, 0.4, 0.25])
BEGINS = 2e-4  # chance that a burst begins in the next period, in a case of many
_ENDS = 0.04  # chance that a burst is over in the next period
# Steps between scalings: a step shrinks a belief by a thousandfold or so at the very worst.
_SCALED_EVERY = 16


def transition(begins: float = BEGINS, ends: float = _ENDS) -> Floats:
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


def smooth(log_likelihood: Floats, begins: float = BEGINS) -> Floats:
    """Smooth the states over the periods.

    Parameters
    ----------
    log_likelihood
        ``[period, state]``: log-likelihood of a period's payments in each state.
    begins
        the chance that a burst begins in a period.

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
    # State by period from here on: sums over the few states then run along the many periods.
    told = np.ascontiguousarray(log_likelihood.T)
    emission = np.exp(told - told.max(axis=0))
    moves = transition(begins)
    both = _scan(emission, _first_beliefs(begins), moves.T)
    # What the periods after a period say of its state: nothing, for the last.
    after = np.ones(len(STATES))
    both[:, :-1] *= _scan(emission[:, :0:-1], after, moves, backwards=True)[:, ::-1]
    both /= both.sum(axis=0)
    states_given_all: Floats = np.ascontiguousarray(both.T)
    return states_given_all


def filtered(
    log_likelihood: Floats, empty: npt.NDArray[np.int64], begins: float = BEGINS
) -> Floats:
    """The states of each period by the periods before it alone.

    Parameters
    ----------
    log_likelihood, begins
        as for ``smooth``.
    empty
        ``[period]``: how many periods without payments lie before each.

    Returns
    -------
    ``[period, state]``: the states' probabilities; rows sum to one. A period further on changes
    none.
    """
    told = np.exp(log_likelihood - log_likelihood.max(axis=1, keepdims=True, initial=-np.inf))
    moves = transition(begins).T
    before: Floats = np.empty(told.shape)
    belief = _first_beliefs(begins)
    passed: dict[int, Floats] = {}
    for period, gap in enumerate(empty.tolist()):
        if gap not in passed:
            passed[gap] = np.linalg.matrix_power(moves, gap + 1)
        belief = passed[gap] @ belief
        before[period] = belief / belief.sum()
        belief = before[period] * told[period]
        belief /= belief.sum()
    return before


def log_evidence(log_likelihood: Floats, begins: float = BEGINS) -> float:
    """Log-probability of all periods' payments together, whatever the states.

    Parameters
    ----------
    log_likelihood, begins
        as for ``smooth``.

    Examples
    --------
    >>> round(log_evidence(np.full((3, len(STATES)), -2.0)), 9)
    -6.0
    """
    told = np.ascontiguousarray(log_likelihood.T)
    most = told.max(axis=0)
    emission = np.exp(told - most)
    moves, first = transition(begins).T, _first_beliefs(begins)
    before = np.column_stack([first, _scan(emission, first, moves)[:, :-1]])
    expected = moves @ before
    return float((np.log((expected * emission).sum(axis=0)) + most).sum())


def _first_beliefs(begins: float) -> Floats:
    """Beliefs one move before the first period."""
    start = np.full(len(STATES), begins / (len(STATES) - 1))
    start[0] = 1 - begins
    before: Floats = start @ np.linalg.inv(transition(begins))
    return before


def _scan(emission: Floats, start: Floats, moves: Floats, *, backwards: bool = False) -> Floats:
    """``start`` after each step, scaled: ``[state, step]``.

    A step forwards is a move, then what its period's payments say; backwards the transpose. In
    blocks: what each block makes of every start, within all blocks at once; then from block to
    block; then within again; so that Python loops over the square root of the steps only.
    """
    states, count = emission.shape
    length = max(int(np.sqrt(count)), 1)
    blocks = -(-count // length)
    padded = np.ones((states, blocks * length))
    padded[:, :count] = emission
    by_place = np.ascontiguousarray(padded.reshape(states, blocks, length).transpose(2, 0, 1))

    def step(beliefs: Floats, told: Floats) -> Floats:
        result: Floats = moves @ (beliefs * told) if backwards else (moves @ beliefs) * told
        return result

    # A start in each state, side by side: [state, start, block].
    whole = np.repeat(np.eye(states), blocks, axis=1)
    for place in range(length):
        whole = step(whole, np.tile(by_place[place], states))
        if place % _SCALED_EVERY == 0:
            scale = whole.reshape(states, states, blocks).sum(axis=(0, 1))
            whole /= np.tile(scale, states)
    whole = whole.reshape(states, states, blocks)
    beliefs = np.empty((states, blocks))
    belief = start
    for block in range(blocks):
        belief = belief / belief.sum()
        beliefs[:, block] = belief
        belief = whole[:, :, block] @ belief
    result = np.empty((length, states, blocks))
    for place in range(length):
        beliefs = step(beliefs, by_place[place])
        beliefs /= beliefs.sum(axis=0)
        result[place] = beliefs
    scanned: Floats = result.transpose(1, 2, 0).reshape(states, blocks * length)[:, :count]
    return scanned


def states_of_marks(marks: Marks, mark: npt.NDArray[np.int64]) -> Floats:
    """``[row, state]`` of each row's front end; quiet where nothing is known of it."""
    known = np.tile(np.eye(len(STATES))[0], (int(mark.max(initial=0)) + 1, 1))
    for number, states in marks.items():
        if int(number) < len(known):
            known[int(number)] = states
    result: Floats = known[mark]
    return result


def worse_of(one: Floats, other: Floats) -> Floats:
    """The distribution of the worse of two states: ``[row, state]`` of both.

    Examples
    --------
    >>> halves = np.array([[0.5, 0.5, 0, 0, 0]])
    >>> worse_of(halves, halves).tolist()
    [[0.25, 0.75, 0.0, 0.0, 0.0]]
    """
    # Subtracted from above, a tiny probability of a burst keeps its digits.
    above = _above(one) + _above(other) - _above(one) * _above(other)
    kept: Floats = np.column_stack([np.ones(len(above)), above[:, :-1]]) - above
    return kept


def _above(states: Floats) -> Floats:
    """The probability of a worse state than each."""
    result: Floats = np.zeros_like(states)
    result[:, :-1] = np.cumsum(states[:, :0:-1], axis=1)[:, ::-1]
    return result
