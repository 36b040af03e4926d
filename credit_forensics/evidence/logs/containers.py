"""Reads any container of log lines, before any wording: documents, CSV, records a line, or text.

What comes out is one ``Line`` a message, in the order of the file or, where that is newest first,
in the order of time.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterable, Iterator
from itertools import chain, pairwise
from pathlib import Path
from typing import Any

from credit_forensics.evidence.logs import container_fields, line_header, nested_records
from credit_forensics.evidence.logs.container_fields import Found, Record
from credit_forensics.evidence.logs.encoding import TextReader
from credit_forensics.evidence.logs.message import Line
from credit_forensics.evidence.logs.open import LONGEST_LINE, LogStream
from credit_forensics.evidence.logs.times import TimeReader
from credit_forensics.evidence.logs.traces import joined_traces

LARGEST_DOCUMENT = 192 << 20
LONGEST_MESSAGE = 16_000
_HEAD_LINES = 400
_SHORT_HEAD = 100
_HEAD = 64 << 10
_MOST_FAILURES = 64
_DELIMITERS = ",;\t|"
_DOCUMENT = re.compile(r"\[\s*(?:[\[{\"]|$)|\{\s*(?:\"|$)")
_CONTINUES = re.compile(r"[\s\"'{}\])]|Traceback \(most")
_HEADING = re.compile(r"[A-Za-z@_][\w@ ./#()\[\]-]{0,59}")
_ODD = re.compile(r"[^a-z0-9]+")
_HEADER = re.compile(
    r"^.{0,120}?\b(?:trace|debug|info|notice|warn(?:ing)?|error|crit(?:ical)?|fatal)\b[\])]?:?\s*"
    r"|^\S{1,80}\[\d+\]:\s+",
    re.IGNORECASE,
)
# Headings of a time that do not say so.
_MOMENTS = {"ts", "createdat", "receivedat", "processedat", "loggedat", "occurredat", "when"}
_WORD = re.compile(r"[^\W\d_]{3,}")


class Container:
    """The lines of one file. ``layout`` is document, csv or lines; ``problem`` what cut it off."""

    def __init__(self, path: Path, times: TimeReader, text: TextReader | None = None) -> None:
        self.times, self.text = times, text or TextReader()
        self.rejected: list[int] = []
        self.cut: list[int] = []
        self.count = 0
        self.problem: str | None = None
        self._path = path
        head = next(iter(LogStream(path, _HEAD)), b"")
        self._head = self.text.text(head[: 4 * _HEAD])
        self.layout, self._delimiter = _layout(self._head, len(head))

    def __iter__(self) -> Iterator[Line]:
        """The lines, oldest first."""
        self.rejected = []
        lines = self._lines()
        head = list(_first(lines, _HEAD_LINES))
        if newest_first([line.time for line in head]):
            yield from joined_traces(_by_time([*head, *lines]))
        else:
            yield from joined_traces(chain(head, lines))

    @property
    def newest_first(self) -> bool:
        """Whether the file's first lines are in the reverse of the order of time."""
        if self.layout != "lines":
            return newest_first([line.time for line in _first(self._lines(), _HEAD_LINES)])
        head = enumerate(self._head.split("\n")[:_SHORT_HEAD], 1)
        return newest_first([line.time for line in self._of_text(head)])

    def _lines(self) -> Iterator[Line]:
        if self.layout == "document":
            yield from self._of_document()
        elif self.layout == "csv":
            yield from self._of_csv()
        else:
            yield from self._of_text()

    def _of_document(self) -> Iterator[Line]:
        stream = LogStream(self._path)
        raw = stream.whole(LARGEST_DOCUMENT)
        self.problem = stream.problem
        values, whole = _values(self.text.text(raw))
        if not whole:
            self.problem = self.problem or "the document is damaged; what is whole of it was read"
        for number, record in enumerate(nested_records.records_in(values), 1):
            self.count = number
            yield self._of_record(record, number)

    def _of_csv(self) -> Iterator[Line]:
        csv.field_size_limit(max(csv.field_size_limit(), LONGEST_LINE))
        rows = csv.reader(
            (f"{line}\n" for _, line in self._text_lines()), delimiter=self._delimiter
        )
        try:
            names = next(rows, [])
            before = rows.line_num
            for row in rows:
                record = {name: value for name, value in zip(names, row, strict=False) if value}
                if record:
                    for inner in nested_records.records_in(record):
                        yield self._of_record(inner, before + 1)
                before = rows.line_num
        except csv.Error as error:
            self.problem = f"the table cannot be read on from line {rows.line_num}: {error}"

    def _of_text(self, numbered: Iterable[tuple[int, str]] | None = None) -> Iterator[Line]:
        last: Line | None = None
        for number, text in self._text_lines() if numbered is None else numbered:
            if not text.strip():
                continue
            if text.startswith(("{", "[{", "[[")) and (value := _value(text)) is not None:
                if last is not None:
                    yield last
                    last = None
                for record in nested_records.records_in(value):
                    yield self._of_record(record, number)
                continue
            if text.startswith('{"'):
                self.rejected.append(number)
            line = self._of_string(text, number)
            if last is not None and _CONTINUES.match(text) and line.time is None:
                joined = f"{last.text}\n{text}" if len(last.text) < LONGEST_MESSAGE else last.text
                last = last._replace(text=joined)
                continue
            if last is not None:
                yield last
            last = line
        if last is not None:
            yield last

    def _text_lines(self) -> Iterator[tuple[int, str]]:
        stream = LogStream(self._path)
        number = self.count = 0
        self.cut = []
        for chunk in stream:
            if stream.cut:
                self.cut.append(number + 1)
            for raw in chunk.split(b"\n")[:-1]:
                number += 1
                yield number, self.text.text(raw.rstrip(b"\r")).replace("\0", "")
        self.count = number
        self.problem = self.problem or stream.problem

    def _of_string(self, text: str, number: int) -> Line:
        head = line_header.dissect(text[:LONGEST_MESSAGE], self.times)
        record = _inner_record(head.text)
        if record is not None:
            line = self._of_record(record, number)
            return line._replace(
                text=f"{_spoken_before(head.text)} {line.text}".strip(),
                time=head.time if line.time is None else line.time,
                level=line.level or head.level,
                request=line.request or head.request,
                tokens=line.tokens or head.tokens,
            )
        http, fields = None, {}
        if pairs := line_header.pairs_of(head.text):
            found = container_fields.understand(pairs, self.times)
            http, fields = found.http, found.fields
            head = head._replace(time=head.time or found.time, level=head.level or found.level)
        return Line(
            number, head.time, head.level, head.request, head.tokens, head.text, http, fields
        )

    def _of_record(self, record: Record, number: int) -> Line:
        found: Found = container_fields.understand(record, self.times)
        head = line_header.dissect((found.message or "")[:LONGEST_MESSAGE], self.times)
        return Line(
            number,
            found.time if found.time is not None else head.time,
            found.level or head.level,
            found.request or head.request,
            head.tokens,
            head.text,
            found.http,
            found.fields,
        )


def newest_first(moments: list[int | None]) -> bool:
    """Whether times mostly fall, and the first is later than the last.

    Examples
    --------
    >>> newest_first([3, 2, 2, None, 1]), newest_first([1, 2, 1, 3]), newest_first([1])
    (True, False, False)
    """
    known = [moment for moment in moments if moment is not None]
    steps = [after - before for before, after in pairwise(known) if after != before]
    falling = sum(step < 0 for step in steps)
    return bool(steps) and falling * 2 > len(steps) and known[0] > known[-1]


def _by_time(lines: list[Line]) -> list[Line]:
    """Lines that came newest first, oldest first; one without a time stays after the one before."""
    lines.reverse()
    last = 0
    keys: list[int] = []
    for line in lines:
        last = last if line.time is None else line.time
        keys.append(last)
    return [lines[at] for at in sorted(range(len(lines)), key=keys.__getitem__)]


def _first(lines: Iterator[Line], count: int) -> Iterator[Line]:
    for _ in range(count):
        line = next(lines, None)
        if line is None:
            return
        yield line


def _layout(head: str, size: int) -> tuple[str, str]:
    text = head.lstrip()
    line = text.split("\n", 1)[0].rstrip("\r")
    if _DOCUMENT.match(text):
        whole = "\n" in text and size > 0
        whole = whole and any(_value(part) is not None for part in text.split("\n", 6)[:6] if part)
        return ("lines", "") if whole else ("document", "")
    delimiter = max(_DELIMITERS, key=line.count)
    try:
        names = (
            next(csv.reader([line], delimiter=delimiter), []) if delimiter in line[:4000] else []
        )
    except csv.Error:
        # Bytes of no text at all.
        names = []
    folded = [_ODD.sub("", name.lower()) for name in names]
    times = [name for name in folded if "time" in name or "date" in name or name in _MOMENTS]
    named = all(_HEADING.fullmatch(name.strip()) for name in names)
    return ("csv", delimiter) if len(names) > 1 and times and named else ("lines", "")


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _values(text: str) -> tuple[list[Any], bool]:
    """The JSON values of a text in turn; of a damaged one, the objects that are whole."""
    decoder = json.JSONDecoder()
    found: list[Any] = []
    at, failures = 0, 0
    while failures < _MOST_FAILURES:
        match = re.compile(r"[\[{]").search(text, at)
        if match is None:
            break
        try:
            value, at = decoder.raw_decode(text, match.start())
            found.append(value)
        except (ValueError, RecursionError):
            failures += 1
            at = match.start() + 1
    return found, failures == 0


def _spoken_before(text: str) -> str:
    """What a line says before the record at its end ("Credits added {…}"), without its header."""
    said = _HEADER.sub("", text[: text.find("{")], count=1).strip(" :-|>")
    return said if len(_WORD.findall(said)) > 1 else ""


def _inner_record(text: str) -> Record | None:
    """The record that a platform's text stands before."""
    at = text.find("{", 0, 240)
    if at < 0 or not text.endswith("}"):
        return None
    inner = nested_records.json_object(text[at:])
    if inner is None or len(inner) < 2:
        return None
    found = container_fields.understand(inner, TimeReader())
    return inner if found.message or found.http else None
