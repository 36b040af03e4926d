"""Splits log text into lines, finds each line's prefix, time and request id; all lines at once."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
import numpy.typing as npt

Positions = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

PADDING = 64
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_NO_TIME = np.iinfo(np.int64).min


@dataclass
class LineTable:
    """The lines of a chunk in the original handler's form, as positions in its bytes.

    ``starts`` and ``ends`` bound each line without its line end; ``message`` is where the text
    after the prefix begins; ``prefixed`` tells whether there was one; ``times`` are microseconds
    since 1970 in UTC, carried forward over lines without a time of their own (``NO_TIME`` before
    the first); ``request_start`` and ``request_end`` bound the value of a ``request_id=`` suffix
    (both 0 without one); ``text_end`` is the line's end without that suffix; ``numbers`` are the
    lines' numbers in the file.
    """

    buffer: bytes
    data: npt.NDArray[np.uint8]
    words: npt.NDArray[np.uint64]
    starts: Positions
    ends: Positions
    message: Positions
    prefixed: Flags
    times: Positions
    timed: Flags
    request_start: Positions
    request_end: Positions
    text_end: Positions
    numbers: Positions


NO_TIME = int(_NO_TIME)
_ZONE = re.compile(r" ([+-]\d\d:?\d\d)$")


def parse_time(text: str) -> int | None:
    """A log's time stamp as microseconds since 1970, UTC; None when it is none.

    Times without a zone are taken as UTC.

    Examples
    --------
    >>> parse_time("2025-09-01T14:39:07+0000")
    1756737547000000
    >>> parse_time("2025-09-01 16:39:07,250+02:00")
    1756737547250000
    >>> parse_time("2025-09-01T14:39:07.123456789Z")
    1756737547123456
    """
    moment: datetime | None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = _other_forms(text)
    if moment is None:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return (moment - _EPOCH) // _MICROSECOND


def _other_forms(text: str) -> datetime | None:
    text = _ZONE.sub(r"\1", text.strip())
    if text.endswith("UTC"):
        text = text.removesuffix("UTC").rstrip() + "+00:00"
    for form in (None, "%d/%b/%Y:%H:%M:%S%z", "%Y/%m/%d %H:%M:%S"):
        try:
            return datetime.fromisoformat(text) if form is None else datetime.strptime(text, form)
        except ValueError:
            continue
    return None


def line_ends(chunk: bytes) -> Positions:
    """Where the newlines of a chunk are."""
    return np.flatnonzero(np.frombuffer(chunk, np.uint8) == 10)


def split_lines(
    chunk: bytes,
    first_number: int = 1,
    carried_time: int = NO_TIME,
    numbers: Positions | None = None,
    newlines: Positions | None = None,
) -> LineTable:
    """Take a chunk of whole lines apart.

    Parameters
    ----------
    chunk
        text in the original handler's form; its last line ends with a newline.
    first_number
        number of its first line; or ``numbers`` for each line.
    carried_time
        time of the last line before it.
    newlines
        where its newlines are, if that is known already.
    """
    padded = chunk + b"\n" * PADDING
    data = np.frombuffer(padded, np.uint8)
    words = np.ndarray((len(padded) - 7,), "<u8", padded, 0, (1,))
    if newlines is None:
        newlines = line_ends(chunk)
    starts = np.empty_like(newlines)
    starts[:1] = 0
    starts[1:] = newlines[:-1] + 1
    ends = newlines - ((data[newlines - 1] == 13) & (newlines > starts))
    prefixed, message = _prefixes(data, starts, ends)
    times, timed = _times(chunk, words, starts, prefixed, carried_time)
    if padded.find(_REQUEST) < 0:
        request_start = request_end = np.zeros(len(ends), np.int64)
        text_end = ends
    else:
        request_start, request_end, text_end = _request_ids(data, words, len(chunk), newlines, ends)
    if numbers is None:
        numbers = np.arange(first_number, first_number + len(starts), dtype=np.int64)
    return LineTable(
        buffer=padded,
        data=data,
        words=words,
        starts=starts,
        ends=ends,
        message=message,
        prefixed=prefixed,
        times=times,
        timed=timed,
        request_start=request_start,
        request_end=request_end,
        text_end=text_end,
        numbers=numbers,
    )


def _prefixes(
    data: npt.NDArray[np.uint8], starts: Positions, ends: Positions
) -> tuple[Flags, Positions]:
    """``[2025-09-01T14:39:07+0000 - app.base - INFO] ``: an opening bracket and a date."""
    prefixed = data[starts] == 91
    candidates = np.flatnonzero(prefixed)
    at = starts[candidates]
    dated = (
        ((data[at + 1] == 50) | (data[at + 1] == 49)) & (data[at + 5] == 45) & (data[at + 8] == 45)
    )
    brackets = np.flatnonzero(data == 93)
    message = starts.copy()
    if not len(brackets):
        return np.zeros(len(starts), bool), message
    place = np.searchsorted(brackets, at)
    place[place == len(brackets)] = 0
    closing = brackets[place]
    good = dated & (closing > at) & (closing < ends[candidates])
    prefixed[candidates[~good]] = False
    candidates, closing = candidates[good], closing[good]
    message[candidates] = closing + 1 + (data[closing + 1] == 32)
    return prefixed, message


def _times(
    chunk: bytes,
    words: npt.NDArray[np.uint64],
    starts: Positions,
    prefixed: Flags,
    carried: int,
) -> tuple[Positions, Flags]:
    """Each line's time. Only stamps that differ from the line before are parsed."""
    stamped = np.flatnonzero(prefixed)
    timed = prefixed.copy()
    if not len(stamped):
        return np.full(len(starts), carried, np.int64), timed
    at = starts[stamped] + 1
    changed = np.ones(len(at), bool)
    changed[1:] = False
    for offset in (0, 8, 16):
        part = words[at + offset]
        changed[1:] |= part[1:] != part[:-1]
    parsed = np.array(
        [_stamp(chunk[p : p + 48]) for p in at[changed].tolist()],
        dtype=np.int64,
    )
    own = parsed[np.cumsum(changed) - 1]
    timed[stamped[own == _NO_TIME]] = False
    row = np.zeros(len(starts), np.int64)
    good = own != _NO_TIME
    row[stamped[good]] = np.flatnonzero(good) + 1
    np.maximum.accumulate(row, out=row)
    return np.concatenate([np.array([carried], np.int64), own])[row], timed


def _stamp(text: bytes) -> int:
    stamp = text.split(b" - ", 1)[0].split(b"]", 1)[0]
    parsed = parse_time(stamp.decode("ascii", "replace"))
    return NO_TIME if parsed is None else parsed


_REQUEST = b" request_id="
_REQUEST_TAIL = int.from_bytes(b"uest_id=", "little")
_REQUEST_HEAD = int.from_bytes(b" request", "little")
_TOKEN = np.zeros(256, bool)
_TOKEN[[*range(48, 58), *range(65, 91), *range(97, 123), *b"-_.:/+=@<>*"]] = True


def _request_ids(
    data: npt.NDArray[np.uint8],
    words: npt.NDArray[np.uint64],
    size: int,
    newlines: Positions,
    ends: Positions,
) -> tuple[Positions, Positions, Positions]:
    """The suffix `` request_id=…``, where it closes a line."""
    start = np.zeros(len(ends), np.int64)
    end = np.zeros(len(ends), np.int64)
    text_end = ends.copy()
    equals = np.flatnonzero(data[:size] == 61)
    equals = equals[equals >= 12]
    equals = equals[words[equals - 7] == _REQUEST_TAIL]
    equals = equals[words[equals - 11] == _REQUEST_HEAD]
    if not len(equals):
        return start, end, text_end
    line = np.searchsorted(newlines, equals)
    # The last one of a line counts: a header or user agent may imitate the suffix.
    last = np.ones(len(line), bool)
    last[:-1] = line[1:] != line[:-1]
    line, value = line[last], equals[last] + 1
    stop = ends[line]
    lengths = stop - value
    good = (lengths > 0) & (lengths <= 200)
    line, value, stop, lengths = line[good], value[good], stop[good], lengths[good]
    offsets = np.concatenate([[0], np.cumsum(lengths)])[:-1]
    places = np.repeat(value - offsets, lengths) + np.arange(int(lengths.sum()))
    odd = np.add.reduceat(~_TOKEN[data[places]], offsets) if len(line) else np.zeros(0, np.int64)
    good = odd == 0
    line, value, stop = line[good], value[good], stop[good]
    start[line], end[line], text_end[line] = value, stop, value - 12
    return start, end, text_end
