"""One log file on its way into the tables: read by one wording or another, then kept.

A file may be read several times before it is decided which reading counts; only `LogFile.keep`
puts anything into the evidence.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from credit_forensics.evidence.custody import Input
from credit_forensics.evidence.evidence import Evidence
from credit_forensics.evidence.logs import open as log_files
from credit_forensics.evidence.logs.containers import Container
from credit_forensics.evidence.logs.delivery import Delivery, Fact
from credit_forensics.evidence.logs.encoding import TextReader
from credit_forensics.evidence.logs.facts import FactTable, Kind, find_facts
from credit_forensics.evidence.logs.generic_log import GenericLog
from credit_forensics.evidence.logs.interleaved import DeliveryReader
from credit_forensics.evidence.logs.json_records import JsonLines, has_json, read_json_lines
from credit_forensics.evidence.logs.known_wording import in_batches, original_form
from credit_forensics.evidence.logs.lines import (
    NO_TIME,
    LineTable,
    Positions,
    line_ends,
    split_lines,
)
from credit_forensics.evidence.logs.metadata_text import parse_object
from credit_forensics.evidence.logs.own_patterns import (
    Patterns,
    find_sign_ins,
    pattern_facts,
)
from credit_forensics.evidence.logs.prefixes import PrefixReader
from credit_forensics.evidence.logs.rows import LogRows, Span, delivery_table, session_table
from credit_forensics.evidence.logs.times import TimeReader
from credit_forensics.evidence.logs.whole_deliveries import whole_deliveries
from credit_forensics.progress import Progress

_KEPT_ROWS = 200_000
_UNENDED = (None, "incomplete", "received")


class LogFile:
    """One file: what was read of it, and what it is to become."""

    def __init__(
        self, evidence: Evidence, patterns: Patterns, path: Path, source: Input, near: int | None
    ) -> None:
        self.path, self.patterns = path, patterns
        self._evidence, self._source, self._near = evidence, source, near
        self._span = Span()
        self._stream = log_files.LogStream(path)
        self._reader = DeliveryReader()
        self._prefixes = PrefixReader()
        self._text = TextReader()
        self._rows = LogRows()
        self._number, self._time = 1, NO_TIME
        self._sign_ins = self._ended = self._found = self.ended = 0
        self._wanted = True
        self._bad_json: list[int] = []
        self._cut: list[int] = []
        self._notes: list[str] = []

    def again(self) -> LogFile:
        """The same file, nothing of it read."""
        return LogFile(self._evidence, self.patterns, self.path, self._source, self._near)

    def container(self) -> Container:
        """The file's container."""
        return Container(self.path, TimeReader(near=self._near), self._text)

    def recognised(self, *, by_fields: bool) -> bool:
        """Whether a delivery was; of records known by their fields alone, one with an outcome."""
        return bool(self._ended if by_fields else self._found)

    @property
    def mostly_unended(self) -> bool:
        """Whether most deliveries have no outcome: the lines may stand in a container unread."""
        return 2 * self.ended < self._found

    def read_chunks(self, progress: Progress | None, *, deliveries: bool = True) -> None:
        """Read the file as it is, by the known wording; or its sign-ins and its span alone."""
        self._wanted = deliveries
        for chunk in self._stream:
            self._read(chunk)
            if self._rows.count >= _KEPT_ROWS:
                self._flush()
            if progress:
                progress(self._source.name, self._stream.bytes_read, self._source.size)
        self._keep(self._reader.close())
        self._wanted = True

    def read_container(self) -> None:
        """Read what the file's container holds, by the known wording."""
        container = self.container()
        for lines in in_batches(container):
            chunk, numbers = original_form(lines)
            table = self._split(chunk, numbers)
            facts = find_facts(table)
            self._keep_sign_ins(facts)
            self._keep_facts(facts, pattern_facts(table, self.patterns, self._text))
        self._keep(self._reader.close())
        self._note_container(container)

    def read_any_wording(self, *, sign_ins: bool) -> None:
        """Read what the file's container holds, by what any handler's lines name."""
        container = self.container()
        log = GenericLog()
        counted = self._span.lines > 0
        for batch in in_batches(container):
            log.take(batch)
            times = [line.time for line in batch if line.time is not None]
            if times:
                self._span.add(min(times), max(times), 0 if counted else len(times))
            if sign_ins:
                chunk, numbers = original_form(batch)
                self._keep_sign_ins(find_facts(split_lines(chunk, 1, self._time, numbers)))
        self._keep(log.deliveries())
        self._notes = log.notes()
        self._prefixes.yearless = container.times.unsettled
        if sign_ins:
            self._rows.sign_ins.extend(log.sign_ins)
            self._sign_ins += len(log.sign_ins)
            self._note_container(container)

    def _note_container(self, container: Container) -> None:
        self._number = 1 + container.count
        self._bad_json, self._cut = container.rejected, container.cut
        self._stream.problem = container.problem
        self._prefixes.yearless = container.times.unsettled

    def keep(self, span: Span) -> None:
        """Put what was read into the tables and the custody."""
        self._flush()
        self._source.rows = self._found
        if self._span.lines:
            span.add(self._span.first, self._span.last, self._span.lines)
        self._report()

    def _split(
        self,
        chunk: bytes,
        numbers: Positions | None,
        first: int = 1,
        newlines: Positions | None = None,
    ) -> LineTable:
        lines = split_lines(chunk, first, self._time, numbers, newlines)
        self._time = int(lines.times[-1])
        timed = lines.times[lines.timed]
        if len(timed):
            self._span.add(int(timed.min()), int(timed.max()), len(timed))
        return lines

    def _read(self, chunk: bytes) -> None:
        first = self._number
        if self._stream.cut:
            self._cut.append(first)
        newlines = line_ends(chunk)
        self._number += len(newlines)
        chunk, newlines = self._prefixes.normalise(chunk, newlines)
        numbers, extra = None, None
        if has_json(chunk, newlines):
            extra = read_json_lines(chunk, first)
            chunk, newlines = self._prefixes.normalise(extra.chunk, line_ends(extra.chunk))
            numbers = extra.numbers
            self._keep_json(extra)
        lines = self._split(chunk, numbers, first, newlines)
        self._text.inspect(lines)
        facts = find_facts(lines)
        self._keep_sign_ins(facts)
        own = pattern_facts(lines, self.patterns, self._text) + (extra.facts if extra else [])
        self._keep_facts(facts, own)

    def _keep_facts(self, facts: FactTable, own: list[Fact]) -> None:
        if own:
            rows = sorted([*fact_rows(facts, self._text), *own], key=lambda fact: fact.line)
            self._keep(self._reader.feed(rows))
            return
        whole = whole_deliveries(facts) if self._wanted else None
        if whole is not None:
            self._keep_table(whole.deliveries)
            self._rows.sessions.append(whole.sessions)
            facts = facts.take(whole.rest)
        self._keep(self._reader.feed(fact_rows(facts, self._text)))

    def _keep_json(self, extra: JsonLines) -> None:
        self._keep(extra.deliveries)
        self._rows.sign_ins.extend(extra.sign_ins)
        self._sign_ins += len(extra.sign_ins)
        self._bad_json.extend(extra.rejected)
        if extra.times:
            self._span.add(min(extra.times), max(extra.times), len(extra.times))

    def _keep_sign_ins(self, facts: FactTable) -> None:
        found = find_sign_ins(facts, self.patterns, self._text)
        lines = facts.lines
        for place in (facts.kind == Kind.CHECKOUT).nonzero()[0].tolist():
            # What the checkout page was told of its visitor: an id and the e-mail it signed in by.
            raw = lines.buffer[int(facts.start[place]) : int(facts.end[place])]
            told = parse_object(self._text.text(raw))
            user, email = told.get("userId"), told.get("email")
            if isinstance(user, str) and isinstance(email, str):
                time = int(lines.times[facts.line[place]])
                found.append((user, email, None if time == NO_TIME else time))
        self._rows.sign_ins.extend(found)
        self._rows.count += len(found)
        self._sign_ins += len(found)

    def _keep(self, deliveries: list[Delivery]) -> None:
        if not deliveries or not self._wanted:
            return
        self._ended += sum(d.outcome is not None for d in deliveries)
        self._keep_table(delivery_table(deliveries))
        told = [d for d in deliveries if d.payment_id and (d.metadata_text or d.customer_id)]
        if told:
            self._rows.sessions.append(session_table(told))

    def _keep_table(self, rows: pa.Table) -> None:
        self._rows.deliveries.append(rows)
        self._rows.count += len(rows)
        self._found += len(rows)
        unended = pc.is_in(rows["outcome"], pa.array(_UNENDED, pa.string()))
        self.ended += len(rows) - (pc.sum(unended).as_py() or 0)

    def _flush(self) -> None:
        rows, self._rows = self._rows, LogRows()
        rows.store(self._evidence, self._source.name, self._text)

    def _report(self) -> None:
        custody, source = self._evidence.custody, self._source
        for lines, reason in (
            (self._cut, "line longer than 8 MB, read to there"),
            (self._text.rejected, "not text"),
            (self._bad_json, "begins like a JSON record and is none"),
        ):
            custody.reject_many(source, pd.DataFrame({"line": lines, "reason": reason}))
        if self._stream.problem:
            custody.reject(source, self._number, self._stream.problem)
        source.notes.extend(self._stream.notes)
        source.notes.append(f"{self._number - 1} lines, {self._sign_ins} sign-ins")
        source.notes.extend(self._notes)
        source.notes.extend(self._text.notes())
        if self._prefixes.yearless:
            source.notes.append(
                f"{self._prefixes.yearless} lines have a time without a year, which was not used"
            )


def fact_rows(facts: FactTable, reader: TextReader) -> list[Fact]:
    """The facts as rows, for the reader of interleaved requests."""
    lines: LineTable = facts.lines
    buffer, text = lines.buffer, reader.text
    return [
        Fact(
            kind,
            number,
            None if time == NO_TIME else time,
            text(buffer[a:b]) if b else None,
            text(buffer[start:end]),
        )
        for kind, number, time, a, b, start, end in zip(
            facts.kind.tolist(),
            lines.numbers[facts.line].tolist(),
            lines.times[facts.line].tolist(),
            facts.request_start.tolist(),
            facts.request_end.tolist(),
            facts.start.tolist(),
            facts.end.tolist(),
            strict=True,
        )
        if kind != Kind.CHECKOUT
    ]
