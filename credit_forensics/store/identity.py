"""Says what something was made from: the state of files, and keys over all that went into it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class FileState:
    """A file as it was: its path, its size in bytes, when it was written (ns), and its inode."""

    path: str
    size: int
    modified: int
    inode: int

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self)


def file_states(paths: Iterable[Path]) -> list[FileState]:
    """The state of files as they are now, in the given order; those that are not there left out.

    SQLite's file of what was committed last counts as absent while it is empty: readers make it.

    Examples
    --------
    >>> file_states([Path("there is no such file")])
    []
    """
    states = []
    for path in paths:
        try:
            now = path.stat()
        except OSError:
            continue
        if not now.st_size and path.name.endswith("-wal"):
            continue
        states.append(FileState(str(path), now.st_size, now.st_mtime_ns, now.st_ino))
    return states


def key_of(*parts: object) -> str:
    """A key over plain values: SHA-256 in hex, the same in every run.

    Examples
    --------
    >>> key_of({"b": 1, "a": None}) == key_of({"a": None, "b": 1})
    True
    >>> key_of("a", "b") == key_of("ab")
    False
    """
    text = json.dumps(parts, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def content_key(path: Path) -> str:
    """SHA-256 of a small file's bytes; empty where it is not there."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return ""
