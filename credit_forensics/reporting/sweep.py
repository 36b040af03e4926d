"""Removes what a report left behind whose process was killed."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from credit_forensics.reporting.report_files import retained_reports

PREFIX = "credit_forensics_"
_OWN = re.compile(rf"{PREFIX}(\d+)_")
LEFT_SECONDS = 15 * 60
"""Files of a report without its page, which is written last, are this old when they are swept."""


def scratch_folder() -> Path:
    """A folder for one run, for its owner alone; its name says whose process it is."""
    return Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}_"))


def sweep_scratch() -> list[Path]:
    """Remove the scratch folders of this user's processes that are gone."""
    swept = []
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        owner = _OWN.match(folder.name)
        with suppress(OSError):
            mine = not folder.is_symlink() and folder.is_dir()
            mine = mine and (not hasattr(os, "getuid") or folder.stat().st_uid == os.getuid())
            if owner and mine and not _lives(int(owner[1])):
                shutil.rmtree(folder)
                swept.append(folder)
    return swept


def sweep_parts(folder: Path, *, now: float | None = None) -> list[Path]:
    """Remove files of reports that never got their page, which is written last.

    Parameters
    ----------
    folder
        where the reports lie; one that is not there holds none. What is under legal hold stays.
    now
        seconds since the epoch; the clock's without it.
    """
    now = time.time() if now is None else now
    left = [
        path
        for report in retained_reports(folder)
        if ".html" not in report.files and not report.held
        for path in report.files.values()
    ]
    left += folder.glob(".*_*Z_*.html.part")
    swept = []
    for path in sorted(left):
        with suppress(OSError):
            if now - path.stat().st_mtime > LEFT_SECONDS:
                path.unlink()
                swept.append(path)
    return swept


def _lives(process: int) -> bool:
    if os.name == "nt":
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
