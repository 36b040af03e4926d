"""The chain of custody of stored evidence: what each input is, and its rejects."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Literal

import duckdb
import pandas as pd

from credit_forensics.evidence.custody import Custody, Input

How = Literal["new", "grown", "other", "gone"]
_NUMBER = re.compile(r"\d+")


@dataclass(frozen=True)
class ReadAnew:
    """What one refresh read of one input: ``grown`` from ``start`` on, else the whole of it.

    ``other`` is an input that changed otherwise than at its end, ``gone`` one that is no longer
    there. ``sha256`` is of the ``size`` bytes that were read; a database has neither.
    """

    name: str
    how: How
    start: int = 0
    size: int = 0
    rows: int = 0
    sha256: str = ""


class StoredCustody:
    """The custody of the inputs in the database attached as ``stored``."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._run = connection.execute
        self._run(
            """CREATE TABLE IF NOT EXISTS stored.readings (input INTEGER, reading VARCHAR);
            CREATE TABLE IF NOT EXISTS stored.rejects (input INTEGER, line BIGINT, reason VARCHAR);
            CREATE TABLE IF NOT EXISTS stored.spans (
                input INTEGER, first_at TIMESTAMPTZ, last_at TIMESTAMPTZ, row_count BIGINT)"""
        )

    def reading(self, number: int) -> Input | None:
        """What is stored of one input's custody."""
        rows = self._run("SELECT reading FROM stored.readings WHERE input = ?", [number]).fetchall()
        return Input(**json.loads(rows[0][0])) if rows else None

    def note(self, number: int, whole: Input) -> None:
        """Note an input as one reading of all of it would have put it into custody."""
        self._run("DELETE FROM stored.readings WHERE input = ?", [number])
        text = json.dumps(asdict(whole))
        self._run("INSERT INTO stored.readings VALUES (?, ?)", [number, text])

    def take_rejects(self, number: int, custody: Custody, *, before: int, first: int) -> None:
        """Store the rejects of a part from line ``first`` on; ``before`` it are so many lines."""
        self._run("DELETE FROM stored.rejects WHERE input = ? AND line >= ?", [number, first])
        for line, reason in custody.rejects()[["line", "reason"]].itertuples(index=False):
            # Line 0 is the file as a whole.
            place = int(line) + before if line else 0
            if place >= first or not line:
                self._run("INSERT INTO stored.rejects VALUES (?, ?, ?)", [number, place, reason])

    def store_span(self, number: int, *, read_before: int) -> None:
        """Store the time that a log covers, as ``spans`` in memory has it.

        ``read_before`` of its lines were counted by an earlier reading.
        """
        self._run(
            "INSERT INTO stored.spans SELECT ?, first_at, last_at, greatest(row_count - ?, 0) "
            "FROM main.spans WHERE source = 'deliveries'",
            [number, read_before],
        )

    def drop(self, number: int) -> None:
        """Forget an input."""
        for table in ("readings", "rejects", "spans"):
            self._run(f"DELETE FROM stored.{table} WHERE input = ?", [number])

    def restore(self, numbers: Sequence[int]) -> Custody:
        """The custody of files, by their numbers, in the order in which all would be read."""
        custody = Custody()
        for number in numbers:
            source = self.reading(number)
            if source is None:
                continue
            source.rejects = 0
            custody.inputs.append(source)
            rejects = self._run(
                "SELECT line, reason FROM stored.rejects WHERE input = ?", [number]
            ).df()
            custody.reject_many(source, rejects)
        return custody


def add_databases(custody: Custody, text: str) -> None:
    """Add the databases that ``databases_text`` gave; nothing where there is no text."""
    if not text:
        return
    stored = json.loads(text)
    other = Custody.from_stored(stored["manifest"], pd.DataFrame(stored["rejects"]))
    custody.inputs += other.inputs
    rejects = other.rejects()
    for source in other.inputs:
        source.rejects = 0
        custody.reject_many(source, rejects[rejects["file"] == source.name])
    for gap in other.gaps().to_dict("records"):
        custody.gap(gap["source"], gap["object"], gap["problem"], gap["consequence"])


def databases_text(custody: Custody) -> str:
    """The custody of databases as text, for storing."""
    rejects = custody.rejects().to_dict("list")
    return json.dumps({"manifest": custody.manifest(), "rejects": rejects})


def joined_notes(
    before: Sequence[str], again: Sequence[str], now: Sequence[str]
) -> list[str] | None:
    """The notes of a whole reading, from those of two that share a part; nothing where unknown.

    Parameters
    ----------
    before
        notes of the reading up to some place.
    again
        notes of a reading of the last part of that.
    now
        notes of a reading of the same part and what follows it.

    Examples
    --------
    >>> joined_notes(["90 lines, 9 sign-ins"], ["10 lines, 1 sign-ins"], ["30 lines, 4 sign-ins"])
    ['110 lines, 12 sign-ins']
    >>> joined_notes([], [], ["3 lines repaired"]) is None
    True
    """
    texts = [[_NUMBER.sub("#", note) for note in notes] for notes in (before, again, now)]
    if texts[0] != texts[1] or texts[1] != texts[2]:
        return None
    joined = []
    for notes in zip(before, again, now, strict=True):
        counts = zip(*(map(int, _NUMBER.findall(note)) for note in notes), strict=True)
        sums = iter([first - second + third for first, second, third in counts])
        joined.append(_NUMBER.sub(lambda _, sums=sums: str(next(sums)), notes[0]))  # type: ignore[misc]
    return joined
