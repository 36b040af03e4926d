"""What a check sees (``Watched``) and what it gives back (``Observation``)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

import pandas as pd

from credit_forensics.tables.catalogue import spec

Severity = Literal["info", "warning", "critical"]
SEVERITIES: tuple[Severity, ...] = ("info", "warning", "critical")
# The findings' four severities in the three that alerts have.
FINDING_SEVERITY: dict[str, Severity] = {
    "critical": "critical",
    "high": "warning",
    "medium": "info",
    "low": "info",
}
ITEM_COLUMNS = ("item", "cause", "severity", "user_id", "credits", "amount", "currency", "at")


def _table(name: str) -> Callable[[], pd.DataFrame]:
    return lambda: spec(name).empty()


@dataclass(frozen=True)
class Watched:
    """The tables that the checks read, as ``evidence.tables`` describes them.

    ``has_log`` and ``has_ledger`` say whether the case has such a source at all: without one its
    emptiness means nothing. ``problems`` holds what could not be looked at while the rest could.
    ``unlinked`` says why a payment without an entry is no alarm, where its entries name no
    payments. ``judged`` says what was judged, ``nothing`` what it means that nothing was found.
    ``remembered`` is called once all checks are remembered: only then is news no longer new.
    """

    payments: pd.DataFrame = field(default_factory=_table("payments"))
    events: pd.DataFrame = field(default_factory=_table("events"))
    deliveries: pd.DataFrame = field(default_factory=_table("deliveries"))
    ledger: pd.DataFrame = field(default_factory=_table("ledger"))
    verdicts: pd.DataFrame = field(default_factory=_table("verdicts"))
    findings: pd.DataFrame = field(default_factory=_table("findings"))
    has_log: bool = False
    has_ledger: bool = False
    problems: dict[str, Exception] = field(default_factory=dict)
    unlinked: str = ""
    judged: str = ""
    nothing: str = "none"
    remembered: Callable[[], None] = lambda: None


@dataclass(frozen=True)
class CheckSettings:
    """The settings of the checks, in minutes; ``window_hours`` and ``history_days`` are those of
    the disagreement rate."""

    grace_minutes: int = 60
    silence_minutes: int = 60
    window_hours: int = 24
    history_days: int = 30


@dataclass(frozen=True)
class Observation:
    """What one check found: the items there are now, and how their incident ends.

    Attributes
    ----------
    check
        the check's name.
    items
        one row an item: ``item`` (a stable id), ``cause``, ``severity``, ``user_id``, ``credits``,
        ``amount`` (minor units), ``currency``, ``at``. Items of one cause are one incident.
    ends
        ``absent``: an item that is no longer there has ended, and the incident with the last of
        them. ``quiet``: items happen once, and an incident ends when no new one has come for the
        settling time.
    summary
        one sentence; also when nothing was found.
    """

    check: str
    items: pd.DataFrame
    ends: Literal["absent", "quiet"]
    summary: str


Check = Callable[[Watched, CheckSettings, dt.datetime], Observation]


def items(
    rows: pd.DataFrame,
    *,
    item: pd.Series | str,
    cause: pd.Series | str,
    severity: pd.Series | str,
    at: str,
) -> pd.DataFrame:
    """Rows as items: ``item``, ``cause`` and ``severity`` are a series, or ``at`` a column's name.

    Strings for ``cause`` and ``severity`` are that value for all. One row a cause and item stays,
    the earliest.

    Examples
    --------
    >>> rows = pd.DataFrame({"payment_id": ["cs_1", "cs_1"], "created_at": [2, 1]})
    >>> items(rows, item="payment_id", cause="x", severity="info", at="created_at")[
    ...     ["item", "cause", "at"]].to_dict("records")
    [{'item': 'cs_1', 'cause': 'x', 'at': 1}]
    """
    made = pd.DataFrame(
        {
            "item": rows[item] if isinstance(item, str) else item,
            "cause": cause,
            "severity": severity,
            **{c: _column(rows, c) for c in ("user_id", "credits", "amount", "currency")},
            "at": rows[at],
        },
        index=rows.index,
    )
    made = made.sort_values(["cause", "at", "item"], kind="stable")
    return made.drop_duplicates(["cause", "item"]).reset_index(drop=True)[list(ITEM_COLUMNS)]


def no_items() -> pd.DataFrame:
    """No items, with the right columns."""
    return pd.DataFrame({column: pd.Series(dtype="object") for column in ITEM_COLUMNS})


def count(number: int, one: str, many: str | None = None) -> str:
    """A number with its noun.

    Examples
    --------
    >>> count(1, "payment"), count(2, "payment"), count(2, "delivery", "deliveries")
    ('1 payment', '2 payments', '2 deliveries')
    """
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def _column(rows: pd.DataFrame, name: str) -> pd.Series:
    if name in rows.columns:
        return rows[name]
    return pd.Series(pd.NA, index=rows.index, dtype="object")
