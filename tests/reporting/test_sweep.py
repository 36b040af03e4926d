"""What a killed report left is gone after the next run; what others are writing stays."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from credit_forensics.reporting.sweep import (
    LEFT_SECONDS,
    PREFIX,
    scratch_folder,
    sweep_parts,
    sweep_scratch,
)


@pytest.fixture
def own_temp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_the_scratch_of_a_process_that_is_gone_is_removed(own_temp: Path) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    left = own_temp / f"{PREFIX}{gone.pid}_abc"
    left.mkdir()
    (left / "findings.csv").write_text("secret")
    ours = scratch_folder()
    other = own_temp / f"{PREFIX}notes"
    other.mkdir()
    assert sweep_scratch() == [left]
    assert ours.exists() and other.exists() and not left.exists()
    assert ours.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize(("age", "swept"), [(LEFT_SECONDS + 5, 2), (LEFT_SECONDS - 5, 0)])
def test_parts_of_a_report_that_never_got_its_page_are_removed(
    tmp_path: Path, age: float, swept: int
) -> None:
    name = "incident_report_20250901T070000Z_0a1b2c3d_findings"
    whole = "incident_report_20250901T070000Z_0a1b2c3e_findings"
    held = "incident_report_20250901T070000Z_0a1b2c3f_findings"
    for file in (f"{name}.csv", f"{name}.ipynb", f"{whole}.csv", f"{whole}.html",
                 f"{held}.csv", f"{held}.hold", "mine.csv"):  # fmt: skip
        (tmp_path / file).write_text("x")
    newest = max(path.stat().st_mtime for path in tmp_path.iterdir())
    assert len(sweep_parts(tmp_path, now=newest + age)) == swept
    assert {"mine.csv", f"{whole}.csv", f"{held}.csv"} <= {p.name for p in tmp_path.iterdir()}
