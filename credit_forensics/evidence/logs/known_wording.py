"""Whether a log has the known handler's words; and any container's lines in that handler's form."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

import numpy as np

from credit_forensics.evidence.logs.line_header import from_wording
from credit_forensics.evidence.logs.lines import Positions
from credit_forensics.evidence.logs.message import Line
from credit_forensics.evidence.logs.open import LogStream

_BATCH = 20_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_BLANK = re.compile(r"\s")
# What no other handler says. The intake of this toolkit names its records "webhook_delivery".
_WORDS = (
    b"WEBHOOK REQUEST ANALYSIS",
    b"FORENSIC EVENT ANALYSIS",
    b"RESOLUTION METHOD ",
    b"TOTAL USER RESOLUTION FAILURE",
    b"PERFECT SUCCESS: ",
    b"CRITICAL DATABASE ERROR",
    b"Stripe signature verified [Event: ",
    b"No valid credits in metadata",
    b'"webhook_delivery"',
)
_FIELDS = re.compile(rb'"(?:stripe_?)?event_?id": ?"evt_', re.IGNORECASE)


def known_wording(path: Path) -> str | None:
    """``words`` where a log has the known handler's, ``fields`` where records name events."""
    fields = False
    for chunk in LogStream(path):
        if any(words in chunk for words in _WORDS):
            return "words"
        fields = fields or _FIELDS.search(chunk) is not None
    return "fields" if fields else None


def in_batches(lines: Iterable[Line]) -> Iterator[list[Line]]:
    """Lines in lists of a bounded length."""
    rest = iter(lines)
    while batch := list(islice(rest, _BATCH)):
        yield batch


def original_form(lines: list[Line]) -> tuple[bytes, Positions]:
    """Lines as the known handler's own log has them, and the number of each.

    Examples
    --------
    >>> line = Line(7, 1756764000000000, "info", "r1", (), "hello", None, {})
    >>> original_form([line])[0]
    b'[2025-09-01T22:00:00+00:00 - log - INFO] hello request_id=r1\\n'
    """
    parts: list[str] = []
    numbers: list[int] = []
    for line in lines:
        text = from_wording(line.text)
        if line.time is not None:
            stamp = (_EPOCH + timedelta(microseconds=line.time)).isoformat()
            text = f"[{stamp} - log - {(line.level or 'info').upper()}] {text}"
        if line.request and " request_id=" not in text[-300:] and not _BLANK.search(line.request):
            text += f" request_id={line.request}"
        parts.append(text)
        numbers.extend([line.number] * (text.count("\n") + 1))
    parts.append("")
    chunk = "\n".join(parts).encode("utf-8", "replace")
    return chunk, np.array(numbers, np.int64)
