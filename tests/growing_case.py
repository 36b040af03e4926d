"""A case on disk as it was when a share of it had been written, and how it grows."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

GROWING = ("sessions.jsonl", "events.jsonl", "charges.jsonl", "intents.jsonl", "webhook.log")


def shorten(whole: Path, folder: Path, share: float) -> Path:
    """The case as it was when a share of it had been written; a log may end within a line."""
    shutil.copytree(whole, folder, dirs_exist_ok=True)
    for name in GROWING:
        path = folder / name
        if path.exists():
            data = path.read_bytes()
            path.write_bytes(data[: int(len(data) * share)])
    with sqlite3.connect(folder / "ledger.db") as db:
        times = sorted(row[0] for row in db.execute("SELECT created_at FROM credit_ledger"))
        db.execute(
            "DELETE FROM credit_ledger WHERE created_at > ?", [times[int(len(times) * share)]]
        )
    return folder


def grow(whole: Path, folder: Path) -> None:
    """Append what is missing."""
    for name in GROWING:
        path = folder / name
        if path.exists():
            rest = (whole / name).read_bytes()[path.stat().st_size :]
            with path.open("ab") as file:
                file.write(rest)
    shutil.copy(whole / "ledger.db", folder / "ledger.db")
