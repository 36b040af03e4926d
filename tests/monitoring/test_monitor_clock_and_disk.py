"""A clock that was ahead and was set right, and a disk that was full: nothing stays unsaid for it."""

from __future__ import annotations

import datetime as dt
import sqlite3
from pathlib import Path

import pandas as pd
import pytest

from credit_forensics.monitoring.alert_policy import Manners, send_alerts
from credit_forensics.monitoring.alerts import Alert
from credit_forensics.monitoring.observation import ITEM_COLUMNS, Observation
from credit_forensics.monitoring.state import MonitorState

NOW = dt.datetime(2025, 9, 1, 12, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)


class Receiver:
    name = "receiver"

    def __init__(self) -> None:
        self.told: list[str] = []
        self.answers = True

    def send(self, alert: Alert) -> str | None:
        self.told += [alert.kind] if self.answers else []
        return None if self.answers else "503"


def look(state: MonitorState, receiver: Receiver, at: dt.datetime, *items: str) -> None:
    rows = [{"item": i, "cause": "c", "severity": "warning", "at": NOW} for i in items]
    seen = Observation("check", pd.DataFrame(rows, columns=list(ITEM_COLUMNS)), "absent", "said")
    with state.transaction():
        state.apply(seen, at, settle=DAY / 4, first=False)
    send_alerts(state, [receiver], Manners("shop"), lambda: at)


@pytest.mark.parametrize(
    ("ahead", "told"),
    # Half an hour ahead the wait is one that a target may have; two days are no wait of ours.
    [(dt.timedelta(minutes=30), []), (2 * DAY, ["opened"])],
)
def test_a_target_that_failed_in_the_future_is_tried_when_the_clock_is_right(
    tmp_path: Path, ahead: dt.timedelta, told: list[str]
) -> None:
    receiver = Receiver()
    with MonitorState(tmp_path / "state.sqlite") as state:
        receiver.answers = False
        look(state, receiver, NOW + ahead, "a")
        receiver.answers = True
        look(state, receiver, NOW, "a")
        assert receiver.told == told


@pytest.mark.parametrize(
    ("ahead", "told"),
    [(-dt.timedelta(minutes=14), ["opened"]), (2 * DAY, ["opened", "grew"])],
)
def test_growth_does_not_wait_for_what_was_told_in_the_future(
    tmp_path: Path, ahead: dt.timedelta, told: list[str]
) -> None:
    receiver = Receiver()
    with MonitorState(tmp_path / "state.sqlite") as state:
        look(state, receiver, NOW + ahead, "a", "b", "d")
        look(state, receiver, NOW, "a", "b", "d", "e")
        assert receiver.told == told


def test_after_a_full_disk_the_state_is_written_again(tmp_path: Path) -> None:
    with MonitorState(tmp_path / "state.sqlite") as state:
        state.put("key", "before")
        state._db.execute("PRAGMA max_page_count = 20")
        with pytest.raises(sqlite3.OperationalError, match="full"), state.transaction():
            state.put("key", "x" * 1_000_000)
        state._db.execute("PRAGMA max_page_count = 100000")
        with state.transaction():
            assert state.get("key") == "before"
            state.put("key", "after")
        assert state.get("key") == "after"


def test_a_commit_that_fails_leaves_no_transaction_open(tmp_path: Path) -> None:
    with MonitorState(tmp_path / "state.sqlite") as state:
        state._db.execute("CREATE TABLE parent (id INTEGER PRIMARY KEY)")
        state._db.execute(
            "CREATE TABLE child (id REFERENCES parent (id) DEFERRABLE INITIALLY DEFERRED)"
        )
        state._db.execute("PRAGMA foreign_keys = ON")
        # What a commit may fail of: here of a reference that is checked only then.
        with pytest.raises(sqlite3.IntegrityError), state.transaction():
            state._db.execute("INSERT INTO child VALUES (1)")
        with state.transaction():
            state.put("key", "after")
        assert state.get("key") == "after"
