"""Groups the facts of a log into deliveries, also where concurrent requests are interleaved.

A line that carries a request id, an event id or a session id goes to the delivery that bears it.
The others go by order: to the delivery that spoke last, or else to the oldest that can have said
this next. A new "WEBHOOK REQUEST ANALYSIS" always begins a delivery, because the handler's
fall-back request ids (``webhook-<second>``) repeat.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from credit_forensics.evidence.log_facts import Kind

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
        "not_found",
        "incomplete",
        "duplicate",
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
_SUCCESS = re.compile(r"(-?\d+) credits added to user (.+?)\s*$")
_EXCEPTION = re.compile(r"^(?:[\w.]+(?:Error|Exception|Interrupt|Exit|Warning|Timeout)|[\w.]+)\b")

# A request that waits for its signature for longer than this is taken to have been cut off.
_PATIENCE = 5_000_000
_CUT_OFF_AFTER = 900_000_000
_TRAILING_FACTS = 60
_QUIET_FACTS = 3_000
_MOST_OPEN = 500
_SWEEP_EVERY = 16
_LOOK_AHEAD = 6


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


class DeliveryReader:
    """Takes facts in order and gives deliveries back as they end.

    Call ``feed`` with the facts of each chunk, then ``close``. Both give the deliveries that
    ended meanwhile.
    """

    def __init__(self) -> None:
        self._open: dict[int, Delivery] = {}
        self._by_request: dict[str, Delivery] = {}
        self._by_event: dict[str, Delivery] = {}
        self._by_session: dict[str, Delivery] = {}
        self._current: Delivery | None = None
        self._count = 0
        self._starts = 0
        self._held: list[Fact] = []
        self._done: list[Delivery] = []

    @property
    def idle(self) -> bool:
        """Whether no delivery is open and nothing is held."""
        return not self._open and not self._held

    def feed(self, facts: Sequence[Fact], *, last: bool = False) -> list[Delivery]:
        """Take facts in the order of their lines."""
        rows = [*self._held, *facts] if self._held else facts
        self._held = []
        for place, fact in enumerate(rows):
            needs_event = fact.kind in _TERMINAL_BEFORE_EVENT and fact.request_id is None
            if needs_event and not last and place + _LOOK_AHEAD >= len(rows):
                self._held = list(rows[place:])
                break
            self._count += 1
            self._take(fact, rows, place)
        done, self._done = self._done, []
        return done

    def close(self) -> list[Delivery]:
        """The file ends: what is open ends with it."""
        done = self.feed([], last=True)
        for delivery in list(self._open.values()):
            self._finish(delivery)
        done, self._done = done + self._done, []
        return done

    def _take(self, fact: Fact, rows: Sequence[Fact], place: int) -> None:
        kind = fact.kind
        if kind == Kind.START or (fact.fields is not None and fact.fields.get("_starts")):
            delivery = self._start(fact)
        else:
            found = self._owner(fact, rows, place)
            if found is None:
                return
            delivery = found
        self._current = delivery
        delivery.last_fact = self._count
        delivery.last_time = fact.time
        _apply(delivery, fact)
        delivery.last_line = fact.line
        delivery.seen.add(kind)
        self._index(delivery)

    def _start(self, fact: Fact) -> Delivery:
        self._sweep(fact.time)
        request_id = _known(fact.value) or fact.request_id
        delivery = self._new(fact)
        delivery.started = True
        for known in {request_id, fact.request_id} - {None}:
            assert known is not None
            before = self._by_request.get(known)
            if before is not None and before is not delivery:
                self._finish(before)
            self._by_request[known] = delivery
        delivery.request_id = request_id
        return delivery

    def _new(self, fact: Fact) -> Delivery:
        delivery = Delivery(line=fact.line, time=fact.time, request_id=fact.request_id)
        self._open[id(delivery)] = delivery
        if fact.request_id is not None:
            self._by_request[fact.request_id] = delivery
        return delivery

    def _index(self, delivery: Delivery) -> None:
        if delivery.event_id:
            self._by_event[delivery.event_id] = delivery
        if delivery.payment_id:
            self._by_session[delivery.payment_id] = delivery

    def _owner(self, fact: Fact, rows: Sequence[Fact], place: int) -> Delivery | None:
        kind = fact.kind
        if fact.fields is not None:
            return self._for_fields(fact, fact.fields)
        if fact.request_id is not None:
            known = self._by_request.get(fact.request_id)
            if known is not None and not _begins_again(known, fact):
                return known
            return self._new(fact) if kind in _OPENING else None
        if kind == Kind.SIGNED:
            return self._waiting_for_signature(fact) or self._new(fact)
        if kind in (Kind.BAD_AGENT, Kind.SIGNATURE_FAILED):
            waiting = self._waiting_for_signature(fact, newest=kind == Kind.BAD_AGENT)
            return waiting or self._new(fact)
        if kind == Kind.FORENSIC:
            return self._for_forensic(fact)
        if kind in (Kind.SESSION, Kind.SESSION_AFTER):
            return self._admitting(fact) or self._by_session.get(fact.value)
        if kind == Kind.EVENT:
            return self._for_event(fact)
        if kind in _TERMINAL_BEFORE_EVENT:
            event_id = _event_ahead(rows, place)
            known = self._by_event.get(event_id) if event_id else None
            if known is not None and known.outcome is None:
                return known
            found = self._admitting(fact, event_id)
            return found or self._new(fact)
        found = self._admitting(fact)
        if found is None and kind in _OPENING:
            return self._new(fact)
        return found

    def _waiting_for_signature(self, fact: Fact, newest: bool = False) -> Delivery | None:
        waiting = [
            d
            for d in self._open.values()
            if d.started and d.signature_valid is None and d.outcome is None and not d.forensic
        ]
        if not waiting:
            return None
        if newest or fact.time is None:
            return waiting[-1]
        for delivery in waiting:
            if delivery.time is not None and fact.time - delivery.time <= _PATIENCE:
                return delivery
        return waiting[-1]

    def _for_forensic(self, fact: Fact) -> Delivery:
        known = self._by_event.get(fact.value)
        if known is not None and not known.forensic and known.outcome is None:
            return known
        current = self._current
        if (
            current is not None
            and current.event_id is None
            and current.outcome is None
            and not current.forensic
        ):
            return current
        return self._waiting_for_signature(fact) or self._new(fact)

    def _for_event(self, fact: Fact) -> Delivery:
        current = self._current
        if (
            current is not None
            and current.event_id in (None, fact.value)
            and current.signature_valid is not False
            and current.outcome != "not_found"
        ):
            return current
        return self._by_event.get(fact.value) or self._new(fact)

    def _for_fields(self, fact: Fact, fields: dict[str, Any]) -> Delivery | None:
        """The delivery of a structured record or a pattern of the case file."""
        event_id, payment_id = fields.get("event_id"), fields.get("payment_id")
        candidates: list[Delivery | None] = []
        if fact.request_id is not None:
            candidates.append(self._by_request.get(fact.request_id))
        if event_id is not None:
            candidates.append(self._by_event.get(event_id))
        if payment_id is not None:
            candidates.append(self._by_session.get(payment_id))
        current = self._current
        if fact.request_id is None and current is not None and current.outcome is None:
            candidates.append(current)
        for known in candidates:
            if (
                known is not None
                and _agrees(known, fields)
                and not _ends_again(known, fact, fields)
            ):
                return known
        opens = event_id is not None or payment_id is not None or fields.get("_opens")
        return self._new(fact) if opens else None

    def _admitting(self, fact: Fact, event_id: str | None = None) -> Delivery | None:
        """The delivery that spoke last, or else the oldest, that can have said this next."""
        current = self._current
        if current is not None and _admits(current, fact, event_id):
            return current
        for delivery in self._open.values():
            if _admits(delivery, fact, event_id):
                return delivery
        return None

    def _sweep(self, now: int | None) -> None:
        """End what has said its last, or has been silent for so long that it was cut off."""
        self._starts += 1
        if self._starts % _SWEEP_EVERY:
            return
        for delivery in list(self._open.values()):
            quiet = self._count - delivery.last_fact
            if delivery.outcome is not None:
                ended = quiet > _TRAILING_FACTS
            else:
                silent = (
                    now is not None
                    and delivery.last_time is not None
                    and now - delivery.last_time > _CUT_OFF_AFTER
                )
                ended = silent or quiet > _QUIET_FACTS or len(self._open) > _MOST_OPEN
            if ended:
                self._finish(delivery)

    def _finish(self, delivery: Delivery) -> None:
        if self._open.pop(id(delivery), None) is None:
            return
        for index, key in (
            (self._by_request, delivery.request_id),
            (self._by_event, delivery.event_id),
            (self._by_session, delivery.payment_id),
        ):
            if key is not None and index.get(key) is delivery:
                del index[key]
        if self._current is delivery:
            self._current = None
        self._done.append(delivery)


_TERMINAL_BEFORE_EVENT = frozenset({Kind.SUCCESS, Kind.DATABASE_ERROR, Kind.TOTAL_FAILURE})
_OPENING = frozenset(
    {
        Kind.BAD_AGENT,
        Kind.SIGNED,
        Kind.SIGNATURE_FAILED,
        Kind.FORENSIC,
        Kind.EVENT,
        Kind.IGNORED,
        Kind.RESOLVED,
        Kind.TOTAL_FAILURE,
        Kind.NO_CREDITS,
        Kind.SUCCESS,
        Kind.DATABASE_ERROR,
    }
)
_ONCE = frozenset(
    {Kind.SESSION, Kind.CUSTOMER, Kind.STATUS, Kind.INTENT, Kind.METADATA, Kind.RESOLVED}
)


def _begins_again(delivery: Delivery, fact: Fact) -> bool:
    """A signature line under a request id whose delivery already had one: the id repeats."""
    return fact.kind in (Kind.SIGNED, Kind.SIGNATURE_FAILED, Kind.BAD_AGENT) and (
        delivery.signature_valid is not None or delivery.outcome is not None
    )


def _agrees(delivery: Delivery, fields: dict[str, Any]) -> bool:
    """Whether no id of the record contradicts the delivery's."""
    pairs = (
        (delivery.event_id, fields.get("event_id")),
        (delivery.payment_id, fields.get("payment_id")),
    )
    return all(known is None or told is None or known == told for known, told in pairs)


def _ends_again(delivery: Delivery, fact: Fact, fields: dict[str, Any]) -> bool:
    """A second outcome on a later line is a second delivery of the same event."""
    told = fields.get("outcome")
    return told is not None and delivery.outcome is not None and fact.line != delivery.last_line


def _event_ahead(rows: Sequence[Fact], place: int) -> str | None:
    for fact in rows[place + 1 : place + 1 + _LOOK_AHEAD]:
        if fact.kind == Kind.EVENT and fact.request_id is None:
            return fact.value
        if fact.kind in _TERMINAL_BEFORE_EVENT or fact.kind == Kind.START:
            return None
    return None


def _admits(delivery: Delivery, fact: Fact, event_id: str | None) -> bool:
    kind = fact.kind
    if event_id is not None and delivery.event_id not in (None, event_id):
        return False
    if kind in (Kind.SESSION, Kind.SESSION_AFTER) and delivery.payment_id not in (None, fact.value):
        return False
    if kind in (Kind.SESSION_AFTER, Kind.METHOD_AFTER, Kind.USER_AFTER):
        return delivery.outcome is not None and kind not in delivery.seen
    if kind == Kind.CUSTOMER:
        return (
            kind not in delivery.seen or delivery.outcome == "resolution_failed"
        ) and delivery.forensic
    if kind == Kind.SESSION:
        return delivery.forensic
    if kind == Kind.CREDITS:
        return delivery.planned_credits is None or delivery.outcome == "database_error"
    if kind == Kind.TRACEBACK:
        return True
    if delivery.outcome is not None:
        return False
    if kind in _ONCE:
        return delivery.forensic and kind not in delivery.seen
    if kind == Kind.IGNORED:
        return delivery.signature_valid is not False and not delivery.forensic
    if kind == Kind.USER_ID:
        return delivery.user_id in (None, fact.value) and kind not in delivery.seen
    if kind == Kind.METHOD:
        return kind not in delivery.seen
    if kind == Kind.SUCCESS:
        match = _SUCCESS.search(fact.value)
        return delivery.user_id is None or (match is not None and match[2] == delivery.user_id)
    return True


def _apply(d: Delivery, fact: Fact) -> None:
    kind, value = fact.kind, fact.value
    d.line = min(d.line, fact.line)
    if d.time is None:
        d.time = fact.time
    if kind == Kind.SIGNED:
        d.signature_valid = True
        d.event_id = d.event_id or _known(value)
    elif kind == Kind.SIGNATURE_FAILED:
        d.signature_valid, d.outcome, d.error = False, "signature_refused", value or None
    elif kind == Kind.BAD_AGENT:
        d.outcome, d.error = "not_found", "invalid user agent"
    elif kind == Kind.IGNORED:
        d.outcome = "ignored"
    elif kind == Kind.FORENSIC:
        d.forensic = True
        d.event_id = d.event_id or _known(value)
    elif kind == Kind.EVENT:
        d.event_id = d.event_id or _known(value)
    elif kind in (Kind.SESSION, Kind.SESSION_AFTER):
        d.payment_id = d.payment_id or _known(value)
    elif kind == Kind.CUSTOMER:
        d.customer_id = d.customer_id or _known(value)
    elif kind == Kind.STATUS:
        d.payment_status = d.payment_status or _known(value)
    elif kind == Kind.INTENT:
        d.payment_intent_id = d.payment_intent_id or _known(value)
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
        d.user_id = d.user_id or _known(value)
    elif kind in (Kind.METHOD, Kind.METHOD_AFTER):
        if kind == Kind.METHOD or d.method is None:
            d.method = _known(value) or d.method
    elif kind == Kind.CREDITS:
        if d.planned_credits is None:
            d.planned_credits = whole_number(value)
    elif kind == Kind.SUCCESS:
        match = _SUCCESS.search(value)
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


def _known(value: str) -> str | None:
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
