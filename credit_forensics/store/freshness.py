"""Says whether what is stored still holds, and if not, why: in words for the person who asks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from credit_forensics.store.identity import FileState

_MOST_NAMED = 3


def changed_files(
    stored: Sequence[Mapping[str, Any]], now: Sequence[FileState], folder: Path
) -> str:
    """What became of files since their state was stored; empty where nothing did.

    Parameters
    ----------
    stored
        states as ``FileState.to_dict`` gave them.
    now
        their states now.
    folder
        the case's folder; files in it are named from there.

    Examples
    --------
    >>> before = [FileState("/case/a.jsonl", 10, 1, 1), FileState("/case/b.jsonl", 10, 1, 2)]
    >>> now = [FileState("/case/a.jsonl", 12, 2, 1), FileState("/case/c.jsonl", 1, 1, 3)]
    >>> changed_files([state.to_dict() for state in before], now, Path("/case"))
    'a.jsonl has grown, b.jsonl is gone, c.jsonl is new'
    >>> changed_files([state.to_dict() for state in now], now, Path("/case"))
    ''
    """
    before = {str(state["path"]): FileState(**state) for state in stored}
    after = {state.path: state for state in now}
    found = [
        f"{_name(path, folder)} {_change(state, after.get(path))}"
        for path, state in before.items()
        if state != after.get(path)
    ]
    found += [f"{_name(path, folder)} is new" for path in after if path not in before]
    if len(found) > _MOST_NAMED:
        return f"{', '.join(found[:_MOST_NAMED])} and {len(found) - _MOST_NAMED} more"
    return ", ".join(found)


def _change(before: FileState, after: FileState | None) -> str:
    if after is None:
        return "is gone"
    return "has grown" if after.size > before.size else "was written again"


def _name(path: str, folder: Path) -> str:
    own = Path(path)
    return own.relative_to(folder).as_posix() if own.is_relative_to(folder) else path
