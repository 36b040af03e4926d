"""Runs a statement once for all who ask for it at the same time.

A commit costs as much for one delivery as for thirty. Whoever asks while the statement runs is in
its next run. A run that fails is repeated for each of its members alone, so that one row that is
held, or bad data, is nobody else's trouble.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable, Sequence
from contextlib import asynccontextmanager
from typing import Generic, TypeVar

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

MOST_TOGETHER = 32
QUICKLY = "100ms"
"""How long a run for several waits for a row that another holds."""
_LEFT_FREE = 6

Asked = TypeVar("Asked")
Answer = TypeVar("Answer")
Run = Callable[[AsyncConnection, Sequence[Asked], str | None], Awaitable[Sequence[Answer]]]


class Turns:
    """Connections for what runs alone; some are left for runs together, to keep events, to ask.

    Parameters
    ----------
    seconds
        how long one may have its turn: a connection that is frozen answers nothing, not even that
        a statement took too long.
    """

    def __init__(self, engine: AsyncEngine, pool_size: int, seconds: float) -> None:
        self.engine, self.seconds = engine, seconds
        self._turns = asyncio.Semaphore(max(1, pool_size - _LEFT_FREE))

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[AsyncConnection]:
        """A connection in AUTOCOMMIT, when it is one's turn."""
        async with self.turn() as engine, engine.connect() as connection:
            yield connection

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[AsyncEngine]:
        """The engine, for one who takes one connection of it at most."""
        async with self._turns, asyncio.timeout(self.seconds):
            yield self.engine


class Gathered(Generic[Asked, Answer]):
    """One statement, and who waits for it.

    Parameters
    ----------
    run
        runs the statement on a connection for some who ask, and gives an answer for each, in
        order; its third argument is the ``lock_timeout`` that it sets, or None for the
        connection's own.
    unlike
        of those who ask the same by this key only one is in a run.
    """

    def __init__(
        self,
        run: Run[Asked, Answer],
        turns: Turns,
        *,
        unlike: Callable[[Asked], Hashable],
    ) -> None:
        self.run, self.turns, self.unlike = run, turns, unlike
        self._most = MOST_TOGETHER
        self._waiting: list[tuple[Asked, asyncio.Future[Answer]]] = []
        self._working: asyncio.Task[None] | None = None
        self._alone_now: set[asyncio.Task[None]] = set()

    async def __call__(self, asked: Asked) -> Answer:
        """The statement's answer; raises what its run alone raises."""
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append((asked, future))
        if self._working is None or self._working.done():
            self._working = asyncio.create_task(self._work())
        return await future

    async def _work(self) -> None:
        while self._waiting:
            await self._together(self._next())

    def _next(self) -> list[tuple[Asked, asyncio.Future[Answer]]]:
        chosen: list[tuple[Asked, asyncio.Future[Answer]]] = []
        left: list[tuple[Asked, asyncio.Future[Answer]]] = []
        seen: set[Hashable] = set()
        for asked, future in self._waiting:
            key = self.unlike(asked)
            if len(chosen) < self._most and key not in seen:
                chosen.append((asked, future))
                seen.add(key)
            else:
                left.append((asked, future))
        self._waiting = left
        return chosen

    async def _together(self, chosen: list[tuple[Asked, asyncio.Future[Answer]]]) -> None:
        try:
            turns = self.turns
            async with asyncio.timeout(turns.seconds), turns.engine.connect() as connection:
                answers = await self.run(connection, [asked for asked, _ in chosen], QUICKLY)
        except Exception:
            # What is wrong shows where each is run by itself.
            self._most = max(1, self._most // 2)
            for asked, future in chosen:
                task = asyncio.create_task(self._alone(asked, future))
                self._alone_now.add(task)
                task.add_done_callback(self._alone_now.discard)
            return
        self._most = min(MOST_TOGETHER, self._most * 2)
        for (_, future), answer in zip(chosen, answers, strict=True):
            if not future.done():
                future.set_result(answer)

    async def _alone(self, asked: Asked, future: asyncio.Future[Answer]) -> None:
        try:
            async with self.turns.connection() as connection:
                (answer,) = await self.run(connection, [asked], None)
        except Exception as error:
            if not future.done():
                future.set_exception(error)
        else:
            if not future.done():
                future.set_result(answer)
