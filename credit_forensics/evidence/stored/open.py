"""Opens the evidence of a case from its store, brought up to date by what is new."""

from __future__ import annotations

import json
import shutil
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from credit_forensics.case_file import CaseFile
from credit_forensics.engines.buckets import copy_tables
from credit_forensics.engines.duckdb import threads_for
from credit_forensics.engines.parquet import ParquetEngine
from credit_forensics.errors import CaseError
from credit_forensics.evidence.custody import Custody
from credit_forensics.evidence.evidence import Evidence
from credit_forensics.evidence.load import load_evidence
from credit_forensics.evidence.stored.bring import bring_custody, bring_whole
from credit_forensics.evidence.stored.custody import ReadAnew
from credit_forensics.evidence.stored.inputs import evidence_settings
from credit_forensics.evidence.stored.ledger_inputs import asks_a_server, ledger_files
from credit_forensics.evidence.stored.refresh import refresh
from credit_forensics.evidence.stored.rows import StoredRows
from credit_forensics.evidence.stored.whether_current import (
    ASKED,
    EVIDENCE,
    NOT_WHOLE,
    case_store,
    looked_at,
    why_stale,
)
from credit_forensics.progress import Progress
from credit_forensics.store.identity import FileState, content_key, file_states, key_of
from credit_forensics.store.in_use import mark_in_use
from credit_forensics.store.store import WAIT_SECONDS, Store, warn_once
from credit_forensics.store.stored_parts import Part

ROWS = "rows.duckdb"
_CHANGED_ROWS = "a database has other rows"
PAYMENTS_A_BUCKET = 2_000_000
_STAMP, _REJECTS, _TABLES = "stamp.json", "rejects.parquet", "evidence"


@dataclass(frozen=True)
class Stamp:
    """What lies beside stored evidence, and shows that it is whole."""

    buckets: int
    custody: dict[str, Any]


@dataclass(frozen=True)
class Made:
    """What evidence is made from: its files as they were, and why it is made anew."""

    states: tuple[FileState, ...]
    reason: str


@dataclass(frozen=True)
class OpenedEvidence:
    """Evidence from the store; ``read`` is what was read anew of its inputs, ``part`` its part."""

    evidence: Evidence
    read: tuple[ReadAnew, ...]
    part: Part


def open_evidence(
    store: Store,
    case_file: CaseFile,
    progress: Progress | None = None,
    *,
    seconds: float | None = None,
) -> OpenedEvidence | None:
    """The evidence that ``load_evidence`` would load, from the store, and what was read of it now.

    Parameters
    ----------
    store
        the case's store; locked while it is brought up to date, and no longer.
    case_file
        a checked case file.
    progress
        called with a step's name, its number and how many there are.
    seconds
        how long to wait for another process that writes into the store; five minutes without.

    Returns
    -------
    The evidence on a ``ParquetEngine``; nothing, and one line in the log, where the store cannot
    be used, because its folder cannot be written or another process writes for too long.

    Raises
    ------
    CaseError
        as ``load_evidence``.
    """
    part = store.part(EVIDENCE)
    if part is not None and not why_stale(store, part, case_file):
        opened = _attach(store, part, case_file, ())
        if opened is not None:
            return opened
    with ExitStack() as held:
        try:
            held.enter_context(store.writing(seconds=WAIT_SECONDS if seconds is None else seconds))
        except OSError as error:
            warn_once(
                f"The store {store.folder} cannot be written ({error.strerror}); "
                "the case is read without it."
            )
            return None
        except CaseError as error:
            warn_once(f"{error} The case is read without its store.")
            return None
        part, read = bring_up_to_date(store, case_file, progress)
        return _attach(store, part, case_file, read)


def open_case_evidence(
    case_file: CaseFile,
    progress: Progress | None = None,
    *,
    store: bool = True,
    fresh: bool = False,
) -> tuple[Evidence, tuple[Store, OpenedEvidence] | None]:
    """The evidence of a case, and the store that it was opened from, where there is one.

    Parameters
    ----------
    case_file
        a checked case file.
    progress
        called with a step's name, its number and how many there are.
    store
        use the case's store.
    fresh
        begin with an empty store.

    Raises
    ------
    CaseError
        as ``load_evidence``.
    """
    if store:
        found = case_store(case_file)
        if fresh:
            found.clear()
        opened = open_evidence(found, case_file, progress)
        if opened is not None:
            return opened.evidence, (found, opened)
    return load_evidence(case_file, progress), None


def bring_up_to_date(
    store: Store, case_file: CaseFile, progress: Progress | None = None
) -> tuple[Part, tuple[ReadAnew, ...]]:
    """Read what is new of the inputs into the store; only inside ``store.writing``.

    Returns
    -------
    The part that holds the evidence now, and what was read for it.

    Raises
    ------
    CaseError
        as ``load_evidence``.
    """
    part = store.part(EVIDENCE)
    reason = why_stale(store, part, case_file) if part else "nothing was stored"
    if part and not reason:
        if read_stamp(store.path(part)):
            # Another process was quicker.
            return part, ()
        reason = NOT_WHOLE
    made = state_of_inputs(case_file, reason)
    if case_file.stripe.database:
        # Tables that a sync engine keeps cannot be read in part.
        loaded = load_evidence(case_file, progress)
        part = _store_evidence(store, case_file, loaded, made)
        loaded.engine.close()
        return part, ()
    with StoredRows(store.folder / ROWS, case_file) as rows:
        if progress:
            progress("reading what is new", 1, 2)
        refresh(rows)
        part = evidence_part(store, case_file, rows, made, progress)
        return part, tuple(rows.read)


def state_of_inputs(case_file: CaseFile, reason: str) -> Made:
    """The inputs as they are now, before they are read: a change meanwhile is seen the next time.

    Raises
    ------
    CaseError
        when an input is missing or cannot be opened.
    """
    return Made(tuple(file_states([*looked_at(case_file), *ledger_files(case_file)])), reason)


def evidence_part(
    store: Store,
    case_file: CaseFile,
    rows: StoredRows,
    made: Made,
    progress: Progress | None = None,
) -> Part:
    """The part of the evidence that refreshed rows give, written where it is not stored yet."""
    part = store.part(EVIDENCE)
    key = _key(case_file, bring_custody(rows, case_file))
    if part and part.key == key and read_stamp(store.path(part)):
        # Whatever was looked at gives the same evidence.
        part = Part(key, part.folder, part.reason, _made_from(case_file, made.states))
        store.put(EVIDENCE, part)
        return part
    if progress:
        progress("bringing what is stored", 2, 2)
    return _store_evidence(store, case_file, bring_whole(rows, case_file), made, key=key)


def _store_evidence(
    store: Store,
    case_file: CaseFile,
    evidence: Evidence,
    made: Made,
    *,
    key: str = "",
) -> Part:
    key = key or _key(case_file, evidence.custody)
    folder = store.folder / key[:16]
    if read_stamp(folder) is None:
        write_evidence(evidence, folder)
    reason = _CHANGED_ROWS if made.reason == ASKED else made.reason
    part = Part(key, folder.name, reason, _made_from(case_file, made.states))
    # What was judged, was judged of other evidence.
    before = store.part(EVIDENCE)
    if before is None or before.key != key:
        store.only()
    store.put(EVIDENCE, part)
    store.tidy()
    return part


def write_evidence(evidence: Evidence, folder: Path) -> None:
    """Write the evidence into a folder, all of it or nothing.

    Parameters
    ----------
    evidence
        prepared evidence.
    folder
        replaced where it is not whole.
    """
    part = folder.with_name(f"{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(mode=0o700, parents=True)
    buckets = max(-(-evidence.count("payments") // PAYMENTS_A_BUCKET), 1)
    copy_tables(evidence.engine, part / _TABLES, buckets)
    evidence.custody.rejects().to_parquet(part / _REJECTS)
    stamp = Stamp(buckets, evidence.custody.manifest())
    (part / _STAMP).write_text(json.dumps(asdict(stamp)), encoding="utf-8")
    shutil.rmtree(folder, ignore_errors=True)
    part.replace(folder)


def read_stamp(folder: Path) -> Stamp | None:
    """The stamp of stored evidence; nothing where there is none, or it is damaged."""
    try:
        return Stamp(**json.loads((folder / _STAMP).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def _attach(
    store: Store, part: Part, case_file: CaseFile, read: tuple[ReadAnew, ...]
) -> OpenedEvidence | None:
    """The evidence as it lies in the store; nothing where it was removed meanwhile."""
    folder = store.path(part)
    settings = case_file.engine
    with ExitStack() as held:
        try:
            held.callback(mark_in_use(folder))
            rejects = pd.read_parquet(folder / _REJECTS)
        except OSError:
            return None
        stamp = read_stamp(folder)
        if stamp is None:
            return None
        engine = ParquetEngine(
            folder,
            folder / _TABLES,
            buckets=stamp.buckets,
            writes=False,
            memory_limit=settings.memory_limit,
            temp_directory=settings.temp_directory,
            threads=settings.threads or threads_for((folder / _TABLES).rglob("*.parquet")),
            held=held.pop_all(),
        )
    custody = Custody.from_stored(stamp.custody, rejects)
    return OpenedEvidence(Evidence(engine, custody), read, part)


def _key(case_file: CaseFile, custody: Custody) -> str:
    """Of all that the evidence is made of: what was read, and the settings it was read by."""
    aliases = case_file.persons.aliases
    return key_of(
        evidence_settings(case_file),
        custody.manifest(),
        custody.rejects().to_dict("list"),
        content_key(case_file.folder / aliases) if aliases else "",
    )


def _made_from(case_file: CaseFile, states: tuple[FileState, ...]) -> dict[str, Any]:
    return {
        "settings": evidence_settings(case_file),
        "asks_a_server": asks_a_server(case_file),
        "ledgers": [str(path) for path in ledger_files(case_file)],
        "files": [state.to_dict() for state in states],
    }
