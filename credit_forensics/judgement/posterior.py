"""What the fitted model thinks of each cell: a pattern in a period."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt
from scipy.special import entr

from credit_forensics.arrays import Floats
from credit_forensics.judgement.fit import Fit, cell_session_accuracy, state_posteriors
from credit_forensics.judgement.pattern_arrays import Cells, Patterns
from credit_forensics.resolution.family_names import NAME

__all__ = ["Posterior", "cell_session_accuracy", "posterior", "posterior_blocks"]

Integers = npt.NDArray[np.int64]

_CELLS_AT_ONCE = 8_192
_CELLS_A_BLOCK = 128 * _CELLS_AT_ONCE


@dataclass(frozen=True)
class Posterior:
    """One entry a cell.

    ``best``: the most probable slot (from 0), -1 where nobody is named; ``misattributed``:
    1 - P(credited person), NaN where nothing was credited; ``log_odds``: ``ln(p / (1 - p))`` of
    it, without rounding; ``entropy``: in nats over the candidates; ``agreeing``, ``available``:
    families that name the best person, and families with a voice; ``burst``: probability that
    the period lies in a burst.
    """

    best: Integers
    best_probability: Floats
    misattributed: Floats
    log_odds: Floats
    entropy: Floats
    agreeing: Integers
    available: Integers
    burst: Floats


def posterior(patterns: Patterns, cells: Cells, fit: Fit) -> Posterior:
    """Mix the states' posteriors by what the chain thinks of each cell's period."""
    return _joined([block for _, block in posterior_blocks(patterns, cells, fit)])


def posterior_blocks(
    patterns: Patterns, cells: Cells, fit: Fit
) -> Iterator[tuple[slice, Posterior]]:
    """The posterior some cells at a time, in order, each with the cells that it is of.

    For more cells than their posteriors have room in memory; at least one block is given.
    """
    thought = state_posteriors(patterns, fit)
    # Side by side what a cell reads: [pattern, state, slot], the rest as one more slot.
    by_pattern = np.concatenate([thought.probability, thought.rest[:, :, None]], axis=2)
    by_pattern = np.ascontiguousarray(by_pattern.swapaxes(0, 1))

    def think(start: int) -> Posterior:
        # A block stays in the processor's cache; each cell stands by itself.
        rows = slice(start, start + _CELLS_AT_ONCE)
        pattern = cells.pattern[rows]
        return _of_cells(patterns, by_pattern, pattern, fit.states[cells.period[rows]])

    count = len(cells.count)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for start in range(0, max(count, 1), _CELLS_A_BLOCK):
            end = min(start + _CELLS_A_BLOCK, count)
            yield (
                slice(start, end),
                _joined(list(pool.map(think, range(start, max(end, 1), _CELLS_AT_ONCE)))),
            )


def _joined(blocks: Sequence[Posterior]) -> Posterior:
    return Posterior(
        **{
            part.name: np.concatenate([getattr(block, part.name) for block in blocks])
            for part in fields(Posterior)
        }
    )


def _of_cells(
    patterns: Patterns, by_pattern: Floats, pattern: Integers, states: Floats
) -> Posterior:
    size = len(patterns.families)
    spread = np.einsum("cs,csk->ck", states, by_pattern[pattern])
    probability = spread[:, :-1]
    rows = np.arange(len(pattern))
    named = np.where(patterns.exists[pattern], probability[:, :size], -1.0)
    best = np.where(named.max(axis=1, initial=-1.0) > 0, named.argmax(axis=1), -1)
    chosen = np.maximum(best, 0)
    credited = patterns.credited[pattern]
    has_credit = credited > 0
    slot = np.where(has_credit, credited - 1, 0)
    right = probability[rows, slot]
    # Summed without the credited person, so that a tiny probability keeps its digits.
    apart = spread.copy()
    apart[rows, slot] = 0.0
    wrong = apart.sum(axis=1)
    with np.errstate(divide="ignore"):
        log_odds = np.where(has_credit, np.log(wrong) - np.log(right), np.nan)
    return Posterior(
        best=best.astype(np.int64),
        best_probability=np.where(best >= 0, named[rows, chosen], 0.0),
        misattributed=np.where(has_credit, wrong, np.nan),
        log_odds=log_odds,
        entropy=entr(spread).sum(axis=1),
        agreeing=_agreeing(patterns, pattern, best),
        available=(patterns.level > 0).sum(axis=1)[pattern],
        burst=1 - states[:, 0],
    )


def _agreeing(patterns: Patterns, pattern: Integers, best: Integers) -> Integers:
    chosen = np.maximum(best, 0)
    agreeing = np.zeros(len(pattern), dtype=np.int64)
    for index, family in enumerate(patterns.families):
        speaks = patterns.level[pattern, index] > 0
        if family.name == NAME:
            agrees = patterns.has_name[pattern, chosen]
        else:
            agrees = patterns.slot[pattern, index] - 1 == best
        agreeing += (speaks & agrees & (best >= 0)).astype(np.int64)
    return agreeing
