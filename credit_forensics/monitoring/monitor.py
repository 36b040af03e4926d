"""Runs the monitor of a case: once, or every few minutes until it is told to stop."""

from __future__ import annotations

import contextlib
import datetime as dt
import signal
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from credit_forensics.case_file import CaseFile, from_environment, read_case_file
from credit_forensics.durations import duration
from credit_forensics.errors import CaseError
from credit_forensics.evidence.stored.whether_current import case_store
from credit_forensics.locks import folder_lock
from credit_forensics.monitoring.alert_policy import Manners, send_alerts, waiting
from credit_forensics.monitoring.case_look import look_at_case
from credit_forensics.monitoring.dead_man import dead_man_address, ping
from credit_forensics.monitoring.health import Health, HealthServer
from credit_forensics.monitoring.observation import CheckSettings
from credit_forensics.monitoring.quiet_hours import quiet_hours
from credit_forensics.monitoring.state import MonitorState
from credit_forensics.monitoring.status import Status, read_status
from credit_forensics.monitoring.stored_look import StoredLook
from credit_forensics.monitoring.tick import Look, TickPlan, TickResult, run_tick
from credit_forensics.monitoring.transport import transports

FOLDER = "monitor"


def run_monitor(
    case_path: Path | str,
    *,
    every: str | float | None = None,
    once: bool = False,
    store: bool = True,
    fresh: bool = False,
    look: Look | None = None,
    clock: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC),
    stop: threading.Event | None = None,
    on_tick: Callable[[TickResult], None] | None = None,
) -> int:
    """Watch a case and tell its targets.

    Parameters
    ----------
    case_path
        the case file, or its folder; the state lies in ``monitor/`` beside it.
    every
        the time between the starts of two ticks: "5m", "90s", "1h", or seconds; 5 minutes without.
    once
        one tick, for cron; nothing is served.
    store
        read what is new into the case's store; else read everything each time, and store nothing.
    fresh
        begin with an empty store.
    look
        gives the evidence for a moment and the standing items; the case itself by default, of
        which only what is new is read.
    clock, stop
        the clock, and an event that ends the watch; SIGTERM and SIGINT set it too.
    on_tick
        called with each tick's result.

    Returns
    -------
    int
        exit status: 0, or 1 when the (last) tick could not run a check or tell a target.

    Raises
    ------
    CaseError
        when the case file or a setting cannot be used, or another monitor watches this case.
    """
    case_file = read_case_file(case_path)
    seconds = interval(every if every is not None else 300.0)
    plan = _plan(case_file, look or _look(case_file, Path(case_path), store=store))
    dead_man = case_file.monitor.dead_man_url
    if dead_man:
        dead_man = dead_man_address(from_environment(dead_man, "monitor.dead_man_url"))
    stop = stop or threading.Event()
    if store and fresh:
        case_store(case_file).clear()
    with _alone(case_file), _state(case_file) as state, contextlib.ExitStack() as stack:
        health = None
        if case_file.monitor.listen and not once:
            health = Health(dt.timedelta(seconds=max(3 * seconds, seconds + 600)), clock)
            stack.callback(HealthServer(case_file.monitor.listen, health).close)
        if not once:
            stack.enter_context(_stopped_by_signals(stop))
        while True:
            started = time.monotonic()
            result = run_tick(plan, state, clock)
            if health:
                health.ticked(result, state)
            if dead_man and result.healthy:
                state.put("dead_man", ping(dead_man) or f"answered {clock().isoformat()}")
            if on_tick:
                on_tick(result)
            due = started + seconds
            if once or not _wait(due, plan, state, health, stop=stop, clock=clock):
                failing = any(message.error for message in result.sent)
                unsaid = any(state.target(sender.name).failures for sender in plan.senders)
                return 1 if result.errors or failing or unsaid else 0


def monitor_status(case_path: Path | str) -> Status:
    """What the monitor of a case knows, whether it runs just now or not.

    Raises
    ------
    CaseError
        when the case file cannot be used, or the case was never watched.
    """
    case_file = read_case_file(case_path)
    if not _path(case_file).exists():
        raise CaseError("This case was never watched; run: credit-forensics monitor case.toml.")
    names = tuple(transport.name for transport in transports(case_file.monitor.targets))
    with _state(case_file) as state:
        return read_status(state, names)


def interval(value: str | float) -> float:
    """Seconds of "90s", "5m", "1h", "1d", or of a number.

    Raises
    ------
    CaseError
        when it is neither, or under one second.

    Examples
    --------
    >>> interval("5m"), interval(90)
    (300.0, 90.0)
    """
    if isinstance(value, str):
        plain = value.strip()
        found = duration(f"{plain}s" if plain.isdecimal() else plain)
        if found is None:
            raise CaseError(f'{value!r} is not a time between ticks; write it as "5m".')
        value = found.total_seconds()
    if not 1 <= value <= 366 * 86_400:
        raise CaseError("The time between ticks must be a second at least, and a year at most.")
    return float(value)


def _look(case_file: CaseFile, path: Path, *, store: bool) -> Look:
    """The case looked at in part where that can be done, else as a whole each time."""
    if case_file.monitor.keep_evidence and store and not case_file.stripe.database:
        return StoredLook(path)
    return look_at_case(path, store=store)


def _plan(case_file: CaseFile, look: Look) -> TickPlan:
    settings = case_file.monitor
    return TickPlan(
        look=look,
        senders=transports(settings.targets),
        settings=CheckSettings(settings.grace_minutes, settings.silence_minutes),
        manners=Manners(
            case_name=case_file.name,
            update_every=dt.timedelta(minutes=settings.update_minutes),
            flood=settings.digest_above,
            quiet=quiet_hours(settings.quiet_hours, settings.timezone),
        ),
        settle=dt.timedelta(minutes=settings.settle_minutes),
    )


def _wait(
    until: float,
    plan: TickPlan,
    state: MonitorState,
    health: Health | None,
    *,
    stop: threading.Event,
    clock: Callable[[], dt.datetime],
) -> bool:
    """Wait for the next tick, trying failed targets again meanwhile; false when told to stop."""
    while True:
        left = until - time.monotonic()
        retry = waiting(state, plan.senders)
        if retry is not None:
            left = min(left, max((retry - clock()).total_seconds(), 0.1))
        if stop.wait(max(left, 0.0)):
            return False
        if time.monotonic() >= until:
            return True
        sent = send_alerts(state, plan.senders, plan.manners, clock)
        if health:
            health.sent(sent)


def _path(case_file: CaseFile) -> Path:
    return case_file.folder / FOLDER / "state.sqlite"


@contextlib.contextmanager
def _state(case_file: CaseFile) -> Iterator[MonitorState]:
    with MonitorState(_path(case_file)) as state:
        try:
            yield state
        except sqlite3.Error as error:
            raise CaseError(
                f"The monitor's state {state.path} cannot be used ({type(error).__name__})."
            ) from None


@contextlib.contextmanager
def _alone(case_file: CaseFile) -> Iterator[None]:
    """Two monitors of one case would tell everything twice."""
    folder = _path(case_file).parent
    with contextlib.ExitStack() as held:
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            held.enter_context(
                folder_lock(folder, "monitor", busy="Another monitor watches this case.")
            )
        except OSError as error:
            raise CaseError(f"{folder} cannot be used: {error.strerror}.") from None
        yield


@contextlib.contextmanager
def _stopped_by_signals(stop: threading.Event) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def handler(_number: int, _frame: object) -> None:
        stop.set()

    before = {number: signal.signal(number, handler) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)
