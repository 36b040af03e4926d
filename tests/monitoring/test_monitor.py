"""The monitor as a process: ticks, kills, health, status."""

from __future__ import annotations

import datetime as dt
import json
import os
import signal
import socket
import sqlite3
import sys
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from multiprocessing.context import ForkServerProcess
from pathlib import Path

import pandas as pd
import pytest
from forked import PROCESSES
from receivers import HttpReceiver, MailReceiver

from credit_forensics.errors import CaseError
from credit_forensics.monitoring.dead_man import dead_man_address, ping
from credit_forensics.monitoring.health import loopback
from credit_forensics.monitoring.monitor import interval, monitor_status, run_monitor
from credit_forensics.monitoring.observation import Watched
from credit_forensics.tables.catalogue import conform


def watch(folder: Path, once: bool) -> None:
    """A monitor whose evidence is a JSON file of failed deliveries, in a process of its own."""
    with (folder / "errors.txt").open("wb") as errors:
        os.dup2(errors.fileno(), 2)

    def look(now: dt.datetime, standing: object) -> Watched:
        rows = json.loads((folder / "seen.json").read_text())
        return Watched(deliveries=conform("deliveries", pd.DataFrame(rows)).to_pandas())

    sys.exit(run_monitor(folder, every=1, once=once, look=look))


def case_at(folder: Path, *targets: str, **settings: object) -> Path:
    lines = [f'name = "shop"\n[monitor]\ntargets = {json.dumps(list(targets))}']
    lines += [f"{key} = {json.dumps(value)}" for key, value in settings.items()]
    (folder / "case.toml").write_text("\n".join(lines))
    return folder


def see(folder: Path, *events: str, outcome: str = "database_error") -> None:
    at = dt.datetime.now(dt.UTC).isoformat()
    rows = [{"event_id": event, "outcome": outcome, "received_at": at} for event in events]
    (folder / "seen.json").write_text(json.dumps(rows))


def start(folder: Path, *, once: bool = True) -> ForkServerProcess:
    process = PROCESSES.Process(target=watch, args=(folder, once))
    process.start()
    return process


def finish(process: ForkServerProcess, folder: Path) -> int | None:
    process.join(180)
    assert (folder / "errors.txt").read_text() == ""
    return process.exitcode


def wait_for(condition, seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def keys(messages: list[dict]) -> list[str]:
    return [message["message"].rsplit("Alert: ", 1)[1] for message in messages]


def no_deliveries(_now: dt.datetime, _standing: tuple[str, ...]) -> Watched:
    return Watched()


def test_killed_before_it_could_say_it_says_it_the_next_time_and_once(tmp_path):
    with HttpReceiver() as http:
        folder = case_at(tmp_path, http.url)
        see(folder, "evt_1")
        process = start(folder)
        # Kill as soon as the incident is remembered, whether or not it was told by then.
        path = folder / "monitor" / "state.sqlite"

        def remembered() -> bool:
            if not path.exists():
                return False
            try:
                with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as db:
                    return bool(db.execute("SELECT count(*) FROM incidents").fetchone()[0])
            except sqlite3.Error:
                return False

        wait_for(remembered)
        os.kill(process.pid, signal.SIGKILL)
        process.join()
        for _ in range(2):
            assert finish(start(folder), folder) == 0
        assert 1 <= len(http.received) <= 2
        assert set(keys(http.received)) == {"1/opened/1"}


def test_killed_between_sending_and_remembering_it_repeats_itself_under_the_same_key(tmp_path):
    """The receiver takes the message and the monitor dies before the answer: at least once."""
    with HttpReceiver() as http:
        folder = case_at(tmp_path, http.url)
        see(folder, "evt_1")
        http.hold = threading.Event()
        process = start(folder)
        assert http.accepted.wait(120)
        os.kill(process.pid, signal.SIGKILL)
        process.join()
        http.hold.set()
        http.hold = None
        for _ in range(3):
            assert finish(start(folder), folder) == 0
        assert keys(http.received) == ["1/opened/1", "1/opened/1"]


@pytest.mark.thorough
def test_kills_and_failures_at_any_moment_lose_nothing_and_repeat_at_most_once_a_kill(tmp_path):
    with HttpReceiver() as http, MailReceiver() as mail:
        folder = case_at(tmp_path, http.url, mail.url, update_minutes=0)
        kills = 0
        for n in range(1, 6):
            see(folder, *(f"evt_{i}" for i in range(n)))
            http.statuses = [503] if n % 2 else []
            process = start(folder, once=False)
            wait_for(lambda n=n: (folder / "monitor" / "state.sqlite").exists())
            time.sleep(0.9 + 0.17 * n)
            os.kill(process.pid, signal.SIGKILL)
            process.join()
            kills += 1
        http.statuses = []
        process = start(folder, once=False)
        # Pauses after failures are seconds here only if few; the last state must arrive.
        wait_for(lambda: any(key.endswith("/5") for key in keys(http.received)), 180)
        wait_for(lambda: any("(5)" in subject for subject in mail.subjects), 180)
        process.terminate()
        assert finish(process, folder) == 0
        seen = Counter(keys(http.received))
        assert sum(count - 1 for count in seen.values()) <= kills
        assert sum(count - 1 for count in Counter(mail.subjects).values()) <= kills
        sizes = [int(key.rsplit("/", 1)[1]) for key in keys(http.received)]
        assert sizes == sorted(sizes)


def test_a_failing_target_is_shown_by_the_status_and_told_later(tmp_path):
    with HttpReceiver() as http:
        folder = case_at(tmp_path, http.url)
        see(folder, "evt_1")
        http.statuses = [500]
        assert finish(start(folder), folder) == 1
        text = str(monitor_status(folder))
        assert "1 open incident" in text
        assert "critical: Failed webhook deliveries: database_error (1)" in text
        assert "failing 1 time in a row (refused with status 500), next try" in text
        assert "1 incident still to tell" in text
        assert "token-hush" not in text
        # In a loop it is tried again before the next tick is due, after its pause.
        with sqlite3.connect(folder / "monitor" / "state.sqlite") as db:
            soon = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=1)
            db.execute("UPDATE targets SET next_try = ?", [soon.strftime("%Y-%m-%dT%H:%M:%S.%fZ")])
        stop = threading.Event()
        thread = threading.Thread(
            target=run_monitor,
            args=(folder,),
            kwargs={"every": 600, "look": no_deliveries, "stop": stop},
        )
        thread.start()
        wait_for(lambda: len(http.received) == 1)
        stop.set()
        thread.join()
        assert "still to tell" not in str(monitor_status(folder))


def test_health_metrics_and_the_dead_mans_ping(tmp_path):
    with HttpReceiver() as http:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        ping_url = f"http://127.0.0.1:{http.port}/ping/hush"
        folder = case_at(tmp_path, http.url, listen=f"127.0.0.1:{port}", dead_man_url=ping_url)
        broken = threading.Event()
        stop = threading.Event()
        at = pd.Timestamp(dt.datetime.now(dt.UTC))
        failed = conform(
            "deliveries",
            pd.DataFrame([{"event_id": "evt_1", "outcome": "database_error", "received_at": at}]),
        ).to_pandas()

        def look(_now: dt.datetime, _standing: tuple[str, ...]) -> Watched:
            if broken.is_set():
                raise RuntimeError("hush")
            return Watched(deliveries=failed)

        ticks: list[object] = []
        thread = threading.Thread(
            target=run_monitor,
            args=(folder,),
            kwargs={"every": 1, "look": look, "stop": stop, "on_tick": ticks.append},
        )
        thread.start()
        wait_for(lambda: len(ticks) >= 1)

        def get(path: str) -> tuple[int, str]:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
                    return answer.status, answer.read().decode()
            except urllib.error.HTTPError as error:
                return error.code, error.read().decode()

        assert get("/healthz")[0] == 200
        metrics = get("/metrics")[1]
        assert (
            'credit_forensics_monitor_open_incidents{check="failed_deliveries",severity="critical"} 1.0'
            in metrics
        )
        assert 'credit_forensics_monitor_alerts_total{severity="critical"' in metrics
        assert "token-hush" not in metrics
        assert get("/other")[0] == 404
        wait_for(lambda: http.gets == ["/ping/hush"] * len(http.gets) and http.gets)
        broken.set()
        wait_for(lambda: get("/healthz")[0] == 503)
        body = get("/healthz")[1]
        assert json.loads(body)["could_not_run"] == ["evidence"]
        assert "hush" not in body
        pings = len(http.gets)
        assert 'check_errors_total{check="evidence"}' in get("/metrics")[1]
        time.sleep(1.2)
        assert len(http.gets) == pings
        stop.set()
        thread.join()


def test_an_unanswered_ping_is_remembered_and_harmless(tmp_path):
    folder = case_at(tmp_path, dead_man_url="http://127.0.0.1:9/hush")
    assert run_monitor(folder, once=True, look=no_deliveries) == 0
    text = str(monitor_status(folder))
    assert "dead-man's ping: URLError" in text
    assert "hush" not in text
    assert ping("http://127.0.0.1:9/") == "URLError"


def test_two_monitors_of_one_case_are_refused(tmp_path):
    folder = case_at(tmp_path)

    def look(_now: dt.datetime, _standing: tuple[str, ...]) -> Watched:
        with pytest.raises(CaseError, match="Another monitor"):
            run_monitor(folder, once=True, look=no_deliveries)
        return Watched()

    assert run_monitor(folder, once=True, look=look) == 0


def test_a_case_never_watched_has_no_status(tmp_path):
    with pytest.raises(CaseError, match="never watched"):
        monitor_status(case_at(tmp_path))


def test_the_exit_status_says_when_a_check_could_not_run(tmp_path):
    folder = case_at(tmp_path)

    def look(_now: dt.datetime, _standing: tuple[str, ...]) -> Watched:
        raise CaseError("The ledger cannot be reached.")

    assert run_monitor(folder, once=True, look=look) == 1
    assert "evidence could not run: The ledger cannot be reached." in str(monitor_status(folder))
    assert run_monitor(folder, once=True, look=no_deliveries) == 0


def test_the_state_is_the_owners_alone(tmp_path):
    folder = case_at(tmp_path)
    run_monitor(folder, once=True, look=no_deliveries)
    assert (folder / "monitor").stat().st_mode & 0o077 == 0
    assert (folder / "monitor" / "state.sqlite").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("value", ["", "5 minutes", "0s", "-1", "1y", 0, 0.5, 1e12])
def test_times_between_ticks_that_cannot_be_used_are_named(value):
    with pytest.raises(CaseError, match="between ticks"):
        interval(value)


@pytest.mark.parametrize(
    "listen", ["0.0.0.0:9464", "9464", "127.0.0.1:", "127.0.0.1:99999", "example.com:80", "[::]:80"]
)
def test_only_loopback_is_served(listen):
    with pytest.raises(CaseError, match=r"monitor\.listen"):
        loopback(listen)


@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "ftp://example.com", "nothing", "http://[::1"]
)
def test_only_http_is_pinged(url):
    with pytest.raises(CaseError, match=r"monitor\.dead_man_url"):
        dead_man_address(url)
