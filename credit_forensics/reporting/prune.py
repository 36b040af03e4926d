"""Removes old reports, page, notebook, CSV and PDF together; knows a legal hold and a dry run."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from credit_forensics.errors import CaseError
from credit_forensics.reporting.index_page import write_index
from credit_forensics.reporting.report_files import RetainedReport, retained_reports

FOLDER_HOLD = "LEGAL_HOLD"
# The page goes last: a prune that is stopped midway leaves nothing that the index does not show.
_ORDER = (".csv", ".manifest.json", ".json", ".pdf", ".ipynb", ".html")


@dataclass(frozen=True)
class Pruned:
    """What was decided on one report: ``removed``, ``held`` (by a legal hold) or ``kept``."""

    report: RetainedReport
    decision: str


def prune(
    folder: Path | str,
    *,
    older_than_days: int = 90,
    keep: int = 1,
    dry_run: bool = False,
    now: datetime | None = None,
) -> list[Pruned]:
    """Remove the reports that started more than so many days ago.

    Parameters
    ----------
    folder
        where the reports lie; other files in it are left alone.
    older_than_days
        age from which reports go.
    keep
        so many of the newest of each template stay however old.
    dry_run
        decide, and remove nothing.
    now
        the time to count from (aware); the clock's without it.

    Returns
    -------
    list of Pruned
        every report, newest first. A report under legal hold is never removed: hold one by
        ``hold_report``, or all by a file ``LEGAL_HOLD`` in the folder.

    Raises
    ------
    CaseError
        when the folder is not there, or a file cannot be removed.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise CaseError(f"There is no folder of reports at {folder}.")
    if older_than_days < 0 or keep < 0:
        raise CaseError("Days and the number of reports to keep must not be negative.")
    limit = (now or datetime.now(UTC)) - timedelta(days=older_than_days)
    all_held = (folder / FOLDER_HOLD).exists()
    newest: dict[str, int] = defaultdict(int)
    decided = []
    for report in retained_reports(folder):
        newest[report.template] += 1
        old = report.started < limit and newest[report.template] > keep
        held = all_held or report.held
        decided.append(Pruned(report, ("held" if held else "removed") if old else "kept"))
    if not dry_run:
        for pruned in decided:
            if pruned.decision == "removed":
                _remove(pruned.report)
        if (folder / "index.html").exists():
            write_index(folder)
    return decided


def hold_report(folder: Path | str, name: str, *, held: bool = True) -> Path:
    """Put a report under legal hold, or lift the hold.

    Parameters
    ----------
    folder
        where it lies.
    name
        its name, with or without a suffix.

    Raises
    ------
    CaseError
        when there is no such report.
    """
    folder = Path(folder)
    stem = Path(name).name
    for suffix in (*_ORDER, ".hold"):
        stem = stem.removesuffix(suffix)
    if stem not in {report.name for report in retained_reports(folder)}:
        raise CaseError(f"There is no report {stem} in {folder}.")
    path = folder / f"{stem}.hold"
    if held:
        path.touch()
    else:
        path.unlink(missing_ok=True)
    return path


def _remove(report: RetainedReport) -> None:
    for suffix in _ORDER:
        path = report.files.get(suffix)
        if path is not None:
            try:
                path.unlink(missing_ok=True)
            except OSError as error:
                raise CaseError(f"{path} cannot be removed: {error.strerror}.") from None
