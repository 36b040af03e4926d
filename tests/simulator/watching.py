"""A monitor beside a simulated shop: it reads the delivery log, and each alert is told once."""

from __future__ import annotations

import datetime as dt
import json
import logging
import random
import sqlite3
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pandas as pd
from faults import files_full

from credit_forensics.errors import CaseError
from credit_forensics.intake.delivery_log import LOGGER
from credit_forensics.monitoring.alerts import Alert
from credit_forensics.monitoring.observation import Watched
from credit_forensics.monitoring.state import MonitorState
from credit_forensics.monitoring.tick import TickPlan, run_tick
from credit_forensics.tables.catalogue import conform


class _Lines(logging.Handler):
    """The lines that deliveries log, in memory."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[dict[str, object]] = []

    def emit(self, record: logging.LogRecord) -> None:
        line = json.loads(record.getMessage())
        self.rows.append(
            {
                "event_id": line["event_id"],
                "outcome": line["outcome"],
                "received_at": line["timestamp"],
            }
        )


class _Receiver:
    """A target that sometimes does not answer, and remembers what it was told."""

    name = "receiver"

    def __init__(self) -> None:
        self.told: list[str] = []
        self.answers = True

    def send(self, alert: Alert) -> str | None:
        if not self.answers:
            return "503"
        self.told.append(alert.key)
        return None


class Watching:
    """The monitor's steps of a run."""

    folder: Path
    chance: random.Random
    ahead: float
    broken: list[str]
    say: Callable[[str], None]

    def watch(self) -> None:
        """Begin to watch."""
        self._lines, self._receiver = _Lines(), _Receiver()
        self._forgotten = 0
        logger = logging.getLogger(LOGGER)
        self._level = logger.level
        logger.addHandler(self._lines)
        logger.setLevel(logging.INFO)

    def unwatch(self) -> None:
        """End it."""
        logger = logging.getLogger(LOGGER)
        logger.removeHandler(self._lines)
        logger.setLevel(self._level)

    async def _tick(self) -> None:
        """A tick, as cron runs it: perhaps its target is away, or its disk is full."""
        self._receiver.answers = self.chance.random() < 0.7
        self.say(f"a tick; its target is {'there' if self._receiver.answers else 'away'}")
        before = len(self._receiver.told)
        try:
            if self.chance.random() < 0.2:
                # What there is may be written again; the file grows no more.
                with files_full(self.chance.choice((0, 20_000, 60_000))):
                    self._run_tick()
            else:
                self._run_tick()
        except (CaseError, sqlite3.Error):
            # What was told and not remembered is told again, under the same key.
            self._forgotten += len(self._receiver.told) - before

    def _run_tick(self) -> None:
        with MonitorState(self.folder / "monitor" / "state.sqlite") as state:
            run_tick(TickPlan(self._look, [self._receiver]), state, self._moment)

    def _look(self, _now: dt.datetime, _standing: tuple[str, ...]) -> Watched:
        rows = pd.DataFrame(self._lines.rows)
        if rows.empty:
            return Watched()
        rows["received_at"] = pd.to_datetime(rows["received_at"], utc=True, format="ISO8601")
        return Watched(deliveries=conform("deliveries", rows).to_pandas())

    def _moment(self) -> dt.datetime:
        return dt.datetime.now(dt.UTC) + dt.timedelta(seconds=self.ahead)

    def tick_until_all_is_told(self) -> None:
        """The clock is right, the target answers, and a wait for it is over."""
        self._receiver.answers = True
        self._run_tick()
        real, self.ahead = self.ahead, self.ahead + 3700
        self._run_tick()
        self.ahead = real
        with MonitorState(self.folder / "monitor" / "state.sqlite") as state:
            unsaid = state.unreported(self._receiver.name)
        self.broken += [f"never told: {one.check} {one.cause}" for one, _ in unsaid]

    def told_wrongly(self) -> list[str]:
        """Alerts that came more than once."""
        twice = Counter(self._receiver.told)
        found = [f"told {times} times: {key}" for key, times in twice.items() if times > 1]
        again = sum(times - 1 for times in twice.values())
        return found if again > self._forgotten else []
