"""A process that is killed leaves a store that the next run repairs by itself."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from credit_forensics.case.case import Case

# Everything that is stored becomes valid by being renamed, so the moments between are the renames.
KILLED = """
import os, pathlib, signal, sys
renames, last = 0, int(sys.argv[2])
rename = pathlib.Path.replace
def replace(self, target):
    global renames
    if ".store" in str(target):
        renames += 1
        if renames == last:
            os.kill(os.getpid(), signal.SIGKILL)
    return rename(self, target)
pathlib.Path.replace = replace
from credit_forensics.case.case import Case
case = Case.open(sys.argv[1])
if last < 0:
    os.kill(os.getpid(), signal.SIGKILL)
case.analyze(sys.argv[3])
"""


def run(folder: Path, last: int, out: Path) -> int:
    command = [sys.executable, "-c", KILLED, str(folder), str(last), str(out)]
    return subprocess.run(command, capture_output=True, check=False).returncode


@pytest.mark.parametrize("last", [1, 2, 3, -1, 9, 24])
def test_killed_before_a_rename_the_next_run_gives_the_same_bytes(folder, tmp_path, expected, last):
    assert run(folder, last, tmp_path / "killed") == -signal.SIGKILL
    case = Case.open(folder)
    case.analyze(tmp_path / "out")
    written = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    assert written == expected
    case.evidence.engine.close()
    left = [path.name for path in (folder / ".store").rglob("*") if path.suffix == ".part"]
    assert not left
    for path in (folder / ".store").rglob("*"):
        assert path.stat().st_mode & 0o077 == 0, path
