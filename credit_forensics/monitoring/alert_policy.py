"""Decides what each target is told now, sends it, and remembers what was accepted."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from credit_forensics.monitoring.alerts import Alert, alert, digest, kind_of
from credit_forensics.monitoring.observation import Severity
from credit_forensics.monitoring.quiet_hours import QuietHours
from credit_forensics.monitoring.state import MonitorState
from credit_forensics.monitoring.state_schema import Incident, Reported, Target

FIRST_RETRY = dt.timedelta(seconds=30)
LONGEST_RETRY = dt.timedelta(hours=1)
Due = list[tuple[Incident, Reported | None]]


class Sender(Protocol):
    """What sends: ``transport.Transport``, or anything with its two members."""

    name: str

    def send(self, alert: Alert) -> str | None:
        """``None`` when accepted, else the reason."""
        ...


@dataclass(frozen=True)
class Manners:
    """How to tell: growth at most so often, more messages than ``flood`` as one digest."""

    case_name: str
    update_every: dt.timedelta = dt.timedelta(minutes=15)
    flood: int = 5
    quiet: QuietHours | None = None


@dataclass(frozen=True)
class Sent:
    """One message handed to a target: its severity and kind, and why it failed, if it did."""

    target: str
    severity: Severity
    kind: str
    error: str | None


def send_alerts(
    state: MonitorState,
    senders: Sequence[Sender],
    manners: Manners,
    clock: Callable[[], dt.datetime],
) -> list[Sent]:
    """Tell every target what is due; one that fails is tried later and holds up no other.

    A message is remembered as told in the same moment that its target accepts it. A process that
    dies in between sends it again, under the same key.
    """
    return [sent for sender in senders for sent in _tell(state, sender, manners, clock)]


def waiting(state: MonitorState, senders: Sequence[Sender]) -> dt.datetime | None:
    """When the next failed target is to be tried again; ``None`` when none is waiting."""
    tries = [state.target(sender.name).next_try for sender in senders]
    return min((moment for moment in tries if moment), default=None)


def _tell(
    state: MonitorState,
    sender: Sender,
    manners: Manners,
    clock: Callable[[], dt.datetime],
) -> list[Sent]:
    now = clock()
    target = state.target(sender.name)
    # A wait that is longer than any is of a clock that was ahead and was set right.
    if target.next_try and now < target.next_try <= now + LONGEST_RETRY:
        return []
    due = [pair for pair in state.unreported(sender.name) if _ripe(pair, manners, now)]
    held_key = f"held:{sender.name}"
    was_held = state.get(held_key) == "1"
    if manners.quiet and manners.quiet.quiet(now):
        loud = [pair for pair in due if _loud(pair)]
        if len(loud) < len(due):
            state.put(held_key, "1")
        due, was_held = loud, False
    sent: list[Sent] = []
    for message, about in _messages(state, sender.name, due, manners, was_held):
        error = sender.send(message)
        sent.append(Sent(sender.name, message.severity, message.kind, error))
        after = clock()
        if error is not None:
            state.store_target(_failed(target, error, after))
            return sent
        with state.transaction():
            state.mark_reported(sender.name, about, after)
            target = replace(
                target,
                failures=0,
                next_try=None,
                last_error=None,
                last_sent=after,
                sent=target.sent + 1,
            )
            state.store_target(target)
    if was_held:
        state.put(held_key, "0")
    if target.next_try:
        # Nothing is left to say to a target that failed: it is no longer waited for.
        state.store_target(replace(target, next_try=None))
    return sent


def _messages(
    state: MonitorState, target: str, due: Due, manners: Manners, was_held: bool
) -> list[tuple[Alert, list[Incident]]]:
    if not due:
        return []
    first = any(incident.status == "earlier" for incident, _ in due)
    if len(due) > manners.flood or (len(due) > 1 and (was_held or first)):
        begins = first and state.target(target).last_sent is None
        return [(digest(manners.case_name, due, begins), [incident for incident, _ in due])]
    return [
        (alert(manners.case_name, incident, reported), [incident]) for incident, reported in due
    ]


def _ripe(pair: tuple[Incident, Reported | None], manners: Manners, now: dt.datetime) -> bool:
    """Whether there is enough to say: growth waits its turn unless it doubled or got worse."""
    incident, reported = pair
    if reported is None or kind_of(incident, reported) != "grew":
        return True
    worse = incident.severity != reported.severity
    return (
        worse
        or incident.items >= 2 * reported.items
        # One that was told in the future was told by a clock that was set right since.
        or not dt.timedelta(0) <= now - reported.at < manners.update_every
    )


def _loud(pair: tuple[Incident, Reported | None]) -> bool:
    incident, _ = pair
    return incident.severity == "critical" and incident.status == "open"


def _failed(target: Target, error: str, now: dt.datetime) -> Target:
    failures = target.failures + 1
    pause = min(FIRST_RETRY * 2 ** min(failures - 1, 20), LONGEST_RETRY)
    return replace(target, failures=failures, next_try=now + pause, last_error=error)
