"""Keeps the chain of custody of kept evidence: what was read of each input, and its rejects."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Literal

import duckdb

from credit_forensics.evidence.custody import Custody, Input

How = Literal["new", "grown", "other", "gone"]


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


class KeptCustody:
    """The custody of the inputs in the database attached as ``kept``."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._run = connection.execute
        self.databases = Custody()
        self._run(
            """CREATE TABLE IF NOT EXISTS kept.readings (input INTEGER, start BIGINT, size BIGINT,
                sha256 VARCHAR, taken_for VARCHAR, row_count BIGINT, notes VARCHAR);
            CREATE TABLE IF NOT EXISTS kept.rejects (input INTEGER, line BIGINT, reason VARCHAR);
            CREATE TABLE IF NOT EXISTS kept.spans (
                input INTEGER, first_at TIMESTAMPTZ, last_at TIMESTAMPTZ, row_count BIGINT)"""
        )

    def take(
        self,
        number: int,
        custody: Custody,
        *,
        how: How,
        start: int,
        lines_before: int,
        from_line: int | None = None,
    ) -> ReadAnew:
        """Keep what the reading of one input put into custody.

        Parameters
        ----------
        number
            the input.
        custody
            holds that input alone; its lines count from the part that was read.
        how
            how the input was found.
        start
            the byte at which the part begins; 0 where all of it was read.
        lines_before
            lines before that byte.
        from_line
            the first line of the input whose rejects are taken from this reading; that of the
            part without it.
        """
        source = custody.inputs[0]
        first = from_line or lines_before + 1
        if how != "grown":
            self.drop(number)
        self._run("DELETE FROM kept.rejects WHERE input = ? AND line >= ?", [number, first])
        for line, reason in custody.rejects()[["line", "reason"]].itertuples(index=False):
            # Line 0 is the file as a whole.
            place = int(line) + lines_before if line else 0
            if place >= first or not line:
                self._run("INSERT INTO kept.rejects VALUES (?, ?, ?)", [number, place, reason])
        self._run(
            "INSERT INTO kept.readings VALUES (?, ?, ?, ?, ?, ?, ?)",
            [
                number,
                start,
                source.size,
                source.sha256,
                source.taken_for,
                source.rows,
                json.dumps(source.notes),
            ],
        )
        return ReadAnew(source.name, how, start, source.size, source.rows, source.sha256)

    def keep_span(self, number: int, *, read_before: int) -> None:
        """Keep the time that a log covers, as ``coverage`` in memory tells it.

        ``read_before`` of its lines were counted by an earlier reading.
        """
        self._run(
            "INSERT INTO kept.spans SELECT ?, first_at, last_at, greatest(row_count - ?, 0) "
            "FROM main.coverage WHERE source = 'deliveries'",
            [number, read_before],
        )

    def drop(self, number: int) -> None:
        """Forget an input."""
        for table in ("readings", "rejects", "spans"):
            self._run(f"DELETE FROM kept.{table} WHERE input = ?", [number])

    def restore(self) -> Custody:
        """The custody of all kept inputs, as one reading would have given it.

        An input that was read in parts has no hash of its own but one a part, in its notes.
        """
        custody = Custody()
        inputs = self._run("SELECT input, name FROM kept.inputs ORDER BY input").fetchall()
        for number, name in inputs:
            parts = self._run(
                "SELECT start, size, sha256, taken_for, row_count, notes FROM kept.readings "
                "WHERE input = ? ORDER BY start",
                [number],
            ).fetchall()
            if not parts:
                continue
            source = Input(name, parts[0][3], rows=sum(part[4] for part in parts))
            source.size = max(part[0] + part[1] for part in parts)
            source.notes = list(dict.fromkeys(note for p in parts for note in json.loads(p[5])))
            if len(parts) == 1:
                source.sha256 = parts[0][2]
            else:
                source.notes += [
                    f"bytes {start} to {start + size}: SHA-256 {sha256}"
                    for start, size, sha256, *_ in parts
                ]
            custody.inputs.append(source)
            rejects = self._run(
                "SELECT line, reason FROM kept.rejects WHERE input = ?", [number]
            ).df()
            custody.reject_many(source, rejects)
        custody.inputs += self.databases.inputs
        for source in self.databases.inputs:
            source.rejects = 0
            rejects = self.databases.rejects()
            custody.reject_many(source, rejects[rejects["file"] == source.name])
        for gap in self.databases.gaps().to_dict("records"):
            custody.gap(gap["source"], gap["object"], gap["problem"], gap["consequence"])
        return custody
