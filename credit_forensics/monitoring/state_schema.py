"""What a monitor's state file holds: its tables, and its rows as the room reads them."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

import pandas as pd

from credit_forensics.monitoring.observation import SEVERITIES, Severity
from credit_forensics.records import row_dicts

SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS incidents (
    id INTEGER PRIMARY KEY, check_name TEXT NOT NULL, cause TEXT NOT NULL,
    severity TEXT NOT NULL, status TEXT NOT NULL, ends TEXT NOT NULL, summary TEXT NOT NULL,
    opened_at TEXT NOT NULL, grew_at TEXT NOT NULL, ended_at TEXT);
CREATE UNIQUE INDEX IF NOT EXISTS one_open ON incidents (check_name, cause)
    WHERE status = 'open';
CREATE TABLE IF NOT EXISTS items (
    check_name TEXT NOT NULL, cause TEXT NOT NULL, item TEXT NOT NULL,
    incident INTEGER NOT NULL REFERENCES incidents (id), user_id TEXT, credits INTEGER,
    amount INTEGER, currency TEXT, at TEXT, there INTEGER NOT NULL DEFAULT 1,
    PRIMARY KEY (check_name, cause, item, incident)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS items_by_incident ON items (incident);
CREATE INDEX IF NOT EXISTS items_there ON items (check_name) WHERE there = 1;
CREATE TABLE IF NOT EXISTS told (
    incident INTEGER NOT NULL REFERENCES incidents (id), target TEXT NOT NULL,
    status TEXT NOT NULL, severity TEXT NOT NULL, items INTEGER NOT NULL, at TEXT NOT NULL,
    PRIMARY KEY (incident, target)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS targets (
    target TEXT PRIMARY KEY, failures INTEGER NOT NULL DEFAULT 0, next_try TEXT,
    last_error TEXT, last_sent TEXT, sent INTEGER NOT NULL DEFAULT 0);
"""
VERSION = 1


@dataclass(frozen=True)
class Incident:
    """An incident as it stands: its items counted, who and what is hit, a few examples.

    ``status`` is ``open``, ``ended``, or ``earlier`` for what was over before monitoring began.
    """

    id: int
    check: str
    cause: str
    severity: Severity
    status: str
    summary: str
    opened_at: dt.datetime
    ended_at: dt.datetime | None
    items: int
    there: int
    users: int
    credits: int
    amounts: dict[str, int]
    first_at: dt.datetime | None
    last_at: dt.datetime | None
    examples: tuple[str, ...]


@dataclass(frozen=True)
class Reported:
    """What the last accepted message to a target said of an incident."""

    status: str
    severity: Severity
    items: int
    at: dt.datetime


@dataclass(frozen=True)
class Target:
    """How a target fares: failures in a row, when it is tried next, the last error."""

    target: str
    failures: int
    next_try: dt.datetime | None
    last_error: str | None
    last_sent: dt.datetime | None
    sent: int


def time_text(moment: dt.datetime) -> str:
    """A moment as the file holds it: UTC, of a length that sorts.

    Examples
    --------
    >>> time_text(dt.datetime(2025, 9, 1, 10, tzinfo=dt.UTC))
    '2025-09-01T10:00:00.000000Z'
    """
    return moment.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def time_of(text: str) -> dt.datetime:
    """The moment that ``time_text`` wrote."""
    return dt.datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=dt.UTC)


def item_records(items: pd.DataFrame) -> list[dict[str, Any]]:
    """An observation's items as the file takes them."""
    return [
        {
            "item": str(row["item"])[:200],
            "cause": str(row["cause"])[:200],
            "severity": row["severity"] if row["severity"] in SEVERITIES else "info",
            "user_id": None if row["user_id"] is None else str(row["user_id"])[:200],
            "credits": None if row["credits"] is None else int(row["credits"]),
            "amount": None if row["amount"] is None else int(row["amount"]),
            "currency": None if row["currency"] is None else str(row["currency"]),
            "at": None if row["at"] is None else time_text(row["at"]),
        }
        for row in row_dicts(items.assign(at=pd.to_datetime(items["at"], utc=True)))
    ]
