"""One tick: look, check, remember, tell. An error in one part never stops the others."""

from __future__ import annotations

import datetime as dt
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import pandas as pd

from credit_forensics.errors import CaseError
from credit_forensics.monitoring.alert_policy import Manners, Sender, Sent, send_alerts
from credit_forensics.monitoring.checks import CHECKS, TITLES
from credit_forensics.monitoring.observation import (
    Check,
    CheckSettings,
    Observation,
    Watched,
    items,
)
from credit_forensics.monitoring.state import MonitorState

# Given the moment and the items that stand (whose end is to be seen), the evidence.
Look = Callable[[dt.datetime, tuple[str, ...]], Watched]


@dataclass(frozen=True)
class TickPlan:
    """What a tick does: how it looks, what it checks, whom it tells."""

    look: Look
    senders: Sequence[Sender] = ()
    checks: Sequence[Check] = CHECKS
    settings: CheckSettings = field(default_factory=CheckSettings)
    manners: Manners = field(default_factory=lambda: Manners("credit forensics"))
    settle: dt.timedelta = dt.timedelta(hours=6)


@dataclass(frozen=True)
class TickResult:
    """What a tick did.

    ``observations`` holds one for each check that ran, also where it found nothing; ``errors`` the
    parts that could not run, and why. ``sent`` holds the messages handed over. ``judged`` and
    ``nothing`` are as in ``Watched``.
    """

    at: dt.datetime
    seconds: float
    observations: tuple[Observation, ...]
    errors: dict[str, str]
    sent: tuple[Sent, ...]
    judged: str = ""
    nothing: str = "none"

    def __str__(self) -> str:
        said = [
            f"{TITLES.get(o.check, o.check)}: {o.summary}"
            for o in self.observations
            if len(o.items)
        ] or ["nothing found" if self.nothing == "none" else self.nothing]
        said += [f"{part} could not run ({why})" for part, why in self.errors.items()]
        accepted = sum(message.error is None for message in self.sent)
        if self.sent:
            said.append(f"{accepted} of {len(self.sent)} messages accepted")
        if self.judged:
            said.append(self.judged[0].lower() + self.judged[1:])
        return f"{self.at:%Y-%m-%d %H:%M:%S} UTC, {self.seconds:.1f} s: {'; '.join(said)}"

    def to_dict(self) -> dict[str, object]:
        """Plain values, for JSON."""
        return {
            "at": self.at,
            "seconds": round(self.seconds, 3),
            "healthy": self.healthy,
            "checks": [
                {"check": o.check, "found": len(o.items), "summary": o.summary}
                for o in self.observations
            ],
            "errors": self.errors,
            "sent": [
                {"target": s.target, "severity": s.severity, "kind": s.kind, "error": s.error}
                for s in self.sent
            ],
            "judged": self.judged,
            "nothing_found_means": self.nothing,
        }

    @property
    def healthy(self) -> bool:
        """Whether every check could run."""
        return not self.errors


def run_tick(
    plan: TickPlan,
    state: MonitorState,
    clock: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC),
) -> TickResult:
    """Run one tick at ``clock()``.

    Where the evidence cannot be looked at, no check runs, no incident ends, and the failure is an
    incident itself; likewise for a single check.
    """
    now, started = clock(), time.monotonic()
    errors: dict[str, Exception] = {}
    observations: list[Observation] = []
    watched = Watched()
    try:
        watched = plan.look(now, state.standing())
    except Exception as error:
        errors["evidence"] = error
    else:
        errors.update(watched.problems)
        for check in plan.checks:
            name = check.__name__
            try:
                observations.append(check(watched, plan.settings, now))
                _remember(state, plan, observations[-1], now)
            except Exception as error:
                errors[name] = error
        if not errors.keys() - watched.problems.keys():
            try:
                watched.remembered()
            except Exception as error:
                errors["evidence"] = error
    _remember(state, plan, _monitor_errors(errors, now), now)
    with state.transaction():
        state.put("last_tick", now.isoformat())
        problems = {part: _sentence(error) for part, error in errors.items()}
        state.put("problems", json.dumps(problems))
        if not errors:
            state.put("watermark", now.isoformat())
    sent = send_alerts(state, plan.senders, plan.manners, clock)
    seconds = time.monotonic() - started
    return TickResult(
        now, seconds, tuple(observations), problems, tuple(sent), watched.judged, watched.nothing
    )


def _remember(
    state: MonitorState, plan: TickPlan, observation: Observation, now: dt.datetime
) -> None:
    key = f"began:{observation.check}"
    with state.transaction():
        first = state.get(key) is None
        state.apply(observation, now, settle=plan.settle, first=first)
        if first:
            state.put(key, now.isoformat())


def _monitor_errors(errors: dict[str, Exception], now: dt.datetime) -> Observation:
    # Only the kind of an error goes into an alert: a library's message may quote data or an
    # address with a password in it.
    rows = pd.DataFrame(
        {
            "item": list(errors),
            "at": pd.Series([now] * len(errors), dtype="datetime64[us, UTC]"),
        }
    )
    found = items(rows, item="item", cause=rows["item"], severity="critical", at="at")
    said = "; ".join(f"{part} could not run ({_kind(error)})" for part, error in errors.items())
    return Observation("monitor", found, "absent", said or "every check ran")


def _kind(error: Exception) -> str:
    return "unusable input" if isinstance(error, CaseError) else type(error).__name__


def _sentence(error: Exception) -> str:
    """What the status shows on the spot; a sentence of ours is written to be shown."""
    return str(error) if isinstance(error, CaseError) else type(error).__name__
