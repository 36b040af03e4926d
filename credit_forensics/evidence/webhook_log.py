"""Loads the webhook handler's logs: deliveries, sign-ins, and the span of time they cover."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pyarrow as pa

from credit_forensics.case_file import CaseFile
from credit_forensics.evidence import log_files
from credit_forensics.evidence.custody import Input
from credit_forensics.evidence.log_encoding import readable
from credit_forensics.evidence.log_facts import FactTable, find_facts
from credit_forensics.evidence.log_lines import NO_TIME, split_lines
from credit_forensics.evidence.log_requests import Delivery, DeliveryReader, Fact
from credit_forensics.evidence.store import Evidence

Progress = Callable[[str, int, int], None]


def load_webhook_logs(
    evidence: Evidence, case_file: CaseFile, progress: Progress | None = None
) -> None:
    """Read the logs that ``[webhook_log] files`` names into ``deliveries`` and ``sign_ins``.

    Parameters
    ----------
    evidence
        gets the rows, a row of ``coverage`` (source ``deliveries``; all lines with a time), and
        the custody of each file.
    case_file
        the case; files are relative to its folder.
    progress
        called with a file's name, the bytes read of it and its size.

    Raises
    ------
    CaseError
        when a file is not there or cannot be read; the message names ``webhook_log.files``.
    """
    paths = log_files.log_paths(case_file.webhook_log.files, case_file.folder)
    span = _Span()
    for path in paths:
        _load_file(evidence, case_file, path, span, progress)
    if span.lines:
        evidence.add("coverage", span.row())


class _Span:
    """The span of all lines with a time."""

    def __init__(self) -> None:
        self.first = 2**63 - 1
        self.last = -(2**63)
        self.lines = 0

    def row(self) -> pd.DataFrame:
        return pd.DataFrame(
            {
                "source": ["deliveries"],
                "first_at": pd.to_datetime([self.first], unit="us", utc=True),
                "last_at": pd.to_datetime([self.last], unit="us", utc=True),
                "row_count": [self.lines],
            }
        )


def _load_file(
    evidence: Evidence, case_file: CaseFile, path: Path, span: _Span, progress: Progress | None
) -> None:
    try:
        name = path.relative_to(case_file.folder).as_posix()
    except ValueError:
        name = path.name
    source = evidence.custody.add(name, "webhook log", path)
    stream = log_files.LogStream(path)
    reader = DeliveryReader()
    number, time = 1, NO_TIME
    for chunk in stream:
        lines = split_lines(chunk, number, time)
        number += len(lines.starts)
        time = int(lines.times[-1])
        timed = lines.times[lines.timed]
        if len(timed):
            span.first = min(span.first, int(timed.min()))
            span.last = max(span.last, int(timed.max()))
            span.lines += len(timed)
        facts = find_facts(lines)
        _keep(evidence, source, name, reader.feed(fact_rows(facts)))
        if progress:
            progress(name, stream.bytes_read, source.size)
    _keep(evidence, source, name, reader.close())
    for line in stream.cut_lines:
        evidence.custody.reject(source, line, "line longer than 8 MB, read to there")
    if stream.problem:
        evidence.custody.reject(source, number, stream.problem)
    source.notes.extend(stream.notes)
    source.notes.append(f"{number - 1} lines")


def fact_rows(facts: FactTable) -> list[Fact]:
    """The facts as rows, for the reader of interleaved requests."""
    buffer, lines = facts.lines.buffer, facts.lines
    return [
        Fact(
            kind,
            number,
            None if time == NO_TIME else time,
            readable(buffer[a:b]) if b else None,
            readable(buffer[start:end]),
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
    ]


def _keep(evidence: Evidence, source: Input, name: str, deliveries: list[Delivery]) -> None:
    if not deliveries:
        return
    rows = pa.table(
        {
            "event_id": pa.array([d.event_id for d in deliveries], pa.string()),
            "payment_id": pa.array([d.payment_id for d in deliveries], pa.string()),
            "received_at": pa.array([d.time for d in deliveries], pa.timestamp("us", tz="UTC")),
            "signature_valid": pa.array([d.signature_valid for d in deliveries], pa.bool_()),
            "method": pa.array([d.method for d in deliveries], pa.string()),
            "resolved_user_id": pa.array([d.user_id for d in deliveries], pa.string()),
            "credits": pa.array([d.credits for d in deliveries], pa.int64()),
            "outcome": pa.array([d.outcome or "incomplete" for d in deliveries], pa.string()),
            "error": pa.array([first_line(d.error) for d in deliveries], pa.string()),
            "request_id": pa.array([d.request_id for d in deliveries], pa.string()),
            "source_file": pa.array([name] * len(deliveries), pa.string()),
            "source_line": pa.array([d.line for d in deliveries], pa.int64()),
        }
    )
    evidence.add("deliveries", rows)
    source.rows += len(deliveries)


def first_line(text: str | None) -> str | None:
    """The first line of an error, at most 500 characters."""
    if not text:
        return None
    line = text.strip().split("\n", 1)[0].strip()
    return line[:500] or None
