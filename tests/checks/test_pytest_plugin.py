"""The pytest plugin, in a pytest of its own: inert unless used; the example project to copy."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[1] / "example_project"
MODULE = "credit_forensics.checks.pytest_plugin"


def run_pytest(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    # Without the plugins of other packages, which take longer to load than these tests to run.
    alone = os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    command = [sys.executable, "-m", "pytest", "-p", MODULE, "-p", "no:cacheprovider", *arguments]
    return subprocess.run(
        command, cwd=folder, env=alone, capture_output=True, text=True, timeout=300, check=False
    )


@pytest.fixture
def example(tmp_path: Path) -> Path:
    folder = tmp_path / "shop"
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns("__pycache__", "ledger.db"))
    return folder


def test_example_project_passes_and_writes_what_a_ci_reads(example: Path) -> None:
    done = run_pytest(
        example,
        "--junitxml=credits.xml",
        "--credit-sarif=credits.sarif",
        "--credit-write-baseline=now.json",
    )
    assert done.returncode == 0, done.stdout
    assert "6 passed" in done.stdout
    suite = ET.parse(example / "credits.xml").getroot()[0]
    assert (suite.get("tests"), suite.get("failures")) == ("6", "0")
    log = json.loads((example / "credits.sarif").read_text())
    results = log["runs"][0]["results"]
    assert [(r["ruleId"], r["baselineState"]) for r in results] == [
        ("duplicate_credit", "unchanged")
    ]
    place = results[0]["locations"][0]["physicalLocation"]["artifactLocation"]
    assert place["uri"] == "case/case.toml"
    assert (example / "now.json").read_text() == (example / "known_findings.json").read_text()


def test_the_run_that_first_writes_the_baseline_passes(example: Path) -> None:
    (example / "known_findings.json").unlink()
    first = run_pytest(
        example,
        "-k",
        "no_new_findings",
        "--credit-write-baseline=known_findings.json",
        "--credit-sarif=credits.sarif",
    )
    assert first.returncode == 0, first.stdout
    assert json.loads((example / "known_findings.json").read_text())["findings"]
    assert json.loads((example / "credits.sarif").read_text())["runs"][0]["results"]


def test_example_project_fails_on_what_the_baseline_does_not_know(example: Path) -> None:
    (example / "known_findings.json").write_text('{"format": 1, "findings": []}')
    done = run_pytest(example, "-k", "no_new_findings", "--junitxml=credits.xml")
    assert done.returncode == 1
    assert "1 new findings:" in done.stdout
    assert "duplicate_credit  one_event  high      cs_live_2" in done.stdout
    # The assertion's own frames are hidden: the table is what is read.
    assert "def assert_no_findings" not in done.stdout
    failure = ET.parse(example / "credits.xml").getroot()[0][0][0]
    assert "duplicate_credit" in str(failure.get("message"))


def test_unused_plugin_loads_nothing_and_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(
        "import sys\n\n"
        "def test_nothing_was_loaded():\n"
        "    heavy = {'duckdb', 'ibis', 'credit_forensics.case.case', 'fastapi'}\n"
        "    assert not heavy & set(sys.modules)\n"
    )
    done = run_pytest(tmp_path)
    assert done.returncode == 0, done.stdout
    assert "1 passed" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "the fixture credit_case needs --credit-case FILE"),
        (["--credit-case=absent.toml"], "There is no case file at"),
    ],
)
def test_case_that_is_not_there_is_said_in_a_sentence(
    tmp_path: Path, arguments: list[str], words: str
) -> None:
    (tmp_path / "test_it.py").write_text("def test_it(credit_case):\n    pass\n")
    done = run_pytest(tmp_path, *arguments)
    assert done.returncode == 1
    assert words in done.stdout
    assert "Traceback" not in done.stdout
