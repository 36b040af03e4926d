"""A shop that sells kites: its export, and a ledger of a layout that is known."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any


def session(number: int, **more: Any) -> dict[str, Any]:
    """A paid session of one kite at 9 euros."""
    return {
        "id": f"cs_live_kite{number}",
        "object": "checkout.session",
        "created": 1756720800 + 3600 * number,
        "payment_status": "paid",
        "status": "complete",
        "mode": "payment",
        "amount_total": 900,
        "currency": "eur",
        "livemode": True,
        "customer_details": {"email": f"mira{number}@kites.example", "name": "Mira Windt"},
        "metadata": {"user_id": f"00{number}"},
        "line_items": {"data": [{"price": {"id": "price_kite"}, "quantity": 1}]},
        **more,
    }


def write_sessions(folder: Path, count: int = 4) -> None:
    lines = "".join(json.dumps(session(n)) + "\n" for n in range(count))
    (folder / "checkout.jsonl").write_text(lines)


def write_ledger(path: Path, entries: list[tuple[str, int, str]]) -> None:
    """A ledger of (user, credits, reason)."""
    with closing(sqlite3.connect(path)) as db:
        db.executescript(
            "CREATE TABLE credit_ledger (id INTEGER PRIMARY KEY, user_id TEXT, delta INTEGER,"
            " reason TEXT, stripe_event_id TEXT, created_at TEXT);"
            "CREATE TABLE users (id TEXT, email TEXT, name TEXT, created_at TEXT);"
        )
        db.executemany(
            "INSERT INTO credit_ledger (user_id, delta, reason, created_at)"
            " VALUES (?, ?, ?, '2025-09-01 11:00:00')",
            entries,
        )
        db.commit()
