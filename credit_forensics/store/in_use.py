"""Marks a folder as being read, so that a process that tidies up leaves it alone."""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path
from typing import IO

# Windows has no such locks, and itself refuses to remove what is open.
_LOCKS_FILES = find_spec("fcntl") is not None
if _LOCKS_FILES:
    import fcntl

_MARK = ".in_use"


def allow_marks(folder: Path) -> None:
    """Make the file by which readers mark a folder, also those who cannot write there."""
    (folder / _MARK).touch(mode=0o600)


def mark_in_use(folder: Path) -> IO[bytes]:
    """Mark a folder until the given file is closed, or the process ends however it ends.

    Raises
    ------
    OSError
        when the folder is not there, or has no marks.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> allow_marks(folder)
    >>> with mark_in_use(folder):
    ...     is_in_use(folder)
    True
    >>> is_in_use(folder)
    False
    """
    mark = os.fdopen(os.open(folder / _MARK, os.O_RDONLY), "rb")
    if _LOCKS_FILES:
        fcntl.flock(mark, fcntl.LOCK_SH)
    return mark


def is_in_use(folder: Path) -> bool:
    """Whether any process reads in a folder just now."""
    if not _LOCKS_FILES:
        return False
    try:
        with (folder / _MARK).open("rb") as mark:
            fcntl.flock(mark, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return False
