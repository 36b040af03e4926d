"""One lock for every folder: who holds it, how long to wait, what a killed process leaves."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

from credit_forensics.errors import CaseError
from credit_forensics.locks import HeldError, folder_lock

HOLD = """
import sys, time
from pathlib import Path
from credit_forensics.locks import folder_lock
with folder_lock(Path(sys.argv[1]), "run"):
    print("held", flush=True)
    time.sleep(float(sys.argv[2]))
"""
# As on a system that has neither: every module is imported, and none may ask for them.
IMPORT_ALL = """
import importlib, pkgutil, sys, warnings
warnings.simplefilter("ignore")
sys.modules["fcntl"] = sys.modules["msvcrt"] = None
import credit_forensics
for module in pkgutil.walk_packages(credit_forensics.__path__, "credit_forensics."):
    # What the MCP SDK imports it decides by the platform itself.
    if not module.name.startswith("credit_forensics.mcp."):
        importlib.import_module(module.name)
    print(module.name)
"""


def holding(folder, seconds):
    command = [sys.executable, "-c", HOLD, str(folder), str(seconds)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"held\n"
    return process


def test_the_message_names_the_process_that_holds_it_and_its_death_frees_it(tmp_path):
    process = holding(tmp_path, 60)
    try:
        with (
            pytest.raises(HeldError, match=rf"process \({process.pid}\) holds the run of"),
            folder_lock(tmp_path, "run"),
        ):
            pass
    finally:
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
    with folder_lock(tmp_path, "run"):
        assert (tmp_path / ".run.holder").read_text() == str(os.getpid())
    assert not (tmp_path / ".run.holder").exists()


def test_it_waits_as_long_as_it_may(tmp_path):
    process = holding(tmp_path, 1)
    with folder_lock(tmp_path, "run", seconds=30):
        pass
    process.communicate()
    process = holding(tmp_path, 60)
    began = time.monotonic()
    with (
        pytest.raises(HeldError, match="wait for it"),
        folder_lock(tmp_path, "run", seconds=0.5, busy="Busy; wait for it."),
    ):
        pass
    assert 0.5 <= time.monotonic() - began < 30
    process.kill()
    process.communicate()


def test_two_locks_of_one_folder_do_not_meet_and_each_is_the_owners_alone(tmp_path):
    with folder_lock(tmp_path / "new", "one"), folder_lock(tmp_path / "new", "two"):
        modes = [path.stat().st_mode & 0o077 for path in (tmp_path / "new").glob("*.lock")]
    assert modes == [0, 0]


def test_a_folder_that_cannot_be_used_is_no_held_lock(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError) as caught, folder_lock(tmp_path / "file", "run"):
        pass
    assert not isinstance(caught.value, CaseError)


def test_the_package_imports_where_neither_fcntl_nor_msvcrt_is():
    done = subprocess.run(
        [sys.executable, "-c", IMPORT_ALL], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "credit_forensics.intake.app" in done.stdout.split()
