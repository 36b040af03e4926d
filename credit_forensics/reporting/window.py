"""The rolling window of a report: how long it is, where it ends, and what falls into it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pandas as pd

from credit_forensics.durations import duration
from credit_forensics.errors import CaseError

_LONGEST = timedelta(days=36_525)


@dataclass(frozen=True)
class Window:
    """After ``since``, up to and with ``until``."""

    since: datetime
    until: datetime

    def holds(self, times: pd.Series, *, undated: bool = False) -> pd.Series:
        """Which times lie in it; what has none is as of now, and does where ``undated`` says so."""
        inside: pd.Series = (times > self.since) & (times <= self.until)
        return inside | times.isna() if undated else inside


def span_of(text: str) -> timedelta:
    """A span as ``24h``, ``7d`` or ``4w``.

    Raises
    ------
    CaseError
        when it is none.

    Examples
    --------
    >>> span_of("7d")
    datetime.timedelta(days=7)
    """
    span = duration(text)
    if span is None or not timedelta(hours=1) <= span <= _LONGEST:
        raise CaseError(f"'{text}' is no rolling window; write it as 24h, 7d or 4w.")
    return span


def rolling_window(text: str, started_at: str, times: pd.Series) -> Window:
    """The window that ends when the run started, or with the last time there is.

    Parameters
    ----------
    text
        its length; see ``span_of``.
    started_at
        ISO 8601, or nothing.
    times
        times in the evidence, for a run that does not say when it started.

    Raises
    ------
    CaseError
        for a length or a time that is none.
    """
    span = span_of(text)
    if started_at:
        until = moment_of(started_at)
    else:
        last = times.max()
        until = datetime(1970, 1, 2, tzinfo=UTC) if pd.isna(last) else last.to_pydatetime()
    return Window(until - span, until)


def moment_of(text: str) -> datetime:
    """An ISO 8601 time, of UTC where it does not say.

    Raises
    ------
    CaseError
        when it is none.
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise CaseError(f"'{text}' is no ISO 8601 time, as in 2025-09-01T07:00:00+00:00.") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
