"""Writes a file whole: no reader sees half of it, and a killed process leaves no half of it."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def whole_file(path: Path, *, mode: int | None = None) -> Iterator[Path]:
    """Give a place in the same folder to write to, and put what is there in place at the end.

    Parameters
    ----------
    path
        the file; replaced by what was written, unless an error ends the block.
    mode
        who may read it, as ``0o600``; by the process's own rule without.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "report.txt"
    >>> with whole_file(path, mode=0o600) as part:
    ...     written = part.write_text("all of it")
    ...     path.exists()
    False
    >>> path.read_text(), [file.name for file in path.parent.iterdir()]
    ('all of it', ['report.txt'])
    """
    part = path.with_name(f".{path.name}.part")
    part.unlink(missing_ok=True)
    try:
        if mode is not None:
            os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode))
        yield part
        with part.open("r+b") as file:
            os.fsync(file.fileno())
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def write_whole(path: Path, content: bytes, *, mode: int | None = None) -> None:
    """Write a file of these bytes, whole or not at all."""
    with whole_file(path, mode=mode) as part:
        part.write_bytes(content)


def sync_folder(folder: Path) -> None:
    """Let a rename in a folder outlive a loss of power, where the system can (Windows cannot)."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
