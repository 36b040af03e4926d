"""Pings a dead-man's switch, which raises the alarm when the pings stop."""

from __future__ import annotations

import urllib.error
import urllib.request
from urllib.parse import urlsplit

from credit_forensics.errors import CaseError

_TIMEOUT = 10.0


def dead_man_address(url: str) -> str:
    """The address, if it is one.

    Raises
    ------
    CaseError
        when it is not an http or https address.

    Examples
    --------
    >>> dead_man_address("https://ping.example.com/abc")
    'https://ping.example.com/abc'
    """
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        usable = False
    if not usable:
        raise CaseError("monitor.dead_man_url is not an http or https address.")
    return url


def ping(url: str) -> str | None:
    """Ping; ``None`` when it was answered, else what went wrong, without the address."""
    try:
        with urllib.request.urlopen(url, timeout=_TIMEOUT) as answer:
            answer.read(1024)
    except urllib.error.HTTPError as error:
        return f"status {error.code}"
    except (OSError, ValueError) as error:
        return type(error).__name__
    return None
