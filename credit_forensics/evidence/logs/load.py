"""Loads the webhook handler's logs: deliveries, sign-ins, and the span of time they cover."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pyarrow as pa

from credit_forensics.case_file import CaseFile
from credit_forensics.evidence.custody import Input
from credit_forensics.evidence.evidence import Evidence
from credit_forensics.evidence.logs import open as log_files
from credit_forensics.evidence.logs.delivery import Delivery, Fact
from credit_forensics.evidence.logs.encoding import TextReader
from credit_forensics.evidence.logs.facts import FactTable, Kind, find_facts
from credit_forensics.evidence.logs.interleaved import DeliveryReader
from credit_forensics.evidence.logs.json_records import JsonLines, has_json, read_json_lines
from credit_forensics.evidence.logs.lines import NO_TIME, LineTable, line_ends, split_lines
from credit_forensics.evidence.logs.metadata_text import parse_object
from credit_forensics.evidence.logs.own_patterns import (
    Patterns,
    compile_patterns,
    find_sign_ins,
    pattern_facts,
)
from credit_forensics.evidence.logs.prefixes import PrefixReader
from credit_forensics.evidence.logs.rows import LogRows, Span, delivery_table, session_table
from credit_forensics.evidence.logs.scrubbed_ids import match_scrubbed_deliveries
from credit_forensics.evidence.logs.whole_deliveries import whole_deliveries
from credit_forensics.progress import Progress

_KEPT_ROWS = 200_000


def load_webhook_logs(
    evidence: Evidence, case_file: CaseFile, progress: Progress | None = None
) -> None:
    """Read the logs that ``[webhook_log] files`` names.

    Fills ``deliveries``, ``sign_ins`` and ``logged_sessions``, adds a row to ``spans`` (source
    ``deliveries``; all lines with a time) and puts each file into custody. Files are read in
    chunks, so that their size does not matter to the memory.

    Parameters
    ----------
    evidence
        gets the rows.
    case_file
        the case; files are relative to its folder.
    progress
        called with a file's name, the bytes read of it and its size.

    Raises
    ------
    CaseError
        when a file is not there or cannot be read, or a pattern cannot be used; the message names
        the key, ``webhook_log.files`` or ``webhook_log.patterns``.
    """
    paths = log_files.log_paths(case_file.webhook_log.files, case_file.folder)
    patterns = compile_patterns(case_file.webhook_log.patterns)
    span = Span()
    for path in paths:
        _LogFile(evidence, patterns, span, path, case_file.folder).load(progress)
    if span.lines:
        evidence.add("spans", span.row())
    if paths:
        match_scrubbed_deliveries(evidence)


class _LogFile:
    """One file on its way into the tables."""

    def __init__(
        self, evidence: Evidence, patterns: Patterns, span: Span, path: Path, folder: Path
    ) -> None:
        self._evidence, self._patterns, self._span = evidence, patterns, span
        self._name = (
            path.relative_to(folder).as_posix() if path.is_relative_to(folder) else path.name
        )
        self._source: Input = evidence.custody.add(self._name, "webhook log", path)
        self._stream = log_files.LogStream(path)
        self._reader = DeliveryReader()
        self._prefixes = PrefixReader()
        self._text = TextReader()
        self._rows = LogRows()
        self._number, self._time = 1, NO_TIME
        self._sign_ins = 0
        self._bad_json: list[int] = []
        self._cut: list[int] = []

    def load(self, progress: Progress | None) -> None:
        for chunk in self._stream:
            self._read(chunk)
            if self._rows.count >= _KEPT_ROWS:
                self._flush()
            if progress:
                progress(self._name, self._stream.bytes_read, self._source.size)
        self._keep(self._reader.close())
        self._flush()
        self._report()

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
        lines = split_lines(chunk, first, self._time, numbers, newlines)
        self._time = int(lines.times[-1])
        timed = lines.times[lines.timed]
        if len(timed):
            self._span.add(int(timed.min()), int(timed.max()), len(timed))
        self._text.inspect(lines)
        facts = find_facts(lines)
        self._keep_sign_ins(facts)
        own = pattern_facts(lines, self._patterns, self._text) + (extra.facts if extra else [])
        self._keep_facts(facts, own)

    def _keep_facts(self, facts: FactTable, own: list[Fact]) -> None:
        if own:
            rows = sorted([*fact_rows(facts, self._text), *own], key=lambda fact: fact.line)
            self._keep(self._reader.feed(rows))
            return
        whole = whole_deliveries(facts)
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
        found = find_sign_ins(facts, self._patterns, self._text)
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
        if not deliveries:
            return
        self._keep_table(delivery_table(deliveries))
        told = [d for d in deliveries if d.payment_id and (d.metadata_text or d.customer_id)]
        if told:
            self._rows.sessions.append(session_table(told))

    def _keep_table(self, rows: pa.Table) -> None:
        self._rows.deliveries.append(rows)
        self._rows.count += len(rows)
        self._source.rows += len(rows)

    def _flush(self) -> None:
        rows, self._rows = self._rows, LogRows()
        rows.store(self._evidence, self._name, self._text)

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
