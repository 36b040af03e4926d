"""Says whether stored evidence still is what its inputs hold; it reads none of them."""

from __future__ import annotations

from pathlib import Path

from credit_forensics.case_file import CaseFile
from credit_forensics.evidence.stored.inputs import evidence_settings, other_files, read_files
from credit_forensics.store.freshness import changed_files
from credit_forensics.store.identity import file_states
from credit_forensics.store.store import FOLDER, Store
from credit_forensics.store.stored_parts import Part
from credit_forensics.store.version import store_version

EVIDENCE = "evidence"
NOT_WHOLE = "it was not whole"
ASKED = "a database had to be asked"


def case_store(case_file: CaseFile) -> Store:
    """The store of a case: beside it, or where ``[engine] keep`` says."""
    return Store(
        case_file.folder / (case_file.engine.keep or FOLDER), case_file.folder, store_version()
    )


def looked_at(case_file: CaseFile) -> list[Path]:
    """Every file that the evidence is read from, but those of ledgers.

    Raises
    ------
    CaseError
        when a file is missing or cannot be opened.
    """
    return [*(path for _, path in read_files(case_file)), *other_files(case_file)]


def why_stale(store: Store, part: Part, case_file: CaseFile) -> str:
    """Why stored evidence has to be brought up to date; empty where it holds as it is.

    Raises
    ------
    CaseError
        when an input is missing or cannot be opened.
    """
    made_from = part.made_from
    if not store.path(part).is_dir():
        return NOT_WHOLE
    if made_from["settings"] != evidence_settings(case_file):
        return "the case file was changed"
    ledgers = [Path(path) for path in made_from["ledgers"]]
    now = file_states([*looked_at(case_file), *ledgers])
    changed = changed_files(made_from["files"], now, case_file.folder)
    if changed:
        return changed
    return ASKED if made_from["asks_a_server"] else ""
