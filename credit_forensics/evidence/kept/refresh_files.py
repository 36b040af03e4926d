"""Takes Stripe files and webhook logs into the kept evidence, each from where it ended."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from credit_forensics.evidence.files import file_growth
from credit_forensics.evidence.files.file_growth import Seen
from credit_forensics.evidence.files.identify_input import recognise
from credit_forensics.evidence.files.input_paths import input_paths
from credit_forensics.evidence.kept import tables as kept_tables
from credit_forensics.evidence.kept.custody import How, ReadAnew
from credit_forensics.evidence.kept.store import KeptStore, Known
from credit_forensics.evidence.logs.open import log_paths
from credit_forensics.evidence.stripe_api.pulled_files import pulled_paths

# A delivery's lines lie together but for those of requests handled at the same time.
LOG_OVERLAP = 256 << 10
_STRIPE = tuple(name for name in kept_tables.KEYS if name.startswith("stripe_"))
_LOG = ("deliveries", "sign_ins")


@dataclass(frozen=True)
class _Changed:
    """A file that is not as it was read; ``before`` is what it was, where it has only grown."""

    path: Path
    name: str
    kind: str
    known: Known | None
    before: Seen | None
    after: Seen


def refresh_files(store: KeptStore, *, exactly: bool) -> None:
    """Read what is new of the files that the case names, and forget those that are gone.

    With ``exactly`` a log's last line is read also where it lacks its end, and the lines that
    bear a time are counted, as a whole reading would.

    Raises
    ------
    CaseError
        when a file is missing or cannot be used.
    """
    known, present = store.known_inputs(), set()
    for kind, path in _paths(store):
        name = store.name_of(path)
        again = kind != "log" and name in present
        present.add(name)
        file = None if again else _changed(path, name, kind, known.get(name))
        if file and kind == "log":
            _log_file(store, file, exactly=exactly)
        elif file:
            _stripe_file(store, file)
    for name, gone in known.items():
        if name not in present:
            with store.transaction():
                store.drop(gone.number, _STRIPE + _LOG)
            store.read.append(ReadAnew(name, "gone"))


def _paths(store: KeptStore) -> Iterator[tuple[str, Path]]:
    from credit_forensics.evidence.stripe.load import KEYS

    for key in KEYS:
        names = getattr(store.case_file.stripe, key)
        paths = input_paths(store.case_file.folder, names, f"stripe.{key}")
        yield from ((key, path) for path in paths)
    for key, paths in pulled_paths(store.case_file).items():
        yield from ((key, path) for path in paths)
    logs = log_paths(store.case_file.webhook_log.files, store.case_file.folder)
    yield from (("log", path) for path in logs)


def _changed(path: Path, name: str, kind: str, known: Known | None) -> _Changed | None:
    how = file_growth.compare(path, known.seen if known else None)
    if how == "same":
        return None
    grown = how == "grown" and file_growth.is_text(path)
    grown = grown and (kind == "log" or recognise(path).layout == "lines")
    before = known.seen if known and grown else None
    return _Changed(path, name, kind, known, before, file_growth.look(path, before))


def _stripe_file(store: KeptStore, file: _Changed) -> None:
    from credit_forensics.evidence.stripe.load import load_stripe_file

    evidence = store.clear()
    found = recognise(file.path)
    start, line = (file.before.offset, file.before.lines) if file.before else (0, 0)
    # With the last line, should it lack its end: it is read again with what follows.
    with _part(store, file, start, file.after.size) as part:
        load_stripe_file(evidence, part, file.name, file.kind, found=found)
    with _taking(store, file, start, line) as number:
        for table in _STRIPE:
            store.touch(table, f"main.{table}")
            kept_tables.keep(store.connection, table, number)


def _log_file(store: KeptStore, file: _Changed, *, exactly: bool) -> None:
    run = store.connection.execute
    first_line, start, line, counted = 1, 0, 0, 0
    if file.before:
        # The first part of the overlap lets deliveries under way be read from their beginning,
        # the second is taken anew, as its deliveries may have ended since.
        start, line = file_growth.line_start(file.path, file.before, 2 * LOG_OVERLAP)
        first_line = file_growth.line_start(file.path, file.before, LOG_OVERLAP)[1] + 1
        # Those of its lines that bear a time were counted when it was read.
        counted = _load_log(store, file, start, file.before.size) if exactly else 0
    # A line without its end is read as a whole reading would, and again with its rest.
    _load_log(store, file, start, file.after.size if exactly else file.after.offset)
    inside = file.path.is_relative_to(store.case_file.folder)
    run(
        f"UPDATE main.deliveries SET source_file = ?, source_line = source_line + {line}",
        [file.name if inside else file.path.name],
    )
    run(f"DELETE FROM main.deliveries WHERE source_line < {first_line}")
    run(
        """CREATE OR REPLACE TABLE main.sign_ins AS SELECT DISTINCT s.* FROM main.sign_ins s
        WHERE NOT EXISTS (SELECT 1 FROM kept.sign_ins k
            WHERE k.hash_user_id = hash(lower(s.user_id)) AND k.user_id = s.user_id
            AND k.email_key = s.email_key
            AND k.signed_in_at IS NOT DISTINCT FROM s.signed_in_at)"""
    )
    with _taking(store, file, start, line, first_line) as number:
        store.custody.keep_span(number, read_before=counted)
        body = kept_tables.columns("deliveries")
        old = f"kept.deliveries WHERE input = {number} AND source_line >= {first_line}"
        news = f"SELECT {body} FROM main.deliveries EXCEPT SELECT {body} FROM {old}"
        store.touch("deliveries", f"({news})")
        run(f"DELETE FROM {old}")
        for table in _LOG:
            kept_tables.keep(store.connection, table, number)
        store.cover("deliveries")


@contextlib.contextmanager
def _taking(
    store: KeptStore, file: _Changed, start: int, lines_before: int, from_line: int | None = None
) -> Iterator[int]:
    """A transaction that takes the custody of what was loaded; its rows are kept in the body.

    Gives the number to keep them by. What was kept of a file that did not only grow is dropped.
    """
    custody = store.evidence.custody
    custody.inputs[0].name = file.name
    how: How = "grown" if file.before else "other" if file.known else "new"
    with store.transaction():
        if file.known and not file.before:
            store.drop(file.known.number, _LOG if file.kind == "log" else _STRIPE)
        number = store.number_input(file.name, file.kind, file.known, file.after)
        read = store.custody.take(
            number, custody, how=how, start=start, lines_before=lines_before, from_line=from_line
        )
        yield number
    store.read.append(read)


def _load_log(store: KeptStore, file: _Changed, start: int, end: int) -> int:
    """Load a log, of one that grew the part alone; how many of its lines bear a time."""
    from credit_forensics.evidence.logs.load import load_webhook_logs

    evidence = store.clear()
    with _part(store, file, start, end) as part:
        section = store.case_file.webhook_log.model_copy(update={"files": str(part)})
        load_webhook_logs(evidence, store.case_file.model_copy(update={"webhook_log": section}))
    rows = store.connection.execute(
        "SELECT coalesce(sum(row_count), 0) FROM main.coverage WHERE source = 'deliveries'"
    ).fetchall()
    return int(rows[0][0])


@contextlib.contextmanager
def _part(store: KeptStore, file: _Changed, start: int, end: int) -> Iterator[Path]:
    """A file's bytes from ``start`` to ``end``, as a file; the whole of one that did not grow."""
    if not file.before:
        yield file.path
        return
    with TemporaryDirectory(dir=store.path.parent, prefix="part-") as folder:
        part = Path(folder) / "part"
        file_growth.copy_from(file.path, start, end, part)
        yield part
