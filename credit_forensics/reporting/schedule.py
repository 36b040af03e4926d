"""Renders reports by the clock: survives restarts, catches a missed run up once, never overlaps.

When the next run is due stands in a small file beside the reports, and moves on only when a run
has ended. A process that was killed, in a run or between two, finds there on its next start what it
owes, and makes up for it once, however many runs were missed.
"""

from __future__ import annotations

import importlib
import json
import logging
import re
import signal
import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from apscheduler.schedulers.blocking import BlockingScheduler
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.interval import IntervalTrigger

from credit_forensics.case_file import read_case_file
from credit_forensics.durations import duration
from credit_forensics.errors import CaseError
from credit_forensics.locks import folder_lock
from credit_forensics.monitoring.failed_report import report_failure
from credit_forensics.reporting.notebook_files import notebook_path
from credit_forensics.reporting.produce import produce_report
from credit_forensics.reporting.render import ReportFailedError
from credit_forensics.reporting.window import span_of
from credit_forensics.whole_file import write_whole

STATE = ".schedule.json"
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_AT = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)\Z")
_WAIT_FOR_RUN = 6 * 3600.0
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class SchedulePlan:
    """What to render, and when.

    Parameters
    ----------
    case_path
        the case file.
    template
        the notebook.
    every
        ``day``, ``hour``, a weekday by name, or a span as ``15m``, ``6h``, ``2d``.
    at
        time of day, ``HH:MM``, for days and weekdays; for ``hour`` its minute counts.
    timezone
        the zone of that time of day; the reports themselves speak UTC.
    out
        folder of the reports and of the schedule's own state.
    language
        of the reports; the case file's without it.
    pdf
        print each report too.
    rolling
        the length of a window, as ``7d``; see ``render_report``.
    alert
        ``module:function`` to call with a sentence about each failed run; without it the case's
        monitor targets are told.
    """

    case_path: str
    template: str = "daily_digest"
    every: str = "day"
    at: str = "07:00"
    timezone: str = "UTC"
    out: str = "reports"
    language: str | None = None
    pdf: bool = False
    alert: str | None = None
    rolling: str | None = None
    store: bool = True


def run_schedule(plan: SchedulePlan) -> None:
    """Run until the process is ended; on SIGINT and SIGTERM a run that has begun is finished.

    Raises
    ------
    CaseError
        for a plan that cannot be used, or when a schedule runs in that folder already.
    """
    plan = checked_plan(plan)
    with folder_lock(Path(plan.out), "schedule"):
        scheduler = build_scheduler(plan, datetime.now(UTC))
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, _end)
        try:
            scheduler.start()
        except (KeyboardInterrupt, SystemExit):
            scheduler.shutdown(wait=True)
            _log.info("schedule ended")


def checked_plan(plan: SchedulePlan) -> SchedulePlan:
    """The plan with absolute paths, its case, template and rhythm checked.

    Raises
    ------
    CaseError
        for whatever in it cannot be used.
    """
    make_trigger(plan)
    read_case_file(plan.case_path)
    notebook_path(plan.template)
    if plan.rolling:
        span_of(plan.rolling)
    case_path, out = Path(plan.case_path).resolve(), Path(plan.out).resolve()
    out.mkdir(parents=True, exist_ok=True)
    return replace(plan, case_path=str(case_path), out=str(out))


def build_scheduler(plan: SchedulePlan, now: datetime) -> BlockingScheduler:
    """The scheduler with its one job, not yet started.

    Its first run is what the folder's state says is due, so it lies in the past where a run was
    missed; coalescing and no grace time make that one run, at once.
    """
    scheduler = BlockingScheduler(
        timezone=UTC,
        job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
    )
    due = first_due(plan, now)
    scheduler.add_job(run_once, make_trigger(plan), args=[plan], id="report", next_run_time=due)
    _log.info("%s of %s is due at %s", plan.template, plan.case_path, due)
    return scheduler


def first_due(plan: SchedulePlan, now: datetime) -> datetime:
    """When the first run of a process that starts now is due.

    What the folder's state says, if it is of the same plan; else the rhythm's next time, which is
    then written down: a process that is killed before its first run owes that run.
    """
    state = _read_state(Path(plan.out))
    if state.get("plan") == asdict(plan):
        return datetime.fromisoformat(state["due"])
    return _write_due(plan, now)


def run_once(plan: SchedulePlan) -> str:
    """One run of a plan: rendered, named and listed; gives its status.

    A run that fails is rendered and named as failed, is told to the plan's alert, and does not
    stop the next one.
    """
    try:
        with folder_lock(Path(plan.out), "run", seconds=_WAIT_FOR_RUN):
            status = _run(plan)
    except CaseError as error:
        _tell(plan, str(error))
        status = "failed"
    _write_due(plan, datetime.now(UTC))
    return status


def _run(plan: SchedulePlan) -> str:
    try:
        produced = produce_report(
            plan.case_path,
            template=plan.template,
            out=plan.out,
            language=plan.language,
            pdf=plan.pdf,
            progress=False,
            rolling=plan.rolling,
            store=plan.store,
        )
    except ReportFailedError as error:
        _tell(plan, str(error))
        return "failed"
    except CaseError as error:
        _tell(plan, f"The report {plan.template} could not be rendered: {error}")
        return "failed"
    except Exception as error:
        # Its message may hold values; its type tells enough, and the next run must come.
        _tell(plan, f"The report {plan.template} failed with {type(error).__name__}.")
        return "failed"
    _log.info("%s: %s", produced.report.status, produced.report.html)
    return produced.report.status


def make_trigger(plan: SchedulePlan) -> CronTrigger | IntervalTrigger:
    """The APScheduler trigger of a plan.

    Raises
    ------
    CaseError
        for a rhythm, time of day or zone that there is not.

    Examples
    --------
    >>> str(make_trigger(SchedulePlan("case.toml", every="monday", at="06:30")))
    "cron[day_of_week='mon', hour='6', minute='30']"
    """
    try:
        zone = ZoneInfo(plan.timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise CaseError(f"There is no time zone '{plan.timezone}', as Europe/Berlin is.") from None
    every = plan.every.strip().lower()
    if span := duration(every):
        return IntervalTrigger(seconds=int(span.total_seconds()), timezone=zone)
    at = _AT.match(plan.at.strip())
    if at is None:
        raise CaseError(f"'{plan.at}' is no time of day; write it as 07:00.")
    hour, minute = int(at[1]), int(at[2])
    if every == "hour":
        return CronTrigger(minute=minute, timezone=zone)
    if every == "day":
        return CronTrigger(hour=hour, minute=minute, timezone=zone)
    if every in _WEEKDAYS:
        return CronTrigger(day_of_week=every[:3], hour=hour, minute=minute, timezone=zone)
    raise CaseError(
        f"'{plan.every}' is no rhythm; use day, hour, a weekday, or a span as 15m, 6h or 2d."
    )


def _write_due(plan: SchedulePlan, now: datetime) -> datetime:
    due: datetime = make_trigger(plan).get_next_fire_time(None, now).astimezone(UTC)
    path = Path(plan.out) / STATE
    state = {"plan": asdict(plan), "due": due.isoformat()}
    write_whole(path, json.dumps(state, indent=2).encode())
    return due


def _read_state(folder: Path) -> dict[str, Any]:
    try:
        state: dict[str, Any] = json.loads((folder / STATE).read_text(encoding="utf-8"))
        datetime.fromisoformat(state["due"])
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    return state


def _end(*_: object) -> None:
    raise SystemExit(0)


def _tell(plan: SchedulePlan, sentence: str) -> None:
    _log.error("%s", sentence)
    try:
        if plan.alert:
            _alert(plan.alert)(sentence)
        else:
            _tell_targets(plan.case_path, sentence)
    except Exception as error:
        _log.error("the alert %s failed with %s", plan.alert or "", type(error).__name__)


def _tell_targets(case_path: str, sentence: str) -> None:
    """Tell the case's own monitor targets."""
    for problem in report_failure(case_path, sentence):
        _log.error("a target was not told: %s", problem)


def _alert(reference: str) -> Callable[[str], object]:
    module, _, name = reference.partition(":")
    function: Callable[[str], object] = getattr(importlib.import_module(module), name)
    return function
