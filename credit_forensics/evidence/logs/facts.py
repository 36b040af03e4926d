"""Finds the lines of a webhook log that tell something, by the original handler's wording."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from credit_forensics.evidence.logs.lines import Flags, LineTable, Positions


class Kind(IntEnum):
    """What a line of the handler tells."""

    START = 1
    BAD_AGENT = 2
    SIGNED = 3
    SIGNATURE_FAILED = 4
    IGNORED = 5
    FORENSIC = 6
    SESSION = 7
    CUSTOMER = 8
    STATUS = 9
    INTENT = 10
    METADATA = 11
    RESOLVED = 12
    LOOKUP_FAILED = 13
    TOTAL_FAILURE = 14
    EVENT = 15
    NO_CREDITS = 16
    USER_ID = 17
    METHOD = 18
    CREDITS = 19
    SUCCESS = 20
    SESSION_AFTER = 21
    METHOD_AFTER = 22
    DATABASE_ERROR = 23
    USER_AFTER = 24
    TRACEBACK = 25
    FIELDS = 26
    CHECKOUT = 27


_BRACKET = "bracket"
_BLOCK = "block"
_LINE = "line"

# Wording, kind, what follows it (kept as the value), how the value is bounded.
_WORDING: tuple[tuple[bytes, Kind, bytes, str], ...] = (
    (b"WEBHOOK REQUEST ANALYSIS", Kind.START, b" [ID: ", _BRACKET),
    (b"Invalid user agent", Kind.BAD_AGENT, b"", _LINE),
    (b"Stripe signature verified", Kind.SIGNED, b" [Event: ", _BRACKET),
    (b"Stripe signature verification failed", Kind.SIGNATURE_FAILED, b": ", _LINE),
    (b"Ignoring event type", Kind.IGNORED, b": ", _LINE),
    (b"FORENSIC EVENT ANALYSIS", Kind.FORENSIC, b" [Event: ", _BRACKET),
    (b"Session ID: ", Kind.SESSION, b"", _LINE),
    (b"Customer ID: ", Kind.CUSTOMER, b"", _LINE),
    (b"Payment Status: ", Kind.STATUS, b"", _LINE),
    (b"Payment Intent: ", Kind.INTENT, b"", _LINE),
    (b"Full Metadata: ", Kind.METADATA, b"", _BLOCK),
    (b"RESOLUTION METHOD ", Kind.RESOLVED, b"", _LINE),
    (b"Database lookup failed", Kind.LOOKUP_FAILED, b": ", _LINE),
    (b"CRITICAL: TOTAL USER RESOLUTION FAILURE", Kind.TOTAL_FAILURE, b"", _LINE),
    (b"Event ID: ", Kind.EVENT, b"", _LINE),
    (b"Event: ", Kind.EVENT, b"", _LINE),
    (b"No valid credits in metadata", Kind.NO_CREDITS, b": ", _BLOCK),
    (b"User ID: ", Kind.USER_ID, b"", _LINE),
    (b"Method: ", Kind.METHOD, b"", _LINE),
    (b"Credits: ", Kind.CREDITS, b"", _LINE),
    (b"PERFECT SUCCESS: ", Kind.SUCCESS, b"", _LINE),
    (b"Session: ", Kind.SESSION_AFTER, b"", _LINE),
    (b"Resolution: ", Kind.METHOD_AFTER, b"", _LINE),
    (b"CRITICAL DATABASE ERROR", Kind.DATABASE_ERROR, b": ", _LINE),
    (b"User: ", Kind.USER_AFTER, b"", _LINE),
    (b"BULLETPROOF Checkout metadata validation", Kind.CHECKOUT, b": ", _BLOCK),
    (b"Traceback (most recent call last):", Kind.TRACEBACK, b"", _BLOCK),
)

WORDINGS = tuple(wording.decode() for wording, *_ in _WORDING)

# Characters that may stand before the wording: blanks, whatever an emoji became, and the question
# marks of a lossy encoding. Quotes and braces are not among them, so that a metadata key which
# imitates the wording is never read as a line of the handler.
_SKIP = np.zeros(256, bool)
_SKIP[[9, 32, 63, *range(128, 256)]] = True
_LONGEST_MARK = 24


@dataclass
class FactTable:
    """Lines that tell something, in order: parallel arrays.

    ``kind`` is a ``Kind``; ``line`` the row in the ``LineTable``; ``start`` and ``end`` bound the
    value in its buffer; ``request_start`` and ``request_end`` the request id (both 0 without).
    """

    lines: LineTable
    kind: npt.NDArray[np.uint8]
    line: Positions
    start: Positions
    end: Positions
    request_start: Positions
    request_end: Positions
    record: Positions

    def __len__(self) -> int:
        return len(self.kind)

    def take(self, rows: Positions) -> FactTable:
        """Some of the facts, by their rows."""
        return FactTable(
            lines=self.lines,
            kind=self.kind[rows],
            line=self.line[rows],
            start=self.start[rows],
            end=self.end[rows],
            request_start=self.request_start[rows],
            request_end=self.request_end[rows],
            record=self.record[rows],
        )


def find_facts(lines: LineTable) -> FactTable:
    """All facts of a chunk.

    Continuation lines (indented JSON, tracebacks) belong to the line before them; what they say
    is part of that line's value.
    """
    at, quiet = _after_marks(lines)
    kind, value, bound = _kinds(lines, at)
    kind[quiet] = 0
    record = lines.prefixed | ((kind > 0) & (kind != Kind.TRACEBACK))
    record_row = np.maximum.accumulate(np.where(record, np.arange(len(kind)), 0))
    request_start, request_end = _spread_requests(lines, record_row, record)
    rows = np.flatnonzero(kind)
    start = value[rows]
    end = lines.text_end[rows]
    block_rows = bound[rows] == 2
    if block_rows.any():
        end[block_rows] = _block_ends(lines, record, rows[block_rows])
    closed = (bound[rows] == 1) & (end > start) & (lines.data[end - 1] == 93)
    end[closed] -= 1
    end = np.maximum(end, start)
    return FactTable(
        lines=lines,
        kind=kind[rows],
        line=rows,
        start=start,
        end=end,
        request_start=request_start[record_row[rows]],
        request_end=request_end[record_row[rows]],
        record=record_row[rows],
    )


def _after_marks(lines: LineTable) -> tuple[Positions, Flags]:
    """Where the wording begins, past blanks and marks; and lines that cannot be the handler's."""
    at = lines.message.copy()
    todo = np.flatnonzero(_SKIP[lines.data[at]])
    for _ in range(_LONGEST_MARK):
        if not len(todo):
            break
        at[todo] += 1
        todo = todo[_SKIP[lines.data[at[todo]]]]
    return at, at >= lines.ends


def _kinds(
    lines: LineTable, at: Positions
) -> tuple[npt.NDArray[np.uint8], Positions, npt.NDArray[np.uint8]]:
    kind = np.zeros(len(at), np.uint8)
    bound = np.zeros(len(at), np.uint8)
    value = at.copy()
    head = lines.words[at]
    for wording, this, follows, how in _WORDING:
        if len(wording) >= 8:
            rows = np.flatnonzero(head == int.from_bytes(wording[:8], "little"))
        else:
            mask = np.uint64((1 << (8 * len(wording))) - 1)
            rows = np.flatnonzero((head & mask) == int.from_bytes(wording, "little"))
        if not len(rows):
            continue
        place = at[rows]
        for offset in (*range(8, len(wording) - 8, 8), len(wording) - 8):
            if offset > 0:
                part = int.from_bytes(wording[offset : offset + 8], "little")
                keep = lines.words[place + offset] == part
                rows, place = rows[keep], place[keep]
        place = place + len(wording)
        if follows:
            there = np.ones(len(place), bool)
            for offset, byte in enumerate(follows):
                there &= lines.data[place + offset] == byte
            place = np.where(there, place + len(follows), place)
        kind[rows] = this
        value[rows] = place
        bound[rows] = {_LINE: 0, _BRACKET: 1, _BLOCK: 2}[how]
    return kind, value, bound


def _spread_requests(
    lines: LineTable, record_row: Positions, record: Flags
) -> tuple[Positions, Positions]:
    """A request id on a later line of a message counts for the whole message."""
    start, end = lines.request_start, lines.request_end
    late = np.flatnonzero((start > 0) & ~record)
    if len(late):
        start, end = start.copy(), end.copy()
        owner = record_row[late]
        # The first suffix of a message counts: a traceback after it may quote another.
        for row, source in zip(owner[::-1].tolist(), late[::-1].tolist(), strict=True):
            if lines.request_start[row] == 0:
                start[row], end[row] = lines.request_start[source], lines.request_end[source]
    return start, end


def _block_ends(lines: LineTable, record: Flags, rows: Positions) -> Positions:
    """The end of a value that runs over several lines, without its suffix."""
    record_rows = np.flatnonzero(record)
    following = np.searchsorted(record_rows, rows, side="right")
    bounds = np.append(record_rows, len(lines.starts))
    last = bounds[following] - 1
    ends: Positions = lines.text_end[last]
    return ends
