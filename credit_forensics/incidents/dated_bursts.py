"""Dates bursts of wrong payments: a change-point search on the rate, with intervals.

The payments in order of time are a sequence of right and wrong; a burst is a run of it in which
the share of wrong ones is higher than outside. Counting payments instead of hours keeps nights
and rushes from looking like changes.

``burst_search`` finds them; bursts that follow each other without a pause are told apart by what
their wrong payments have (``burst_marks``).

The intervals are posterior ones: each position may be the beginning (given the end) with the
likelihood of the two runs, their rates integrated out under Jeffreys' Beta(1/2, 1/2).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from credit_forensics.arrays import Floats, Ints
from credit_forensics.extras import Later
from credit_forensics.incidents.burst_marks import EVERYDAY, Marks, Part
from credit_forensics.incidents.burst_search import log_likelihood, search_bursts
from credit_forensics.incidents.timeline import in_order

if TYPE_CHECKING:
    from scipy import special
else:
    # Slow to load, and what is stored was judged before.
    special = Later("scipy.special")

COLUMNS = {
    "onset": "datetime64[us, UTC]",
    "onset_low": "datetime64[us, UTC]",
    "onset_high": "datetime64[us, UTC]",
    "end": "datetime64[us, UTC]",
    "end_low": "datetime64[us, UTC]",
    "end_high": "datetime64[us, UTC]",
    "ongoing": "bool",
    "payments": "int64",
    "wrong": "int64",
    "rate": "float64",
    "rate_outside": "float64",
    "log_ratio": "float64",
}
_TAIL = 0.025
_MAY_GO_ON = 0.05
_AT_ONCE = 1_000_000


def date_bursts(payments: pd.DataFrame, wrong: Collection[str]) -> pd.DataFrame:
    """The bursts of wrong payments, in order of time; none where the rate does not change.

    Parameters
    ----------
    payments
        ``payment_id`` and ``created_at`` of all payments that could have gone wrong; those
        without a time are left out.
    wrong
        ids of those that did.

    Returns
    -------
    pandas.DataFrame
        one row a burst. ``onset`` and ``end`` are the times of its first and last wrong payment
        (the likeliest dates); ``…_low`` and ``…_high`` bound each with 95 %. ``ongoing``: that it
        had not ended when the evidence ends has at least 5 %; ``end_high`` is empty then.
        ``payments`` and ``wrong`` count what lies in it, ``rate`` and ``rate_outside`` are the
        shares of wrong ones inside and in the quiet around it, ``log_ratio`` the log-likelihood
        ratio against one rate for both.

    A burst has at least three wrong payments and a log-likelihood ratio above ``2 ln n + 3``,
    so that on ``n`` payments of one rate the best of the ``n²/2`` runs seldom passes.

    Examples
    --------
    >>> times = pd.date_range("2025-09-01", periods=1000, freq="10min", tz="UTC")
    >>> payments = pd.DataFrame({"payment_id": [f"cs_{i}" for i in range(1000)]})
    >>> wrong = [f"cs_{i}" for i in range(500, 520)]
    >>> bursts = date_bursts(payments.assign(created_at=times), wrong)
    >>> bursts[["onset", "wrong", "ongoing"]].values.tolist()
    [[Timestamp('2025-09-04 11:20:00+0000', tz='UTC'), 20, False]]
    """
    timed = in_order(payments)
    flags = timed["payment_id"].isin(set(wrong)).to_numpy(dtype=bool)
    return date_runs(pd.DatetimeIndex(timed["created_at"]), flags)


def date_runs(
    instants: pd.DatetimeIndex, flags: npt.NDArray[np.bool_], marks: Marks | None = None
) -> pd.DataFrame:
    """As ``date_bursts``, of times in order and whether the payment at each went wrong.

    With ``marks`` (one a wrong payment, in the same order) a burst is parted where its marks
    change, and each part is a burst; one that a mark sets apart is dated by the payments with it.

    Examples
    --------
    >>> times = pd.date_range("2025-09-01", periods=500, freq="h", tz="UTC")
    >>> len(date_runs(times, np.zeros(500, dtype=bool)))
    0
    """
    instants = instants.as_unit("us")
    positions = np.flatnonzero(flags).astype(np.int64)
    found = search_bursts(positions, 0, len(flags) - 1)
    if not found:
        return pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in COLUMNS.items()})
    marks = marks or Marks.none(len(positions))
    parts = [part for burst in found for part in _parts(burst, positions, marks)]
    starts = [0, *(int(positions[part.last]) + 1 for part in parts)]
    ends = [*(int(positions[part.first]) - 1 for part in parts[1:]), len(flags) - 1]
    rows: list[list[object]] = []
    before = -1
    for part, low, high in zip(parts, starts, ends, strict=False):
        dated = _dated(part, (low, high), positions, marks, instants)
        # Between two bursts each may reach for what the other one took: the earlier has it.
        if dated.first <= before:
            dated = _dated(part, (before + 1, high), positions, marks, instants)
        before = dated.last
        rows.append(dated.row)
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    # A column of nothing but absent ends has no time zone to start from.
    table["end_high"] = pd.to_datetime(table["end_high"], utc=True)
    return table.astype(COLUMNS)


@dataclass(frozen=True)
class _Dated:
    """First and last position of a burst, and its row of the table."""

    first: int
    last: int
    row: list[object]


def _dated(
    part: Part, reach: tuple[int, int], positions: Ints, marks: Marks, instants: pd.DatetimeIndex
) -> _Dated:
    """A burst among the payments from the first to the last in ``reach``, free of other bursts."""
    low, high = reach
    own = slice(*np.searchsorted(positions, [low, high + 1]))
    whole = _Stretch.of(low, high, positions[own])
    marked = whole
    if part.mark != EVERYDAY:
        marked = _Stretch.of(low, high, positions[own][marks.value[own] == part.mark])
    return _describe(int(positions[part.last]), marked, whole, instants)


def _parts(burst: tuple[int, int], positions: Ints, marks: Marks) -> list[Part]:
    """The parts of a burst, by the marks of its wrong payments."""
    start, end = (int(place) for place in np.searchsorted(positions, burst))
    return marks.parts(start, end, (end - start + 1) / (burst[1] - burst[0] + 1))


@dataclass(frozen=True)
class _Stretch:
    """The payments around one burst, from ``low`` to ``high``, free of other bursts.

    ``before[i]`` counts the wrong payments before position ``low + i``.
    """

    low: int
    high: int
    before: npt.NDArray[np.int32]

    @classmethod
    def of(cls, low: int, high: int, wrong: Ints) -> _Stretch:
        """With wrong payments at these positions."""
        before = np.zeros(high - low + 2, dtype=np.int32)
        before[wrong - low + 1] = 1
        return cls(low, high, np.cumsum(before, out=before))

    def count(self, start: Ints, end: Ints) -> tuple[Ints, Ints, Ints, Ints]:
        """Wrong and all payments from ``start`` to ``end``, then of the rest of the stretch."""
        inside = (self.before[end + 1 - self.low] - self.before[start - self.low]).astype(np.int64)
        length = end - start + 1
        return inside, length, int(self.before[-1]) - inside, self.high - self.low + 1 - length

    def score(self, starts: range, ends: range) -> Floats:
        """Log marginal likelihood of a burst, rates integrated out, from one of several ``starts``
        to one end, or from one start to one of several ``ends``.
        """
        size = max(len(starts), len(ends))
        score = np.empty(size)
        # Some at a time: the quiet around a burst may be as long as the record.
        for low in range(0, size, _AT_ONCE):
            block = slice(low, low + _AT_ONCE)
            score[block] = self._score(*(_some(places, block) for places in (starts, ends)))
        return score

    def _score(self, start: Ints, end: Ints) -> Floats:
        inside, length, outside, rest = self.count(start, end)
        likelier = inside * np.maximum(rest, 1) >= outside * length
        result = np.full(len(likelier), -np.inf)
        inside, length, outside, rest = (one[likelier] for one in (inside, length, outside, rest))
        result[likelier] = special.betaln(inside + 0.5, length - inside + 0.5)
        result[likelier] += special.betaln(outside + 0.5, rest - outside + 0.5)
        return result


def _describe(ended: int, stretch: _Stretch, whole: _Stretch, instants: pd.DatetimeIndex) -> _Dated:
    """Dates by the ``stretch`` of a burst's own mark, counts by the ``whole``."""
    final = len(instants) - 1
    low, high = stretch.low, stretch.high
    score = stretch.score(range(low, ended + 1), range(ended, ended + 1))
    first = low + int(np.argmax(score))
    first_low, first_high = (low + place for place in _interval(_chances(score)))

    score = stretch.score(range(first, first + 1), range(first, high + 1))
    last = first + int(np.argmax(score))
    if high == final:
        # A burst ends after each payment with a chance of about one in its length; that it goes
        # on beyond the last payment therefore weighs as much as that many endings.
        score[-1] += np.log(last - first + 1)
    chances = _chances(score)
    ongoing = high == final and bool(chances[-1] >= _MAY_GO_ON)
    last_low, last_high = (first + place for place in _interval(chances))

    counted = whole.count(np.array([first]), np.array([last]))
    inside, length, outside, rest = (int(value.item()) for value in map(np.asarray, counted))
    ratio = log_likelihood(inside, length) + log_likelihood(outside, max(rest, 1))
    ratio = ratio - log_likelihood(inside + outside, length + rest)
    row: list[object] = [
        instants[first],
        # The change lies between a payment and the one before it.
        instants[max(min(first_low, first) - 1, 0)],
        instants[max(first_high, first)],
        instants[last],
        instants[min(last_low, last)],
        pd.NaT if ongoing else instants[min(max(last_high, last) + 1, final)],
        ongoing,
        length,
        inside,
        inside / length,
        outside / max(rest, 1),
        float(ratio),
    ]
    return _Dated(first, last, row)


def _some(places: range, block: slice) -> Ints:
    some = places[block] if len(places) > 1 else places
    return np.arange(some.start, some.stop)


def _chances(score: Floats) -> Floats:
    """How likely each position is; the scores are used up."""
    score -= score.max()
    np.exp(score, out=score)
    score /= score.sum()
    return score


def _interval(chances: Floats) -> tuple[int, int]:
    """Bounds of 95 %, as places among the chances, which are used up."""
    total = np.cumsum(chances, out=chances)
    found = np.minimum(np.searchsorted(total, [_TAIL, 1 - _TAIL]), len(total) - 1)
    return int(found[0]), int(found[1])
