"""Closes connections that do not finish their request, so that they cannot keep others out."""

from __future__ import annotations

import asyncio
import sys
from collections import OrderedDict
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

if sys.platform != "win32":
    import resource


class Waiting:
    """Connections of which a whole request is still awaited, the oldest first.

    Parameters
    ----------
    most
        how many may wait; one more closes the oldest.
    seconds
        how long one may wait.
    """

    def __init__(self, most: int, seconds: float) -> None:
        self.most, self.seconds = most, seconds
        self._since: OrderedDict[Any, float] = OrderedDict()

    def add(self, connection: Any, now: float) -> None:
        """Await a request of a connection, unless it is awaited already."""
        if connection in self._since:
            return
        self._since[connection] = now
        if len(self._since) > self.most:
            oldest, _ = self._since.popitem(last=False)
            oldest.transport.abort()

    def done(self, connection: Any) -> None:
        """A request is there, or the connection is gone."""
        self._since.pop(connection, None)

    def close_late(self, now: float) -> None:
        """Close what has waited too long."""
        while self._since:
            connection, since = next(iter(self._since.items()))
            if now - since < self.seconds:
                return
            self._since.popitem(last=False)
            connection.transport.abort()


def protocol_class(waiting: Waiting) -> type[H11Protocol]:
    """uvicorn's protocol, which tells when a request is whole."""

    class Watched(H11Protocol):
        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            waiting.add(self, self.loop.time())
            self.loop.call_later(waiting.seconds, self._late)

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            if self.conn.their_state in (h11.IDLE, h11.SEND_BODY):
                waiting.add(self, self.loop.time())
                self.loop.call_later(waiting.seconds, self._late)
            else:
                waiting.done(self)

        def connection_lost(self, exc: Exception | None) -> None:
            waiting.done(self)
            super().connection_lost(exc)

        def on_response_complete(self) -> None:
            super().on_response_complete()
            if not self.transport.is_closing():
                waiting.add(self, self.loop.time())

        def _late(self) -> None:
            waiting.close_late(self.loop.time())

    return Watched


def raise_open_files() -> None:
    """As many open files as the system lets this process have: a connection is one."""
    if sys.platform == "win32":
        return  # It has no such limit.
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = hard if hard != resource.RLIM_INFINITY else 65_536
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
