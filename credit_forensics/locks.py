"""Locks a folder of reports, so that no two runs write into it at once."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path

from credit_forensics.errors import CaseError


@contextlib.contextmanager
def folder_lock(folder: Path, name: str, *, seconds: float = 0.0) -> Iterator[None]:
    """Hold a lock in a folder; the system lifts it when its process ends, however it ends.

    Parameters
    ----------
    folder
        the folder; made if it is not there.
    name
        the lock's name; its file ``.<name>.lock`` holds the process's number and stays.
    seconds
        how long to wait for whoever holds it.

    Raises
    ------
    CaseError
        when another process holds it still.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f".{name}.lock"
    with path.open("a+", encoding="utf-8") as file:
        end = time.monotonic() + seconds
        while not _locked(file.fileno()):
            if time.monotonic() >= end:
                file.seek(0)
                holder = file.read().strip() or "unknown"
                raise CaseError(
                    f"Another process ({holder}) holds the {name} of {folder}; "
                    "end it, or use another folder."
                )
            time.sleep(0.2)
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def _locked(descriptor: int) -> bool:
    try:
        if os.name == "nt":
            import msvcrt

            os.lseek(descriptor, 0, os.SEEK_SET)
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
        else:
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
