"""The door: who asks, how much and how fast, before anything of a request is parsed.

A body is read only of who may send one, up to a limit and a deadline, and JSON that no caller's
library would write (``NaN``, half a surrogate pair) goes no further.
"""

from __future__ import annotations

import asyncio
import ipaddress
import json
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from typing import Any

from fastapi import HTTPException, Request
from fastapi.exceptions import RequestValidationError
from starlette.responses import JSONResponse, Response

from credit_forensics.intake.guarded import Guard
from credit_forensics.intake.settings import WEBHOOK_PATH, IntakeSettings

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]
_CLOSE = {"connection": "close"}


class _GoneError(Exception):
    """The caller hung up."""


class Door:
    """ASGI middleware: client address, token, limit, deadline, readable JSON; then the app."""

    def __init__(self, app: App, *, settings: IntakeSettings, guard: Guard) -> None:
        self.app, self.settings, self.guard = app, settings, guard
        self._who = (
            ("/api/v1/checkout", guard.user),
            ("/api/v1/users", guard.user_or_service),
            ("/api/v1/review", guard.reviewer),
        )
        self._proxies = [ipaddress.ip_network(one) for one in settings.trusted_proxies]

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        if scope.get("client") is not None:
            host = scope["client"][0]
            told = headers.get(b"x-forwarded-for", b"").decode("latin-1")
            scope["client"] = (caller_address(host, told, self._proxies), scope["client"][1])
        try:
            refused, body = await self._read(scope, headers, receive)
        except _GoneError:
            return
        if refused is not None:
            await refused(scope, receive, send)
            return
        unread = scope["path"] == WEBHOOK_PATH and b"stripe-signature" not in headers
        await self.app(scope, _once(body, receive), _closing(send) if unread else send)

    async def _read(
        self, scope: MutableMapping[str, Any], headers: dict[bytes, bytes], receive: Receive
    ) -> tuple[Response | None, bytes]:
        path = scope["path"]
        for prefix, let_in in self._who:
            if path == prefix or path.startswith(prefix + "/"):
                try:
                    let_in(Request(scope))
                except HTTPException as error:
                    answer = JSONResponse({"detail": error.detail}, error.status_code)
                    answer.headers.update({**(error.headers or {}), **_CLOSE})
                    return answer, b""
        webhook = path == WEBHOOK_PATH
        if webhook and b"stripe-signature" not in headers:
            # Nothing could make it Stripe's; the handler says so without its body.
            return None, b""
        most = self.settings.max_body_bytes if webhook else self.settings.max_json_bytes
        length = headers.get(b"content-length", b"0")
        if length.isdigit() and int(length[:20]) > most:
            return JSONResponse({"error": "too large"}, 413, _CLOSE), b""
        try:
            async with asyncio.timeout(self.settings.request_seconds):
                body = await _body(receive, most)
        except TimeoutError:
            return JSONResponse({"error": "too slow"}, 408, _CLOSE), b""
        if body is None:
            return JSONResponse({"error": "too large"}, 413, _CLOSE), b""
        if body and not webhook and not is_plain_json(body):
            found = [{"type": "json_invalid", "loc": ["body"], "msg": "not JSON that can be used"}]
            return JSONResponse({"detail": found}, 422), b""
        return None, body


async def _body(receive: Receive, most: int) -> bytes | None:
    chunks, size, more = [], 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise _GoneError
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > most:
            return None
        chunks.append(chunk)
        more = message.get("more_body", False)
    return b"".join(chunks)


def _once(body: bytes, receive: Receive) -> Receive:
    """Gives the body, then whatever else the caller does."""
    given = False

    async def give() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return give


def _closing(send: Send) -> Send:
    """Ends the connection with the answer: what was not read must not be waited for."""

    async def close(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message.get("headers", ()), (b"connection", b"close")]
        await send(message)

    return close


def is_plain_json(body: bytes) -> bool:
    r"""Whether a body is JSON as the standard has it: no ``NaN``, whole characters only.

    Examples
    --------
    >>> is_plain_json(b'{"a": 1}'), is_plain_json(b'{"a": NaN}'), is_plain_json(b'"\\ud800"')
    (True, False, False)
    """

    def refuse(constant: str) -> None:
        raise ValueError(constant)

    try:
        value = json.loads(body, parse_constant=refuse)
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except (ValueError, RecursionError):
        return False
    return True


def caller_address(
    host: str,
    forwarded_for: str,
    proxies: Sequence[ipaddress.IPv4Network | ipaddress.IPv6Network],
) -> str:
    """Whose request it is: the connection's own address, or what a proxy of ours says before it.

    Of ``X-Forwarded-For`` only what our proxies wrote is believed: the last address that is no
    proxy of ours.

    Examples
    --------
    >>> ours = [ipaddress.ip_network("10.0.0.0/8")]
    >>> caller_address("10.0.0.1", "6.6.6.6, 1.2.3.4, 10.0.0.2", ours)
    '1.2.3.4'
    >>> caller_address("1.2.3.4", "6.6.6.6", ours)
    '1.2.3.4'
    """
    found = host
    for told in reversed(["", *forwarded_for.split(",")]):
        try:
            address = ipaddress.ip_address(found)
        except ValueError:
            return found
        if not any(address in network for network in proxies) or not told.strip():
            return found
        try:
            found = str(ipaddress.ip_address(told.strip()))
        except ValueError:
            return found
    return found


async def unreadable(request: Request, error: Exception) -> Response:
    """The answer for a request that does not fit: where and why, without what was sent."""
    assert isinstance(error, RequestValidationError)
    found = [
        {
            "type": one["type"],
            "loc": [part if isinstance(part, int) else str(part) for part in one["loc"]][:8],
            "msg": one["msg"],
        }
        for one in list(error.errors())[:20]
    ]
    text = json.dumps({"detail": found}, ensure_ascii=True)
    return Response(text, 422, media_type="application/json")
