"""Fetches events that never arrived from Stripe's own list, keeps them, and books each once.

Stripe stops sending after three days, and lists its events for thirty. What was listed to its end
is noted, so that a process that dies in between leaves nothing out: the next start goes on from
there. Days are read one after the other, oldest first, since a binding that an earlier payment
makes speaks for a later one.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from credit_forensics.errors import CaseError
from credit_forensics.evidence.stripe_api.client import (
    RefusedError,
    StripeLists,
    checked_base,
    checked_key,
    open_lists,
)
from credit_forensics.intake import kept_events, losses, renewals
from credit_forensics.intake.checkout_object import text
from credit_forensics.intake.event_handler import COMPLETIONS
from credit_forensics.intake.settings import IntakeSettings
from credit_forensics.intake.webhook import Webhook

TYPES = (
    *COMPLETIONS,
    "checkout.session.async_payment_failed",
    *renewals.PAID,
    renewals.PAYMENT_OF_INVOICE,
    "charge.refunded",
    *losses.REFUND_CHANGES,
    *losses.DISPUTE_CHANGES,
)
"""What the intake books by; other events are not asked for."""
LISTED_DAYS = 30
_DAY = timedelta(days=1)
_OVERLAP = timedelta(hours=1)
"""An event may come into the list a little after its time."""
_TIMEOUT_SECONDS = 15.0
_PAGE = 100

_UNTIL = sa.text(
    "SELECT (SELECT until FROM intake_caught_up) AS until, "
    "(SELECT min(received_at) FROM intake_events) AS first"
)
_NOTE = sa.text(
    "INSERT INTO intake_caught_up (until) VALUES (:until) ON CONFLICT (one) "
    "DO UPDATE SET until = greatest(intake_caught_up.until, EXCLUDED.until)"
).bindparams(sa.bindparam("until", type_=sa.DateTime(timezone=True)))


@dataclass(frozen=True)
class CaughtUp:
    """What was listed in a time, and what became of the events that had never arrived.

    ``unlisted_since`` is where the time begins that was wanted and that Stripe lists no more.
    """

    since: datetime
    until: datetime
    listed: int
    outcomes: Mapping[str, int]
    dead: int = 0
    unlisted_since: datetime | None = None

    @property
    def missed(self) -> int:
        """How many had never arrived."""
        return sum(self.outcomes.values())

    def __str__(self) -> str:
        told = ", ".join(f"{number} {name}" for name, number in sorted(self.outcomes.items()))
        dead = f"\n{self.dead} events are dead: see dead-events in the review queue."
        lost = (
            f"\nEvents from {self.unlisted_since or self.since:%Y-%m-%d %H:%M} to then are listed "
            f"no more (Stripe keeps {LISTED_DAYS} days): analyze the case for what is missing."
        )
        return (
            f"{self.since:%Y-%m-%d %H:%M} to {self.until:%Y-%m-%d %H:%M} UTC: Stripe lists "
            f"{self.listed} events, {self.missed} of them had not arrived"
            f"{': ' + told if told else ''}.{dead if self.dead else ''}"
            f"{lost if self.unlisted_since else ''}"
        )


async def catch_up(
    webhook: Webhook,
    *,
    since: datetime | None = None,
    at_start: bool = False,
    stop: threading.Event | None = None,
) -> CaughtUp | None:
    """List Stripe's events, and handle those that are not kept. Again, it books nothing twice.

    Parameters
    ----------
    since
        from when on; without it from where the last time ended, or the first event that arrived,
        or Stripe's thirty days.
    at_start
        whether an intake that has never taken an event begins now: what was paid before it was
        another handler's.
    stop
        set by who waits no longer.

    Returns
    -------
    What was done; None where there was nothing to ask for.

    Raises
    ------
    CaseError
        when there is no key that fits, or Stripe does not list its events.
    """
    stop = stop or threading.Event()
    now = datetime.fromtimestamp(webhook.clock(), UTC)
    oldest = now - LISTED_DAYS * _DAY
    async with webhook.engine.connect() as connection:
        row = (await connection.execute(_UNTIL)).one()
        if at_start and row.until is None and row.first is None:
            await connection.execute(_NOTE, {"until": now})
            return None
    known_since = row.until or row.first
    wanted = since or known_since or oldest
    begin = max(wanted, oldest)
    # A time that was asked for by hand may leave open what lies before it.
    whole = known_since is None or begin <= max(known_since, oldest)
    listed, outcomes = 0, Counter[str]()
    with _lists(webhook.settings, stop) as lists:
        for low, high in _days(begin, now):
            events = await asyncio.to_thread(_events, lists, low, high)
            listed += len(events)
            outcomes += await _handle(webhook, events, stop)
            if whole:
                async with webhook.engine.connect() as connection:
                    await connection.execute(_NOTE, {"until": high - _OVERLAP})
    async with webhook.engine.connect() as connection:
        _, dead, _ = await kept_events.waiting(connection)
    lost = wanted if wanted < oldest else None
    return CaughtUp(begin, now, listed, dict(outcomes), dead, lost)


async def _handle(
    webhook: Webhook, events: list[dict[str, Any]], stop: threading.Event
) -> Counter[str]:
    outcomes: Counter[str] = Counter()
    there = await kept_events.known(webhook.engine, [event["id"] for event in events])
    for event in events:
        if event["id"] in there:
            continue
        if stop.is_set():
            raise CaseError("Catching up was ended.")
        if webhook.settings.stripe_account is not None:
            # In a connected account's own list an event does not say whose it is.
            event.setdefault("account", webhook.settings.stripe_account)
        body = json.dumps(event).encode()
        await kept_events.keep(webhook.engine, event["id"], event["type"], body, signed=False)
        outcome = await webhook.handle_stored(kept_events.Kept(event["id"], body, signed=False))
        outcomes[outcome.outcome] += 1
    return outcomes


def _events(lists: StripeLists, since: datetime, until: datetime) -> list[dict[str, Any]]:
    """The events of a time, oldest first."""
    params: dict[str, Any] = {
        "limit": _PAGE,
        "types": list(TYPES),
        "created": {"gte": int(since.timestamp()), "lt": int(until.timestamp())},
    }
    found: list[dict[str, Any]] = []
    while True:
        try:
            page = lists.page("events", params)
        except RefusedError as refused:
            raise CaseError(f"Stripe's events {refused.reason}.") from None
        rows = page.get("data")
        if not isinstance(rows, list) or not all(
            isinstance(row, dict) and text(row.get("id")) and text(row.get("type")) for row in rows
        ):
            raise CaseError("Stripe's list of events is not a list that can be paged through.")
        # An id that no database takes is no event of Stripe's.
        found += [row for row in rows if row["type"] in TYPES and text(row["id"]) == row["id"]]
        if not page.get("has_more"):
            return sorted(found, key=lambda row: (_number(row.get("created")), row["id"]))
        if not rows or rows[-1]["id"] == params.get("starting_after"):
            raise CaseError("Stripe's list of events is not a list that can be paged through.")
        params["starting_after"] = rows[-1]["id"]


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) else 0.0


def _days(since: datetime, until: datetime) -> Iterator[tuple[datetime, datetime]]:
    """The time in pieces of a day at most.

    Examples
    --------
    >>> [high.day for _, high in _days(datetime(2025, 9, 1), datetime(2025, 9, 2, 12))]
    [2, 2]
    """
    low = since
    while low < until:
        high = min(low + _DAY, until)
        yield low, high
        low = high


def _lists(settings: IntakeSettings, stop: threading.Event) -> Any:
    if settings.stripe_api_key is None:
        raise CaseError("Missed events are listed by Stripe: stripe_api_key is needed for that.")
    key = checked_key(settings.stripe_api_key.get_secret_value(), "stripe_api_key")
    mode = "live" if settings.livemode else "test"
    if f"_{mode}_" not in key:
        raise CaseError(f"stripe_api_key is not of {mode} mode, whose events this ledger books.")

    def wait(seconds: float) -> None:
        if stop.wait(seconds):
            raise CaseError("Catching up was ended.")

    return open_lists(
        key,
        checked_base(settings.stripe_api_base, "stripe_api_base"),
        wait,
        account=settings.stripe_account,
        timeout=_TIMEOUT_SECONDS,
    )
