"""Posts deliveries to a handler, whatever it is: an ASGI app, a WSGI app or a URL on loopback."""

from __future__ import annotations

import asyncio
import http.client
import inspect
import io
import ipaddress
import sys
import threading
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import urlsplit

from credit_forensics.errors import CaseError

Handler = Callable[..., Any] | str
_WORKERS = 16


@dataclass(frozen=True)
class Delivery:
    """A request to post: its body and headers (names in lower case)."""

    body: bytes
    headers: dict[str, str]


@dataclass(frozen=True)
class Answer:
    """What came back: a status (599 where nothing came), the body, and what an app raised."""

    status: int
    body: bytes = b""
    error: str = ""

    @property
    def accepted(self) -> bool:
        """Whether Stripe would take this for done and never send again."""
        return 200 <= self.status < 300


class Transport(Protocol):
    """A way to post several deliveries at once."""

    def post(self, deliveries: Sequence[Delivery]) -> list[Answer]:
        """Post concurrently; answers in the order of the deliveries."""
        ...

    def close(self) -> None:
        """Shut down what was started."""
        ...


def open_transport(handler: Handler, path: str = "/", timeout: float = 30.0) -> Transport:
    """The transport that fits a handler.

    Parameters
    ----------
    handler
        an ASGI app, a WSGI app, or ``http://127.0.0.1:…/…``.
    path
        where in an app the handler is mounted; a URL carries its own.
    timeout
        seconds to wait for one answer.

    Raises
    ------
    CaseError
        for a URL that is not on loopback (the kit writes into the ledger behind it), or for
        something that is none of the three.

    Examples
    --------
    >>> open_transport("http://shop.example.com/webhook")
    Traceback (most recent call last):
        ...
    credit_forensics.errors.CaseError: The kit only speaks to a handler on loopback ...
    """
    if isinstance(handler, str):
        return _UrlTransport(handler, timeout)
    if not callable(handler):
        raise CaseError("A handler is an ASGI app, a WSGI app or a URL on loopback.")
    call = handler if inspect.isfunction(handler) else getattr(handler, "__call__", handler)  # noqa: B004
    if inspect.iscoroutinefunction(handler) or inspect.iscoroutinefunction(call):
        return _AsgiTransport(handler, path, timeout)
    if len(inspect.signature(call).parameters) == 3:
        return _AsgiTransport(handler, path, timeout)
    return _WsgiTransport(handler, path)


class _AsgiTransport:
    """Runs the app on one event loop of its own, so that its pools live as in a server."""

    def __init__(self, app: Callable[..., Any], path: str, timeout: float) -> None:
        self.app, self.path, self.timeout = app, path, timeout
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        self._lifespan_in: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._lifespan: asyncio.Task[None] | None = None
        self._state: dict[str, Any] = {}
        try:
            self._run(self._start())
        except BaseException:
            self._stop_loop()
            raise

    def _run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result()

    async def _start(self) -> None:
        ready: asyncio.Future[str] = self.loop.create_future()

        async def send(message: dict[str, Any]) -> None:
            if not ready.done():
                ready.set_result(message["type"] + ": " + message.get("message", ""))

        async def live() -> None:
            # An app that knows no lifespan raises; ASGI says to go on without.
            try:
                scope = {"type": "lifespan", "asgi": {"version": "3.0"}, "state": self._state}
                await self.app(scope, self._lifespan_in.get, send)
            except Exception:
                if not ready.done():
                    ready.set_result("none")

        self._lifespan = self.loop.create_task(live())
        await self._lifespan_in.put({"type": "lifespan.startup"})
        told = await asyncio.wait_for(ready, self.timeout)
        if told.startswith("lifespan.startup.failed"):
            raise CaseError(f"The handler did not start: {told.partition(': ')[2]}".strip())

    def post(self, deliveries: Sequence[Delivery]) -> list[Answer]:
        async def together() -> list[Answer]:
            return list(await asyncio.gather(*(self._one(d) for d in deliveries)))

        answers: list[Answer] = self._run(together())
        return answers

    async def _one(self, delivery: Delivery) -> Answer:
        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": "POST",
            "scheme": "http",
            "path": self.path,
            "raw_path": self.path.encode(),
            "root_path": "",
            "query_string": b"",
            "headers": [(k.encode(), v.encode()) for k, v in delivery.headers.items()],
            "client": ("127.0.0.1", 40000),
            "server": ("127.0.0.1", 80),
            "state": dict(self._state),
        }
        sent = False
        status, body = 599, io.BytesIO()

        async def receive() -> dict[str, Any]:
            nonlocal sent
            if sent:
                await asyncio.sleep(self.timeout)
                return {"type": "http.disconnect"}
            sent = True
            return {"type": "http.request", "body": delivery.body, "more_body": False}

        async def send(message: dict[str, Any]) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            elif message["type"] == "http.response.body":
                body.write(message.get("body", b""))

        try:
            await asyncio.wait_for(self.app(scope, receive, send), self.timeout)
        except Exception as error:
            # A server turns what an app lets through into a 500.
            return Answer(500 if status == 599 else status, error=repr(error))
        return Answer(status, body.getvalue())

    def close(self) -> None:
        async def stop() -> None:
            if self._lifespan is not None and not self._lifespan.done():
                await self._lifespan_in.put({"type": "lifespan.shutdown"})
                await asyncio.wait([self._lifespan], timeout=10)

        self._run(stop())
        self._stop_loop()

    def _stop_loop(self) -> None:
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(10)
        if not self.loop.is_running():
            self.loop.close()


class _ThreadedTransport:
    def __init__(self) -> None:
        self.pool = ThreadPoolExecutor(_WORKERS)

    def _one(self, delivery: Delivery) -> Answer:
        raise AssertionError("each transport has its own")

    def post(self, deliveries: Sequence[Delivery]) -> list[Answer]:
        return list(self.pool.map(self._one, deliveries))

    def close(self) -> None:
        self.pool.shutdown()


class _WsgiTransport(_ThreadedTransport):
    def __init__(self, app: Callable[..., Any], path: str) -> None:
        super().__init__()
        self.app, self.path = app, path

    def _one(self, delivery: Delivery) -> Answer:
        headers = dict(delivery.headers)
        environ: dict[str, Any] = {
            "REQUEST_METHOD": "POST",
            "SCRIPT_NAME": "",
            "PATH_INFO": self.path,
            "QUERY_STRING": "",
            "CONTENT_TYPE": headers.pop("content-type", "application/json"),
            "CONTENT_LENGTH": str(len(delivery.body)),
            "SERVER_NAME": "127.0.0.1",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "127.0.0.1",
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(delivery.body),
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
        }
        for name, value in headers.items():
            environ["HTTP_" + name.upper().replace("-", "_")] = value
        told: list[str] = []

        def start_response(
            status: str, headers: object, exc_info: object = None
        ) -> Callable[..., None]:
            told[:] = [status]
            return lambda data: None

        try:
            parts = self.app(environ, start_response)
            try:
                body = b"".join(parts)
            finally:
                if hasattr(parts, "close"):
                    parts.close()
        except Exception as error:
            return Answer(500, error=repr(error))
        return Answer(int(told[0].split()[0]) if told else 599, body)


class _UrlTransport(_ThreadedTransport):
    def __init__(self, url: str, timeout: float) -> None:
        parts = urlsplit(url)
        if parts.scheme != "http" or not _is_loopback(parts.hostname):
            raise CaseError(
                "The kit only speaks to a handler on loopback (http://127.0.0.1:…), "
                f"because it writes into the ledger behind it; {url!r} is not one."
            )
        super().__init__()
        self.host, self.port = parts.hostname or "127.0.0.1", parts.port or 80
        self.path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        self.timeout = timeout

    def _one(self, delivery: Delivery) -> Answer:
        connection = http.client.HTTPConnection(self.host, self.port, timeout=self.timeout)
        try:
            connection.request("POST", self.path, delivery.body, delivery.headers)
            response = connection.getresponse()
            return Answer(response.status, response.read())
        except (OSError, http.client.HTTPException):
            return Answer(599)
        finally:
            connection.close()


def _is_loopback(host: str | None) -> bool:
    if host == "localhost":
        return True
    try:
        return bool(host) and ipaddress.ip_address(host or "").is_loopback
    except ValueError:
        return False
