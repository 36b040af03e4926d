"""Makes the example's ledger of its SQL, so that nothing binary need be kept."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

CASE = Path(__file__).parent / "case"


def pytest_sessionstart(session: pytest.Session) -> None:
    """Before any check asks for the case."""
    ledger = CASE / "ledger.db"
    if ledger.exists() or not (CASE / "case.toml").exists():
        return
    connection = sqlite3.connect(ledger)
    connection.executescript((CASE / "ledger.sql").read_text())
    connection.close()
