"""Cases on disk with a ledger that can be put right: a named scenario, and what befell it since."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from copy import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest

from credit_forensics.case.case import Case
from credit_forensics.case_file import read_case_file
from credit_forensics.scenarios.case_writer import write_case
from credit_forensics.scenarios.demo import ORIGINAL_PAYER, ORIGINAL_WRONG_USER
from credit_forensics.scenarios.named import scenario

PAYER, WRONG = ORIGINAL_PAYER, ORIGINAL_WRONG_USER
ANALYSED: dict[tuple[str, bool], Case] = {}


@dataclass
class Books:
    """A case and its ledger: ``run`` changes the ledger, ``rows`` reads it."""

    path: Path
    url: str
    psycopg_url: str = ""
    changed: bool = False
    written: object = None

    def run(self, *statements: str, values: tuple[Any, ...] = ()) -> None:
        self.changed = True
        if self.psycopg_url:
            with psycopg.connect(self.psycopg_url) as connection:
                for statement in statements:
                    connection.execute(statement.replace("?", "%s"), values or None)
            return
        connection = sqlite3.connect(self.path.parent / "ledger.db")
        for statement in statements:
            connection.execute(statement, values)
        connection.commit()
        connection.close()

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        if self.psycopg_url:
            with psycopg.connect(self.psycopg_url) as connection:
                return list(connection.execute(query).fetchall())
        connection = sqlite3.connect(self.path.parent / "ledger.db")
        found = connection.execute(query).fetchall()
        connection.close()
        return found

    def case(self) -> Case:
        """The case as it is now; as long as it is as it was written, it is analysed once for all."""
        if self.changed or self.state() != self.written:
            return Case.open(self.path, store=False)
        scenario_of = (self.path.parent.name, bool(self.psycopg_url))
        if scenario_of not in ANALYSED:
            ANALYSED[scenario_of] = Case.open(self.path, store=False)
            assert ANALYSED[scenario_of].findings is not None
        case = copy(ANALYSED[scenario_of])
        case.settings = read_case_file(self.path)
        return case

    def state(self) -> object:
        files = sorted(one for one in self.path.parent.iterdir() if one.is_file())
        return [(one.name, one.read_bytes()) for one in files], self.everything()

    def everything(self) -> list[list[tuple[Any, ...]]]:
        return [
            self.rows(f"SELECT * FROM {table} ORDER BY 1, 2")
            for table in ("credit_ledger", "user_credits", "stripe_customers")
        ]

    def balance(self, user: str) -> int:
        return int(
            self.rows(f"SELECT total_credits FROM user_credits WHERE user_id = '{user}'")[0][0]
        )

    def findings_of(self, payment_id: str) -> list[str]:
        findings = self.case().findings
        return findings.loc[findings["payment_id"] == payment_id, "finding"].tolist()


def as_written(books: Books) -> Books:
    books.written = books.state()
    return books


@pytest.fixture
def books(tmp_path: Path) -> Callable[[str], Books]:
    """Writes a named scenario with a SQLite ledger."""

    def write(name: str) -> Books:
        path = write_case(scenario(name), tmp_path / name)
        return as_written(Books(path, f"sqlite:///{path.parent / 'ledger.db'}"))

    return write


@pytest.fixture
def postgres_books(tmp_path: Path, postgres_database: str) -> Callable[[str], Books]:
    """Writes a named scenario with its ledger in PostgreSQL."""

    def write(name: str) -> Books:
        url = postgres_database.replace("postgresql://", "postgresql+psycopg://", 1)
        path = write_case(scenario(name), tmp_path / name, ledger_url=url)
        return as_written(Books(path, url, postgres_database))

    return write
