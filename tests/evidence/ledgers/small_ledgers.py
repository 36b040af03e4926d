"""Small ledgers for tests: two accounts, two paid sessions, a script of tables."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from credit_forensics.case_file import CaseFile
from credit_forensics.evidence.evidence import Evidence
from credit_forensics.evidence.ledgers.load import load_ledgers

USERS = """CREATE TABLE users (id INTEGER, email TEXT, name TEXT);
INSERT INTO users VALUES (7, 'ada@example.com', 'Ada'), (8, 'bo@example.com', 'Bo');"""
WANTED = {("7", 100, "cs_1"), ("8", 100, "cs_2"), ("7", -30, None)}


def load(
    folder: Path, script: str, users: str = USERS, named: tuple[str, str] = ("7", "8")
) -> Evidence:
    """A ledger beside two paid sessions of 100 credits: 7's and 8's."""
    connection = sqlite3.connect(folder / "ledger.db")
    connection.executescript(users + script)
    connection.close()
    evidence = Evidence()
    kinds = pa.map_(pa.string(), pa.string())
    fields = [(n, pa.string()) for n in ("session_id", "payment_intent_id", "payment_status")]
    rows = [
        {"session_id": f"cs_{n}", "payment_intent_id": f"pi_{n}", "payment_status": "paid",
         "metadata": [("user_id", user), ("credits", "100")]}
        for n, user in enumerate(named, start=1)
    ]  # fmt: skip
    schema = pa.schema([*fields, ("metadata", kinds)])
    evidence.add("stripe_sessions", pa.Table.from_pylist(rows, schema))
    section = {"ledger": {"url": "sqlite:///ledger.db"}, "folder": folder}
    load_ledgers(evidence, CaseFile.model_validate(section))
    return evidence


def moved(evidence: Evidence) -> set[tuple[Any, ...]]:
    rows = evidence.ledger[["user_id", "delta", "payment_id"]]
    return {tuple(None if pd.isna(v) else v for v in row) for row in rows.itertuples(index=False)}


def table(name: str, columns: str, *rows: str) -> str:
    values = ", ".join(f"({row})" for row in rows)
    return f"CREATE TABLE {name} ({columns}); INSERT INTO {name} VALUES {values};"


def kinds_after(step: Callable[[Evidence], object], *entries: tuple, **payment: Any) -> list[str]:
    """The kinds of one payment's entries after a step: ``(user, credits, kind, reason)``, hourly."""
    evidence = Evidence()
    paid = {"payment_id": "cs_1", "amount_refunded": 0} | payment
    evidence.add("payments", pd.DataFrame([paid]))
    rows = [
        {
            "entry_id": str(number),
            "payment_id": "cs_1",
            "user_id": user,
            "delta": credits,
            "kind": kind,
            "reason": reason,
            "created_at": pd.Timestamp("2026-03-01", tz="UTC") + pd.Timedelta(hours=number),
        }
        for number, (user, credits, kind, reason) in enumerate(entries)
    ]
    evidence.add("ledger", pd.DataFrame(rows))
    step(evidence)
    return evidence.ledger.sort_values("entry_id")["kind"].tolist()
