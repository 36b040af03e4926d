"""Infers which fields of a log's record are its time, message, level, request and HTTP answer.

No platform is named: a field counts by its name first, in order of how sure the name is, and by
what its value looks like. Nested records are one record whose fields have longer names.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from credit_forensics.evidence.logs.times import TimeReader

Record = dict[str, Any]

_DEEPEST = 8
_MOST_FIELDS = 400
_LONGEST = 64 << 10
_MESSAGES = (
    "message", "msg", "eventmessage", "textpayload", "line", "log", "text", "event", "body",
    "stringvalue", "content", "raw", "payload", "description", "logmessage", "summary",
)  # fmt: skip
_TIMES = (
    "timestamp", "time", "ts", "datetime", "date", "timestampms", "timestampinms", "eventtimestamp",
    "realtimetimestamp", "timeutc", "timeunixnano", "asctime", "loggedat", "logtime", "eventtime",
    "t", "when", "created", "createdat", "instant",
)  # fmt: skip
_LATER = re.compile(r"ingest|receiv|observ|expir|monotonic|proxy|updat|start|end")
_REQUESTS = (
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
    "priority",
    "status",
)
_STATUSES = (
    "responsestatuscode", "statuscode", "responsestatus", "httpstatus", "httpstatuscode", "status",
    "scstatus", "code",
)  # fmt: skip
_METHODS = ("requestmethod", "httpmethod", "method", "verb", "csmethod")
_PATHS = (
    "requestpath", "path", "requesturl", "requesturi", "url", "uri", "rawpath", "httppath",
    "csuristem", "endpoint", "route",
)  # fmt: skip
_VERBS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"})
_NUMBERED = {"0": "error", "1": "error", "2": "error", "3": "error", "4": "warning"}
_WORDS = {
    "error": "error", "err": "error", "fatal": "error", "critical": "error", "crit": "error",
    "panic": "error", "severe": "error", "emergency": "error", "alert": "error", "emerg": "error",
    "warning": "warning", "warn": "warning", "info": "info", "information": "info", "log": "info",
    "notice": "info", "default": "info", "debug": "info", "trace": "info", "verbose": "info",
}  # fmt: skip
_ODD = re.compile(r"[^a-z0-9]+")
_SENTENCE = re.compile(r"\S\s+\S+\s+\S")
_CRUMBS = re.compile(r"breadcrumb", re.IGNORECASE)
_DECODER = json.JSONDecoder()


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
            name = _ODD.sub("", str(key).lower())
            path = f"{above} {name}".strip()
            if isinstance(value, dict):
                if depth < _DEEPEST:
                    waiting.append((path, value, depth + 1))
            elif value is not None and value != "" and len(found) < _MOST_FIELDS:
                found.append((path, name, value))
    return found


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
        _time(first, times),
        next((level for name in _LEVELS if (level := level_of(first.get(name)))), None),
        _message(first),
        _request(first),
        _http(first),
        first,
    )


def _time(first: Record, times: TimeReader) -> int | None:
    for name in _TIMES:
        if name in first and (moment := times.value(first[name])) is not None:
            return moment
    for name, value in first.items():
        named = "time" in name or "date" in name or name.endswith("at")
        if named and not _LATER.search(name) and (moment := times.value(value)) is not None:
            return moment
    return None


def _message(first: Record) -> str | None:
    for name in _MESSAGES:
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
    for name in _REQUESTS:
        value = first.get(name)
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
        if isinstance(value, str) and value.strip():
            return value.strip()[:200]
    return None


def _http(first: Record) -> Http | None:
    method = next((v for n in _METHODS if isinstance(v := first.get(n), str)), None)
    path = next((v for n in _PATHS if isinstance(v := first.get(n), str) and "/" in v), None)
    status = next((s for n in _STATUSES if (s := status_of(first.get(n)))), None)
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


def records_in(value: Any) -> Iterator[Record]:
    """The records of a document: of lists, of lists in it, of pairs of a time and a line.

    What stands beside an inner list (a request, its answer) belongs to each of its records. A
    record whose message is itself a record becomes one with it.

    Examples
    --------
    >>> list(records_in({"data": [{"attributes": {"message": "a", "timestamp": 1756764000}}]}))
    [{'attributes': {'message': 'a', 'timestamp': 1756764000}}]
    >>> list(records_in({"values": [["1756764000000000000", "a"]], "stream": {"app": "x"}}))
    [{'timestamp': '1756764000000000000', 'message': 'a'}]
    """
    yield from _records(value, {}, 0)


def _records(value: Any, context: Record, depth: int) -> Iterator[Record]:
    if depth > _DEEPEST:
        return
    if isinstance(value, list):
        if pairs := _as_pair(value) or _as_fields(value):
            yield {**context, **pairs}
            return
        for part in value:
            if isinstance(part, (dict, list)):
                yield from _records(part, context, depth + 1)
        return
    if (rows := _as_rows(value)) is not None:
        for row in rows:
            yield from _records(row, context, depth + 1)
        return
    record = with_nested(value)
    inner = [part for part in record.values() if _holds_records(part)]
    deeper = [part for part in record.values() if isinstance(part, dict)]
    crumbs = [
        part
        for name, held in record.items()
        if isinstance(held, dict) and _CRUMBS.search(name)
        for part in held.values()
        if _holds_records(part)
    ]
    if crumbs and not inner:
        # What was said before an event stands beside what it was.
        for part in crumbs:
            yield from _records(part, context, depth + 1)
        rest = {name: held for name, held in record.items() if not _CRUMBS.search(name)}
        yield {**context, **rest}
        return
    if inner:
        beside = {**context, **_beside(record)}
        for part in inner:
            yield from _records(part, beside, depth + 1)
        if any(name in _folded(record) for name in ("message", "msg", "textpayload")):
            yield {**context, **record}
        return
    if not _has_text(record):
        holders = [part for part in deeper if any(map(_holds_records, _deep(part)))]
        for part in holders:
            yield from _records(part, context, depth + 1)
        if holders:
            return
    yield {**context, **record}


def with_nested(record: Record) -> Record:
    """A record with the record that its message is, if it is one.

    Examples
    --------
    >>> with_nested({"log": '{"msg": "paid"}', "time": "t"})
    {'time': 't', 'msg': 'paid'}
    """
    for _ in range(3):
        for name, value in record.items():
            if isinstance(value, str) and (inner := json_object(value)) is not None:
                rest = {k: v for k, v in record.items() if k != name}
                record = {**rest, **inner} if _has_text(inner) else record
                if _has_text(inner):
                    break
        else:
            return record
    return record


def json_object(text: str) -> Record | None:
    """The JSON object that a text is, or None; escaped once more than it should be, too."""
    text = text.strip()
    if not (text.startswith("{") and text.endswith("}")) or len(text) > _LONGEST * 16:
        return None
    for form in (text, text.replace('\\"', '"') if text.startswith('{\\"') else ""):
        try:
            found = _DECODER.decode(form)
        except (ValueError, RecursionError):
            continue
        return found if isinstance(found, dict) else None
    return None


def _folded(record: Record) -> set[str]:
    return {_ODD.sub("", str(key).lower()) for key in record}


def _has_text(record: Record) -> bool:
    names = _folded(record)
    return any(name in names for name in _MESSAGES[:8]) or any(n in names for n in _STATUSES[:5])


def _as_pair(value: list[Any]) -> Record | None:
    """``[time, line]``, with or without labels after it."""
    if len(value) not in (2, 3) or not isinstance(value[1], str) or isinstance(value[0], list):
        return None
    moment = TimeReader().value(value[0])
    return None if moment is None else {"timestamp": value[0], "message": value[1]}


def _as_rows(value: Record) -> list[Record] | None:
    """``{"columns": [{"name": …}, …], "rows": [[…], …]}``: a table's answer to a query."""
    names, rows = value.get("columns"), value.get("rows")
    if not isinstance(names, list) or not isinstance(rows, list) or not names or not rows:
        return None
    called: list[str] = []
    for one in names:
        name = one.get("name") if isinstance(one, dict) else one
        if not isinstance(name, str):
            return None
        called.append(name)
    return [
        dict(zip(called, row, strict=False))
        for row in rows
        if isinstance(row, list) and len(row) == len(called)
    ]


def _as_fields(value: list[Any]) -> Record | None:
    """``[{"field": …, "value": …}, …]``."""
    found: Record = {}
    for part in value:
        if not isinstance(part, dict) or "value" not in part or len(part) > 3:
            return None
        name = part.get("field") or part.get("key") or part.get("name")
        if not isinstance(name, str):
            return None
        found[name] = part["value"]
    return found or None


def _holds_records(value: Any) -> bool:
    """Whether a list holds records: each with a text and a time, or further lists of such."""
    if isinstance(value, list) and value and isinstance(value[0], dict) and _as_rows(value[0]):
        return True
    if not isinstance(value, list) or not value:
        return False
    part = next((p for p in value[:50] if isinstance(p, (dict, list)) and p), None)
    if isinstance(part, list):
        return bool(_as_pair(part) or _as_fields(part))
    if part is None:
        return False
    if any(_holds_records(inner) for inner in _deep(part)):
        return True
    times = TimeReader()
    fields = flatten(part)
    named = {name: value for _, name, value in fields}
    return _message(named) is not None and _time(named, times) is not None


def _deep(value: Any, depth: int = 0) -> Iterator[Any]:
    if depth > _DEEPEST or not isinstance(value, dict):
        return
    for part in value.values():
        yield part
        yield from _deep(part, depth + 1)


def _beside(record: Record) -> Record:
    """The request and its answer of a record whose lines are inside it; nothing of its outcome."""
    plain = {*_REQUESTS, *_STATUSES[:5], *_METHODS, *_PATHS}
    kept: Record = {}
    for key, value in record.items():
        name = _ODD.sub("", str(key).lower())
        held = isinstance(value, dict) and name in ("request", "response", "event", "proxy")
        if held or (name in plain and isinstance(value, (str, int))):
            kept[str(key)] = value
    return kept
