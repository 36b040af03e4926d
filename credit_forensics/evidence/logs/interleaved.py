"""Groups the facts of a log into deliveries, also where concurrent requests are interleaved.

A line that carries a request id, an event id or a session id goes to the delivery that bears it.
The others go by order: to the delivery that spoke last, or else to the oldest that can have said
this next. A new "WEBHOOK REQUEST ANALYSIS" always begins a delivery, because the handler's
fall-back request ids (``webhook-<second>``) repeat.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from credit_forensics.evidence.logs.delivery import SUCCESS, Delivery, Fact, apply_fact, as_told
from credit_forensics.evidence.logs.facts import Kind

# A request that waits for its signature for longer than this is taken to have been cut off.
_PATIENCE = 5_000_000
_CUT_OFF_AFTER = 900_000_000
_TRAILING_FACTS = 60
_QUIET_FACTS = 3_000
_MOST_OPEN = 500
_SWEEP_EVERY = 16
_LOOK_AHEAD = 6


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
        apply_fact(delivery, fact)
        delivery.last_line = fact.line
        delivery.seen.add(kind)
        self._index(delivery)

    def _start(self, fact: Fact) -> Delivery:
        self._sweep(fact.time)
        request_id = as_told(fact.value) or fact.request_id
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
        match = SUCCESS.search(fact.value)
        return delivery.user_id is None or (match is not None and match[2] == delivery.user_id)
    return True
