"""Infers which fields of a log's record are its time, message, level, request and HTTP answer.

No platform is named: a field counts by its name first, in order of how sure the name is, and by
what its value looks like. Records inside a record are fields with longer names.
"""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple

from credit_forensics.evidence.logs.times import TimeReader

Record = dict[str, Any]

DEEPEST = 8
_MOST_FIELDS = 400
MESSAGES = (
    "message", "msg", "eventmessage", "textpayload", "line", "log", "text", "event", "body",
    "stringvalue", "content", "raw", "payload", "description", "logmessage", "summary",
)  # fmt: skip
_TIMES = (
    "timestamp", "time", "ts", "datetime", "date", "timestampms", "timestampinms", "eventtimestamp",
    "realtimetimestamp", "timeutc", "timeunixnano", "asctime", "loggedat", "logtime", "eventtime",
    "t", "when", "created", "createdat", "instant", "dt",
)  # fmt: skip
_LATER = re.compile(r"ingest|receiv|observ|expir|monotonic|proxy|updat|start|end")
REQUESTS = (
    "requestid", "reqid", "xrequestid", "awsrequestid", "lambdarequestid", "correlationid",
    "invocationid", "executionid", "rayid", "requestuuid", "traceid", "trace",
)  # fmt: skip
_LEVELS = (
    "level",
    "severity",
    "levelname",
    "loglevel",
    "severitytext",
    "lvl",
    "l",
    "priority",
    "status",
)
STATUSES = (
    "responsestatuscode", "statuscode", "responsestatus", "httpstatus", "httpstatuscode", "status",
    "scstatus", "code",
)  # fmt: skip
METHODS = ("requestmethod", "httpmethod", "method", "verb", "csmethod")
PATHS = (
    "requestpath", "requestedurl", "path", "requesturl", "requesturi", "url", "uri", "rawpath",
    "httppath", "csuristem", "endpoint", "route",
)  # fmt: skip
_VERBS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"})
_NUMBERED = {"0": "error", "1": "error", "2": "error", "3": "error", "4": "warning"}
_WORDS = {
    "error": "error", "err": "error", "fatal": "error", "critical": "error", "crit": "error",
    "panic": "error", "severe": "error", "emergency": "error", "alert": "error", "emerg": "error",
    "warning": "warning", "warn": "warning", "info": "info", "information": "info", "log": "info",
    "notice": "info", "default": "info", "debug": "info", "trace": "info", "verbose": "info",
}  # fmt: skip
_SEVERITIES = {"0": "info", "1": "info", "2": "warning", "3": "error", "4": "error"}
WENT_WRONG = re.compile(r"exception|error|stack|trace", re.IGNORECASE)
"""Names of fields that say what went wrong, beside what was logged."""
_ODD = re.compile(r"[^a-z0-9]+")
_SENTENCE = re.compile(r"\S\s+\S+\s+\S")


def folded(name: object) -> str:
    """A field's name without case, quotes and signs.

    Examples
    --------
    >>> folded("@Request-ID")
    'requestid'
    """
    return _ODD.sub("", str(name).lower())


class Http(NamedTuple):
    """What a record or a line states of an HTTP request: method, path and status of the answer."""

    method: str | None
    path: str | None
    status: int | None


class Found(NamedTuple):
    """What a record is taken to hold; absent parts are None. ``fields`` are by folded name."""

    time: int | None
    level: str | None
    message: str | None
    request: str | None
    http: Http | None
    fields: Record


def level_of(value: object) -> str | None:
    """``info``, ``warning`` or ``error``, from a logger's word or number for a level.

    Examples
    --------
    >>> [level_of(v) for v in ("WARN", "3", 50, "200", None)]
    ['warning', 'error', 'error', None, None]
    """
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        # syslog counts from 0, the worst, to 7; pino from 10 to 60, the worst.
        if 0 <= value <= 7:
            return _NUMBERED.get(str(value), "info")
        return {10: "info", 20: "info", 30: "info", 40: "warning", 50: "error", 60: "error"}.get(
            value
        )
    if not isinstance(value, str):
        return None
    digit = len(value) == 1 and value in "01234567"
    return _NUMBERED.get(value, "info") if digit else _WORDS.get(value.lower())


def flatten(record: Record) -> list[tuple[str, str, Any]]:
    """The fields of a record and of those inside it: folded path, folded name, value.

    Examples
    --------
    >>> flatten({"httpRequest": {"status": 200}, "@timestamp": "x"})
    [('timestamp', 'timestamp', 'x'), ('httprequest status', 'status', 200)]
    """
    found: list[tuple[str, str, Any]] = []
    waiting: list[tuple[str, Record, int]] = [("", record, 0)]
    while waiting and len(found) < _MOST_FIELDS:
        above, inside, depth = waiting.pop(0)
        for key, value in inside.items():
            name = folded(key)
            path = f"{above} {name}".strip()
            if isinstance(value, dict):
                if depth < DEEPEST:
                    waiting.append((path, value, depth + 1))
            elif value is not None and value != "" and len(found) < _MOST_FIELDS:
                found.append((path, name, value))
                written = _written_record(name, value) if depth < DEEPEST else None
                if written is not None:
                    waiting.append((path, written, depth + 1))
    return found


def _written_record(name: str, value: object) -> Record | None:
    """A record that stands in a field as text ("customDimensions" of a table); no message, and no
    exception, whose own message says nothing of the record's.
    """
    if (
        name in MESSAGES
        or WENT_WRONG.search(name)
        or not isinstance(value, str)
        or value[:1] != "{"
        or value[-1:] != "}"
    ):
        return None
    try:
        record = json.loads(value)
    except (ValueError, RecursionError):
        return None
    return record if isinstance(record, dict) else None


def understand(record: Record, times: TimeReader) -> Found:
    """Take a record for what it holds.

    Examples
    --------
    >>> found = understand({"timestampInMs": 1756764000123, "message": "hello", "level": "error",
    ...     "requestPath": "/hook", "responseStatusCode": 400}, TimeReader())
    >>> found.time, found.level, found.message, found.http
    (1756764000123000, 'error', 'hello', Http(method=None, path='/hook', status=400))
    """
    fields = flatten(record)
    first: dict[str, Any] = {}
    for path, name, value in fields:
        first.setdefault(name, value)
        if " " in path:
            first.setdefault(path.replace(" ", ""), value)
    return Found(
        time_of(first, times),
        _level(first),
        message_of(first),
        _request(first),
        _http(first),
        first,
    )


def _level(first: Record) -> str | None:
    # Azure counts from 0, the least, to 4.
    counted = _SEVERITIES.get(str(first.get("severitylevel", "")))
    return counted or next(
        (found for name in _LEVELS if (found := level_of(first.get(name)))), None
    )


def time_of(first: Record, times: TimeReader) -> int | None:
    for name in _TIMES:
        if name in first and (moment := times.value(first[name])) is not None:
            return moment
    for name, value in first.items():
        named = "time" in name or "date" in name or name.endswith("at")
        if named and not _LATER.search(name) and (moment := times.value(value)) is not None:
            return moment
    return None


def message_of(first: Record) -> str | None:
    for name in MESSAGES:
        text = as_text(first.get(name))
        if text and (name != "event" or not text.isdigit()):
            return text
    texts = [
        value
        for name, value in first.items()
        if isinstance(value, str) and _SENTENCE.search(value[:400]) and "agent" not in name
    ]
    return max(texts, key=len, default=None)


def as_text(value: object) -> str | None:
    """A message as text: also one in several parts, or as the numbers of its bytes.

    Examples
    --------
    >>> as_text(["paid", {"id": 7}]), as_text([104, 105])
    ('paid {"id": 7}', 'hi')
    """
    if isinstance(value, str):
        return value if value.strip() else None
    if not isinstance(value, list) or not value:
        return None
    if all(isinstance(part, int) and 0 <= part < 256 for part in value):
        return bytes(value).decode("utf-8", "replace")
    if any(isinstance(part, list) for part in value):
        return None
    parts = (part if isinstance(part, str) else json.dumps(part) for part in value)
    return " ".join(parts)


def _request(first: Record) -> str | None:
    for name in REQUESTS:
        value = first.get(name)
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
        if isinstance(value, str) and value.strip():
            return value.strip()[:200]
    return None


def _http(first: Record) -> Http | None:
    method = next((v for n in METHODS if isinstance(v := first.get(n), str)), None)
    path = next((v for n in PATHS if isinstance(v := first.get(n), str) and "/" in v), None)
    status = next((s for n in STATUSES if (s := status_of(first.get(n)))), None)
    if path is None and status is None:
        return None
    verb = method.upper() if method and method.upper() in _VERBS else None
    return Http(verb, path, status)


def status_of(value: object) -> int | None:
    """An HTTP status from a number or its text.

    Examples
    --------
    >>> [status_of(v) for v in (200, "404", "ok", 30, True)]
    [200, 404, None, None, None]
    """
    if isinstance(value, str) and len(value) == 3 and value.isdigit():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if 100 <= value < 600 else None
