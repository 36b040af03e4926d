"""What a pull has left beside the case: its files, and what it could not get."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from credit_forensics.case_file import CaseFile
from credit_forensics.evidence.custody import Custody
from credit_forensics.evidence.stripe_api import spool
from credit_forensics.evidence.stripe_api import window as pull_window


def pull_folder(case_file: CaseFile) -> Path:
    """Where the case keeps what it pulled."""
    return case_file.folder / spool.FOLDER


def pulled_paths(case_file: CaseFile) -> dict[str, list[Path]]:
    """The files that a pull has left for this case, by resource; empty where there was none."""
    return {name: [path] for name, path in spool.paths(pull_folder(case_file)).items()}


def pulled_until(case_file: CaseFile, name: str) -> dt.datetime | None:
    """Until when a pull has all of a resource; nothing where there was none."""
    resource = spool.read_state(pull_folder(case_file)).resources.get(name)
    return pull_window.moment(resource.covered[1]) if resource and resource.covered else None


def payments_until(case_file: CaseFile) -> dt.datetime | None:
    """Until when a pull has all that tells of a payment: what it has none of then was none."""
    known = [pulled_until(case_file, name) for name in ("sessions", "charges", "invoices")]
    moments = [until for until in known if until is not None]
    return min(moments) if len(moments) == len(known) else None


def note_gaps(case_file: CaseFile, custody: Custody) -> None:
    """Note in the custody what the case's pull could not get: refused, unfinished, too old."""
    for gap in pull_window.gaps(spool.read_state(pull_folder(case_file))):
        custody.gap(gap["source"], gap["object"], gap["problem"], gap["consequence"])
