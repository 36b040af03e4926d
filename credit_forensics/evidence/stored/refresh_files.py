"""Takes Stripe files and webhook logs into the stored rows, each from where it ended."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from credit_forensics.evidence.custody import Input
from credit_forensics.evidence.files import file_growth
from credit_forensics.evidence.files.file_growth import Seen
from credit_forensics.evidence.files.identify_input import identify
from credit_forensics.evidence.logs.as_the_log_states import log_states_payments
from credit_forensics.evidence.logs.load import grows_by_part, load_webhook_logs, time_of_events
from credit_forensics.evidence.stored import tables as stored_tables
from credit_forensics.evidence.stored.custody import How, ReadAnew, joined_notes
from credit_forensics.evidence.stored.inputs import read_files
from credit_forensics.evidence.stored.rows import Known, StoredRows
from credit_forensics.evidence.stripe.load import load_stripe_file

# A delivery's lines lie together but for those of requests handled at the same time.
LOG_OVERLAP = 256 << 10
_STRIPE = tuple(name for name in stored_tables.KEYS if name.startswith("stripe_"))
_LOG = ("deliveries", "sign_ins", "logged_sessions")


class _NotesUnknownError(Exception):
    """What custody would note of the whole file cannot be known from its parts."""


@dataclass(frozen=True)
class _File:
    """A file that is not as it was read; ``before`` is what it was, where it has only grown."""

    path: Path
    name: str
    kind: str
    known: Known | None
    before: Seen | None
    after: Seen

    @property
    def how(self) -> How:
        """How it was found."""
        return "grown" if self.before else "other" if self.known else "new"


@dataclass(frozen=True)
class _LogPart:
    """Lines of a log that bear a time, and what custody holds of the part that was loaded."""

    timed: int
    source: Input


def refresh_files(rows: StoredRows, *, exactly: bool) -> None:
    """Read what is new of the files that the case names, and forget those that are gone.

    With ``exactly`` a file's last line is read also where it lacks its end, and each file that
    changed is hashed from its first byte to its last: what is stored of it, its custody included,
    is then what a reading of all of it would give.

    Raises
    ------
    CaseError
        when a file is missing or cannot be used.
    """
    known, present = rows.known_inputs(), dict[str, Path]()
    for kind, path in read_files(rows.case_file):
        name = rows.name_of(path)
        if kind != "log" and name in present:
            continue
        present[name] = path
        file = _changed(rows, path, name, kind, known.get(name), exactly=exactly)
        if file is not None:
            _take(rows, file)
    for name, gone in known.items():
        if name not in present:
            with rows.transaction():
                rows.drop(gone.number, _STRIPE + _LOG)
            rows.read.append(ReadAnew(name, "gone"))
    numbers = {name: one.number for name, one in rows.known_inputs().items()}
    rows.order = [numbers[name] for name in present]


def _changed(
    rows: StoredRows, path: Path, name: str, kind: str, known: Known | None, *, exactly: bool
) -> _File | None:
    """The file, where something of it is to be read; else what it looks like now is noted."""
    seen = known.seen if known else None
    how = file_growth.compare(path, seen)
    if known and (how == "touched" or (how == "same" and exactly and not known.seen.whole)):
        after = file_growth.look(path, known.seen, whole=True)
        if after is not None:
            with rows.transaction():
                rows.number_input(name, kind, known, after)
                _note_hash(rows, known.number, after)
            return None
        how = "other"
    if how == "same":
        return None
    before = seen if how == "grown" and file_growth.is_text(path) else None
    if before:
        by_part = (
            grows_by_part(path, rows.case_file)
            if kind == "log"
            else identify(path).layout == "lines"
        )
        before = before if by_part else None
    # A file that is read from its beginning is hashed by its reader.
    after = file_growth.look(path, before, whole=exactly and before is not None)
    if after is None:
        before, after = None, file_growth.look(path)
    assert after is not None
    if before and not exactly:
        # A line without its end waits for it.
        after = replace(after, size=after.offset)
    return _File(path, name, kind, known, before, after)


def _take(rows: StoredRows, file: _File) -> None:
    take = _log_file if file.kind == "log" else _stripe_file
    try:
        take(rows, file)
    except _NotesUnknownError:
        after = file_growth.look(file.path)
        assert after is not None
        take(rows, replace(file, before=None, after=after))


def _stripe_file(rows: StoredRows, file: _File) -> None:
    evidence = rows.clear()
    found = identify(file.path)
    start, line = (file.before.offset, file.before.lines) if file.before else (0, 0)
    if file.before and file.before.size > start:
        # A line that had no end yet is read again with what follows; a row of it cannot be taken
        # back.
        with _part(rows, file, start, file.before.size) as part:
            load_stripe_file(evidence, part, file.name, file.kind, found=found)
        if evidence.custody.inputs[0].rows:
            raise _NotesUnknownError
        evidence = rows.clear()
    with _part(rows, file, start, file.after.size) as part:
        load_stripe_file(evidence, part, file.name, file.kind, found=found)
    source = evidence.custody.inputs[0]
    whole = source
    if file.before and file.known:
        stored = rows.custody.reading(file.known.number)
        if stored is None or stored.notes != source.notes:
            raise _NotesUnknownError
        whole = replace(stored, rows=stored.rows + source.rows)
    with _taking(rows, file, whole, start, before=line, first=line + 1) as number:
        for table in rows.filled(_STRIPE):
            rows.touch(table, f"main.{table}")
            stored_tables.store_table(rows.connection, table, number)


def _log_file(rows: StoredRows, file: _File) -> None:
    run = rows.connection.execute
    first_line, start, line, counted, again = 1, 0, 0, 0, None
    if file.before:
        # The first part of the overlap lets deliveries under way be read from their beginning,
        # the second is taken anew, as its deliveries may have ended since.
        start, line = file_growth.line_start(file.path, file.before, 2 * LOG_OVERLAP)
        first_line = file_growth.line_start(file.path, file.before, LOG_OVERLAP)[1] + 1
        # What was counted of the overlap when it was read first.
        again = _load_log(rows, file, start, file.before.size)
        counted = again.timed
    loaded = _load_log(rows, file, start, file.after.size)
    whole = loaded.source
    if again and file.known:
        stored = rows.custody.reading(file.known.number)
        notes = stored and joined_notes(stored.notes, again.source.notes, loaded.source.notes)
        # A note of what was mended counts values, and those of the overlap differ by their ends.
        if not stored or not notes or len(notes) != 1:
            raise _NotesUnknownError
        whole = replace(stored, notes=notes)
    inside = file.path.is_relative_to(rows.case_file.folder)
    if not log_states_payments(rows.case_file):
        run("DELETE FROM main.logged_sessions")
    for table in ("deliveries", "logged_sessions"):
        run(
            f"UPDATE main.{table} SET source_file = ?, source_line = source_line + {line}",
            [file.name if inside else file.path.name],
        )
        run(f"DELETE FROM main.{table} WHERE source_line < {first_line}")
    run(
        """CREATE OR REPLACE TABLE main.sign_ins AS SELECT DISTINCT s.* FROM main.sign_ins s
        WHERE NOT EXISTS (SELECT 1 FROM stored.sign_ins k
            WHERE k.hash_user_id = hash(lower(s.user_id)) AND k.user_id = s.user_id
            AND k.email_key = s.email_key
            AND k.signed_in_at IS NOT DISTINCT FROM s.signed_in_at)"""
    )
    with _taking(rows, file, whole, start, before=line, first=first_line) as number:
        rows.custody.store_span(number, read_before=counted)
        body = stored_tables.columns("deliveries")
        old = f"stored.deliveries WHERE input = {number} AND source_line >= {first_line}"
        news = f"SELECT {body} FROM main.deliveries EXCEPT SELECT {body} FROM {old}"
        rows.touch("deliveries", f"({news})")
        run(f"DELETE FROM {old}")
        run(f"DELETE FROM {old.replace('deliveries', 'logged_sessions')}")
        for table in rows.filled(_LOG):
            stored_tables.store_table(rows.connection, table, number)
        rows.cover("deliveries")
        count = run(f"SELECT count(*) FROM stored.deliveries WHERE input = {number}").fetchall()
        noted = rows.custody.reading(number)
        assert noted is not None
        rows.custody.note(number, replace(noted, rows=count[0][0]))


@contextlib.contextmanager
def _taking(
    rows: StoredRows, file: _File, whole: Input, start: int, *, before: int, first: int
) -> Iterator[int]:
    """A transaction that takes the custody of what was loaded; its rows are stored in the body.

    Gives the number to store them by. ``before`` the part are so many lines, and rejects are taken
    from line ``first`` on. What was stored of a file that did not only grow is dropped.
    """
    custody = rows.evidence.custody
    source = custody.inputs[0]
    source.name = file.name
    after = file.after
    if not file.before and source.size == after.size:
        after = replace(after, hashed=source.size, sha256=source.sha256)
    with rows.transaction():
        if file.known and not file.before:
            rows.drop(file.known.number, _LOG if file.kind == "log" else _STRIPE)
        number = rows.number_input(file.name, file.kind, file.known, after)
        rows.custody.note(number, replace(whole, name=file.name))
        _note_hash(rows, number, after)
        rows.custody.take_rejects(number, custody, before=before, first=first)
        yield number
    rows.read.append(ReadAnew(file.name, file.how, start, source.size, source.rows, source.sha256))


def _note_hash(rows: StoredRows, number: int, seen: Seen) -> None:
    stored = rows.custody.reading(number)
    if stored is not None and seen.whole:
        rows.custody.note(number, replace(stored, sha256=seen.sha256, size=seen.size))


def _load_log(rows: StoredRows, file: _File, start: int, end: int) -> _LogPart:
    """Load a log, of one that grew the part alone."""
    evidence = rows.clear()
    with _part(rows, file, start, end) as part:
        section = rows.case_file.webhook_log.model_copy(update={"files": str(part)})
        load_webhook_logs(
            evidence,
            rows.case_file.model_copy(update={"webhook_log": section}),
            near=time_of_events(rows.connection, "stored."),
        )
    found = rows.connection.execute(
        "SELECT coalesce(sum(row_count), 0) FROM main.spans WHERE source = 'deliveries'"
    ).fetchall()
    return _LogPart(int(found[0][0]), evidence.custody.inputs[0])


@contextlib.contextmanager
def _part(rows: StoredRows, file: _File, start: int, end: int) -> Iterator[Path]:
    """A file's bytes from ``start`` to ``end``, as a file; the whole of one that did not grow."""
    if not file.before:
        yield file.path
        return
    with TemporaryDirectory(dir=rows.path.parent, prefix="part-") as folder:
        part = Path(folder) / "part"
        file_growth.copy_from(file.path, start, end, part)
        yield part
