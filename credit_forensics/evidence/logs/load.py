"""Loads the webhook handler's logs: deliveries, sign-ins, and the span of time they cover."""

from __future__ import annotations

from pathlib import Path

from duckdb import DuckDBPyConnection

from credit_forensics.case_file import CaseFile
from credit_forensics.evidence.evidence import Evidence
from credit_forensics.evidence.logs import open as log_files
from credit_forensics.evidence.logs.containers import Container
from credit_forensics.evidence.logs.known_wording import known_wording
from credit_forensics.evidence.logs.log_file import LogFile
from credit_forensics.evidence.logs.own_patterns import compile_patterns
from credit_forensics.evidence.logs.rows import Span
from credit_forensics.evidence.logs.scrubbed_ids import match_scrubbed_deliveries
from credit_forensics.evidence.logs.times import TimeReader
from credit_forensics.progress import Progress


def load_webhook_logs(
    evidence: Evidence,
    case_file: CaseFile,
    progress: Progress | None = None,
    near: int | None = None,
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
    near
        microseconds; a time without a year is of the year that brings it closest. The median of
        Stripe's events and sessions, unless given.

    Raises
    ------
    CaseError
        when a file is not there or cannot be read, or a pattern cannot be used; the message names
        the key, ``webhook_log.files`` or ``webhook_log.patterns``.
    """
    paths = log_files.log_paths(case_file.webhook_log.files, case_file.folder)
    patterns = compile_patterns(case_file.webhook_log.patterns)
    span = Span()
    near = time_of_events(evidence.connection) if paths and near is None else near
    for path in paths:
        name = (
            path.relative_to(case_file.folder).as_posix()
            if path.is_relative_to(case_file.folder)
            else path.name
        )
        source = evidence.custody.add(name, "webhook log", path)
        _load_file(LogFile(evidence, patterns, path, source, near), span, progress)
    if span.lines:
        evidence.add("spans", span.row())
    if paths:
        match_scrubbed_deliveries(evidence)


def grows_by_part(path: Path, case_file: CaseFile) -> bool:
    """Whether what was added to a log can be read without the rest: text in a wording known.

    Of a table the heading would be missing, of a document the beginning; any handler's wording is
    read as a whole, as is what is newest first.
    """
    container = Container(path, TimeReader())
    if container.layout != "lines" or container.newest_first:
        return False
    return bool(case_file.webhook_log.patterns) or known_wording(path) is not None


def time_of_events(connection: DuckDBPyConnection, prefix: str = "") -> int | None:
    """The median time of Stripe's objects, in microseconds: it settles a log's missing year."""
    rows = connection.execute(
        f"""SELECT CAST(median(epoch_us(created_at)) AS BIGINT) FROM (
        SELECT created_at FROM {prefix}stripe_events
        UNION ALL SELECT created_at FROM {prefix}stripe_sessions)"""
    ).fetchall()
    return rows[0][0] if rows else None


def _load_file(file: LogFile, span: Span, progress: Progress | None) -> None:
    """Read a file by the known wording, as it is or out of its container; else by any wording."""
    wording = known_wording(file.path)
    by_fields = wording == "fields"
    known = bool(file.patterns.own) or wording is not None
    container = file.container()
    plain = container.layout == "lines" and not container.newest_first
    read = file.again()
    if known and plain:
        read.read_chunks(progress)
    if known and (not read.recognised(by_fields=by_fields) or read.mostly_unended):
        out_of_container = file.again()
        out_of_container.read_container()
        if not read.recognised(by_fields=by_fields) or out_of_container.ended > read.ended:
            read = out_of_container
    if not known or not read.recognised(by_fields=by_fields):
        read = file.again()
        if plain:
            read.read_chunks(progress, deliveries=False)
        read.read_any_wording(sign_ins=not plain)
    read.keep(span)
