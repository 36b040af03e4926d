"""Reads JSON log lines (structlog, python-json-logger, pino, and this toolkit's own intake).

A record whose message has the handler's wording becomes a line of text in the original handler's
form; fields that name an event, a session or a user become a fact of their own. The intake's
records are whole deliveries.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from credit_forensics.evidence.logs.container_fields import understand
from credit_forensics.evidence.logs.delivery import Delivery, Fact, outcome_of, whole_number
from credit_forensics.evidence.logs.facts import Kind
from credit_forensics.evidence.logs.lines import Positions
from credit_forensics.evidence.logs.times import TimeReader

_MESSAGE = ("message", "msg", "event", "log", "text", "textPayload", "body", "MESSAGE")
_TIME = ("timestamp", "time", "@timestamp", "ts", "asctime", "datetime", "date", "created")
_REQUEST = (
    "request_id",
    "requestId",
    "req_id",
    "reqId",
    "correlation_id",
    "correlationId",
    "x_request_id",
    "trace_id",
    "traceId",
)
_LEVEL = ("level", "levelname", "severity", "log_level", "lvl")
_NESTED = ("extra", "context", "data", "fields", "jsonPayload", "attributes", "record", "extras")
_TRACE = ("exc_info", "exception", "stack_trace", "stack", "exc_text", "traceback")
_EVENT = ("event_id", "eventId", "stripe_event_id", "stripeEventId")
_PAYMENT = (
    "payment_id",
    "session_id",
    "sessionId",
    "checkout_session_id",
    "checkoutSessionId",
    "stripe_session_id",
    "paymentId",
)
_USER = ("resolved_user_id", "resolvedUserId", "user_id", "userId")
_METHOD = ("resolution_method", "resolutionMethod", "method")
_CREDITS = ("credits", "credits_added", "creditsAdded")
_OUTCOME = ("outcome", "result")
_EMAIL = ("email", "user_email", "userEmail")
_VERBS = {"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"}
_STRIPE_EVENT = re.compile(r"evt_\S+")
_STRIPE_PAYMENT = re.compile(r"(?:cs|pi)_\S+")
_SIGN_IN = re.compile(r"(?:sign|log)(?:ed|ged)?[ _-]?in\b", re.IGNORECASE)
# A message that has a prefix of its own, or goes on with the one before.
_OWN_FORM = re.compile(r"\[?\d{4}-\d\d-\d\d[T ]|\s*[\"'}\]]")
_WRITTEN_TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d[\d.,:+Z-]*\Z")
_BLANK = re.compile(r"\s")
_NESTED_KEYS = frozenset(_NESTED)
_REQUEST_KEYS = frozenset({*_REQUEST, "req", "request"})
_TRACE_KEYS = frozenset({*_TRACE, "err", "error"})
_FIELD_KEYS = frozenset(
    {*_EVENT, *_PAYMENT, *_USER, *_METHOD, *_CREDITS, *_OUTCOME, *_EMAIL, "error", "err"}
    | {"signature_valid"}
)
_DOCKER = {"log", "stream", "time", "attrs"}
_TIMES = TimeReader()
_DECODER = json.JSONDecoder()
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass
class JsonLines:
    """A chunk with its JSON records turned into text, and what the records say beside."""

    chunk: bytes
    numbers: Positions
    facts: list[Fact] = field(default_factory=list)
    deliveries: list[Delivery] = field(default_factory=list)
    sign_ins: list[tuple[str, str, int | None]] = field(default_factory=list)
    times: list[int] = field(default_factory=list)
    rejected: list[int] = field(default_factory=list)


def has_json(chunk: bytes, newlines: Positions) -> bool:
    """Whether any line of a chunk begins like a JSON object."""
    data = np.frombuffer(chunk, np.uint8)
    return chunk.startswith(b"{") or bool((data[newlines[:-1] + 1] == 123).any())


def read_json_lines(chunk: bytes, first_number: int) -> JsonLines:
    """Take the JSON records out of a chunk; other lines stay as they are."""
    found = JsonLines(b"", np.zeros(0, np.int64))
    parts: list[bytes] = []
    numbers: list[int] = []
    for number, line in enumerate(chunk.split(b"\n")[:-1], first_number):
        text = line
        if line.startswith(b"{"):
            record = _record(line)
            if record is not None:
                text = _read(record, number, found).encode("utf-8", "replace")
            elif line.startswith(b'{"'):
                found.rejected.append(number)
        parts.append(text)
        numbers.extend([number] * (text.count(b"\n") + 1))
    parts.append(b"")
    found.chunk = b"\n".join(parts)
    found.numbers = np.array(numbers, np.int64)
    return found


def _record(line: bytes) -> dict[str, Any] | None:
    try:
        record = _DECODER.decode(line.decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return None
    return record if isinstance(record, dict) else None


def _read(record: dict[str, Any], number: int, found: JsonLines) -> str:
    if record.get("event") == "webhook_delivery":
        time = _time(record)
        found.deliveries.append(_delivery(record, number, time))
        if time is not None:
            found.times.append(time)
        return ""
    flat = record
    if not _NESTED_KEYS.isdisjoint(record):
        flat = dict(record)
        for name in _NESTED:
            if isinstance(flat.get(name), dict):
                flat = {**flat.pop(name), **flat}
    message = _first_text(flat, _MESSAGE) or understand(flat, _TIMES).message or ""
    if "log" in record and record.keys() <= _DOCKER:
        inner = _record(message.strip().encode("utf-8", "replace"))
        if inner is not None:
            return _read({"time": record.get("time"), **inner}, number, found)
        # The line as ``docker logs -t`` shows it.
        return f"{record.get('time')} {message}".rstrip("\n")
    request = None if _REQUEST_KEYS.isdisjoint(flat) else _request(flat)
    if not _FIELD_KEYS.isdisjoint(flat):
        fields = _fields(flat)
        if fields and (fields.keys() & {"event_id", "payment_id"} or request):
            fact = Fact(Kind.FIELDS, number, _time(flat), request, "", fields)
            found.facts.append(fact)
        email, user = _first_text(flat, _EMAIL), _scalar(flat, _USER)
        if email and user and _SIGN_IN.search(message):
            found.sign_ins.append((user, email, _time(flat)))
    return _as_line(message, request, flat)


def _as_line(message: str, request: str | None, flat: dict[str, Any]) -> str:
    text = message.rstrip("\n")
    if not _OWN_FORM.match(text):
        stamp = _stamp(flat)
        if stamp:
            level = _first_text(flat, _LEVEL) or "INFO"
            text = f"[{stamp} - json - {level if level.isalpha() else 'INFO'}] {text}"
    if request and " request_id=" not in text[-300:] and not _BLANK.search(request):
        text += f" request_id={request}"
    trace = None if _TRACE_KEYS.isdisjoint(flat) else _trace(flat)
    return f"{text}\n{trace}" if trace else text


def _stamp(flat: dict[str, Any]) -> str | None:
    """The record's time as text: its own where it is written out, else made from its number."""
    for name in _TIME:
        value = flat.get(name)
        if value is not None:
            if isinstance(value, str) and _WRITTEN_TIME.match(value):
                return value
            break
    time = _time(flat)
    return None if time is None else (_EPOCH + timedelta(microseconds=time)).isoformat()


def _delivery(record: dict[str, Any], number: int, time: int | None) -> Delivery:
    """A record of this toolkit's intake: one whole delivery."""
    valid = record.get("signature_valid")
    error = record.get("error")
    return Delivery(
        line=number,
        time=time,
        request_id=_scalar(record, ("request_id",)),
        event_id=_scalar(record, ("event_id",)),
        payment_id=_scalar(record, ("payment_id",)),
        signature_valid=valid if isinstance(valid, bool) else None,
        method=_scalar(record, ("method",)),
        user_id=_scalar(record, ("resolved_user_id",)),
        credits=whole_number(record.get("credits")),
        outcome=outcome_of(record.get("outcome")),
        error=error if isinstance(error, str) else None,
    )


def _fields(flat: dict[str, Any]) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    event, payment = _scalar(flat, _EVENT), _scalar(flat, _PAYMENT)
    if event and _STRIPE_EVENT.fullmatch(event):
        fields["event_id"] = event
    if payment and _STRIPE_PAYMENT.fullmatch(payment):
        fields["payment_id"] = payment
    user, method = _scalar(flat, _USER), _scalar(flat, _METHOD)
    if user:
        fields["user_id"] = user
    if method and method.upper() not in _VERBS:
        fields["method"] = method
    credits_ = next((n for k in _CREDITS if (n := whole_number(flat.get(k))) is not None), None)
    if credits_ is not None:
        fields["credits"] = credits_
    outcome = next((o for k in _OUTCOME if (o := outcome_of(flat.get(k)))), None)
    if outcome:
        fields["outcome"] = outcome
    if isinstance(flat.get("signature_valid"), bool):
        fields["signature_valid"] = flat["signature_valid"]
    error = _error(flat)
    if error:
        fields["error"] = error
    return fields


def _error(flat: dict[str, Any]) -> str | None:
    for name in ("error", "err"):
        value = flat.get(name)
        if isinstance(value, str) and value:
            return value
        if isinstance(value, dict):
            kind, message = value.get("type") or value.get("name"), value.get("message")
            told = [str(part) for part in (kind, message) if part]
            if told:
                return ": ".join(told)
    return None


def _trace(flat: dict[str, Any]) -> str | None:
    for holder in (flat, flat.get("err"), flat.get("error")):
        if not isinstance(holder, dict):
            continue
        text = _first_text(holder, _TRACE)
        if text and "\n" in text:
            return text.rstrip("\n")
    return None


def _request(flat: dict[str, Any]) -> str | None:
    found = _scalar(flat, _REQUEST)
    if found:
        return found
    for name in ("req", "request"):
        inner = flat.get(name)
        if isinstance(inner, dict):
            return _scalar(inner, ("id", "request_id"))
    return None


def _time(record: dict[str, Any]) -> int | None:
    """By the usual names first, which is quick; else by what any field looks like."""
    for name in _TIME:
        if (value := record.get(name)) is not None and (found := _TIMES.value(value)) is not None:
            return found
    return understand(record, _TIMES).time


def _first_text(record: dict[str, Any], names: tuple[str, ...]) -> str | None:
    for name in names:
        value = record.get(name)
        if value and isinstance(value, str):
            return value
    return None


def _scalar(record: dict[str, Any], names: tuple[str, ...]) -> str | None:
    """The first of these fields that is text or a whole number, as text."""
    for name in names:
        value = record.get(name)
        if value is None:
            continue
        if isinstance(value, str) and value.strip():
            return value.strip()
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
    return None
