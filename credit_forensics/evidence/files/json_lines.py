"""Cuts a text into its lines, and finds a few of them by their places."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from typing import NamedTuple

LONGEST = 64 << 20

NOT_JSON = "not JSON"
STRAY = "not a JSON object"
NOT_UTF8 = "not UTF-8"
CUT_OFF = "the text ends in the middle of an object"
TOO_LONG = f"longer than {LONGEST >> 20} MB"
TOO_DEEP = "nested too deeply"


class Document(NamedTuple):
    """The text of one JSON value, the line it begins on (from 1), or what is wrong with it."""

    line: int
    text: str
    problem: str = ""


def line_blocks(chunks: Iterator[bytes]) -> Iterator[tuple[int, bytes]]:
    """Whole lines, many at a time and without the last end, with the first one's number (from 1).

    A line longer than ``LONGEST`` is handed out as its beginning.
    """
    pieces: list[bytes] = []
    held, line, dropping = 0, 1, False
    for chunk in chunks:
        data = chunk
        if dropping:
            _, newline, data = chunk.partition(b"\n")
            if not newline:
                continue
            line, dropping = line + 1, False
        end = data.rfind(b"\n")
        if end < 0:
            pieces.append(data)
            held += len(data)
            if held > LONGEST:
                yield line, b"".join(pieces)
                pieces, held, dropping = [], 0, True
            continue
        block = b"".join([*pieces, data[:end]])
        yield line, block
        line += block.count(b"\n") + 1
        pieces, held = [data[end + 1 :]], len(data) - end - 1
    if rest := b"".join(pieces):
        yield line, rest


def lines(chunks: Iterator[bytes]) -> Iterator[Document]:
    """The lines of a text that are not blank.

    Examples
    --------
    >>> for document in lines(iter([b'{"id":1}\\n\\n{"i', b'd":2}'])):
    ...     print(document)
    Document(line=1, text='{"id":1}', problem='')
    Document(line=3, text='{"id":2}', problem='')
    """
    for first, block in line_blocks(chunks):
        for line, row in enumerate(block.split(b"\n"), start=first):
            if row and not row.isspace():
                yield _as_document(line, row)


def nth_lines(chunks: Iterable[bytes], wanted: set[int]) -> tuple[list[Document], int]:
    """The lines at these places (from 0) and how many there are, blank ones counted.

    Counts line ends and looks at nothing else, which is all that finding a few lines of a large
    file may cost. Where blank lines do not count, ``nth_filled_lines`` is the way.

    Examples
    --------
    >>> nth_lines([b'{"id":1}\\n{"i', b'd":2}\\n'], {1})
    ([Document(line=2, text='{"id":2}', problem='')], 2)
    """
    places = sorted(wanted)
    pieces: dict[int, bytearray] = {place: bytearray() for place in places}
    count, chunk = 0, b""
    for chunk in chunks:
        ends = chunk.count(b"\n")
        here = places[bisect_left(places, count) : bisect_right(places, count + ends)]
        if here:
            rows = chunk.split(b"\n")
            for place in here:
                if len(pieces[place]) <= LONGEST:
                    pieces[place] += rows[place - count]
        count += ends
    count += bool(chunk) and not chunk.endswith(b"\n")
    return [_as_document(place + 1, bytes(row)) for place, row in pieces.items()], count


def nth_filled_lines(chunks: Iterator[bytes], wanted: set[int]) -> tuple[list[Document], int]:
    """The lines at these places (from 0) and how many there are, blank ones passed over.

    Examples
    --------
    >>> nth_filled_lines(iter([b'{"id":1}\\n\\n{"id":2}\\n']), {1})
    ([Document(line=3, text='{"id":2}', problem='')], 2)
    """
    found: list[Document] = []
    count = 0
    for first, block in line_blocks(chunks):
        for line, row in enumerate(block.split(b"\n"), start=first):
            if row and not row.isspace():
                if count in wanted:
                    found.append(_as_document(line, row))
                count += 1
    return found, count


def _as_document(line: int, row: bytes) -> Document:
    if len(row) > LONGEST:
        return Document(line, "", TOO_LONG)
    try:
        return Document(line, row.decode("utf-8"))
    except UnicodeDecodeError:
        return Document(line, "", NOT_UTF8)
