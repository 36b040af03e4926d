"""Places wrong sessions: bursts over a thin background, and the times of all payments."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from credit_forensics.arrays import Bools, Ints
from credit_forensics.scenarios.settings import WorldSettings

_DAY = 86_400 * 1_000_000


@dataclass(frozen=True)
class Timeline:
    """Payments in order of time.

    ``created`` in microseconds since 1970; ``wrong`` marks the sessions to carry a wrong id;
    ``window`` is the position of the burst whose window a payment lies in, or -1; ``versioned``
    tells for each burst whether it came with a front-end version of its own.
    """

    created: Ints
    wrong: Bools
    window: Ints
    versioned: Bools


def make_timeline(settings: WorldSettings, rng: np.random.Generator, start: int) -> Timeline:
    """Draw the times of the payments, then choose burst windows and background among them."""
    count = settings.payments
    created = start + _times(rng, count, settings.length_days)
    window = np.full(count, -1, dtype=np.int64)
    wrong = np.zeros(count, dtype=np.bool_)
    target = round(settings.wrong_session_rate * count)
    sizes, lengths = _burst_sizes(settings, rng, target, count)
    starts = _place(rng, lengths, count)
    longest = int(settings.bursts.longest_hours * 3_600 * 1_000_000)
    for burst, (size, length, first) in enumerate(zip(sizes, lengths, starts, strict=True)):
        span = slice(first, first + length)
        window[span] = burst
        wrong[first + rng.choice(length, size, replace=False)] = True
        elapsed = created[span] - created[first]
        if elapsed[-1] > longest:
            shrink = longest * rng.uniform(0.3, 1.0) / elapsed[-1]
            created[span] = created[first] + (elapsed * shrink).astype(np.int64)
    outside = np.flatnonzero(window < 0)
    background = min(max(target - int(wrong.sum()), 0), len(outside))
    wrong[rng.choice(outside, background, replace=False)] = True
    versioned = rng.random(len(sizes)) < settings.bursts.versioned_share
    if len(sizes):
        versioned[0] = settings.bursts.versioned_share > 0
    created = created // 1_000_000 * 1_000_000
    return Timeline(created=created, wrong=wrong, window=window, versioned=versioned)


def _times(rng: np.random.Generator, count: int, days: float) -> Ints:
    """Sorted times in microseconds over the days, fewer at night."""
    weights = 1.0 + 0.8 * np.sin((np.arange(24) - 8.0) / 24.0 * 2.0 * np.pi)
    day = rng.random(count) * days
    hour = rng.choice(24, count, p=weights / weights.sum()) + rng.random(count)
    within = np.minimum(np.floor(day) + hour / 24.0, days)
    # The last day may be a part of one; what falls beyond its end is spread over the whole.
    beyond = within >= days
    within[beyond] = day[beyond]
    times: Ints = np.sort((within * _DAY).astype(np.int64))
    return times


def _burst_sizes(
    settings: WorldSettings, rng: np.random.Generator, target: int, count: int
) -> tuple[list[int], list[int]]:
    """Wrong payments in each burst, and payments in its window."""
    burst = settings.bursts
    left = round(target * burst.share_in_bursts)
    sizes: list[int] = []
    lengths: list[int] = []
    while left > 0:
        drawn = round(burst.smallest * (burst.largest / burst.smallest) ** rng.random())
        size = min(drawn, left)
        if size < burst.smallest and sizes:
            break
        share = rng.uniform(burst.lowest_share, burst.highest_share)
        length = max(size, round(size / share))
        if sum(lengths) + length > count // 2:
            break
        sizes.append(size)
        lengths.append(length)
        left -= size
    return sizes, lengths


def _place(rng: np.random.Generator, lengths: list[int], count: int) -> list[int]:
    """Starts of windows of these lengths that do not overlap, anywhere among the payments."""
    free = count - sum(lengths)
    gaps = np.sort(rng.integers(0, free + 1, len(lengths))) if lengths else np.zeros(0, np.int64)
    before = np.concatenate([[0], np.cumsum(lengths)])[: len(lengths)].astype(np.int64)
    return [int(start) for start in gaps + before]
