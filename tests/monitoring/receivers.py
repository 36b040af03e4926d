"""Real receivers on loopback: an HTTP server that takes JSON, an SMTP server that takes mail."""

from __future__ import annotations

import email
import email.policy
import json
import socket
import threading
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from aiosmtpd.controller import Controller


class HttpReceiver:
    """Keeps what is posted. ``statuses`` are answered first, one a request; then 200."""

    def __init__(self, port: int = 0) -> None:
        self.received: list[dict[str, Any]] = []
        self.gets: list[str] = []
        self.statuses: list[int] = []
        self.accepted = threading.Event()
        self.hold: threading.Event | None = None
        owner = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status = owner.statuses.pop(0) if owner.statuses else 200
                if status == 200:
                    owner.received.append(json.loads(body))
                    owner.accepted.set()
                if owner.hold:
                    owner.hold.wait(120)
                    return
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def do_GET(self) -> None:
                owner.gets.append(self.path)
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.port = self._server.server_address[1]
        self.url = f"json://127.0.0.1:{self.port}/hook/token-hush"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))

    def __enter__(self) -> HttpReceiver:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def titles(self) -> list[str]:
        return [message["title"] for message in self.received]


class MailReceiver:
    """Keeps the mails that it takes; refuses the first ``refuse`` of them."""

    def __init__(self) -> None:
        self.received: list[EmailMessage] = []
        self.refuse = 0
        # The controller connects to its own port to see it up, so it must be told one.
        with socket.create_server(("127.0.0.1", 0)) as free:
            self._port = free.getsockname()[1]
        self._controller = Controller(self, hostname="127.0.0.1", port=self._port)

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
        if self.refuse > 0:
            self.refuse -= 1
            return "451 try again later"
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        assert isinstance(message, EmailMessage)
        self.received.append(message)
        return "250 accepted"

    def __enter__(self) -> MailReceiver:
        self._controller.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._controller.stop()

    @property
    def url(self) -> str:
        address = f"mailto://127.0.0.1:{self._port}?mode=insecure"
        return f"{address}&from=monitor@example.com&to=ops@example.com"

    @property
    def subjects(self) -> list[str]:
        return [str(message["subject"]) for message in self.received]
