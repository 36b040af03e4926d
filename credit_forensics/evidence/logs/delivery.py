"""One delivery as the log has told it so far, and what each fact adds to it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from credit_forensics.evidence.logs.facts import Kind

METHODS = {
    "1": "PRIMARY_METADATA",
    "2": "BACKUP_METADATA",
    "3": "SESSION_METADATA",
    "4": "DATABASE_LOOKUP",
}
OUTCOMES = frozenset(
    {
        "credited",
        "ignored",
        "signature_refused",
        "resolution_failed",
        "no_credits",
        "database_error",
        "handler_error",
        "not_found",
        "incomplete",
        "duplicate",
        "acknowledged",
        "received",
    }
)
_OUTCOME_WORDS = {
    "success": "credited",
    "succeeded": "credited",
    "ok": "credited",
    "booked": "credited",
    "applied": "credited",
    "processed": "credited",
    "skipped": "ignored",
    "unpaid": "ignored",
    "not_paid": "ignored",
    "already_processed": "duplicate",
    "replayed": "duplicate",
    "invalid_signature": "signature_refused",
    "bad_signature": "signature_refused",
    "review": "resolution_failed",
    "queued": "resolution_failed",
    "queued_for_review": "resolution_failed",
    "needs_review": "resolution_failed",
    "unresolved": "resolution_failed",
    "user_resolution_failed": "resolution_failed",
    "failed": "database_error",
    "error": "database_error",
}
_RESOLVED = re.compile(r"(\d+)\s*:\s*(?:UUID found in (?P<key>.*?) =|.*?=)\s*(?P<user>\S.*?)\s*$")
SUCCESS = re.compile(r"(-?\d+) credits added to user (.+?)\s*$")
_EXCEPTION = re.compile(r"^(?:[\w.]+(?:Error|Exception|Interrupt|Exit|Warning|Timeout)|[\w.]+)\b")


class Fact(NamedTuple):
    """One line that tells something: its kind, line number, time, request id and value."""

    kind: int
    line: int
    time: int | None
    request_id: str | None
    value: str
    fields: dict[str, Any] | None = None


@dataclass(slots=True, eq=False)
class Delivery:
    """What the log has told of one delivery so far."""

    line: int
    time: int | None
    request_id: str | None = None
    event_id: str | None = None
    payment_id: str | None = None
    customer_id: str | None = None
    payment_status: str | None = None
    payment_intent_id: str | None = None
    metadata_text: str | None = None
    signature_valid: bool | None = None
    method: str | None = None
    user_id: str | None = None
    credits: int | None = None
    planned_credits: int | None = None
    outcome: str | None = None
    error: str | None = None
    started: bool = False
    forensic: bool = False
    last_fact: int = 0
    last_time: int | None = None
    last_line: int = 0
    seen: set[int] = field(default_factory=set)


def apply_fact(d: Delivery, fact: Fact) -> None:
    """Add what a fact tells; what was told first stays, but for the handler's last word."""
    kind, value = fact.kind, fact.value
    d.line = min(d.line, fact.line)
    if d.time is None:
        d.time = fact.time
    if kind == Kind.SIGNED:
        d.signature_valid = True
        d.event_id = d.event_id or as_told(value)
    elif kind == Kind.SIGNATURE_FAILED:
        d.signature_valid, d.outcome, d.error = False, "signature_refused", value or None
    elif kind == Kind.BAD_AGENT:
        d.outcome, d.error = "not_found", "invalid user agent"
    elif kind == Kind.IGNORED:
        d.outcome = "ignored"
    elif kind == Kind.FORENSIC:
        d.forensic = True
        d.event_id = d.event_id or as_told(value)
    elif kind == Kind.EVENT:
        d.event_id = d.event_id or as_told(value)
    elif kind in (Kind.SESSION, Kind.SESSION_AFTER):
        d.payment_id = d.payment_id or as_told(value)
    elif kind == Kind.CUSTOMER:
        d.customer_id = d.customer_id or as_told(value)
    elif kind == Kind.STATUS:
        d.payment_status = d.payment_status or as_told(value)
    elif kind == Kind.INTENT:
        d.payment_intent_id = d.payment_intent_id or as_told(value)
    elif kind == Kind.METADATA:
        d.metadata_text = d.metadata_text or value
    elif kind == Kind.RESOLVED:
        _apply_resolved(d, value)
    elif kind == Kind.LOOKUP_FAILED:
        d.error = d.error or value or "database lookup failed"
    elif kind == Kind.TOTAL_FAILURE:
        d.outcome, d.method = "resolution_failed", "FAILED"
        d.error = d.error or "total user resolution failure"
    elif kind == Kind.NO_CREDITS:
        d.outcome, d.error = "no_credits", "no valid credits in metadata"
        d.metadata_text = d.metadata_text or value
    elif kind in (Kind.USER_ID, Kind.USER_AFTER):
        d.user_id = d.user_id or as_told(value)
    elif kind in (Kind.METHOD, Kind.METHOD_AFTER):
        if kind == Kind.METHOD or d.method is None:
            d.method = as_told(value) or d.method
    elif kind == Kind.CREDITS:
        if d.planned_credits is None:
            d.planned_credits = whole_number(value)
    elif kind == Kind.SUCCESS:
        match = SUCCESS.search(value)
        d.outcome = "credited"
        if match:
            d.credits, d.user_id = whole_number(match[1]), match[2]
    elif kind == Kind.DATABASE_ERROR:
        d.outcome, d.error = "database_error", value.strip() or d.error
    elif kind == Kind.TRACEBACK and not d.error:
        d.error = last_exception(value)
    elif fact.fields is not None:
        _apply_fields(d, fact.fields)


def _apply_fields(d: Delivery, fields: dict[str, Any]) -> None:
    d.event_id = d.event_id or fields.get("event_id")
    d.payment_id = d.payment_id or fields.get("payment_id")
    d.user_id = d.user_id or fields.get("user_id")
    d.method = d.method or fields.get("method")
    d.error = d.error or fields.get("error")
    d.outcome = d.outcome or fields.get("outcome")
    if d.credits is None:
        d.credits = fields.get("credits")
    if d.signature_valid is None:
        d.signature_valid = fields.get("signature_valid")


def outcome_of(word: object) -> str | None:
    """An outcome as this house names it, from a handler's word for it; None when unknown.

    Examples
    --------
    >>> [outcome_of(word) for word in ("credited", "Already processed", "hello")]
    ['credited', 'duplicate', None]
    """
    if not isinstance(word, str):
        return None
    folded = re.sub(r"[^a-z]+", "_", word.lower()).strip("_")
    return folded if folded in OUTCOMES else _OUTCOME_WORDS.get(folded)


def whole_number(value: object) -> int | None:
    """A whole number that a table can hold, from a number or its text; else None.

    Examples
    --------
    >>> [whole_number(value) for value in (50, "50", "many", True, 1 << 70)]
    [50, 50, None, None, None]
    """
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        return None
    try:
        number = int(value)
    except ValueError:
        return None
    return number if -(2**63) <= number < 2**63 else None


def _apply_resolved(d: Delivery, value: str) -> None:
    match = _RESOLVED.match(value)
    if match is None:
        return
    d.user_id = d.user_id or match["user"]
    if d.method is None:
        key = (match["key"] or "").upper()
        d.method = METHODS.get(match[1]) or (f"EMERGENCY_SCAN_{key}" if match[1] == "5" else None)


def as_told(value: str) -> str | None:
    """The value, unless it is how a language writes that there is none."""
    value = value.strip()
    return None if value in ("", "None", "null", "undefined", "nil") else value


def last_exception(traceback: str) -> str | None:
    """The line of a traceback that names the exception.

    Examples
    --------
    >>> last_exception("Traceback (most recent call last):\\n  File x, line 1\\nKeyError: 'x'")
    "KeyError: 'x'"
    """
    found = None
    for line in traceback.splitlines()[1:]:
        if line and not line[0].isspace() and _EXCEPTION.match(line):
            found = line.strip()
    return found
