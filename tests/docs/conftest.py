"""The demo case, written and analysed once for all pages, and a folder for each."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "monitoring"))

from page_folders import Place, a_place
from test_cli import run

from credit_forensics.scenarios.demo import write_demo_case


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo case with its results and its store; copied, never changed."""
    folder = tmp_path_factory.mktemp("demo")
    assert run("analyze", write_demo_case(folder, 2025)).returncode == 0
    return folder


@pytest.fixture
def place(tmp_path: Path, demo: Path, request: pytest.FixtureRequest) -> Iterator[Place]:
    """An empty folder that is made into a page's own by ``prepare``."""
    with a_place(tmp_path, demo, request) as made:
        yield made
