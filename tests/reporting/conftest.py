"""The small case, written and opened once."""

from __future__ import annotations

from pathlib import Path

import pytest
from small_case import write_case, write_empty_case

from credit_forensics.case.case import Case


@pytest.fixture(scope="session")
def case_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The case file of a small case."""
    return write_case(tmp_path_factory.mktemp("case"))


@pytest.fixture(scope="session")
def case(case_path: Path) -> Case:
    """That case, opened."""
    return Case.open(case_path)


@pytest.fixture(scope="session")
def empty_case_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The case file of a case in which nothing happened."""
    return write_empty_case(tmp_path_factory.mktemp("empty"))
