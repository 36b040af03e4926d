"""Limits how often one caller may ask, in the process's own memory."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable


class RateLimit:
    """A token bucket a caller: ``per_minute`` at once, refilled evenly.

    Only so many callers are remembered; the one not seen for longest is forgotten first.

    Examples
    --------
    >>> limit = RateLimit(2, clock=lambda: 0.0)
    >>> [limit.allows("a") for _ in range(3)]
    [True, True, False]
    """

    def __init__(
        self,
        per_minute: int,
        *,
        callers: int = 10_000,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.per_minute, self.callers, self.clock = per_minute, callers, clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def allows(self, caller: str) -> bool:
        """Take one token of this caller's; False when there is none."""
        now = self.clock()
        tokens, at = self._buckets.pop(caller, (float(self.per_minute), now))
        tokens = min(float(self.per_minute), tokens + (now - at) * self.per_minute / 60)
        allowed = tokens >= 1
        self._buckets[caller] = (tokens - 1 if allowed else tokens, now)
        if len(self._buckets) > self.callers:
            self._buckets.popitem(last=False)
        return allowed
