"""Loads a case by reading only what is new of its inputs; the rest is kept beside the case."""

from __future__ import annotations

from pathlib import Path

from credit_forensics.case_file import CaseFile
from credit_forensics.errors import CaseError
from credit_forensics.evidence.evidence import Evidence
from credit_forensics.evidence.kept.bring import bring_whole
from credit_forensics.evidence.kept.custody import ReadAnew
from credit_forensics.evidence.kept.evidence import KeptEvidence
from credit_forensics.locks import folder_lock
from credit_forensics.progress import Progress

FOLDER, FILE = ".kept", "evidence.duckdb"
WAIT_SECONDS = 300.0


def load_kept_evidence(
    case_file: CaseFile, progress: Progress | None = None, *, seconds: float = WAIT_SECONDS
) -> tuple[Evidence, list[ReadAnew]]:
    """The evidence that ``load_evidence`` would load, and what was read of it now.

    The evidence is kept in ``.kept/evidence.duckdb`` beside the case, readable by its owner alone.
    It is locked while it is brought up to date, and no longer: judging works on a copy in memory.
    What a process that is killed had read is kept or is read again, input by input.

    Parameters
    ----------
    case_file
        a checked case file.
    progress
        called with a step's name, its number and how many there are.
    seconds
        how long to wait for another process that brings it up to date.

    Raises
    ------
    CaseError
        as ``load_evidence``; also where the case has tables that a sync engine keeps, the folder
        cannot be written, or another process holds it still.
    """
    folder = case_file.folder / FOLDER
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        with folder_lock(folder, "evidence", seconds=seconds):
            if progress:
                progress("reading what is new", 1, 2)
            kept = KeptEvidence(folder / FILE, case_file)
            try:
                kept.refresh(exactly=True)
                if progress:
                    progress("bringing what is kept", 2, 2)
                evidence = bring_whole(kept, case_file)
                if not evidence.count("payments") and not evidence.count("ledger"):
                    raise CaseError("The case names no input that holds a payment or an entry.")
                kept.connection.execute("DETACH kept")
            except BaseException:
                kept.evidence.engine.close()
                raise
            return evidence, kept.read
    except OSError as error:
        raise CaseError(f"{Path(folder)} cannot be written: {error.strerror}.") from None
