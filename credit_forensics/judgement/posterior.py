"""What the fitted model thinks of each cell: a pattern in a period."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from credit_forensics.arrays import Floats
from credit_forensics.judgement.dependence import witness_groups
from credit_forensics.judgement.families import LED
from credit_forensics.judgement.fit import Fit, cell_session_accuracy, state_posteriors
from credit_forensics.judgement.pattern_arrays import Cells, Patterns
from credit_forensics.resolution.family_names import BY_PAYER, NAME, SESSION

__all__ = ["Posterior", "cell_session_accuracy", "posterior", "posterior_blocks"]

Integers = npt.NDArray[np.int64]

_CELLS_AT_ONCE = 8_192
_CELLS_A_BLOCK = 128 * _CELLS_AT_ONCE


@dataclass(frozen=True)
class Posterior:
    """One entry a cell.

    ``best``: the most probable slot (from 0), -1 where nobody is named; ``misattributed``:
    1 - P(the account is right), NaN where nothing was credited; ``patron``: that it is right and
    another person paid for it; ``log_odds``: ``ln(p / (1 - p))`` of
    it, without rounding; ``entropy``: in nats over the candidates; ``agreeing``, ``available``:
    families that name the best person, and families with a voice; ``independent``: of
    the agreeing, those that rest on acts of their own (e-mail, name and card are one act of one
    payer and count once, as do families that are seen to fail together); ``burst``: probability
    that the period lies in a burst.
    """

    best: Integers
    best_probability: Floats
    misattributed: Floats
    patron: Floats
    log_odds: Floats
    entropy: Floats
    agreeing: Integers
    available: Integers
    independent: Integers
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
    # Side by side what a cell reads: [pattern, state, slot], then the rest, then the patrons.
    session = patterns.index(SESSION)
    by_session = (patterns.level[:, session] > 0) & (patterns.slot[:, session] == patterns.credited)
    by_pattern = np.concatenate(
        [
            thought.probability,
            thought.rest[:, :, None],
            np.where(by_session, thought.patron, 0.0)[:, :, None],
            thought.patron_credited[:, :, None],
        ],
        axis=2,
    )
    by_pattern = np.ascontiguousarray(by_pattern.swapaxes(0, 1))
    groups = witness_groups(patterns, fit.dependence)

    def think(start: int) -> Posterior:
        # A block stays in the processor's cache; each cell stands by itself.
        rows = slice(start, start + _CELLS_AT_ONCE)
        pattern = cells.pattern[rows]
        return _of_cells(patterns, by_pattern, pattern, fit.states_of(cells, rows), groups)

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
    patterns: Patterns,
    by_pattern: Floats,
    pattern: Integers,
    states: Floats,
    groups: Sequence[Sequence[int]],
) -> Posterior:
    size = len(patterns.families)
    mixed = np.einsum("cs,csk->ck", states, by_pattern[pattern])
    spread, patron, elsewhere = mixed[:, :-2], mixed[:, -2], mixed[:, -1]
    probability = spread[:, :-1]
    rows = np.arange(len(pattern))
    named = np.where(patterns.exists[pattern], probability[:, :size], -1.0)
    best = np.where(named.max(axis=1, initial=-1.0) > 0, named.argmax(axis=1), -1)
    chosen = np.maximum(best, 0)
    agrees = _agrees(patterns, pattern, best)
    credited = patterns.credited[pattern]
    has_credit = credited > 0
    slot = np.where(has_credit, credited - 1, 0)
    right = probability[rows, slot]
    # Summed without the credited person, so that a tiny probability keeps its digits.
    apart = spread.copy()
    apart[rows, slot] = 0.0
    wrong = np.where(patron > 0, np.maximum(apart.sum(axis=1) - patron, 1e-300), apart.sum(axis=1))
    # Who has the credits paid, but may have paid for the account that the session names.
    wrong = wrong + elsewhere
    right = np.maximum(right + patron - elsewhere, 1e-300)
    with np.errstate(divide="ignore"):
        log_odds = np.where(has_credit, np.log(wrong) - np.log(right), np.nan)
    return Posterior(
        best=best.astype(np.int64),
        best_probability=np.where(best >= 0, named[rows, chosen], 0.0),
        misattributed=np.where(has_credit, wrong, np.nan),
        patron=patron,
        log_odds=log_odds,
        entropy=_entropy(spread),
        agreeing=agrees.sum(axis=1),
        available=(patterns.level > 0).sum(axis=1)[pattern],
        independent=_groups_among(groups, _witnesses(patterns, pattern, agrees)),
        burst=1 - states[:, 0],
    )


def _entropy(spread: Floats) -> Floats:
    """In nats, of each row of probabilities; SciPy's is slow to load for what is stored."""
    logarithm = np.log(spread, out=np.zeros_like(spread), where=spread > 0)
    return np.asarray(-(spread * logarithm).sum(axis=1), dtype=np.float64)


def _groups_among(
    groups: Sequence[Sequence[int]], families: npt.NDArray[np.bool_]
) -> npt.NDArray[np.int64]:
    """How many groups have a family in each row of ``[row, family]``."""
    count = np.zeros(len(families), dtype=np.int64)
    for group in groups:
        count += families[:, list(group)].any(axis=1)
    return count


def _witnesses(
    patterns: Patterns, pattern: Integers, agrees: npt.NDArray[np.bool_]
) -> npt.NDArray[np.bool_]:
    """``[row, family]``: of the families that agree, those that can stand beside another.

    A history that disagrees with itself cannot; nor can one of a single payment, where e-mail, name
    or card of the payment at hand name somebody else: that payment may have been as wrong.
    """
    speaks = patterns.level[pattern] > 0
    by_payer = np.array([family.name in BY_PAYER for family in patterns.families])
    dissent = (speaks & ~agrees)[:, by_payer].any(axis=1)
    found = agrees.copy()
    for index, family in enumerate(patterns.families):
        if family.name in LED:
            level = patterns.level[pattern, index]
            _, _, one, _, mixed = LED[family.name]
            found[:, index] &= (level != mixed) & ~((level == one) & dissent)
    return found


def _agrees(patterns: Patterns, pattern: Integers, best: Integers) -> npt.NDArray[np.bool_]:
    """``[row, family]``: whether a family names the best person."""
    chosen = np.maximum(best, 0)
    agreeing = np.zeros((len(pattern), len(patterns.families)), dtype=np.bool_)
    for index, family in enumerate(patterns.families):
        speaks = patterns.level[pattern, index] > 0
        if family.name == NAME:
            agrees = patterns.has_name[pattern, chosen]
        else:
            agrees = patterns.slot[pattern, index] - 1 == best
        agreeing[:, index] = speaks & agrees & (best >= 0)
    return agreeing
