"""Fisher's exact test and the false discovery rate of many rows at once, without ``scipy.stats``.

That package takes longer to load than a whole report's questions take to answer, and its
hypergeometric tail sums every term: of half a million wrong payments half a million a row.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from credit_forensics.arrays import Floats, Ints
from credit_forensics.extras import Later

if TYPE_CHECKING:
    from scipy import special
else:
    # Slow to load, and reports alone ask for traits.
    special = Later("scipy.special")

# Further from the mean than this many standard deviations a term is below the last digit.
_FAR = 40.0
_TERMS_AT_ONCE = 2_000_000


def upper_tails(
    at_least: npt.ArrayLike, total: npt.ArrayLike, marked: npt.ArrayLike, drawn: npt.ArrayLike
) -> Floats:
    """P(X >= ``at_least``), where ``drawn`` of ``total`` are drawn, of which ``marked`` count.

    One-sided Fisher's exact test, as ``scipy.stats.hypergeom.sf`` of one less; elementwise, of
    integer arrays of one length.

    Examples
    --------
    >>> upper_tails([3, 0], [10, 10], [3, 3], [3, 3]).round(6).tolist()
    [0.008333, 1.0]
    """
    least, whole, counting, draws = (
        np.asarray(values, dtype=np.int64) for values in (at_least, total, marked, drawn)
    )
    mean = draws * counting / np.maximum(whole, 1)
    far = _FAR * (np.sqrt(mean) + 1)
    possible = np.maximum(0, draws + counting - whole)
    low = np.maximum(np.maximum(least, possible), np.floor(mean - far).astype(np.int64))
    high = np.minimum(np.minimum(counting, draws), np.ceil(np.maximum(least, mean) + far))
    terms = np.maximum(high.astype(np.int64) - low + 1, 0)
    result = np.zeros(len(terms))
    for rows in _blocks(terms):
        result[rows] = _sums(low[rows], terms[rows], whole[rows], counting[rows], draws[rows])
    return np.clip(result, 0.0, 1.0)


def false_discovery_rates(p_values: npt.ArrayLike) -> Floats:
    """The q-value of each p-value: Benjamini and Hochberg (1995).

    Examples
    --------
    >>> false_discovery_rates([0.01, 0.5, 0.02]).round(3).tolist()
    [0.03, 0.5, 0.03]
    """
    p = np.asarray(p_values, dtype=np.float64)
    falling = np.argsort(-p, kind="stable")
    rank = np.arange(len(p), 0, -1)
    result = np.empty_like(p)
    result[falling] = np.minimum.accumulate(np.minimum(p[falling] * len(p) / rank, 1.0))
    return result


def _blocks(terms: Ints) -> list[slice]:
    """Slices of the rows with so many terms together as fit at once; of one row, its own."""
    block = (np.cumsum(terms) - terms) // _TERMS_AT_ONCE
    starts = np.flatnonzero(np.diff(block, prepend=-1)).tolist()
    return [slice(start, end) for start, end in pairwise([*starts, len(terms)])]


def _sums(low: Ints, terms: Ints, total: Ints, marked: Ints, drawn: Ints) -> Floats:
    row = np.repeat(np.arange(len(terms)), terms)
    k = np.arange(len(row)) - np.repeat(np.cumsum(terms) - terms, terms) + low[row]
    others = (total - marked)[row]
    chances = (
        _log_ways(marked[row], k)
        + _log_ways(others, drawn[row] - k)
        - np.repeat(_log_ways(total, drawn), terms)
    )
    return np.bincount(row, np.exp(chances), len(terms)).astype(np.float64)


def _log_ways(of: Ints, chosen: Ints) -> Floats:
    """The logarithm of the binomial coefficient."""
    result: Floats = -np.log(of + 1) - special.betaln(of - chosen + 1, chosen + 1)
    return result
