"""Marks a folder as being read, so that a process that tidies up leaves it alone."""

from __future__ import annotations

import contextlib
import itertools
import os
from collections.abc import Callable
from pathlib import Path

from filelock import FileLock, Timeout

_MARKS = ".in_use"
_NUMBERS = itertools.count(1)


def mark_in_use(folder: Path) -> Callable[[], None]:
    """Mark a folder until what is returned is called, or the process ends however it ends.

    Who may only read in the folder leaves no mark.

    Raises
    ------
    FileNotFoundError
        when the folder is not there.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> release = mark_in_use(folder)
    >>> is_in_use(folder)
    True
    >>> release()
    >>> is_in_use(folder)
    False
    """
    if not folder.is_dir():
        raise FileNotFoundError(folder)
    marks = folder / _MARKS
    mark = FileLock(marks / f"{os.getpid()}-{next(_NUMBERS)}", mode=0o600)
    try:
        marks.mkdir(mode=0o700, exist_ok=True)
        mark.acquire(blocking=False)
    except (OSError, Timeout):
        return lambda: None

    def release() -> None:
        mark.release()
        with contextlib.suppress(OSError):
            Path(mark.lock_file).unlink()

    return release


def is_in_use(folder: Path) -> bool:
    """Whether any process reads in a folder just now; marks of processes that ended are removed."""
    with contextlib.suppress(FileNotFoundError):
        for path in (folder / _MARKS).iterdir():
            mark = FileLock(path, mode=0o600)
            try:
                mark.acquire(blocking=False)
            except (OSError, Timeout):
                return True
            mark.release()
            path.unlink(missing_ok=True)
    return False
