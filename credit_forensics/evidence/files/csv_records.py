"""Reads the records of a CSV file so that damage costs the line it is in, and no more.

An opening quote that lost its end makes a CSV reader swallow all that follows. Here a record
that does not fit the heading is given up line by line.
"""

from __future__ import annotations

import csv
import re
from collections import deque
from collections.abc import Iterable, Iterator
from typing import NamedTuple

_LONGEST_RECORD = 200
_SPACE = re.compile(r"\s+")


class Record(NamedTuple):
    """The fields of a record and the line it begins on (from 1), or what is wrong with it."""

    line: int
    fields: list[str]
    problem: str = ""


def text_lines(chunks: Iterable[bytes]) -> Iterator[str]:
    """Lines without their ends; what is not UTF-8 is taken for Windows-1252, as Excel saves it."""
    rest = b""
    for chunk in chunks:
        *rows, rest = (rest + chunk).split(b"\n")
        for row in rows:
            yield _text(row)
    if rest:
        yield _text(rest)


def _text(row: bytes) -> str:
    row = row.removesuffix(b"\r")
    try:
        return row.decode("utf-8")
    except UnicodeDecodeError:
        return row.decode("cp1252", "replace")


def heading(text: str) -> str:
    """A heading in the form in which headings are compared.

    Examples
    --------
    >>> heading("  Created  date (UTC)")
    'created date (utc)'
    """
    return _SPACE.sub(" ", text.replace("\ufeff", "")).strip().lower()


def delimiter_of(first: str) -> str:
    """The delimiter of a heading line: the one that splits it into the most fields."""
    return max(",;\t", key=lambda delimiter: len(_fields(first, delimiter) or []))


def _fields(text: str, delimiter: str) -> list[str] | None:
    try:
        return next(csv.reader([text], delimiter=delimiter, strict=False), None)
    except csv.Error:
        return None


def records(rows: Iterable[str]) -> Iterator[Record]:
    """The heading, then each record; blank lines are passed over.

    Examples
    --------
    >>> [r.fields or r.problem for r in records(["id,note", 'ch_1,"a', 'b"', 'ch_2,"x', "ch_3,"])]
    [['id', 'note'], ['ch_1', 'a\\nb'], 'a quote that does not end', ['ch_3', '']]
    """
    source = enumerate(rows, start=1)
    waiting: deque[tuple[int, str]] = deque()
    width, delimiter = 0, ","
    while True:
        held: list[tuple[int, str]] = []
        record: list[str] | None = None
        quotes = 0
        while len(held) < _LONGEST_RECORD:
            item = waiting.popleft() if waiting else next(source, None)
            if item is None:
                break
            if not held and not item[1].strip():
                continue
            if not held and not width:
                delimiter = delimiter_of(item[1])
            held.append(item)
            quotes += item[1].count('"')
            if quotes % 2 == 0:
                record = _fields("\n".join(text for _, text in held), delimiter)
                break
        if not held:
            return
        line = held[0][0]
        if record is not None and len(record) == (width or len(record)):
            width = width or len(record)
            yield Record(line, record)
            continue
        if record is None:
            problem = "a quote that does not end"
        else:
            problem = f"{len(record)} fields where the heading has {width}"
        yield Record(line, [], problem)
        waiting.extendleft(reversed(held[1:]))
