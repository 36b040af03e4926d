"""The store's table of contents: each part, where it lies, what it was made from, and why anew."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from credit_forensics.whole_file import write_whole

FILE = "manifest.json"


@dataclass(frozen=True)
class Part:
    """A stored part: ``folder`` and ``made_from`` say where and from what, ``reason`` why anew.

    ``folder`` is relative to the store. ``made_from`` holds plain values whose change makes the
    part stale.
    """

    key: str
    folder: str
    reason: str
    made_from: dict[str, Any] = field(default_factory=dict)


@dataclass
class Contents:
    """What a store holds: its version, and its parts by name."""

    version: str
    parts: dict[str, Part] = field(default_factory=dict)


def read_contents(folder: Path) -> Contents | None:
    """The table of contents of a store; nothing where there is none, or it is damaged."""
    try:
        raw = json.loads((folder / FILE).read_text(encoding="utf-8"))
        parts = {name: Part(**part) for name, part in raw["parts"].items()}
        return Contents(str(raw["version"]), parts)
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None


def write_contents(folder: Path, contents: Contents) -> None:
    """Replace the table of contents in one step, so that a reader finds the old or the new one."""
    text = json.dumps(asdict(contents), indent=1, sort_keys=True)
    write_whole(folder / FILE, f"{text}\n".encode(), mode=0o600)
