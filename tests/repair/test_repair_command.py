"""``credit-forensics repair``: writes a plan, asks, and books only when told to."""

from __future__ import annotations

import inspect
import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

import credit_forensics
from credit_forensics.cli import app
from credit_forensics.commands.repairing import repair
from credit_forensics.errors import CaseError
from credit_forensics.scenarios.demo import ORIGINAL_PAYER as PAYER


def run(*arguments, answer=None):
    return CliRunner().invoke(app, ["repair", "--no-store", *map(str, arguments)], input=answer)


def test_without_apply_the_ledger_stays_as_it_is(books, tmp_path):
    ledger = books("stale_session")
    before = (ledger.path.parent / "ledger.db").read_bytes()
    done = run(ledger.path, "--out", tmp_path / "plan", "--yes")
    assert done.exit_code == 0
    assert {path.name for path in (tmp_path / "plan").iterdir()} == {
        "plan.csv",
        "plan.json",
        "plan.md",
        "plan.sql",
    }
    assert "1 correction with 2 entries, 1 binding to set right" in done.output
    # The screen has the sums; the lines are in the files.
    assert "  wrong_user             1  offered\n" in done.output
    assert "| Finding |" not in done.output
    assert "| Finding |" in (tmp_path / "plan" / "plan.md").read_text()
    assert (ledger.path.parent / "ledger.db").read_bytes() == before


@pytest.mark.parametrize(("answer", "booked"), [("n\n", 0), ("y\n", 2)])
def test_apply_asks(books, tmp_path, answer, booked):
    ledger = books("stale_session")
    done = run(ledger.path, "--out", tmp_path / "plan", "--apply", answer=answer)
    assert done.exit_code == 0
    assert "Book this plan?" in done.output
    count = "SELECT count(*) FROM credit_ledger WHERE reason LIKE '%:wrong_user:%'"
    assert ledger.rows(count) == [(booked,)]


def test_apply_without_an_answer_is_refused(books, tmp_path):
    ledger = books("stale_session")
    done = run(ledger.path, "--out", tmp_path / "plan", "--apply", answer="")
    assert isinstance(done.exception, CaseError) and "--yes" in str(done.exception)
    assert ledger.rows("SELECT count(*) FROM credit_ledger WHERE reason LIKE 'rev%'") == [(0,)]


def test_what_is_held_back_ends_with_status_1(books, tmp_path):
    ledger = books("stale_session")
    ledger.run("UPDATE user_credits SET total_credits = 1")
    arguments = (ledger.path, "--out", tmp_path / "plan", "--apply", "--yes")
    held = run(*arguments)
    assert held.exit_code == 1 and "held back" in held.output
    allowed = run(*arguments, "--allow-negative")
    assert allowed.exit_code == 0
    assert ledger.case().findings["finding"].tolist().count("wrong_user") == 0


def test_nothing_but_the_command_reaches_the_writing_side_and_only_past_apply():
    package = Path(credit_forensics.__file__).parent
    using = {
        path.relative_to(package).as_posix()
        for path in package.rglob("*.py")
        if "repair.apply" in path.read_text(encoding="utf-8")
    }
    assert using == {"commands/repairing.py"}
    body = inspect.getsource(repair)
    leaves = body.index("    if not apply:\n        return\n")
    assert leaves < body.index("applying.")
    # A plan is made and written without the writing side having been loaded.
    code = (
        "import sys, credit_forensics.commands.repairing, credit_forensics.repair.plan_files\n"
        "sys.exit('credit_forensics.repair.apply' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


COUNT = "SELECT count(*) FROM credit_ledger WHERE reason LIKE '%:wrong_user:%'"


@pytest.mark.parametrize(("characters", "booked"), [(8, 2), (7, 0)])
def test_a_reviewed_plan_is_booked_by_its_hash(books, tmp_path, characters, booked):
    ledger = books("stale_session")
    run(ledger.path, "--out", tmp_path / "plan")
    reviewed = tmp_path / "plan" / "plan.json"
    sha = json.loads(reviewed.read_text())["sha256"]
    done = run(
        *(ledger.path, "--out", tmp_path / "plan", "--apply", "--plan", reviewed),
        answer=f"{sha[:characters]}\n",
    )
    assert sha in done.output
    assert ledger.rows(COUNT) == [(booked,)]


def test_a_plan_that_the_case_moved_on_from_is_not_booked(books, tmp_path):
    ledger = books("stale_session")
    run(ledger.path, "--out", tmp_path / "plan")
    reviewed = tmp_path / "plan" / "plan.json"
    before = reviewed.read_bytes()
    # Somebody put half of it right by hand.
    payment = json.loads(before)["corrections"][0]["payment_id"]
    ledger.run(
        "INSERT INTO credit_ledger (user_id, delta, reason, created_at) VALUES "
        f"('{PAYER}', 50, 'admin_regrant:payment_{payment}', '2025-09-02 00:00:00')",
        f"UPDATE user_credits SET total_credits = total_credits + 50 WHERE user_id = '{PAYER}'",
    )
    arguments = (ledger.path, "--out", tmp_path / "plan", "--apply", "--yes", "--plan", reviewed)
    done = run(*arguments)
    assert isinstance(done.exception, CaseError)
    assert "moved on" in str(done.exception)
    assert "1 corrections are new, 1 are gone" in str(done.exception)
    assert reviewed.read_bytes() == before
    assert ledger.rows(COUNT) == [(0,)]


def test_spending_elsewhere_does_not_make_a_plan_old(books, tmp_path):
    ledger = books("stale_session")
    run(ledger.path, "--out", tmp_path / "plan")
    ledger.run(
        "INSERT INTO credit_ledger (user_id, delta, reason, created_at) "
        f"VALUES ('{PAYER}', -1, 'usage:generation', '2025-09-25 00:00:00')",
        f"UPDATE user_credits SET total_credits = total_credits - 1 WHERE user_id = '{PAYER}'",
    )
    reviewed = tmp_path / "plan" / "plan.json"
    done = run(ledger.path, "--out", tmp_path / "p", "--apply", "--yes", "--plan", reviewed)
    assert done.exit_code == 0
    assert ledger.rows(COUNT) == [(2,)]


def test_a_plan_is_for_who_made_it_alone(books, tmp_path):
    ledger = books("stale_session")
    run(ledger.path, "--out", tmp_path / "plan")
    modes = {path.stat().st_mode & 0o777 for path in (tmp_path / "plan").iterdir()}
    assert modes == {0o600}
