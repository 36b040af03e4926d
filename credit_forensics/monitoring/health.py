"""Serves ``/healthz`` and Prometheus metrics on loopback."""

from __future__ import annotations

import datetime as dt
import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from credit_forensics.errors import CaseError
from credit_forensics.extras import load
from credit_forensics.monitoring.alert_policy import Sent
from credit_forensics.monitoring.state import MonitorState
from credit_forensics.monitoring.tick import TickResult


class Health:
    """What is known of the monitor's own health; ``metrics`` as Prometheus reads them.

    Parameters
    ----------
    late_after
        without a tick for this long the monitor is not healthy.
    """

    def __init__(
        self,
        late_after: dt.timedelta,
        clock: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC),
    ) -> None:
        prometheus = load("prometheus_client")
        self._clock = clock
        self._late_after = late_after
        self._lock = threading.Lock()
        self._started = clock()
        self._last: TickResult | None = None
        self.registry = prometheus.CollectorRegistry()
        name = "credit_forensics_monitor"
        registry = self.registry
        self._ticks = prometheus.Counter(f"{name}_ticks", "Ticks run", registry=registry)
        self._seconds = prometheus.Histogram(
            f"{name}_tick_seconds", "Duration of a tick", registry=registry
        )
        self._last_tick = prometheus.Gauge(
            f"{name}_last_tick_timestamp_seconds", "Time of the last tick", registry=registry
        )
        self._last_good = prometheus.Gauge(
            f"{name}_last_success_timestamp_seconds",
            "Time of the last tick in which every check ran",
            registry=registry,
        )
        self._errors = prometheus.Counter(
            f"{name}_check_errors", "Checks that could not run", ["check"], registry=registry
        )
        self._items = prometheus.Gauge(
            f"{name}_check_items", "Items that a check saw last", ["check"], registry=registry
        )
        self._open = prometheus.Gauge(
            f"{name}_open_incidents", "Open incidents", ["check", "severity"], registry=registry
        )
        self._sent = prometheus.Counter(
            f"{name}_alerts", "Messages accepted", ["target", "severity"], registry=registry
        )
        self._failed = prometheus.Counter(
            f"{name}_alert_failures", "Messages not accepted", ["target"], registry=registry
        )

    def ticked(self, result: TickResult, state: MonitorState) -> None:
        """Take a tick's result."""
        with self._lock:
            self._last = result
            self._ticks.inc()
            self._seconds.observe(result.seconds)
            self._last_tick.set(result.at.timestamp())
            if result.healthy:
                self._last_good.set(result.at.timestamp())
            for check in result.errors:
                self._errors.labels(check).inc()
            for observation in result.observations:
                self._items.labels(observation.check).set(len(observation.items))
            self._open.clear()
            for incident in state.incidents(status="open"):
                self._open.labels(incident.check, incident.severity).inc()
        self.sent(result.sent)

    def sent(self, messages: tuple[Sent, ...] | list[Sent]) -> None:
        """Take messages that were handed to targets."""
        with self._lock:
            for message in messages:
                if message.error is None:
                    self._sent.labels(message.target, message.severity).inc()
                else:
                    self._failed.labels(message.target).inc()

    def report(self) -> tuple[bool, dict[str, Any]]:
        """Whether all is well, and why not."""
        with self._lock:
            last = self._last
            since = last.at if last else self._started
            late = self._clock() - since > self._late_after
            problems = sorted(last.errors) if last else []
        body = {
            "status": "late" if late else "failing" if problems else "ok",
            "last_tick": last.at.isoformat() if last else None,
            "could_not_run": problems,
        }
        return not late and not problems, body

    def metrics(self) -> bytes:
        """The metrics in Prometheus' text format."""
        with self._lock:
            return bytes(load("prometheus_client").generate_latest(self.registry))


class HealthServer:
    """An HTTP server in a thread, on loopback only.

    Raises
    ------
    CaseError
        when the address is not one of loopback, or is taken.
    """

    def __init__(self, listen: str, health: Health) -> None:
        host, port = loopback(listen)

        class Handler(BaseHTTPRequestHandler):
            server_version = "credit-forensics"
            sys_version = ""
            timeout = 10

            def do_GET(self) -> None:
                if self.path == "/healthz":
                    well, body = health.report()
                    self._reply(200 if well else 503, "application/json", json.dumps(body).encode())
                elif self.path == "/metrics":
                    kind = "text/plain; version=0.0.4; charset=utf-8"
                    self._reply(200, kind, health.metrics())
                else:
                    self._reply(404, "text/plain", b"not found\n")

            def _reply(self, status: int, kind: str, body: bytes) -> None:
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:
                """Requests are not news."""

        try:
            self._server = ThreadingHTTPServer((host, port), Handler)
        except OSError:
            raise CaseError(f"monitor.listen {listen} is already taken.") from None
        self._server.daemon_threads = True
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.1,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def loopback(listen: str) -> tuple[str, int]:
    """Host and port of ``monitor.listen``.

    Raises
    ------
    CaseError
        when it is not ``127.0.0.1:PORT`` or ``localhost:PORT``.

    Examples
    --------
    >>> loopback("127.0.0.1:9464")
    ('127.0.0.1', 9464)
    """
    host, _, port = listen.rpartition(":")
    if host not in ("127.0.0.1", "localhost") or not port.isascii() or not port.isdigit():
        raise CaseError('monitor.listen is for loopback only; write it as "127.0.0.1:9464".')
    if int(port) > 65_535:
        raise CaseError(f"monitor.listen has no port {port}.")
    return host, int(port)
