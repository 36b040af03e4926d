"""Keeps the chain of custody: hashes, sizes, rows, rejects and gaps of every input."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

_CHUNK = 1 << 20
# Notes that are gaps as well: how they end, the gap's problem, and what follows from it.
READ_AS, UNREAD = "and is read as that", "are not read"
_GAPS = (
    (READ_AS, "read_as", "what it should have held is missing."),
    (UNREAD, "unread", "what they tell is not known."),
)
REJECT_COLUMNS = ["file", "line", "reason"]


@dataclass
class Input:
    """One input as it was when it was read.

    ``name`` is the path as the case file gives it (or a masked database URL), ``taken_for`` what
    the loader took it to be, ``rows`` the good rows, ``rejects`` the bad ones.
    """

    name: str
    taken_for: str
    sha256: str = ""
    size: int = 0
    rows: int = 0
    rejects: int = 0
    notes: list[str] = field(default_factory=list)


class Custody:
    """Collects inputs, rejects and gaps while the evidence is loaded.

    Examples
    --------
    >>> custody = Custody()
    >>> source = custody.add("sessions.jsonl", "stripe sessions")
    >>> custody.reject(source, 3, "not JSON")
    >>> custody.rejects().to_dict("records")
    [{'file': 'sessions.jsonl', 'line': 3, 'reason': 'not JSON'}]
    """

    def __init__(self) -> None:
        self.inputs: list[Input] = []
        self._rejects: list[pd.DataFrame] = []
        self._gaps: list[dict[str, str]] = []

    @classmethod
    def from_stored(cls, manifest: dict[str, Any], rejects: pd.DataFrame) -> Custody:
        """The custody that gave a manifest and its rejects.

        Examples
        --------
        >>> custody = Custody()
        >>> custody.reject(custody.add("sessions.jsonl", "stripe sessions"), 3, "not JSON")
        >>> again = Custody.from_stored(custody.manifest(), custody.rejects())
        >>> again.manifest() == custody.manifest() and again.rejects().equals(custody.rejects())
        True
        """
        custody = cls()
        custody.inputs = [Input(**source) for source in manifest["inputs"]]
        custody._gaps = list(manifest["gaps"])
        custody._rejects = [rejects] if len(rejects) else []
        return custody

    def add(self, name: str, taken_for: str, path: Path | None = None) -> Input:
        """Register an input; with a path its SHA-256 and size are taken."""
        source = Input(name=name, taken_for=taken_for)
        if path is not None:
            source.sha256, source.size = hash_file(path)
        self.inputs.append(source)
        return source

    def reject(self, source: Input, line: int, reason: str) -> None:
        """Keep one reject: its line (from 1; 0 for the file as a whole) and the reason.

        The text itself is not kept: it may hold personal data, and file and line find it.
        """
        self.reject_many(source, pd.DataFrame({"line": [line], "reason": [reason]}))

    def reject_many(self, source: Input, rows: pd.DataFrame) -> None:
        """Keep many rejects: columns ``line`` and ``reason``."""
        if rows.empty:
            return
        source.rejects += len(rows)
        self._rejects.append(rows.assign(file=source.name)[REJECT_COLUMNS])

    def gap(self, source: str, object_: str, problem: str, consequence: str) -> None:
        """Note something that should have been there (a row of the table ``gaps``)."""
        row = {
            "source": source,
            "object": object_,
            "problem": problem,
            "consequence": consequence,
        }
        if row not in self._gaps:
            self._gaps.append(row)

    def rejects(self) -> pd.DataFrame:
        """All rejects: file, line, reason; sorted."""
        if not self._rejects:
            return pd.DataFrame(
                {
                    "file": pd.Series(dtype="str"),
                    "line": pd.Series(dtype="int64"),
                    "reason": pd.Series(dtype="str"),
                }
            )
        rows = pd.concat(self._rejects, ignore_index=True)
        rows["line"] = rows["line"].astype("int64")
        return rows.sort_values(REJECT_COLUMNS, kind="stable").reset_index(drop=True)

    def gaps(self) -> pd.DataFrame:
        """All gaps, as rows of the table ``gaps``: those noted, and those that inputs' notes are.

        Examples
        --------
        >>> custody = Custody()
        >>> custody.add("all.json", "stripe objects").notes.append(f"2 objects of x {UNREAD}")
        >>> custody.gaps()["consequence"].tolist()
        ['2 objects of x are not read: what they tell is not known.']
        """
        columns = ["source", "object", "problem", "consequence"]
        return pd.DataFrame(self._all_gaps(), columns=columns).astype("str")

    def _all_gaps(self) -> list[dict[str, str]]:
        noted = [
            {
                "source": "stripe",
                "object": source.name,
                "problem": problem,
                "consequence": f"{note[0].upper()}{note[1:]}: {consequence}",
            }
            for source in self.inputs
            for note in source.notes
            for end, problem, consequence in _GAPS
            if note.endswith(end)
        ]
        logs = [one for one in self.inputs if one.taken_for.startswith("webhook log")]
        if any(one.size for one in logs) and not any(one.rows for one in logs):
            named = logs[0].name if len(logs) == 1 else f"{len(logs)} files"
            noted.append(
                {
                    "source": "webhook_log",
                    "object": named,
                    "problem": "unread",
                    "consequence": f"No delivery is recognised in {named}: why a payment was not "
                    "booked cannot be had, nor failed_delivery. doctor shows what was not "
                    "understood.",
                }
            )
        return self._gaps + [gap for gap in noted if gap not in self._gaps]

    def manifest(self) -> dict[str, Any]:
        """Inputs, gaps and the number of rejects, for ``manifest.json``."""
        return {
            "inputs": [asdict(source) for source in self.inputs],
            "gaps": self._all_gaps(),
            "rejects": sum(source.rejects for source in self.inputs),
        }


def hash_file(path: Path) -> tuple[str, int]:
    """SHA-256 in hex, and size in bytes, of a file as it lies on disk.

    Raises
    ------
    OSError
        when the file cannot be read.
    """
    digest = hashlib.sha256()
    size = 0
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
            size += len(chunk)
    return digest.hexdigest(), size
