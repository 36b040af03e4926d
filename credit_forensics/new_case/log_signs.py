"""Tells by a file's first lines whether it is a log of a webhook handler, and how sure that is."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from credit_forensics.evidence.logs.containers import Container
from credit_forensics.evidence.logs.generic_log import masked
from credit_forensics.evidence.logs.generic_wording import Clue, understand
from credit_forensics.evidence.logs.known_wording import known_wording
from credit_forensics.evidence.logs.message import Line
from credit_forensics.evidence.logs.times import TimeReader

_LINES = 2_000
_LEAST_TIMED = 0.2
# Columns of a ledger, of which a log's record has at most one kind.
_AMOUNTS = frozenset({"delta", "credits", "amount", "balance", "change", "debit", "credit"})
_OWNERS = frozenset({"userid", "accountid", "ownerid", "user", "account", "customerid", "orgid"})
_OF_ACCOUNTS = frozenset({"email", "useremail", "balance", "stripecustomerid"})
# Columns that a log has and no table of entries.
_OF_LOGS = frozenset(
    {"message", "msg", "log", "level", "severity", "outcome", "eventmessage", "textpayload", "line"}
)
# Columns that may hold what a log's line says.
_TEXTS = _OF_LOGS | {"content", "text", "body", "event", "payload", "raw", "path", "requestpath"}
_ODD = re.compile(r"[^a-z0-9]+")
_NAME = re.compile(r"[A-Za-z_@][\w @./#()\[\]-]{0,59}")


@dataclass(frozen=True)
class LogSigns:
    """``certainty`` that a file is a handler's log (0: it is none), in ``words``, with an
    ``example`` line, masked. ``table`` has the fields of what is a table of entries instead."""

    certainty: float = 0.0
    words: str = ""
    example: str = ""
    table: tuple[str, ...] = ()


def look_at_log(path: Path) -> LogSigns:
    """Read the first lines of a file as those of a log.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "out"
    >>> _ = path.write_text("2025-09-01T10:00:00Z Received event evt_1abc\\n")
    >>> look_at_log(path)
    LogSigns(certainty=0.9, words='webhook log, text', example='Received event <value>', table=())
    """
    # A time without a year is one; of which year is of no account here.
    container = Container(path, TimeReader(near=int(path.stat().st_mtime) * 1_000_000))
    lines = list(islice(container, _LINES))
    if not lines:
        return LogSigns()
    # A document of one record is a setting or an answer, no table.
    table = () if container.layout == "document" and len(lines) == 1 else _table(lines)
    if table:
        return LogSigns(table=table)
    layout = {"csv": "a table", "document": "a JSON document"}.get(container.layout, "text")
    if layout == "text" and sum(bool(line.fields) for line in lines) * 2 > len(lines):
        layout = "records"
    clues = [clue for line in lines if (clue := understand(line)) is not None]
    wording = known_wording(path)
    if wording == "words":
        certainty, kind = 0.99, "webhook log in the original handler's words"
    elif any(clue.event_id or clue.payment_id for clue in clues):
        certainty, kind = 0.9, "webhook log"
    elif clues:
        certainty, kind = 0.6, "a log that names no event, but requests or outcomes of a webhook"
    else:
        return LogSigns()
    timed = sum(line.time is not None for line in lines) / len(lines)
    if timed < _LEAST_TIMED and wording != "words":
        certainty -= 0.3
    return LogSigns(certainty, f"{kind}, {layout}", _example(clues, lines))


def _example(clues: list[Clue], lines: list[Line]) -> str:
    line = clues[0].line if clues else lines[0]
    return masked(line.text)


def _table(lines: list[Line]) -> tuple[str, ...]:
    """The fields, where most records are rows of entries or accounts and not of a log."""
    rows = [line for line in lines if line.fields]
    if len(rows) * 2 <= len(lines):
        # Lines come oldest first, and a heading has no time: the file's own order counts.
        return _csv_table([line.text for line in sorted(lines, key=lambda line: line.number)])
    names = tuple(name for name in rows[0].fields if not name.startswith("_"))
    known = set(names)
    entries = known & _AMOUNTS and known & _OWNERS and not known & _OF_LOGS
    silent = sum(not line.text and line.http is None for line in rows) * 2 > len(rows)
    return names if entries or silent else ()


def _csv_table(texts: list[str]) -> tuple[str, ...]:
    """The headings of a table that has no column for what a log says; else none."""
    first = texts[0]
    delimiter = max(",;\t|", key=first.count)
    try:
        names = next(csv.reader([first], delimiter=delimiter), [])
    except csv.Error:
        return ()
    known = {_ODD.sub("", name.lower()) for name in names}
    # Two columns are a table where they are of accounts: an id and what belongs to it.
    least = 2 if known & _OF_ACCOUNTS else 3
    if len(names) < least or not all(_NAME.fullmatch(name.strip()) for name in names):
        return ()
    alike = sum(text.count(delimiter) >= len(names) - 1 for text in texts[1:50])
    if alike * 2 <= len(texts[1:50]):
        return ()
    # A statement's text is said of a sum and an account, which no line of a log has columns for.
    entries = known & _AMOUNTS and known & _OWNERS and not known & _OF_LOGS
    return () if known & _TEXTS and not entries else tuple(name.strip() for name in names)
