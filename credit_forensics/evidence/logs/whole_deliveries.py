"""Reads whole deliveries off a chunk at once, where nothing is interleaved, cut off or odd.

A delivery whose facts come in exactly the handler's order and whose ids agree needs no reader
that follows line after line. Whatever is not of that form is handed on to ``log_requests``, which
gives the same rows, one fact at a time.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from credit_forensics.evidence.logs.facts import FactTable, Kind
from credit_forensics.evidence.logs.lines import NO_TIME, Flags, Positions

_CREDITED = (
    Kind.START,
    Kind.SIGNED,
    Kind.FORENSIC,
    Kind.SESSION,
    Kind.CUSTOMER,
    Kind.STATUS,
    Kind.INTENT,
    Kind.METADATA,
    Kind.RESOLVED,
    Kind.USER_ID,
    Kind.METHOD,
    Kind.CREDITS,
    Kind.SUCCESS,
    Kind.EVENT,
    Kind.SESSION_AFTER,
    Kind.METHOD_AFTER,
)
_IGNORED = (Kind.START, Kind.SIGNED, Kind.IGNORED)
_TOLD = _CREDITED[: _CREDITED.index(Kind.SUCCESS)]
# Further forms of a delivery that ended; the reader takes these.
_ENDED = (
    (Kind.START, Kind.BAD_AGENT),
    (Kind.START, Kind.SIGNATURE_FAILED),
    (*_TOLD, Kind.DATABASE_ERROR, Kind.EVENT, Kind.USER_AFTER, Kind.CREDITS),
    (*_TOLD, Kind.DATABASE_ERROR, Kind.TRACEBACK, Kind.EVENT, Kind.USER_AFTER, Kind.CREDITS),
    (*_TOLD[: _TOLD.index(Kind.USER_ID)], Kind.NO_CREDITS),
    (*_TOLD[: _TOLD.index(Kind.RESOLVED)], Kind.NO_CREDITS),
    (
        *_TOLD[: _TOLD.index(Kind.RESOLVED)],
        Kind.TOTAL_FAILURE,
        Kind.EVENT,
        Kind.SESSION,
        Kind.CUSTOMER,
    ),
)
_MULTIPLIERS = np.random.default_rng(20250901).integers(1, 2**63, 32, dtype=np.uint64) | np.uint64(
    1
)


@dataclass
class WholeDeliveries:
    """Deliveries read at once, what they tell of their sessions, and the facts left over."""

    deliveries: pa.Table
    sessions: pa.Table
    rest: Positions


def whole_deliveries(facts: FactTable) -> WholeDeliveries | None:
    """The deliveries of a chunk that are whole; None when there is none.

    ``deliveries`` has the table's columns but for the file; ``rest`` are the rows of ``facts``
    that belong to none of them, in order. The chunk's last delivery is left to the reader: the
    next chunk may go on with it.
    """
    order, firsts, by_request = _grouped(facts)
    if len(firsts) < 2:
        return None
    kinds = facts.kind[order]
    lengths = np.diff(np.append(firsts, len(order)))
    place = np.arange(len(order)) - np.repeat(firsts, lengths)
    weights = _MULTIPLIERS[np.minimum(place, 31)] * kinds.astype(np.uint64)
    digest = np.add.reduceat(weights, firsts)
    credited = (digest == _digest(_CREDITED)) & (lengths == len(_CREDITED))
    ignored = (digest == _digest(_IGNORED)) & (lengths == len(_IGNORED))
    if not by_request:
        # By order alone, a delivery after one that did not end may hold that one's lines.
        ended = credited | ignored
        for form in _ENDED:
            ended |= (digest == _digest(form)) & (lengths == len(form))
        credited[1:] &= ended[:-1]
        ignored[1:] &= ended[:-1]
        credited[-1] = ignored[-1] = False
    credited_rows = _Columns(facts, order, firsts[credited])
    agreeing = _agreeing(credited_rows)
    booked = credited_rows.keep(agreeing)
    credited[np.flatnonzero(credited)[~agreeing]] = False
    ignored_rows = _Columns(facts, order, firsts[ignored])
    plain = ignored_rows.plain(0, 1)
    skipped = ignored_rows.keep(plain)
    ignored[np.flatnonzero(ignored)[~plain]] = False
    if not credited.any() and not ignored.any():
        return None
    whole = credited | ignored
    rest = np.sort(order[np.repeat(~whole, lengths)])
    loose = np.ones(len(facts), bool)
    loose[order] = False
    rest = np.sort(np.concatenate([rest, np.flatnonzero(loose)]))
    deliveries = pa.concat_tables([_credited_table(booked), _ignored_table(skipped)])
    return WholeDeliveries(deliveries, _session_table(booked), rest)


def _digest(sequence: tuple[Kind, ...]) -> np.uint64:
    kinds = np.array(sequence, np.uint64)
    total: np.uint64 = np.add.reduce(_MULTIPLIERS[: len(kinds)] * kinds)
    return total


def _grouped(facts: FactTable) -> tuple[Positions, Positions, bool]:
    """Facts in the order of their deliveries, and where each delivery begins in it."""
    starting = facts.kind == Kind.START
    by_request = bool((facts.request_end > 0).any())
    if not by_request:
        first = int(np.argmax(starting)) if starting.any() else len(starting)
        order = np.arange(first, len(facts))
        return order, np.flatnonzero(starting[first:]), False
    rows = np.flatnonzero(facts.request_end > 0)
    buffer = facts.lines.buffer
    spans = zip(facts.request_start[rows].tolist(), facts.request_end[rows].tolist(), strict=True)
    ids = pa.array([buffer[a:b] for a, b in spans], pa.binary())
    codes = ids.dictionary_encode().indices.to_numpy()
    sorting = np.argsort(codes, kind="stable")
    order, codes = rows[sorting], codes[sorting]
    begins = starting[order]
    begins[1:] |= codes[1:] != codes[:-1]
    begins[:1] = True
    return order, np.flatnonzero(begins), True


class _Columns:
    """Values of deliveries of one form, a column a place in the form."""

    def __init__(self, facts: FactTable, order: Positions, firsts: Positions) -> None:
        self._facts, self._order, self._firsts = facts, order, firsts
        self._raw: dict[int, pa.Array] = {}

    def __len__(self) -> int:
        return len(self._firsts)

    def raw(self, place: int) -> pa.Array:
        """The values at a place of the form, as bytes."""
        if place in self._raw:
            return self._raw[place]
        rows = self._order[self._firsts + place]
        buffer = self._facts.lines.buffer
        spans = zip(self._facts.start[rows].tolist(), self._facts.end[rows].tolist(), strict=True)
        values = pa.array([buffer[a:b] for a, b in spans], pa.binary())
        self._raw[place] = values
        return values

    def keep(self, good: Flags) -> _Columns:
        """Those of the deliveries that are good."""
        if good.all():
            return self
        kept = _Columns(self._facts, self._order, self._firsts[good])
        mask = pa.array(good)
        kept._raw = {place: values.filter(mask) for place, values in self._raw.items()}
        return kept

    def text(self, place: int) -> pa.Array:
        """The values at a place, as text; ``None`` and nothing are absent."""
        values = self.raw(place).cast(pa.string())
        absent = pc.is_in(values, value_set=pa.array(["", "None", "null"]))
        return pc.if_else(absent, pa.scalar(None, pa.string()), values)

    def plain(self, *places: int) -> Flags:
        """Which deliveries have nothing but printable ASCII, and no blank ends, at these places."""
        good = np.ones(len(self), bool)
        for place in places:
            matches = pc.match_substring_regex(self.raw(place), r"\A[!-~]+\z")
            good &= matches.to_numpy(zero_copy_only=False)
        return good

    def request(self) -> Positions:
        """Rows of the facts that begin the deliveries."""
        rows: Positions = self._order[self._firsts]
        return rows

    def times(self) -> pa.Array:
        """Times of the first facts."""
        times = self._facts.lines.times[self._facts.line[self.request()]]
        return (
            pa.array(times, mask=times == NO_TIME)
            .cast(pa.timestamp("us"))
            .cast(pa.timestamp("us", tz="UTC"))
        )

    def numbers(self) -> pa.Array:
        """Line numbers of the first facts."""
        return pa.array(self._facts.lines.numbers[self._facts.line[self.request()]])


def _place(kind: Kind) -> int:
    return _CREDITED.index(kind)


def _agreeing(columns: _Columns) -> Flags:
    """Whether all that names an event, a session or a user in a delivery names the same."""
    if not len(columns):
        return np.zeros(0, bool)
    good = columns.plain(
        *(
            _place(kind)
            for kind in (Kind.START, Kind.SIGNED, Kind.SESSION, Kind.USER_ID, Kind.METHOD)
        )
    )
    event, session = columns.raw(_place(Kind.SIGNED)), columns.raw(_place(Kind.SESSION))
    user, credits_ = columns.raw(_place(Kind.USER_ID)), columns.raw(_place(Kind.CREDITS))
    success = pc.binary_join_element_wise(credits_, b" credits added to user ", user, b"")
    digits = pc.match_substring_regex(credits_, r"\A[0-9]{1,15}\z")
    equal = [
        pc.equal(event, columns.raw(_place(Kind.FORENSIC))),
        pc.equal(event, columns.raw(_place(Kind.EVENT))),
        pc.equal(session, columns.raw(_place(Kind.SESSION_AFTER))),
        pc.equal(columns.raw(_place(Kind.METHOD)), columns.raw(_place(Kind.METHOD_AFTER))),
        pc.equal(success, columns.raw(_place(Kind.SUCCESS))),
        digits,
    ]
    for test in equal:
        good &= test.to_numpy(zero_copy_only=False)
    return good


def _credited_table(columns: _Columns) -> pa.Table:
    count = len(columns)
    return pa.table(
        {
            "event_id": columns.text(_place(Kind.SIGNED)),
            "payment_id": columns.text(_place(Kind.SESSION)),
            "received_at": columns.times(),
            "signature_valid": pa.array(np.ones(count, bool)),
            "method": columns.text(_place(Kind.METHOD)),
            "resolved_user_id": columns.text(_place(Kind.USER_ID)),
            "credits": columns.raw(_place(Kind.CREDITS)).cast(pa.string()).cast(pa.int64()),
            "outcome": pa.array(["credited"] * count, pa.string()),
            "request_id": columns.text(_place(Kind.START)),
            "source_line": columns.numbers(),
        }
    )


def _ignored_table(columns: _Columns) -> pa.Table:
    count = len(columns)
    return pa.table(
        {
            "event_id": columns.text(1),
            "payment_id": pa.nulls(count, pa.string()),
            "received_at": columns.times(),
            "signature_valid": pa.array(np.ones(count, bool)),
            "method": pa.nulls(count, pa.string()),
            "resolved_user_id": pa.nulls(count, pa.string()),
            "credits": pa.nulls(count, pa.int64()),
            "outcome": pa.array(["ignored"] * count, pa.string()),
            "request_id": columns.text(0),
            "source_line": columns.numbers(),
        }
    )


def _session_table(columns: _Columns) -> pa.Table:
    """What the deliveries tell of their sessions; metadata as bytes, as logged."""
    return pa.table(
        {
            "session_id": columns.text(_place(Kind.SESSION)),
            "customer_id": _lenient(columns.raw(_place(Kind.CUSTOMER))),
            "payment_status": _lenient(columns.raw(_place(Kind.STATUS))),
            "payment_intent_id": _lenient(columns.raw(_place(Kind.INTENT))),
            "metadata": columns.raw(_place(Kind.METADATA)),
            "logged_at": columns.times(),
            "source_line": columns.numbers(),
        }
    )


def _lenient(values: pa.Array) -> pa.Array:
    """Bytes as text where they are ASCII and not the word for nothing."""
    good = pc.match_substring_regex(values, r"\A[!-~]+\z")
    nothing = pc.is_in(values, value_set=pa.array([b"None", b"null"], pa.binary()))
    keep = pc.and_(good, pc.invert(nothing))
    return pc.if_else(keep, values, pa.scalar(None, pa.binary())).cast(pa.string())
