"""The whole case through the command line, as a user runs it."""

import gzip
import io
import json
import shutil
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest
from typer.testing import CliRunner

from credit_forensics.cli import COMMANDS, app, main
from credit_forensics.errors import CaseError
from credit_forensics.scenarios.demo import is_free_for_demo, write_demo_case
from credit_forensics.tables.catalogue import spec


def in_a_process(*arguments):
    command = [sys.executable, "-c", "from credit_forensics.cli import main; main()"]
    return subprocess.run(
        [*command, *map(str, arguments)], capture_output=True, text=True, check=False
    )


def run(*arguments):
    """As ``in_a_process`` but in this one, where what was imported and compiled stays."""
    printed, complaints = io.StringIO(), io.StringIO()
    with (
        redirect_stdout(printed),
        redirect_stderr(complaints),
        pytest.MonkeyPatch.context() as patch,
        pytest.raises(SystemExit) as ended,
    ):
        patch.setattr(sys, "argv", ["credit-forensics", *map(str, arguments)])
        main()
    return SimpleNamespace(
        returncode=ended.value.code, stdout=printed.getvalue(), stderr=complaints.getvalue()
    )


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo")
    write_demo_case(folder, 2025)
    return folder


@pytest.fixture(scope="module")
def analyzed(written, tmp_path_factory):
    out = tmp_path_factory.mktemp("analysis")
    done = in_a_process("analyze", written / "case.toml", "--out", out)
    assert done.returncode == 0, done.stderr
    return out, done


@pytest.fixture
def case(written, tmp_path):
    return Path(shutil.copytree(written, tmp_path / "case"))


def test_analyze_ends_with_the_worst_payment_its_money_and_the_next_commands(analyzed, written):
    lines = analyzed[1].stdout.splitlines()[-4:]
    assert [line.split()[0] for line in lines] == ["Worst", "Why", "Review", "Report"]
    worst = lines[0].split()[1]
    assert lines[0].endswith("(wrong_user, 40.00 EUR)")
    assert lines[1].endswith(f"explain {written / 'case.toml'} {worst}")


def test_analyze_writes_the_documented_files_and_columns(analyzed):
    out, done = analyzed
    assert sorted(path.name for path in out.iterdir()) == [
        "SHA256SUMS",
        "claims.parquet",
        "findings.csv",
        "incidents.csv",
        "manifest.json",
        "rejects.csv",
        "verdicts.parquet",
    ]
    findings = pd.read_csv(out / "findings.csv", dtype="str")
    assert findings.columns.tolist() == [
        "payment_id", "event_id", "finding", "cause", "severity", "credited_user_id",
        "rightful_user_id", "probability", "credits", "amount", "currency", "created_at",
        "explanation",
    ]  # fmt: skip
    verdicts = pd.read_parquet(out / "verdicts.parquet")
    assert verdicts.columns.tolist() == [
        "payment_id", "verdict", "credited_user_id", "rightful_user_id",
        "probability_misattributed", "log_odds", "families_agreeing", "families_available", "mode",
    ]  # fmt: skip
    claims = pd.read_parquet(out / "claims.parquet")
    assert claims.columns.tolist() == spec("claims").column_names
    assert verdicts["payment_id"].is_unique
    assert "critical wrong_user" in done.stdout
    assert done.stderr == "", "no progress bar when piped"


def test_the_demo_holds_every_finding_and_the_original_two_ids(analyzed):
    out, _ = analyzed
    findings = pd.read_csv(out / "findings.csv", dtype="str")
    missing = {
        "wrong_user", "split_identity", "unknown_user", "missing_credit", "duplicate_credit",
        "unpaid_credit", "test_mode_credit", "orphan_credit", "wrong_amount",
        "refund_not_reversed", "refund_over_reversed", "poisoned_mapping", "failed_delivery",
        "balance_drift",
    } - set(findings["finding"])  # fmt: skip
    assert not missing
    seed = findings[
        (findings["finding"] == "wrong_user")
        & (findings["credited_user_id"] == "7675e93c-341b-412d-a41c-cfe1dc519172")
        & (findings["rightful_user_id"] == "e747de39-1b54-4cd0-96eb-e68f155931e2")
    ]
    assert len(seed) >= 1, (
        "the original handler's user paid, and the original handler's other user was credited"
    )


def test_findings_hold_no_email_and_no_name(analyzed, written):
    out, _ = analyzed
    import sqlite3

    with sqlite3.connect(written / "ledger.db") as connection:
        people = connection.execute("SELECT email, name FROM users").fetchall()
    for name in ("findings.csv", "incidents.csv", "rejects.csv", "manifest.json"):
        text = (out / name).read_text(encoding="utf-8")
        assert "@" not in text, name
        assert not [person for _, person in people if person and person in text], name


def test_the_same_inputs_give_the_same_bytes(analyzed, written, tmp_path):
    out, _ = analyzed
    again = run("analyze", written / "case.toml", "--out", tmp_path)
    assert again.returncode == 0
    for name in ("findings.csv", "incidents.csv", "rejects.csv", "manifest.json"):
        assert (tmp_path / name).read_bytes() == (out / name).read_bytes(), name


def test_the_manifest_holds_hash_size_rows_and_versions(analyzed, written):
    import hashlib

    out, _ = analyzed
    manifest = json.loads((out / "manifest.json").read_text(encoding="utf-8"))
    by_name = {source["name"]: source for source in manifest["inputs"]}
    content = (written / "sessions.jsonl").read_bytes()
    assert by_name["sessions.jsonl"]["sha256"] == hashlib.sha256(content).hexdigest()
    assert by_name["sessions.jsonl"]["size"] == len(content)
    assert by_name["sessions.jsonl"]["rows"] == len(content.splitlines())
    assert "duckdb" in manifest["versions"]
    sums = dict(
        reversed(line.split("  ")) for line in (out / "SHA256SUMS").read_text().splitlines()
    )
    assert len(sums) == 6
    for name, digest in sums.items():
        assert hashlib.sha256((out / name).read_bytes()).hexdigest() == digest


@pytest.mark.parametrize(("severity", "status"), [("critical", 1), (None, 0)], ids=str)
def test_fail_on_sets_the_exit_status(written, tmp_path, severity, status):
    options = ["--fail-on", severity] if severity else []
    done = run("analyze", written, "--out", tmp_path, *options)
    assert done.returncode == status


def test_where_little_was_judged_the_status_is_3_not_1(case, tmp_path):
    (case / "sessions.jsonl").write_text("", encoding="utf-8")
    (case / "events.jsonl").write_text("", encoding="utf-8")
    (case / "charges.jsonl").write_text("", encoding="utf-8")
    (case / "webhook.log").write_text("", encoding="utf-8")
    done = run("analyze", case, "--no-store", "--out", tmp_path, "--fail-on", "critical")
    assert done.returncode == 3, done.stderr
    assert "Not judged: 100 % of the ledger's credits" in done.stdout


def test_explain_prints_bars_that_sum(written):
    done = run("analyze", written, "--out", written / "x")
    findings = pd.read_csv(written / "x" / "findings.csv", dtype="str")
    payment = findings.loc[findings["finding"] == "wrong_user", "payment_id"].iloc[0]
    done = run("explain", written, payment, "--json")
    explanation = json.loads(done.stdout)
    assert explanation["verdict"]["verdict"] == "misattributed"
    for score in explanation["scores"]:
        bars = [b for b in explanation["bars"] if b["person_id"] == score["person_id"]]
        assert abs(sum(b["weight"] for b in bars) - score["score"]) < 1e-9
    assert "misattributed (hindsight)" in run("explain", written, payment).stdout
    assert "(as_of)" in run("explain", written, payment, "--mode", "as_of").stdout


def one_sentence(done):
    assert done.returncode == 2, done.stdout
    assert "Traceback" not in done.stderr
    assert done.stderr.startswith("credit-forensics: ")
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    return done.stderr


def test_a_truncated_gz_gives_what_could_be_read_and_says_so(case, tmp_path):
    plain = (case / "sessions.jsonl").read_bytes()
    packed = gzip.compress(plain)
    (case / "sessions.jsonl.gz").write_bytes(packed[: len(packed) * 2 // 3])
    (case / "sessions.jsonl").unlink()
    text = (case / "case.toml").read_text(encoding="utf-8")
    (case / "case.toml").write_text(text.replace("sessions.jsonl", "sessions.jsonl.gz"))
    done = run("analyze", case, "--no-store", "--out", tmp_path)
    assert done.returncode == 0, done.stderr
    rejects = pd.read_csv(tmp_path / "rejects.csv")
    assert rejects["reason"].str.contains("truncated|end", case=False).any()
    verdicts = pd.read_parquet(tmp_path / "verdicts.parquet")
    assert len(verdicts) > 200


def test_a_broken_line_is_rejected_and_the_rest_is_read(case, tmp_path):
    path = case / "sessions.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    lines[10] = lines[10][:40] + b"\n"
    path.write_bytes(b"".join(lines))
    done = run("analyze", case, "--no-store", "--out", tmp_path)
    assert done.returncode == 0
    assert "Rejected rows: 1" in done.stdout
    rejects = pd.read_csv(tmp_path / "rejects.csv")
    assert rejects[["file", "line"]].to_numpy().tolist() == [["sessions.jsonl", 11]]


def test_a_ledger_without_the_balance_table_is_a_finding_not_an_error(case, tmp_path):
    import sqlite3

    with sqlite3.connect(case / "ledger.db") as connection:
        connection.execute("DROP TABLE user_credits")
    connection.close()
    done = run("analyze", case, "--no-store", "--out", tmp_path)
    assert done.returncode == 0, done.stderr
    findings = pd.read_csv(tmp_path / "findings.csv", dtype="str")
    assert "balance_unreadable" in set(findings["finding"])
    assert "balance_drift" not in set(findings["finding"])


def test_an_unreachable_database_is_one_sentence_without_its_password(case):
    text = (case / "case.toml").read_text(encoding="utf-8")
    url = "postgresql://auditor:s3cret-word@127.0.0.1:9/none"
    (case / "case.toml").write_text(text.replace("sqlite:///ledger.db", url))
    message = one_sentence(run("analyze", case))
    assert "s3cret-word" not in message


def test_a_misspelt_key_names_the_right_one(case):
    path = case / "case.toml"
    path.write_text(path.read_text(encoding="utf-8").replace("sessions =", "sesions ="))
    assert "did you mean 'sessions'?" in one_sentence(run("analyze", case))


@pytest.mark.parametrize("arguments", [("analyze", "nope.toml"), ("report", "nope.toml")])
def test_a_missing_case_file(arguments, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert "There is no case file at nope.toml" in one_sentence(run(*arguments))


def test_a_missing_input_names_the_key(case):
    (case / "events.jsonl").unlink()
    assert "stripe.events" in one_sentence(run("analyze", case))


def test_every_command_has_help_with_an_example():
    listing = run("--help").stdout
    names = [line.split()[0] for line in listing.split("Commands:")[1].splitlines() if line.strip()]
    assert names == [name for name, _, _ in COMMANDS]
    for name in names:
        done = CliRunner().invoke(app, [name, "--help"])
        assert f"Example: credit-forensics {name}" in done.output, f"{name} shows no example"


def test_help_loads_nothing_of_the_analysis():
    program = (
        "import sys\n"
        "from credit_forensics.cli import COMMANDS, app, main\n"
        "for name, _, _ in COMMANDS:\n"
        "    app([name, '--help'], standalone_mode=False)\n"
        "slow = {'duckdb', 'fastapi', 'ibis', 'papermill', 'plotly', 'scipy', 'stripe'}\n"
        "sys.exit(' '.join(sorted(slow & set(sys.modules))) or 0)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert done.stderr.strip() == ""
    assert done.returncode == 0


def test_doctor_says_what_each_input_is_and_what_is_missing(case):
    text = (case / "case.toml").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if "webhook" not in line]
    lines = [line for line in lines if not line.startswith("files")]
    (case / "case.toml").write_text("\n".join(lines))
    done = run("doctor", case)
    assert done.returncode == 0, done.stderr
    assert "stripe sessions" in done.stdout
    assert "Missing: deliveries for handler_log, causes, failed_delivery." in done.stdout


def test_the_demo_overwrites_no_case_of_ones_own(tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.mkdir()
    (own / "sessions.jsonl").write_text("ours")
    done = CliRunner().invoke(app, ["demo", str(own)])
    assert isinstance(done.exception, CaseError)
    assert "--force" in str(done.exception)
    assert (own / "sessions.jsonl").read_text() == "ours"
    # A demo may be made anew, unless somebody made it a case of their own.
    case = write_demo_case(tmp_path / "demo")
    assert is_free_for_demo(tmp_path / "demo")
    case.write_text(case.read_text() + "\n[ids]\nshape = 'uuid'\n")
    assert not is_free_for_demo(tmp_path / "demo")


def test_labels_that_are_not_there_are_said_to_be(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["review", "case.toml", "--labels", str(tmp_path / "nope.csv")])
    assert isinstance(done.exception, CaseError)
    assert "There is no file of labels at" in str(done.exception)


def test_the_labs_demo_overwrites_nothing_of_ones_own(tmp_path):
    (tmp_path / "case.toml").write_text("name = 'ours'\n")
    done = run("lab", tmp_path, "--demo", "--prepare")
    assert done.returncode == 2
    assert "no demo's" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["case.toml"]
