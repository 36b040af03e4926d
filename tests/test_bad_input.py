"""Input that no case should have ends with one sentence and status 2, never with a traceback."""

from __future__ import annotations

import io
import os
import sys
from contextlib import redirect_stderr
from pathlib import Path

import pytest

from credit_forensics import cli
from credit_forensics.case_file import read_case_file
from credit_forensics.errors import CaseError

SESSIONS = '[stripe]\nsessions = "s.jsonl"\n'


def ended(*arguments: object) -> tuple[object, str]:
    """The status of a command, and what it complains of."""
    complaints = io.StringIO()
    with (
        redirect_stderr(complaints),
        pytest.MonkeyPatch.context() as patch,
        pytest.raises(SystemExit) as end,
    ):
        patch.setattr(sys, "argv", ["credit-forensics", *map(str, arguments)])
        cli.main()
    return end.value.code, complaints.getvalue()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[ledger]\nurl = "sqlite:///a\\u0000.db"', "ledger.url holds a NUL character"),
        ('[webhook_log]\nfiles = ["a", "b\\u0000"]', "webhook_log.files holds a NUL character"),
        ('[prices]\n"a\\u0000" = 1', "prices holds a NUL character"),
        ("[engine]\nthreads = -1", "engine.threads"),
        ("[engine]\nthreads = 0", "engine.threads"),
        ("[prices]\na = 99999999999999999999", "prices.a"),
        ("[prices]\na = -1", "prices.a"),
        ("[prices]\na = {credits = -1}", "prices.a"),
        ("[prices]\na = {credits = 50, amount = -1}", "prices.a"),
        ("[prices]\na = {credits = 50, amount = 99999999999999999999}", "prices.a"),
        ('[engine]\nmemory_limit = "lots"', "a setting that DuckDB does not take"),
        ('[stripe]\nsessions = "/dev/zero"', "is not a file"),
        ('[webhook_log]\nfiles = "/dev/zero"', "has no end"),
        ('[ledger]\nurl = "sqlite:////dev/zero"', "is not a file"),
        ('[stripe]\nsessions = "pipe"', "is not a file"),
        ('[webhook_log]\nfiles = "pipe"', "has no end"),
        ('[persons]\naliases = "pipe"', "which is no file"),
    ],
)
def test_what_cannot_be_read_is_one_sentence(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "s.jsonl").write_text('{"id": "cs_1", "object": "checkout.session"}\n')
    os.mkfifo(tmp_path / "pipe")
    rest = SESSIONS if "[stripe]" not in text else ""
    (tmp_path / "case.toml").write_text(rest + text)
    status, complaint = ended("doctor", tmp_path, "--no-store")
    assert status == 2
    assert words in complaint
    assert "Traceback" not in complaint


def test_a_pipe_is_no_case_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "case.toml")
    with pytest.raises(CaseError, match="a pipe or a device has no end"):
        read_case_file(tmp_path)


def test_an_error_of_the_program_is_not_the_status_of_findings(monkeypatch, tmp_path) -> None:
    monkeypatch.setattr(cli, "app", lambda: {}["Ada Lovell"])
    status, complaint = ended("doctor", tmp_path)
    assert status == 2
    assert "KeyError" in complaint
    assert "Ada" not in complaint
    assert "Traceback" not in complaint
    monkeypatch.setenv(cli.TRACEBACK, "1")
    assert "Traceback" in ended("doctor", tmp_path)[1]
