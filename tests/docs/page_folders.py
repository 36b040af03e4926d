"""Folders in which the commands of the pages are run: a case, a shop, a Stripe, a mailbox.

What no test can run as it stands is in ``NOT_RUN`` and ``INSTEAD``, each with its reason.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import test_cli
from kite_shop import write_ledger, write_sessions
from local_stripe import LocalStripe, world
from pages import PROGRAM, blocks
from receivers import HttpReceiver, MailReceiver

from credit_forensics.scenarios.case_writer import write_case
from credit_forensics.scenarios.named import scenario

# By the beginning of the line. Their options are still read by the command itself.
NOT_RUN = {
    "credit-forensics accuracy": "minutes to hours; tests/scenarios/test_accuracy.py runs small worlds",
    "credit-forensics monitor case.toml --every 5m": "runs until stopped; tests/monitoring/test_monitor.py",
    "credit-forensics demo": "analyze and report of the same case, which README's other lines do",
    "credit-forensics schedule": "runs until stopped; tests/reporting/test_schedule_reports.py",
    "credit-forensics report case.toml --rolling": "a second page; tests/reporting/test_rolling_report.py",
}
# What stands in a page, and what is run for it.
INSTEAD = {
    "monitor case.toml --every 5m --json": "monitor case.toml --once --json",
    "lab case.toml": "lab case.toml --prepare",  # tests/reporting/test_lab_browser.py starts the lab
    "lab --demo": "lab --demo --prepare",
    "serve intake.toml": "serve intake.toml --port PORT",
    "http://127.0.0.1:8000": "http://127.0.0.1:PORT",
    "cs_live_…": "PAYMENT",
    "cs_live_a1": "PAYMENT",
    "cs_…": "PAYMENT",
    "ch_3Qx…": "CHARGE",
}
# Runs until it is stopped, when the page is done: that it answers shows that it works.
UNTIL_STOPPED = ("serve intake.toml --port",)
STATUS = {
    # The demo has corrections that spent credits hold back.
    ("repair.md", "--apply"): 1,
}
LIVE_KEY, KEY = "rk_live_docs", "a-key-of-the-docs-0123456789abcdef"


def not_run(line: str) -> bool:
    """Whether a line is in the list of those that are only read."""
    return any(line.startswith(start) for start in NOT_RUN) and "--json" not in line


def ends_with(page: str, line: str) -> int:
    """The exit status that a page says of a line."""
    found = [status for (of, part), status in STATUS.items() if of == page and part in line]
    return found[0] if found else 0


def stands_for(line: str, place: Place) -> str:
    """A line with what is left open in it filled in."""
    for shown, given in INSTEAD.items():
        if shown in line and not (shown == "serve intake.toml" and "--catch-up" in line):
            line = line.replace(shown, given)
    for name, value in place.names.items():
        line = line.replace(name, str(value))
    return line


class Place:
    """A folder for one page, the program on the path, and what had to be started."""

    def __init__(self, folder: Path, demo: Path, request: pytest.FixtureRequest) -> None:
        self.folder, self.demo, self.request = folder, demo, request
        self.patch: pytest.MonkeyPatch = request.getfixturevalue("monkeypatch")
        self.names: dict[str, Any] = {}
        self.open = contextlib.ExitStack()
        self.answer = ""
        self.patch.chdir(folder)
        bin_ = folder / ".bin"
        bin_.mkdir()
        (bin_ / PROGRAM).write_text(
            f"#!{sys.executable}\nfrom credit_forensics.cli import main\nmain()\n"
        )
        (bin_ / PROGRAM).chmod(0o755)
        self.patch.setenv("PATH", f"{bin_}{os.pathsep}{os.environ['PATH']}")
        self.patch.setenv("XDG_CONFIG_HOME", str(folder / ".config"))
        for name in ("LEDGER_URL", "DATABASE_URL", "STRIPE_API_KEY"):
            self.patch.delenv(name, raising=False)

    def prepare(self, page: str) -> None:
        PREPARE.get(page, with_demo)(self)

    def before(self, page: str, line: str) -> None:
        if page in BEFORE:
            BEFORE[page](self, line)

    def run(self, line: str) -> SimpleNamespace:
        """Run a line in this process; what follows ``|`` and what runs on in one of its own."""
        command, *pipes = line.split(" | ", 1)
        arguments = shlex.split(command)[1:]
        if any(" ".join(arguments).startswith(start) for start in UNTIL_STOPPED):
            done = self.start(arguments)
        else:
            self.patch.setattr(sys, "stdin", io.StringIO(self.answer))
            done = test_cli.run(*arguments)
        for pipe in pipes:
            if not shutil.which(shlex.split(pipe)[0]):
                break
            read = subprocess.run(
                shlex.split(pipe), input=done.stdout, capture_output=True, text=True, check=False
            )
            done = SimpleNamespace(returncode=done.returncode or read.returncode, **out_of(read))
        return done

    def start(self, arguments: list[str]) -> SimpleNamespace:
        """Start what runs until it is stopped; it is stopped when the page is done."""
        process = subprocess.Popen(
            [PROGRAM, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        self.open.callback(stop, process)
        answering(self.names["PORT"], process)
        return SimpleNamespace(returncode=0, stdout="", stderr="")


def out_of(done: subprocess.CompletedProcess[str]) -> dict[str, str]:
    return {"stdout": done.stdout, "stderr": done.stderr}


def stop(process: subprocess.Popen[str]) -> None:
    """End a process that this test started, as Ctrl-C does."""
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    for stream in (process.stdout, process.stderr):
        if stream:
            stream.close()


def answering(port: int, process: subprocess.Popen[str]) -> None:
    """Wait until somebody listens there."""
    for _ in range(1200):
        with socket.socket() as one:
            if one.connect_ex(("127.0.0.1", port)) == 0:
                return
        if process.poll() is not None:
            raise AssertionError(process.stderr.read() if process.stderr else "it ended")
        time.sleep(0.05)
    raise AssertionError("nobody listens")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as one:
        return int(one.getsockname()[1])


def with_demo(place: Place) -> None:
    """The demo case, analysed, with its store."""
    shutil.copytree(place.demo, place.folder, dirs_exist_ok=True)
    lines = (place.folder / "sessions.jsonl").read_text().splitlines()
    paid = next(one for one in map(json.loads, lines) if one["payment_status"] == "paid")
    charges = map(json.loads, (place.folder / "charges.jsonl").read_text().splitlines())
    place.names["PAYMENT"] = paid["id"]
    place.names["CHARGE"] = next(
        one["id"] for one in charges if one["payment_intent"] == paid["payment_intent"]
    )


def with_evidence_alone(place: Place) -> None:
    """The demo's exports, log and ledger as a folder of one's own, without a case file."""
    with_demo(place)
    for name in ("case.toml", ".credit-forensics-demo"):
        (place.folder / name).unlink()
    for name in (".store", "analysis"):
        shutil.rmtree(place.folder / name)


def with_kites(place: Place) -> None:
    """A folder of one export and one ledger, another ledger elsewhere, and an API key."""
    place.patch.setenv("LEDGER_URL", f"sqlite:///{place.folder / 'elsewhere.db'}")
    write_kites(place.folder / "FOLDER", place.folder / "elsewhere.db")


def write_kites(folder: Path, *ledgers: Path) -> None:
    """Four payments of a kite; three were booked with 40 credits."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    write_sessions(folder)
    booked = [(f"00{n}", 35 if n == 3 else 40, f"purchase:cs_live_kite{n}") for n in range(4)]
    for path in (folder / "shop.sqlite", *ledgers):
        path.unlink(missing_ok=True)
        write_ledger(path, booked)


def again_kites(place: Place, line: str) -> None:
    """Each line of the page is a beginning of its own."""
    with_kites(place)


def again_ledger(place: Place, line: str) -> None:
    """Each line of the page is a repair of its own; the plan is the one that was reviewed."""
    place.answer = "y\n"
    if "--plan" in line:
        plan = json.loads((place.folder / "repair" / "plan.json").read_text())
        place.answer = f"{plan['sha256'][:8]}\n"
    shutil.copy2(place.demo / "ledger.db", place.folder / "ledger.db")


def with_outputs(place: Place) -> None:
    """A folder ``out`` of results, and the key of who is to have sealed it."""
    shutil.copytree(place.demo / "analysis", place.folder / "out")


def auditors_key(place: Place, line: str) -> None:
    if line.startswith("credit-forensics verify"):
        shutil.copy(place.folder / "out" / "SHA256SUMS.pub.pem", place.folder / "auditor.pub.pem")


def with_stripe(place: Place) -> None:
    """The page's case over a Stripe on this machine."""
    objects = world(40, 1_756_720_800, 3600)
    stripe = place.open.enter_context(LocalStripe(objects))
    (text,) = (block.text for block in blocks("toml", page="sources_stripe_api.md"))
    (place.folder / "case.toml").write_text(f'{text}api_base = "{stripe.address}"\n')
    place.patch.setenv("STRIPE_API_KEY", "rk_test_docs")


def with_intake(place: Place) -> None:
    """The page's settings over an empty PostgreSQL and a Stripe on this machine."""
    stripe = place.open.enter_context(LocalStripe(world(0, 0)))
    (text,) = (block.text for block in blocks("toml", page="intake.md"))
    (place.folder / "intake.toml").write_text(f'stripe_api_base = "{stripe.address}"\n{text}')
    place.names["PORT"] = free_port()
    set_intake_environment(place.patch, place.request.getfixturevalue("postgres_database"))


def set_intake_environment(patch: pytest.MonkeyPatch, url: str) -> None:
    patch.setenv("DATABASE_URL", url)
    patch.setenv("STRIPE_API_KEY", LIVE_KEY)
    patch.setenv("STRIPE_WEBHOOK_SECRET", "whsec_docs")
    for name in ("SEAL_KEY", "SIGN_IN_KEY", "SHOP_TOKEN", "REVIEWER_ONE"):
        patch.setenv(name, f"{KEY}-{name}")


def with_mailbox(place: Place) -> None:
    """The demo, watched as the page says, with a mailbox, a channel and a dead-man's switch."""
    with_demo(place)
    mail = place.open.enter_context(MailReceiver())
    http = place.open.enter_context(HttpReceiver())
    place.patch.setenv("ALERT_MAIL", mail.url)
    place.patch.setenv("ALERT_SLACK", http.url)
    place.patch.setenv("PING_URL", f"http://127.0.0.1:{http.port}/alive")
    (text,) = (block.text for block in blocks("toml", page="monitoring.md"))
    text = text.replace("127.0.0.1:9464", f"127.0.0.1:{free_port()}")
    with (place.folder / "case.toml").open("a") as file:
        file.write(f"\n{text}")


def with_reports(place: Place) -> None:
    with_demo(place)
    (place.folder / "reports").mkdir(exist_ok=True)


def with_a_small_case(place: Place) -> None:
    """One wrong payment and its neighbours, for commands that judge it again and again."""
    write_case(scenario("stale_session"), place.folder)
    first = (place.folder / "sessions.jsonl").read_text().splitlines()[0]
    place.names["PAYMENT"] = json.loads(first)["id"]


PREPARE: dict[str, Callable[[Place], None]] = {
    "README.md": with_evidence_alone,
    "init.md": with_kites,
    "intake.md": with_intake,
    "monitoring.md": with_mailbox,
    "reports.md": with_reports,
    "seal.md": with_outputs,
    "sources_stripe_api.md": with_stripe,
    "store.md": with_a_small_case,
}
BEFORE: dict[str, Callable[[Place, str], None]] = {
    "init.md": again_kites,
    "repair.md": again_ledger,
    "seal.md": auditors_key,
}


@contextlib.contextmanager
def a_place(folder: Path, demo: Path, request: pytest.FixtureRequest) -> Iterator[Place]:
    place = Place(folder, demo, request)
    with place.open:
        yield place
