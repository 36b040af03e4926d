"""Says what a pull from Stripe is to fetch, and what it leaves uncovered."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

from credit_forensics.case_file import CaseFile
from credit_forensics.errors import CaseError
from credit_forensics.evidence.stripe_api.spool import (
    ALL_RESOURCES,
    GRANTS,
    Span,
    State,
    Window,
)

EVENT_DAYS = 30
DAY = 86_400
# A session lives 24 hours, so one that was open at the last pull has ended within this.
OVERLAP = 2 * DAY
# Money of a payment in the window can go back after it.
OPEN_ENDED = ("refunds", "disputes")
_LOSS = {
    "sessions": "Without sessions there are no payments but what events tell",
    "events": "Without events no delivery can be called missing and async outcomes stay unknown",
    "charges": "Without charges there is no card_history and no intent_metadata",
    "refunds": "Without refunds only the charges' totals say what was refunded",
    "disputes": "Without disputes a lost one cannot be told from a won one",
    "customers": "Without customers their metadata says nothing",
    "invoices": "Without invoices no renewal is judged, and a subscription's money stands alone",
    "subscriptions": "Without subscriptions what became of one is known by its invoices alone",
    GRANTS: "Without credit grants nobody can say who was credited",
}


def wanted(case_file: CaseFile, clock: int, state: State) -> Window:
    """The window of the case file, as of ``clock`` (epoch seconds).

    A pull that is being resumed keeps the end it had, and one whose bounds did not change keeps
    the moment it asked, so that neither asks again for what is kept.

    Raises
    ------
    CaseError
        when a bound is not a date or a time, or the window is empty.
    """
    since = seconds(case_file.stripe.since, "stripe.since") or 0
    until = seconds(case_file.stripe.until, "stripe.until", end=True)
    had = state.window
    if until is None:
        until = had.until if had and not state.finished else clock
    until = min(until, clock)
    if since >= until:
        raise CaseError("stripe.since is not before stripe.until; the window holds nothing.")
    if had and (since, until) == (had.since, had.until):
        return had
    return Window(since, until, clock)


def missing(
    name: str, window: Window, clock: int, state: State, overlap: int = OVERLAP
) -> Iterator[Span]:
    """The stretches of a resource that the window wants and the spool does not cover.

    Of what is covered the last ``overlap`` seconds are wanted again. What Stripe's 30 days have
    taken from the events is added to ``state.uncovered_events``.
    """
    until = window.asked if name in OPEN_ENDED else window.until
    covered = state.resources[name].covered
    stretches = [(window.since, until, 0)]
    if covered is not None:
        stretches = [
            (window.since, covered[0], 0),
            (
                max(covered[1] - overlap, window.since),
                until if until > covered[1] else 0,
                covered[1],
            ),
        ]
    for since, until, known in stretches:
        first = since
        if name == "events":
            oldest = clock - EVENT_DAYS * DAY
            lose(state, (max(since, known), min(until, oldest)))
            first = max(since, oldest)
        if first < until:
            yield first, until


def lose(state: State, span: Span) -> None:
    """Add a stretch to the uncovered ones, joined with those it touches.

    Examples
    --------
    >>> state = State(uncovered_events=[(0, 5)])
    >>> lose(state, (3, 9)); lose(state, (9, 9)); state.uncovered_events
    [(0, 9)]
    """
    if span[0] >= span[1]:
        return
    joined: list[Span] = []
    for since, until in sorted([*state.uncovered_events, span]):
        if joined and since <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(until, joined[-1][1]))
        else:
            joined.append((since, until))
    state.uncovered_events = joined


def gaps(state: State) -> Iterator[dict[str, str]]:
    """What the pull could not get, as rows of the table ``gaps``."""
    if state.window is None:
        return
    for name in ALL_RESOURCES:
        resource = state.resources[name]
        if name == GRANTS and not (resource.problem or resource.round):
            # Most shops have none, and it is not asked for.
            continue
        if resource.problem:
            yield _gap(name, "unreadable", f"{name} {resource.problem}. {_LOSS[name]}.")
        elif resource.round or (resource.covered is None and not state.finished):
            yield _gap(name, "absent", f"the pull of {name} is not finished. {_LOSS[name]}.")
    for since, until in state.uncovered_events:
        start = "the beginning" if since == 0 else f"{moment(since):%Y-%m-%d %H:%M} UTC"
        yield _gap(
            "events",
            "window",
            f"Stripe keeps events for {EVENT_DAYS} days: from {start} to "
            f"{moment(until):%Y-%m-%d %H:%M} UTC there are none, so no delivery is called "
            "missing there.",
        )


def moment(value: int) -> dt.datetime:
    """Epoch seconds as a time in UTC."""
    return dt.datetime.fromtimestamp(value, dt.UTC)


def seconds(value: Any, what: str, *, end: bool = False) -> int | None:
    """Epoch seconds of a date, a time, ISO text or a number; a date as ``end`` is included.

    Raises
    ------
    CaseError
        when it is none of these; ``what`` is the key's name.

    Examples
    --------
    >>> seconds(dt.date(2025, 8, 1), "stripe.since")
    1754006400
    >>> seconds("2025-08-01", "stripe.until", end=True) - 1754006400
    86400
    """
    if value is None or value == "":
        return None
    try:
        if isinstance(value, str):
            text = value.strip()
            short = len(text) <= len("2025-08-01")
            value = dt.date.fromisoformat(text) if short else dt.datetime.fromisoformat(text)
        if isinstance(value, dt.datetime):
            aware = value if value.tzinfo else value.replace(tzinfo=dt.UTC)
            return max(int(aware.timestamp()), 0)
        if isinstance(value, dt.date):
            day = value + dt.timedelta(days=1) if end else value
            return max(int(dt.datetime.combine(day, dt.time(), dt.UTC).timestamp()), 0)
        if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 40:
            return value
    except (ValueError, OverflowError):
        pass
    raise CaseError(f"{what} is not a date or a time; write it as 2025-08-01.")


def _gap(object_: str, problem: str, consequence: str) -> dict[str, str]:
    text = consequence[0].upper() + consequence[1:]
    return {"source": "stripe", "object": object_, "problem": problem, "consequence": text}
