"""Shows what a monitor knows: open incidents, targets, the last tick."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass

from credit_forensics.monitoring.alerts import shown
from credit_forensics.monitoring.checks import TITLES
from credit_forensics.monitoring.observation import count
from credit_forensics.monitoring.state import MonitorState
from credit_forensics.monitoring.state_schema import Incident, Target


@dataclass(frozen=True)
class Status:
    """The state of a monitor, as text by ``str``."""

    last_tick: str | None
    watermark: str | None
    dead_man: str | None
    problems: dict[str, str]
    incidents: tuple[Incident, ...]
    targets: tuple[Target, ...]
    unreported: dict[str, int]

    def to_dict(self) -> dict[str, object]:
        """Plain values, for JSON."""
        return {
            "last_tick": self.last_tick,
            "last_tick_in_which_every_check_ran": self.watermark,
            "dead_man": self.dead_man,
            "problems": self.problems,
            "incidents": [
                {
                    "check": one.check,
                    "cause": one.cause,
                    "severity": one.severity,
                    "summary": one.summary,
                    "opened_at": one.opened_at,
                    "items": one.items,
                    "users": one.users,
                    "credits": one.credits,
                    "amounts": one.amounts,
                    "examples": list(one.examples),
                }
                for one in self.incidents
            ],
            "targets": [
                {
                    "target": one.target,
                    "sent": one.sent,
                    "last_sent": one.last_sent,
                    "failures": one.failures,
                    "last_error": one.last_error,
                    "next_try": one.next_try,
                    "unreported": self.unreported[one.target],
                }
                for one in self.targets
            ],
        }

    def __str__(self) -> str:
        lines = [f"last tick: {self.last_tick or 'never'}"]
        if self.watermark != self.last_tick:
            lines.append(f"last tick in which every check ran: {self.watermark or 'never'}")
        if self.dead_man:
            lines.append(f"dead-man's ping: {self.dead_man}")
        lines += [f"{part} could not run: {why}" for part, why in sorted(self.problems.items())]
        lines.append(count(len(self.incidents), "open incident"))
        lines += [_line(incident) for incident in self.incidents]
        for target in self.targets:
            lines.append(_target(target, self.unreported[target.target]))
        return "\n".join(lines)


def read_status(state: MonitorState, targets: tuple[str, ...]) -> Status:
    """Read the status from the state, for targets by name."""
    return Status(
        last_tick=state.get("last_tick"),
        watermark=state.get("watermark"),
        dead_man=state.get("dead_man"),
        problems=json.loads(state.get("problems") or "{}"),
        incidents=tuple(state.incidents(status="open")),
        targets=tuple(state.target(name) for name in targets),
        unreported={name: len(state.unreported(name)) for name in targets},
    )


def _line(incident: Incident) -> str:
    title = TITLES.get(incident.check, incident.check)
    examples = ", ".join(shown(example) for example in incident.examples[:3])
    return (
        f"  {incident.severity}: {title}: {incident.cause} ({incident.items:,}) since "
        f"{_minute(incident.opened_at)}; {examples}"
    )


def _target(target: Target, unreported: int) -> str:
    text = f"target {target.target}: {count(target.sent, 'message')} sent"
    if target.last_sent:
        text += f", last {_minute(target.last_sent)}"
    if target.failures:
        text += f"; failing {count(target.failures, 'time')} in a row ({target.last_error})"
    if target.next_try:
        text += f", next try {target.next_try:%Y-%m-%d %H:%M:%S} UTC"
    if unreported:
        text += f"; {count(unreported, 'incident')} still to tell"
    return text


def _minute(moment: dt.datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
