"""Sends an alert by Apprise, and says in a few words why it could not."""

from __future__ import annotations

import contextlib
import hashlib
import logging
import re
from collections.abc import Iterator, Sequence

from credit_forensics.case_file import from_environment
from credit_forensics.errors import CaseError
from credit_forensics.extras import load
from credit_forensics.monitoring.alerts import Alert
from credit_forensics.monitoring.formats import as_html, as_markdown, as_text

_TYPE = {"critical": "failure", "warning": "warning", "info": "info", "success": "success"}
_NUMBER = re.compile(r"error[=:\s]+(\d{3})\b", re.IGNORECASE)


class Transport:
    """One target: an Apprise address. ``name`` is its scheme and a few digits, never the address.

    Examples
    --------
    >>> Transport("json://127.0.0.1:9/").name
    'json-59f2d73c'
    """

    def __init__(self, url: str) -> None:
        apprise = load("apprise")
        digest = hashlib.sha256(url.encode()).hexdigest()[:8]
        self.name = f"{re.split(r'[^A-Za-z0-9+-]', url, maxsplit=1)[0][:20].lower()}-{digest}"
        with _captured():
            # In this process and thread, one after the other: no event loop is disturbed.
            self._apprise = apprise.Apprise(asset=apprise.AppriseAsset(async_mode=False))
            usable = self._apprise.add(url)
        if not usable:
            raise CaseError(
                f"A monitor.targets entry ({self.name}) is not an address that Apprise "
                "knows; see docs/monitoring.md."
            )

    def send(self, alert: Alert) -> str | None:
        """Send; ``None`` when it was accepted, else what went wrong, in words without secrets."""
        apprise = load("apprise")
        taken = self._apprise[0].notify_format
        # One format, or since Apprise 2.1 several, the service's favourite first.
        body_format = taken[0] if isinstance(taken, tuple) else taken
        dress = {
            apprise.NotifyFormat.HTML: as_html,
            apprise.NotifyFormat.MARKDOWN: as_markdown,
        }.get(body_format, as_text)
        body = dress(alert)
        with _captured() as messages:
            try:
                accepted = self._apprise.notify(
                    title=alert.title,
                    body=body,
                    notify_type=apprise.NotifyType(_TYPE[alert.tone]),
                    body_format=body_format,
                )
            except Exception as error:
                # A plug-in's fault must not end the tick, and its message may quote the address.
                return type(error).__name__
        return None if accepted else _reason(messages)


def transports(targets: Sequence[str]) -> list[Transport]:
    """The transports of ``monitor.targets``; ``env:NAME`` reads the environment.

    Raises
    ------
    CaseError
        for a target that Apprise does not know, or when Apprise is not installed.
    """
    if not targets:
        return []
    made = [Transport(from_environment(target, "monitor.targets")) for target in targets]
    unique = {transport.name: transport for transport in made}
    return list(unique.values())


def _reason(messages: list[str]) -> str:
    """What went wrong, from Apprise's log: the HTTP status if there is one, no text of its own."""
    text = " ".join(messages)
    found = _NUMBER.search(text)
    if found:
        return f"refused with status {found.group(1)}"
    for word in ("connection", "timeout", "authentication", "smtp"):
        if word in text.lower():
            return f"{word} error"
    return "not accepted"


@contextlib.contextmanager
def _captured() -> Iterator[list[str]]:
    """Keep Apprise's log from the console: it may hold addresses with tokens in them."""
    messages: list[str] = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            messages.append(record.getMessage())

    logger, handler = logging.getLogger("apprise"), Keep(logging.INFO)
    before = logger.propagate, logger.level
    logger.addHandler(handler)
    logger.propagate = False
    logger.setLevel(logging.INFO)
    try:
        yield messages
    finally:
        logger.removeHandler(handler)
        logger.propagate, level = before
        logger.setLevel(level)
