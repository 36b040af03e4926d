"""Reads stretches of time as people write them in settings."""

from __future__ import annotations

import re
from datetime import timedelta

_WRITTEN = re.compile(r"(\d{1,9})\s*([smhdw])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def duration(text: str) -> timedelta | None:
    """A stretch of time written as ``90s``, ``15m``, ``6h``, ``7d`` or ``4w``; nothing otherwise.

    Examples
    --------
    >>> duration("15m"), duration(" 7 D "), duration("soon"), duration("999999999w")
    (datetime.timedelta(seconds=900), datetime.timedelta(days=7), None, None)
    """
    found = _WRITTEN.fullmatch(text.strip().lower())
    try:
        return timedelta(**{_UNITS[found[2]]: int(found[1])}) if found else None
    except OverflowError:
        return None
