"""A process that is killed leaves a store that the next run repairs by itself."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from forked import PROCESSES

from credit_forensics.case.case import Case


def be_killed(folder: Path, last: int, out: Path) -> None:
    """Analyse, and be killed before the last-th rename in the store, or once the case is open.

    Everything that is stored becomes valid by being renamed, so the moments between are the
    renames.
    """
    renames, rename = 0, Path.replace

    def replace(self: Path, target: Path) -> Path:
        nonlocal renames
        if ".store" in str(target):
            renames += 1
            if renames == last:
                os.kill(os.getpid(), signal.SIGKILL)
        return rename(self, target)

    Path.replace = replace
    case = Case.open(folder)
    if last < 0:
        os.kill(os.getpid(), signal.SIGKILL)
    case.analyze(out)


def run(folder: Path, last: int, out: Path) -> int | None:
    process = PROCESSES.Process(target=be_killed, args=(folder, last, out))
    process.start()
    process.join(120)
    return process.exitcode


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
