"""What the command line does with closed pipes, any id, options and folders that cannot be used."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import yaml
from test_cli import run

from credit_forensics.case.case import Case
from credit_forensics.checks.sarif import sarif_of
from credit_forensics.errors import CaseError
from credit_forensics.findings.catalogue import FINDINGS
from credit_forensics.scenarios.demo import write_demo_case
from credit_forensics.tables.catalogue import spec

ROOT = Path(__file__).resolve().parent.parent
PROGRAM = [sys.executable, "-m", "credit_forensics"]


@pytest.fixture(scope="module")
def case(tmp_path_factory):
    return write_demo_case(tmp_path_factory.mktemp("line"), 2025)


@pytest.fixture(scope="module")
def findings(case):
    done = run("analyze", case)
    assert done.returncode == 0, done.stderr
    return pd.read_csv(case.parent / "analysis" / "findings.csv", dtype="str")


def test_results_lie_beside_the_case_wherever_it_is_called_from(case, findings, tmp_path):
    assert (case.parent / "analysis" / "verdicts.parquet").exists()
    command = [*PROGRAM, "repair", str(case)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (case.parent / "repair" / "plan.md").exists()
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("command", ["analyze", "doctor", "explain"])
def test_a_reader_that_goes_away_is_no_finding(case, findings, command):
    more = [findings["payment_id"].dropna().iloc[0]] if command == "explain" else []
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [*PROGRAM, command, str(case), *more], stdout=writing, stderr=subprocess.PIPE, check=False
    )
    os.close(writing)
    assert done.returncode == 141, done.stderr
    assert done.stderr == b""


def test_explain_takes_events_beginnings_and_what_they_name(case, findings):
    row = findings[(findings["finding"] == "wrong_user") & findings["event_id"].notna()].iloc[0]
    for text in (row["payment_id"], row["event_id"], row["payment_id"][:20], row["event_id"][:16]):
        shown = run("explain", case, text).stdout
        assert shown.startswith(f"{row['payment_id']}: misattributed"), text


@pytest.mark.parametrize("store", [True, False], ids=["stored", "not stored"])
def test_explain_of_an_account_is_its_dossier(case, findings, store):
    row = findings[findings["finding"] == "wrong_user"].iloc[0]
    done = run("explain", case, row["credited_user_id"], *([] if store else ["--no-store"]))
    assert done.returncode == 0, done.stderr
    for part in ("Balances", "Payments", "Ledger", "Findings", row["payment_id"], "wrong_user"):
        assert part in done.stdout


def test_an_account_without_payments_has_a_dossier_and_nobody_has_none(literal_case, monkeypatch):
    idle = literal_case(
        payments=[{"payment_id": "cs_1", "created_at": "2025-09-01T10:00:00Z"}],
        users=[{"user_id": "idle"}],
    )
    monkeypatch.setattr(Case, "open", lambda *_, **__: idle)
    monkeypatch.setattr("credit_forensics.case_file.read_case_file", lambda path: idle.settings)
    shown = run("explain", "case.toml", "idle", "--no-store")
    assert shown.stdout.startswith("idle: 0 payments, 0 findings")
    assert run("explain", "case.toml", "nobody", "--no-store").returncode == 2
    with pytest.raises(CaseError, match="is a text"):
        idle.explain(42)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["analyze", "CASE", "--out", "FILE/x"], "cannot be written"),
        (["analyze", "CASE", "--sarif", "FILE/x.sarif"], "cannot be written"),
        (["analyze", "CASE", "--baseline", "nowhere.json"], "cannot be read"),
        (["demo", "FILE"], "cannot be written"),
        (["explain", "CASE", " "], "nothing was given"),
        (["repair", "CASE", "--out", "FILE/x"], "cannot be written"),
        (["repair", "CASE", "--threshold", "1.2"], "less than or equal to 1"),
        (["repair", "CASE", "--apply", "--json"], "--yes"),
        (["review", "CASE", "--export", "FILE/x.csv"], "cannot be written"),
        (["review", "CASE", "--most", "-1"], "greater than or equal to 0"),
        (["report", "CASE", "--out", "FILE/x"], "cannot be written"),
        (["report", "CASE", "-p", "nothing=1"], "nothing"),
        (["monitor", "CASE", "--once", "--every", "often"], "often"),
        (["accuracy", "--payments", "-5"], "greater than or equal to 2"),
        (["accuracy", "--rate", "7"], "less than or equal to 1"),
        (["accuracy", "--out", "FILE/x.csv"], "cannot be written"),
        (["prune", "FOLDER", "--keep", "-1"], "greater than or equal to 0"),
        (["serve", "intake.toml", "--port", "70000"], "65535"),
    ],
    ids=" ".join,
)
def test_what_cannot_be_used_is_said_before_anything_is_read(
    case, tmp_path, monkeypatch, arguments, says
):
    def never(*_, **__):
        raise AssertionError("the case was opened")

    monkeypatch.setattr(Case, "open", never)
    (tmp_path / "file").write_text("")
    places = {"CASE": str(case), "FILE": str(tmp_path / "file"), "FOLDER": str(tmp_path)}
    given = [re.sub("CASE|FILE|FOLDER", lambda m: places[m[0]], one) for one in arguments]
    done = run(*given)
    assert done.returncode == 2, done.stdout
    assert says in done.stderr
    assert "Traceback" not in done.stderr
    assert "the program itself failed" not in done.stderr


@pytest.mark.parametrize(
    ("command", "never"),
    [
        ("analyze", {"ibis", "psycopg", "scipy.stats", "sqlalchemy"}),
        ("analyze --fresh", {"ibis", "psycopg", "scipy.stats", "sqlalchemy"}),
        ("explain", {"ibis", "pandas", "psycopg", "pyarrow", "rich", "scipy.sparse", "sqlalchemy"}),
    ],
)
def test_what_is_stored_loads_nothing_that_is_slow_and_not_needed(case, findings, command, never):
    more = [findings["payment_id"].dropna().iloc[0]] if command == "explain" else []
    program = (
        "import sys\nfrom credit_forensics.cli import main\ntry:\n    main()\n"
        f"except SystemExit:\n    print(*sorted({never!r} & set(sys.modules)), file=sys.stderr)\n"
    )
    # The first run keeps the texts of what is not kept yet.
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, "-c", program, *command.split(), str(case), *more],
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.stderr.strip() == ""


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_knows_commands_options_and_values(shell):
    def offered(line, word):
        environment = {
            **os.environ,
            "_CREDIT_FORENSICS_COMPLETE": f"complete_{shell}",
            "COMP_WORDS": line,
            "COMP_CWORD": str(word),
            "_TYPER_COMPLETE_ARGS": line,
            "_TYPER_COMPLETE_FISH_ACTION": "get-args",
        }
        program = (
            "import sys; sys.argv[0] = 'credit-forensics'; "
            "from credit_forensics.cli import main; main()"
        )
        done = subprocess.run(
            [sys.executable, "-c", program],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert "explain" in offered("credit-forensics ex", 1)
    assert "--fail-on" in offered("credit-forensics analyze --fai", 2)
    assert "medium" in offered("credit-forensics analyze --fail-on ", 3)


def test_known_findings_pass_and_the_first_write_is_a_success(case, tmp_path):
    known, log = tmp_path / "known.json", tmp_path / "findings.sarif"
    out = ["--out", tmp_path, "--fail-on", "critical"]
    assert run("analyze", case, *out).returncode == 1
    first = run("analyze", case, *out, "--write-baseline", known, "--sarif", log)
    assert first.returncode == 0, first.stderr
    assert run("analyze", case, *out, "--baseline", known).returncode == 0
    body = json.loads(known.read_text())
    body["findings"] = [key for key in body["findings"] if not key.startswith("wrong_user")]
    known.write_text(json.dumps(body))
    assert run("analyze", case, *out, "--baseline", known).returncode == 1
    results = json.loads(log.read_text())["runs"][0]["results"]
    assert {result["baselineState"] for result in results} == {"unchanged"}


def test_each_rule_links_to_its_section_of_the_docs():
    page = (ROOT / "docs" / "findings.md").read_text(encoding="utf-8")
    anchors = set(re.findall(r'<a id="(\w+)"></a>', page))
    rules = sarif_of(spec("findings").empty(), docs="https://docs.example/findings")
    links = [rule["helpUri"] for rule in rules["runs"][0]["tool"]["driver"]["rules"]]
    assert len(links) == len(FINDINGS)
    unknown = sarif_of(spec("findings").empty())["runs"][0]["tool"]["driver"]["rules"]
    assert all("helpUri" not in rule and rule["help"]["text"] for rule in unknown)
    for link in links:
        address, _, anchor = link.partition("#")
        assert address == "https://docs.example/findings"
        assert anchor in anchors, link


def test_the_hook_and_the_action_call_what_there_is():
    hook = yaml.safe_load((ROOT / "docs" / "ci" / "pre-commit-config.yaml").read_text())
    (entry,) = hook["repos"][0]["hooks"]
    action = yaml.safe_load((ROOT / "docs" / "ci" / "action.yml").read_text())
    steps = [step["run"] for step in action["runs"]["steps"] if "run" in step]
    called = [" ".join([entry["entry"], *entry["args"]]), steps[-1]]
    known = run("analyze", "--help").stdout
    for line in called:
        words = shlex.split(line.replace("${BASELINE:+", "").replace('"}', '"'))
        assert words[:2] == ["credit-forensics", "analyze"]
        options = [word for word in words if word.startswith("--")]
        assert options
        assert all(option in known for option in options), line
    used = set(re.findall(r"inputs\.([\w-]+)", (ROOT / "docs" / "ci" / "action.yml").read_text()))
    assert used == set(action["inputs"])
