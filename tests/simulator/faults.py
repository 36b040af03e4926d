"""What goes wrong around a simulated shop: its database, its disks, its clock, its process."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import random
import resource
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import sqlalchemy as sa
from fastapi import FastAPI
from pydantic import SecretStr

from credit_forensics.checks.handler.books import Books
from credit_forensics.intake.app import create_app
from credit_forensics.intake.delivery_log import LOGGER
from credit_forensics.intake.settings import IntakeSettings
from credit_forensics.intake.signed_in import make_user_token

SIGN_IN_KEY = "k" * 40
TOLERANCE = 300
TABLES = ("credit_ledger", "user_credits", "intake_events", "intake_deliveries", "intake_payments")
PREPARE = (
    "CREATE TABLE simulator_faults AS SELECT 0.0 AS seconds, ''::text AS full_table",
    # What a full disk answers, at the insert that needs one more page.
    "CREATE FUNCTION simulator_fault() RETURNS trigger LANGUAGE plpgsql AS $$ "
    "DECLARE f simulator_faults; BEGIN SELECT * INTO f FROM simulator_faults; "
    "IF f.full_table = TG_TABLE_NAME THEN RAISE EXCEPTION 'could not extend file' "
    "USING ERRCODE = 'disk_full'; END IF; "
    "IF TG_TABLE_NAME = 'credit_ledger' AND f.seconds > 0 THEN PERFORM pg_sleep(f.seconds); "
    "END IF; RETURN NEW; END $$",
    *(
        f"CREATE TRIGGER simulator_faults BEFORE INSERT ON {table} "
        "FOR EACH ROW EXECUTE FUNCTION simulator_fault()"
        for table in TABLES
    ),
)
BESIDE = "simulator"
"""What the connections call themselves by which a run looks on: no fault is theirs."""
BACKENDS = (
    "SELECT pid FROM pg_stat_activity WHERE datname = current_database() "
    f"AND application_name <> '{BESIDE}'"
)


class Faults:
    """The steps of a run that break something; each leaves it mended, or a later step does."""

    apps: list[FastAPI]
    lives: contextlib.AsyncExitStack
    url: str
    folder: Path
    settings: IntakeSettings
    engine: sa.Engine
    chance: random.Random
    events: list[dict[str, Any]]
    unaccepted: list[int]
    trail: list[str]
    broken: list[str]
    ahead: float = 0.0
    prepared: bool = False

    def say(self, what: str) -> None:
        """Note a step for who looks for what went wrong."""
        self.trail.append(what)

    def clock(self) -> float:
        """The process's clock, which steps turn on and back."""
        return time.time() + self.ahead

    async def start(self) -> None:
        """Two new processes of the intake over one database."""
        # Another start would mend a key that a planted fault took away.
        first, self.prepared = not self.prepared, True
        self.apps = [
            create_app(self.settings, clock=self.clock, prepare_database=first) for _ in range(2)
        ]
        self.lives = contextlib.AsyncExitStack()
        for app in self.apps:
            await self.lives.enter_async_context(app.router.lifespan_context(app))

    async def _slow(self) -> None:
        """Entries take their time to be written, or no longer do."""
        seconds = self.chance.choice((0, 0.01, 0.05))
        self.run("UPDATE simulator_faults SET seconds = :s", s=seconds)
        self.say(f"an entry takes {seconds} s")

    async def _cut(self) -> None:
        """Connections are cut while deliveries are handled."""
        async with self._meanwhile(0.01):
            self.run(f"SELECT pg_terminate_backend(pid) FROM ({BACKENDS}) AS b")

    async def _outage(self) -> None:
        """No connection is to be had."""
        self.engine.dispose()
        books = Books(self.url)
        with books.outage():
            await self.send(self._some(1))
        books.close()

    async def _hold(self) -> None:
        """Somebody holds the balances, for longer than a statement waits or shorter."""
        with self.engine.begin() as other:
            other.execute(sa.text("SELECT FROM user_credits FOR UPDATE"))
            sending = asyncio.create_task(self.send(self._some(3)))
            await asyncio.sleep(self.chance.choice((0.05, 0.6)))
        await sending

    async def _freeze(self) -> None:
        """The connections that are open answer nothing for a while."""
        pids = [row[0] for row in self.rows(BACKENDS)]
        try:
            for pid in pids:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, signal.SIGSTOP)
            sending = asyncio.create_task(self.send(self._some(3)))
            await asyncio.sleep(self.chance.choice((0.05, 0.4)))
        finally:
            for pid in pids:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, signal.SIGCONT)
        await sending

    async def _kill(self) -> None:
        """The processes die while they handle deliveries; others take their place."""
        sending = asyncio.create_task(self.send(self._some(4)))
        await asyncio.sleep(self.chance.random() * 0.02)
        me = asyncio.current_task()
        dead = [task for task in asyncio.all_tasks() if task is not me]
        for task in dead:
            task.cancel()
        await asyncio.gather(sending, *dead, return_exceptions=True)
        for app in self.apps:
            await app.state.engine.dispose()
        self.run(f"SELECT pg_terminate_backend(pid) FROM ({BACKENDS}) AS b")
        # Whatever it did not take is Stripe's to send again.
        await self.start()

    async def _disk_full(self) -> None:
        """The disk of a table is full: deliveries are kept, or refused, never half booked."""
        table = self.chance.choice(TABLES)
        self.run("UPDATE simulator_faults SET full_table = :t", t=table)
        told = await self.send(self._some(4))
        if table == "intake_events":
            new = [one for one, status in told if one["id"] not in self.kept() and status == 200]
            self.broken += [f"{one['id']} was accepted and not kept" for one in new]
        self.run("UPDATE simulator_faults SET full_table = ''")

    async def _log_full(self) -> None:
        """The disk of the delivery log is full: the database has what the log lacks."""
        logger = logging.getLogger(LOGGER)
        handler = logging.FileHandler(self.folder / "deliveries.log")
        logger.addHandler(handler)
        level, logger.level = logger.level, logging.INFO
        before = self._ended()
        try:
            with files_full():
                told = await self.send(self._some(3))
        finally:
            logger.removeHandler(handler)
            logger.setLevel(level)
            with contextlib.suppress(OSError):
                handler.close()
        if all(status == 200 for _, status in told) and self._ended() < before + len(told):
            waits = self.rows("SELECT 1 FROM intake_events WHERE next_attempt_at IS NOT NULL")
            if not waits:
                self.broken.append("a delivery ended without a row")

    async def _clock_jump(self) -> None:
        """The process's clock goes ahead or back, and perhaps comes right."""
        day = 86_400
        self.ahead = self.chance.choice((0, 0, 200, -200, 400, -400, 2 * day, -2 * day))
        self.say(f"the clock is {self.ahead} s ahead")
        token = make_user_token(
            "user-1",
            "user-1@example.com",
            SecretStr(SIGN_IN_KEY),
            expires_at=int(time.time()) + 3600,
        )
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app=self.apps[0]), base_url="http://x"
        ) as client:
            answer = await client.get(
                "/api/v1/users/validate/user-1", headers={"authorization": f"Bearer {token}"}
            )
        # A database that is slow or away may answer neither.
        if answer.status_code == 200 and self.ahead > 3600:
            self.broken.append("a token was taken after its time")
        if answer.status_code == 401 and self.ahead < 3600:
            self.broken.append("a token was refused before its time")

    async def _stray(self) -> None:
        """Events of another account, or of test mode, about payments of ours: nobody's here."""
        for number in self._some(2):
            event = dict(self.events[number])
            event |= self.chance.choice(({"account": "acct_other"}, {"livemode": False}))
            event["id"] += f"s{self.chance.randrange(9)}"
            told = await self.deliver(json.dumps(event).encode())
            self.say(f"{event['id']} of elsewhere: {told.outcome}")
            if told.status == 200 and told.outcome not in ("ignored", "kept"):
                self.broken.append(f"{event['id']} of elsewhere: {told.outcome}")

    @contextlib.asynccontextmanager
    async def _meanwhile(self, most_seconds: float) -> Any:
        sending = asyncio.create_task(self.send(self._some(4)))
        await asyncio.sleep(self.chance.random() * most_seconds)
        yield
        await sending

    def _some(self, count: int) -> list[int]:
        return [self.chance.randrange(len(self.events)) for _ in range(count if self.events else 0)]

    def _ended(self) -> int:
        return int(self.rows("SELECT count(*) FROM intake_deliveries")[0][0])

    def kept(self) -> set[str]:
        """Ids of the events in the table."""
        return {row[0] for row in self.rows("SELECT event_id FROM intake_events")}

    def rows(self, query: str, **values: Any) -> list[tuple[Any, ...]]:
        """What a query gives, beside the intake."""
        with self.engine.begin() as connection:
            return [tuple(row) for row in connection.execute(sa.text(query), values)]

    def run(self, statement: str, **values: Any) -> None:
        """Run a statement, beside the intake."""
        with self.engine.begin() as connection:
            connection.execute(sa.text(statement), values)


@contextlib.contextmanager
def files_full(most_bytes: int = 0) -> Iterator[None]:
    """This process's files grow no more: a disk that is full, for whatever it writes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    raising, logging.raiseExceptions = logging.raiseExceptions, False
    resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        logging.raiseExceptions = raising
