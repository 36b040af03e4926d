"""Remembers incidents and what was said of them, in a SQLite file that survives kill -9.

An incident is a check and a cause, from its first item to its end. What was said is kept a target:
the status, severity and size that the last accepted message told. A message is due where the
incident has another state than the one told, so the same state is not told twice, and a state
that could not be told stays due. Every change is one transaction.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from credit_forensics.errors import CaseError
from credit_forensics.monitoring.observation import SEVERITIES, Observation
from credit_forensics.monitoring.state_schema import (
    SCHEMA,
    VERSION,
    Incident,
    Reported,
    Target,
    item_records,
    time_of,
    time_text,
)


class MonitorState:
    """The state file of one case's monitor. Close it, or use it in a ``with``.

    Raises
    ------
    CaseError
        when the file cannot be used.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._db = sqlite3.connect(path, isolation_level=None, timeout=10)
            path.chmod(0o600)
            self._db.execute("PRAGMA journal_mode = WAL")
            # Every commit reaches the disk: what was said must not be forgotten.
            self._db.execute("PRAGMA synchronous = FULL")
            version = self._db.execute("PRAGMA user_version").fetchone()[0]
            if version not in (0, VERSION):
                raise CaseError(f"{path} is of a later version; move it away.")
            self._db.executescript(SCHEMA)
            self._db.execute(f"PRAGMA user_version = {VERSION}")
        except (OSError, sqlite3.Error) as error:
            raise CaseError(
                f"The monitor's state {path} cannot be used ({type(error).__name__}); "
                "move it away to begin afresh."
            ) from None

    def __enter__(self) -> MonitorState:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._db.execute("COMMIT")
        except BaseException:
            # A full disk may have ended it already, and a COMMIT may fail as well.
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise

    def get(self, key: str) -> str | None:
        """A remembered value."""
        row = self._db.execute("SELECT value FROM meta WHERE key = ?", [key]).fetchone()
        return None if row is None else str(row[0])

    def put(self, key: str, value: str) -> None:
        """Remember a value."""
        self._db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", [key, value])

    def apply(
        self, observation: Observation, now: dt.datetime, *, settle: dt.timedelta, first: bool
    ) -> None:
        """Take one check's observation: open, grow and end its incidents. Call it in a transaction.

        Parameters
        ----------
        settle
            how long an incident that ends by quiet waits for a new item.
        first
            the first tick of all: what happened longer ago than ``settle`` is remembered as
            ``earlier``, so that a long history does not come as news.
        """
        name = observation.check
        seen: set[tuple[str, str]] = set()
        stamp = time_text(now)
        for row in item_records(observation.items):
            key = (row["cause"], row["item"])
            seen.add(key)
            if self._there(name, *key):
                self._raise_severity(name, row)
                continue
            old = first and observation.ends == "quiet" and _before(row["at"], now - settle)
            incident = self._incident(observation, row, stamp, "earlier" if old else "open")
            self._db.execute(
                "INSERT OR REPLACE INTO items VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 1)",
                [
                    name,
                    row["cause"],
                    row["item"],
                    incident,
                    row["user_id"],
                    row["credits"],
                    row["amount"],
                    row["currency"],
                    row["at"],
                ],
            )
        if observation.ends == "absent":
            standing = self._db.execute(
                "SELECT cause, item FROM items WHERE check_name = ? AND there = 1", [name]
            ).fetchall()
            self._db.executemany(
                "UPDATE items SET there = 0 WHERE check_name = ? AND cause = ? AND item = ?",
                [[name, *key] for key in standing if key not in seen],
            )
            self._end(
                "check_name = ? AND NOT EXISTS "
                "(SELECT 1 FROM items WHERE incident = incidents.id AND there = 1)",
                [name],
                stamp,
            )
        else:
            self._end("check_name = ? AND grew_at <= ?", [name, time_text(now - settle)], stamp)

    def incidents(self, *, status: str | None = None) -> list[Incident]:
        """The incidents, oldest first."""
        where = "WHERE status = ?" if status else ""
        ids = self._db.execute(
            f"SELECT id FROM incidents {where} ORDER BY id", [status] if status else []
        ).fetchall()
        return [self.incident(row[0]) for row in ids]

    def incident(self, incident: int) -> Incident:
        """One incident, its items counted."""
        row = self._db.execute(
            "SELECT check_name, cause, severity, status, summary, opened_at, ended_at "
            "FROM incidents WHERE id = ?",
            [incident],
        ).fetchone()
        totals = self._db.execute(
            "SELECT count(*), sum(there), count(DISTINCT user_id), "
            "coalesce(sum(credits), 0), min(at), max(at) FROM items WHERE incident = ?",
            [incident],
        ).fetchone()
        amounts = self._db.execute(
            "SELECT currency, sum(amount) FROM items WHERE incident = ? AND amount IS NOT NULL "
            "GROUP BY currency ORDER BY currency",
            [incident],
        ).fetchall()
        examples = self._db.execute(
            "SELECT item FROM items WHERE incident = ? ORDER BY there DESC, at DESC, item LIMIT 5",
            [incident],
        ).fetchall()
        return Incident(
            id=incident,
            check=row[0],
            cause=row[1],
            severity=row[2],
            status=row[3],
            summary=row[4],
            opened_at=time_of(row[5]),
            ended_at=time_of(row[6]) if row[6] else None,
            items=totals[0],
            there=totals[1] or 0,
            users=totals[2],
            credits=totals[3],
            amounts={currency or "": amount for currency, amount in amounts},
            first_at=time_of(totals[4]) if totals[4] else None,
            last_at=time_of(totals[5]) if totals[5] else None,
            examples=tuple(example[0] for example in examples),
        )

    def standing(self) -> tuple[str, ...]:
        """Items of open incidents that end when their items are no longer there."""
        rows = self._db.execute(
            "SELECT DISTINCT item FROM items JOIN incidents ON incidents.id = items.incident "
            "WHERE there = 1 AND status = 'open' AND ends = 'absent' ORDER BY item"
        )
        return tuple(row[0] for row in rows)

    def unreported(self, target: str) -> list[tuple[Incident, Reported | None]]:
        """Incidents whose state a target was not told yet, with what it was told last."""
        rows = self._db.execute(
            """
            SELECT i.id, t.status, t.severity, t.items, t.at
            FROM incidents AS i LEFT JOIN told AS t ON t.incident = i.id AND t.target = ?
            WHERE t.incident IS NULL OR t.status <> i.status
               OR (i.status = 'open' AND (t.severity <> i.severity OR t.items <
                   (SELECT count(*) FROM items WHERE incident = i.id)))
            ORDER BY i.id
            """,
            [target],
        ).fetchall()
        return [
            (
                self.incident(row[0]),
                None if row[1] is None else Reported(row[1], row[2], row[3], time_of(row[4])),
            )
            for row in rows
        ]

    def mark_reported(self, target: str, incidents: list[Incident], now: dt.datetime) -> None:
        """Remember that a target accepted a message about these incidents as they were."""
        self._db.executemany(
            "INSERT OR REPLACE INTO told VALUES (?, ?, ?, ?, ?, ?)",
            [[i.id, target, i.status, i.severity, i.items, time_text(now)] for i in incidents],
        )

    def target(self, target: str) -> Target:
        """How a target fares."""
        row = self._db.execute(
            "SELECT failures, next_try, last_error, last_sent, sent FROM targets WHERE target = ?",
            [target],
        ).fetchone()
        if row is None:
            return Target(target, 0, None, None, None, 0)
        next_try, last_sent = (time_of(value) if value else None for value in (row[1], row[3]))
        return Target(target, row[0], next_try, row[2], last_sent, row[4])

    def store_target(self, target: Target) -> None:
        """Remember how a target fares."""
        self._db.execute(
            "INSERT OR REPLACE INTO targets VALUES (?, ?, ?, ?, ?, ?)",
            [
                target.target,
                target.failures,
                time_text(target.next_try) if target.next_try else None,
                target.last_error,
                time_text(target.last_sent) if target.last_sent else None,
                target.sent,
            ],
        )

    def _there(self, check: str, cause: str, item: str) -> bool:
        found = self._db.execute(
            "SELECT 1 FROM items WHERE check_name = ? AND cause = ? AND item = ? AND there = 1",
            [check, cause, item],
        ).fetchone()
        return found is not None

    def _incident(self, seen: Observation, row: dict[str, Any], stamp: str, status: str) -> int:
        found = self._db.execute(
            "SELECT id FROM incidents WHERE check_name = ? AND cause = ? AND status = ? "
            "ORDER BY id DESC LIMIT 1",
            [seen.check, row["cause"], status],
        ).fetchone()
        if found is None:
            made = self._db.execute(
                "INSERT INTO incidents (check_name, cause, severity, status, ends, summary, "
                "opened_at, grew_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                [
                    seen.check,
                    row["cause"],
                    row["severity"],
                    status,
                    seen.ends,
                    seen.summary,
                    stamp,
                    stamp,
                ],
            )
            assert made.lastrowid is not None
            return made.lastrowid
        self._db.execute(
            "UPDATE incidents SET grew_at = ?, summary = ? WHERE id = ?",
            [stamp, seen.summary, found[0]],
        )
        self._raise_severity(seen.check, row)
        return int(found[0])

    def _raise_severity(self, check: str, row: dict[str, Any]) -> None:
        lower = SEVERITIES[: SEVERITIES.index(row["severity"])]
        if lower:
            marks = ", ".join("?" * len(lower))
            self._db.execute(
                "UPDATE incidents SET severity = ? WHERE check_name = ? AND cause = ? "
                f"AND status = 'open' AND severity IN ({marks})",
                [row["severity"], check, row["cause"], *lower],
            )

    def _end(self, where: str, values: list[Any], stamp: str) -> None:
        self._db.execute(
            "UPDATE incidents SET status = 'ended', ended_at = ? "
            f"WHERE status = 'open' AND {where}",
            [stamp, *values],
        )


def _before(at: str | None, moment: dt.datetime) -> bool:
    return at is not None and at < time_text(moment)
