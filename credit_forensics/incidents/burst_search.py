"""Searches the order of payments for runs in which the share of wrong ones is higher.

The search is exact for a single burst: the likelihood ratio of two rates against one is largest
for a run that begins and ends with a wrong payment, so pairs of wrong payments are all there is
to try. With more than ``_GRID`` of them a coarse grid is searched first, then its surroundings.
Once a burst is found, what lies before, after and inside it is searched in turn, inside also for
a pause (circular binary segmentation; Olshen et al. 2004, Biostatistics 5:557).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from credit_forensics.arrays import Floats, Ints
from credit_forensics.extras import Later

if TYPE_CHECKING:
    from scipy import special
else:
    # Slow to load, and what is stored was judged before.
    special = Later("scipy.special")

_GRID = 400
_SMALLEST = 3


def search_bursts(positions: Ints, low: int, high: int) -> list[tuple[int, int]]:
    """First and last position of each burst among ``low`` to ``high``, in order.

    Parameters
    ----------
    positions
        of the wrong payments, in order.
    low, high
        first and last position of the record.

    Examples
    --------
    >>> search_bursts(np.array([7, *range(500, 520), 900]), 0, 999)
    [(500, 519)]
    """
    found: list[tuple[int, int]] = []
    # A stack, not recursion: a long record of many bursts would go deep.
    spans = [_Span(low, high)]
    while spans:
        span = spans.pop()
        own = positions[slice(*np.searchsorted(positions, [span.low, span.high + 1]))]
        best = _best_run(own, span.low, span.high)
        if best is not None:
            first, last = best
            quiet = span.quiet if span.inside else _quiet(own, span, best)
            spans.append(_Span(first, last, quiet, whole=True))
            # Around a burst inside another one is still burst, though less of it.
            spans.append(_Span(span.low, first - 1, quiet if span.inside else None))
            spans.append(_Span(last + 1, span.high, quiet if span.inside else None))
        elif span.inside:
            # Two bursts close to each other pass for one, but for the quiet between them.
            pause = _best_run(own, span.low, span.high, quiet=True)
            if pause is not None:
                spans.append(_Span(span.low, pause[0], span.quiet, whole=span.whole))
                spans.append(_Span(pause[1], span.high, span.quiet, whole=span.whole))
            elif span.whole:
                found.append((span.low, span.high))
            elif _stands_out(own, span, high - low + 1):
                found.append((int(own[0]), int(own[-1])))
    return sorted(found)


@dataclass(frozen=True)
class _Span:
    """Positions to search; inside a burst with the rate of the ``quiet`` around that burst.

    ``whole`` spans are bursts unless they fall into parts; others are what a burst inside another
    one leaves of it.
    """

    low: int
    high: int
    quiet: float | None = None
    whole: bool = False

    @property
    def inside(self) -> bool:
        return self.quiet is not None


def _quiet(own: Ints, span: _Span, run: tuple[int, int]) -> float:
    """The rate around a run, above nought."""
    inside = int(np.searchsorted(own, run[1], "right") - np.searchsorted(own, run[0]))
    rest = span.high - span.low + 1 - (run[1] - run[0] + 1)
    return (len(own) - inside + 0.5) / (rest + 1)


def _stands_out(own: Ints, span: _Span, total: int) -> bool:
    """Whether what is left of a burst is one itself, against the quiet around the whole."""
    if len(own) < _SMALLEST or span.quiet is None:
        return False
    length = int(own[-1] - own[0]) + 1
    expected = len(own) * np.log(span.quiet) + (length - len(own)) * np.log1p(-span.quiet)
    gain = float(log_likelihood(len(own), length)) - expected
    return len(own) > span.quiet * length and gain >= 2 * np.log(total) + 3


def _best_run(own: Ints, low: int, high: int, *, quiet: bool = False) -> tuple[int, int] | None:
    """Wrong payments that begin and end the likeliest burst (or enclose the likeliest pause)."""
    total = high - low + 1
    count = len(own)
    if count < _SMALLEST or count == total:
        return None
    step = -(-count // _GRID)
    starts = np.arange(0, count, step)
    ends = np.minimum(starts + step - 1, count - 1)
    _, i, j = _highest(own, starts, ends, total, quiet)
    if step > 1:
        starts = np.arange(max(i - step, 0), min(i + step + 1, count))
        ends = np.arange(max(j - step, 0), min(j + step + 1, count))
    gain, i, j = _highest(own, starts, ends, total, quiet)
    smallest = min(i + 1, count - j) if quiet else j - i + 1
    if gain < 2 * np.log(total) + 3 or smallest < _SMALLEST:
        return None
    return int(own[i]), int(own[j])


def _highest(
    own: Ints, starts: Ints, ends: Ints, total: int, quiet: bool
) -> tuple[float, int, int]:
    """The pair of wrong payments with the highest likelihood ratio, and that ratio.

    A burst counts both of them in, a pause leaves both out.
    """
    count = len(own)
    sign = -1 if quiet else 1
    inside = ends[None, :] - starts[:, None] + sign
    length = own[ends][None, :] - own[starts][:, None] + sign
    valid = (inside >= (0 if quiet else 1)) & (length > 0) & (length < total)
    outside, rest = count - inside, np.maximum(total - length, 1)
    valid &= sign * (inside * rest - outside * length) > 0
    # Half of the pairs or more are none: logarithms are what takes time here.
    inside, length, outside, rest = (one[valid] for one in (inside, length, outside, rest))
    gain = np.full(valid.shape, -np.inf)
    gain[valid] = log_likelihood(inside, length) + log_likelihood(outside, rest)
    gain[valid] -= log_likelihood(count, total)
    i, j = np.unravel_index(int(np.argmax(gain)), gain.shape)
    return float(gain[i, j]), int(starts[i]), int(ends[j])


def log_likelihood(wrong: Ints | int, total: Ints | int) -> Floats:
    """Of so many wrong ones among so many, at their own rate.

    Examples
    --------
    >>> float(log_likelihood(1, 2).round(4))
    -1.3863
    """
    share = wrong / total
    result: Floats = special.xlogy(wrong, share) + special.xlogy(
        total - wrong, np.maximum(1 - share, 0)
    )
    return result
