"""A small case on disk for the tests of the store, and what its analysis writes without one."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from credit_forensics.case.case import Case
from credit_forensics.scenarios.case_writer import write_case
from credit_forensics.scenarios.settings import WorldSettings
from credit_forensics.scenarios.world import make_world


@pytest.fixture(scope="session")
def made(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("made") / "case"
    write_case(make_world(WorldSettings(payments=60), seed=21), folder)
    return folder


@pytest.fixture(scope="session")
def expected(made) -> dict[str, bytes]:
    """The files of the analysis, without any store."""
    case = Case.open(made, store=False)
    case.analyze(made.parent / "expected")
    assert len(case.findings) > 2
    return {path.name: path.read_bytes() for path in (made.parent / "expected").iterdir()}


@pytest.fixture
def folder(made, tmp_path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "case"))
