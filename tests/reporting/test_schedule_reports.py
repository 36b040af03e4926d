"""The schedule survives kills, catches up once, never overlaps, and goes on after a failure."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from credit_forensics.errors import CaseError
from credit_forensics.locks import folder_lock
from credit_forensics.reporting.report_files import retained_reports
from credit_forensics.reporting.schedule import (
    STATE,
    SchedulePlan,
    build_scheduler,
    checked_plan,
    first_due,
    make_trigger,
    run_once,
)

PROGRAM = """
import json, sys
from credit_forensics.reporting.schedule import SchedulePlan, run_schedule
run_schedule(SchedulePlan(**json.loads(sys.argv[1])))
"""
MOMENT = datetime(2025, 9, 1, 6, 30, tzinfo=UTC)
TOLD: list[str] = []


def tell(sentence: str) -> None:
    """An alert for the tests."""
    TOLD.append(sentence)


def write_notebook(folder: Path, source: str) -> str:
    """A template that analyses nothing, so that a run is quick."""
    parameters = new_code_cell('case_path = ""', metadata={"tags": ["parameters"]})
    path = folder / "quick.ipynb"
    nbformat.write(new_notebook(cells=[parameters, new_code_cell(source)]), path)
    return str(path)


@pytest.fixture
def plan(tmp_path) -> SchedulePlan:
    (tmp_path / "case.toml").write_text('name = "scheduled"\n')
    return checked_plan(
        SchedulePlan(
            case_path=str(tmp_path / "case.toml"),
            template=write_notebook(tmp_path, "1 + 1"),
            out=str(tmp_path / "reports"),
        )
    )


def start(plan: SchedulePlan) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, json.dumps(asdict(plan))], start_new_session=True
    )


def wait_for(condition, seconds: float = 90.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "not in time"
        time.sleep(0.1)


def kill(process: subprocess.Popen[bytes]) -> None:
    """Kill a scheduler that we started, with whatever it started."""
    os.killpg(process.pid, signal.SIGKILL)
    process.wait(30)


def owe(plan: SchedulePlan, due: datetime) -> None:
    """Write that a run was due then, as a process that is no more would have."""
    state = {"plan": asdict(plan), "due": due.isoformat()}
    (Path(plan.out) / STATE).write_text(json.dumps(state))


def due_of(plan: SchedulePlan) -> datetime:
    return datetime.fromisoformat(json.loads((Path(plan.out) / STATE).read_text())["due"])


@pytest.mark.parametrize(
    ("every", "at", "expected"),
    [
        ("day", "07:00", "2025-09-01T07:00:00+00:00"),
        ("day", "06:30", "2025-09-01T06:30:00+00:00"),
        ("day", "06:00", "2025-09-02T06:00:00+00:00"),
        ("hour", "00:15", "2025-09-01T07:15:00+00:00"),
        ("tuesday", "07:00", "2025-09-02T07:00:00+00:00"),
    ],
)
def test_rhythms_fall_due_when_they_should(every, at, expected):
    trigger = make_trigger(SchedulePlan("case.toml", every=every, at=at))
    assert trigger.get_next_fire_time(None, MOMENT).isoformat() == expected


def test_a_time_of_day_keeps_to_its_zone_over_the_change_of_clocks():
    plan = SchedulePlan("case.toml", at="07:00", timezone="Europe/Berlin")
    trigger = make_trigger(plan)
    before = trigger.get_next_fire_time(None, datetime(2025, 10, 25, 3, tzinfo=UTC))
    after = trigger.get_next_fire_time(before, datetime(2025, 10, 26, 3, tzinfo=UTC))
    assert before.astimezone(UTC).hour == 5
    assert after.astimezone(UTC).hour == 6


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"every": "fortnight"}, "no rhythm"),
        ({"every": "0m"}, "no rhythm"),
        ({"at": "25:00"}, "no time of day"),
        ({"timezone": "Mars/Olympus"}, "no time zone"),
        ({"template": "none"}, "no report template"),
        ({"case_path": "none.toml"}, "no case file"),
    ],
)
def test_a_plan_that_cannot_be_used_is_refused_at_once(plan, changes, message):
    with pytest.raises(CaseError, match=message):
        checked_plan(replace(plan, **changes))


def test_a_new_plan_waits_for_its_time_and_a_kept_one_owes_what_was_missed(plan):
    assert first_due(plan, MOMENT) == datetime(2025, 9, 1, 7, tzinfo=UTC)
    # The clock moved on by four days while no process ran.
    assert first_due(plan, MOMENT + timedelta(days=4)) == datetime(2025, 9, 1, 7, tzinfo=UTC)
    changed = replace(plan, at="08:00")
    assert first_due(changed, MOMENT) == datetime(2025, 9, 1, 8, tzinfo=UTC)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"due": "never"}', '{"plan": 1}'])
def test_a_damaged_state_is_started_anew(plan, text):
    (Path(plan.out) / STATE).write_text(text)
    assert first_due(plan, MOMENT) == datetime(2025, 9, 1, 7, tzinfo=UTC)


def test_missed_runs_become_one(plan):
    owe(plan, MOMENT)
    scheduler = build_scheduler(plan, MOMENT + timedelta(days=4))
    (job,) = scheduler.get_jobs()
    assert job.next_run_time == MOMENT
    assert scheduler._job_defaults["coalesce"] is True
    assert scheduler._job_defaults["misfire_grace_time"] is None
    assert scheduler._job_defaults["max_instances"] == 1


def test_a_killed_process_makes_up_for_what_it_owes_once(plan, tmp_path):
    slow = replace(plan, template=write_notebook(tmp_path, "import time\ntime.sleep(600)"))
    owe(slow, datetime.now(UTC) - timedelta(days=3))
    first = start(slow)
    try:
        # Killed in the middle of the run that it owed.
        wait_for((Path(plan.out) / ".run.lock").exists)
        time.sleep(1)
    finally:
        kill(first)
    assert retained_reports(Path(plan.out)) == []
    assert due_of(slow) < datetime.now(UTC)
    write_notebook(tmp_path, "1 + 1")
    second = start(slow)
    try:
        wait_for(lambda: due_of(slow) > datetime.now(UTC))
        time.sleep(1)
        (report,) = retained_reports(Path(plan.out))
        assert report.status == "ok"
        assert (Path(plan.out) / "index.html").exists()
        with (
            pytest.raises(CaseError, match="holds the schedule"),
            folder_lock(Path(plan.out), "schedule"),
        ):
            pass
    finally:
        second.terminate()
        assert second.wait(30) == 0


def test_a_failed_run_is_named_told_and_does_not_stop_the_next(plan, tmp_path):
    TOLD.clear()
    told = replace(plan, alert=f"{__name__}:tell")
    write_notebook(tmp_path, "raise ValueError('secret')")
    assert run_once(told) == "failed"
    write_notebook(tmp_path, "1 + 1")
    assert run_once(told) == "ok"
    assert sorted(report.status for report in retained_reports(Path(plan.out))) == ["failed", "ok"]
    (sentence,) = TOLD
    assert "ValueError in cell" in sentence
    assert "secret" not in sentence
    assert due_of(told) > datetime.now(UTC)


def test_a_broken_alert_or_a_vanished_case_does_not_end_the_schedule(plan):
    Path(plan.case_path).unlink()
    assert run_once(replace(plan, alert="no.such.module:tell")) == "failed"


def test_two_runs_never_overlap(plan):
    with (
        folder_lock(Path(plan.out), "run"),
        pytest.raises(CaseError, match=str(os.getpid())),
        folder_lock(Path(plan.out), "run", seconds=0.3),
    ):
        raise AssertionError("the lock was given twice")
    with folder_lock(Path(plan.out), "run"):
        pass
