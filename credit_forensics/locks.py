"""Locks a folder, so that no two processes write into it at once."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from credit_forensics.errors import CaseError


class HeldError(CaseError):
    """Another process holds the lock."""


@contextlib.contextmanager
def folder_lock(
    folder: Path, name: str, *, seconds: float = 0.0, busy: str | None = None
) -> Iterator[None]:
    """Hold a lock in a folder; the system lifts it when its process ends, however it ends.

    Parameters
    ----------
    folder
        the folder; made if it is not there.
    name
        the lock's name. Its file ``.<name>.lock`` is the owner's alone and stays; meanwhile
        ``.<name>.holder`` has the process's number (a locked file cannot be read on Windows).
    seconds
        how long to wait for whoever holds it.
    busy
        the message when another process holds it; the default names that process.

    Raises
    ------
    HeldError
        when another process holds it still.
    OSError
        when the folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    holder = folder / f".{name}.holder"
    lock = FileLock(folder / f".{name}.lock", mode=0o600)
    try:
        held = lock.acquire(timeout=seconds, poll_interval=0.2)
    except Timeout:
        raise HeldError(
            busy
            or f"Another process ({_number(holder)}) holds the {name} of {folder}; "
            "end it, or use another folder."
        ) from None
    with held:
        holder.write_text(str(os.getpid()))
        try:
            yield
        finally:
            holder.unlink(missing_ok=True)


def _number(holder: Path) -> str:
    try:
        return holder.read_text().strip() or "unknown"
    except OSError:
        return "unknown"
