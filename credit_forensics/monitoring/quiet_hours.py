"""Quiet hours: when only what is critical may wake someone."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from credit_forensics.errors import CaseError


@dataclass(frozen=True)
class QuietHours:
    """From a time of day to another, in a time zone; past midnight where the end is earlier.

    Examples
    --------
    >>> night = quiet_hours("22:00-07:00", "Europe/Berlin")
    >>> night.quiet(dt.datetime(2025, 9, 1, 21, 30, tzinfo=dt.UTC))
    True
    >>> night.quiet(dt.datetime(2025, 9, 1, 5, 0, tzinfo=dt.UTC))
    False
    """

    start: dt.time
    end: dt.time
    zone: ZoneInfo

    def quiet(self, now: dt.datetime) -> bool:
        """Whether it is quiet at this moment."""
        at = now.astimezone(self.zone).time()
        if self.start <= self.end:
            return self.start <= at < self.end
        return at >= self.start or at < self.end


def quiet_hours(text: str | None, zone: str) -> QuietHours | None:
    """Read ``monitor.quiet_hours`` ("22:00-07:00") and ``monitor.timezone``.

    Raises
    ------
    CaseError
        when either cannot be used.
    """
    if not text:
        return None
    found = re.fullmatch(r"\s*(\d{1,2}):(\d{2})\s*[-–]\s*(\d{1,2}):(\d{2})\s*", text)
    try:
        if not found:
            raise ValueError
        hours = [int(part) for part in found.groups()]
        start, end = dt.time(hours[0], hours[1]), dt.time(hours[2], hours[3])
    except ValueError:
        raise CaseError('monitor.quiet_hours is not a span of the day as "22:00-07:00".') from None
    try:
        return QuietHours(start, end, ZoneInfo(zone))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise CaseError(f"monitor.timezone {zone!r} is not a known time zone.") from None
