"""What commands print as JSON is what the schemas of the package say, for the demo and awkward cases."""

from __future__ import annotations

import io
import json
import sqlite3
from contextlib import redirect_stdout
from datetime import UTC, datetime
from importlib.resources import files

import numpy as np
import pandas as pd
import pytest
from jsonschema import Draft202012Validator, FormatChecker, ValidationError
from test_cli import run

from credit_forensics.cli import COMMANDS
from credit_forensics.commands.json_output import plain, print_json
from credit_forensics.evidence.stripe_api import pull as pulling
from credit_forensics.evidence.stripe_api.pull import PullSummary, ResourcePull
from credit_forensics.intake import live_doctor
from credit_forensics.intake import settings as intake_settings
from credit_forensics.reporting import produce
from credit_forensics.reporting.produce import ProducedReport
from credit_forensics.reporting.render import RenderedReport
from credit_forensics.scenarios.demo import write_demo_case

SCHEMAS = {
    path.name.removesuffix(".json"): json.loads(path.read_text(encoding="utf-8"))
    for path in files("credit_forensics.schemas").iterdir()
    if path.name.endswith(".json")
}
# These run until they are stopped, or speak a protocol of their own.
WITHOUT = {"serve", "schedule", "mcp"}


def checked(kind, text):
    """The document, after it was held against the schema of its kind."""
    document = json.loads(text)
    Draft202012Validator(SCHEMAS[kind], format_checker=FormatChecker()).validate(document)
    return document


def printed(kind, *arguments, status=0):
    done = run(*arguments, "--json")
    assert done.returncode == status, done.stderr
    return checked(kind, done.stdout)


@pytest.fixture(scope="module")
def case(tmp_path_factory):
    return write_demo_case(tmp_path_factory.mktemp("json"), 2025)


@pytest.fixture(scope="module")
def bare(tmp_path_factory):
    """A shop of one unpaid session and one entry that names nobody known."""
    folder = tmp_path_factory.mktemp("bare")
    session = {"id": "cs_1", "object": "checkout.session", "created": 1_756_700_000}
    session |= {"payment_status": "unpaid", "livemode": True}
    (folder / "sessions.jsonl").write_text(json.dumps(session) + "\nno json\n")
    with sqlite3.connect(folder / "ledger.db") as ledger:
        ledger.execute(
            "CREATE TABLE credit_ledger (id INTEGER, user_id TEXT, delta INTEGER, "
            "reason TEXT, stripe_event_id TEXT, created_at TEXT)"
        )
        ledger.execute(
            "INSERT INTO credit_ledger VALUES "
            "(1, 'u1', 50, 'purchase', NULL, '2025-09-01 10:00:00')"
        )
    (folder / "case.toml").write_text(
        'name = "bare"\n[stripe]\nsessions = "sessions.jsonl"\n[ledger]\nurl = "sqlite:///ledger.db"\n'
    )
    return folder / "case.toml"


@pytest.mark.parametrize("kind", SCHEMAS)
def test_a_schema_is_one_and_says_what_it_is_of(kind):
    schema = SCHEMAS[kind]
    Draft202012Validator.check_schema(schema)
    assert schema["$id"] == f"credit-forensics/{kind}/1"
    assert schema["properties"]["schema"] == {"const": schema["$id"]}
    assert schema["description"].endswith(".")


def test_every_command_has_json_and_what_it_prints_a_schema():
    for name, _, _ in COMMANDS:
        has = "--json" in run(name, "--help").stdout
        assert has != (name in WITHOUT), name
        assert name in WITHOUT or name in SCHEMAS, name


def test_the_demo_case(case):
    analyzed = printed("analyze", "analyze", case)
    assert analyzed["payments"] == 400
    assert (case.parent / "analysis" / "findings.csv").exists()
    assert analyzed["out"] == str(case.parent / "analysis")
    worst = analyzed["worst"]["payment_id"]
    assert printed("explain", "explain", case, worst)["payment_id"] == worst
    findings = pd.read_csv(case.parent / "analysis" / "findings.csv", dtype="str")
    for user in findings["credited_user_id"].dropna().unique()[:3]:
        assert printed("account", "explain", case, user)["user_id"] == user
    assert printed("review", "review", case, "--most", "3")["queue"]
    assert printed("doctor", "doctor", case)["inputs"]
    assert printed("store", "store", case)["parts"]
    assert printed("repair", "repair", case)["plan"]["entries"] > 0
    assert (case.parent / "repair" / "plan.json").exists()
    assert printed("monitor", "monitor", case, "--once")["healthy"]
    assert printed("monitor-status", "monitor", case, "--status")["incidents"]
    queue = case.parent / "queue.csv"
    assert printed("review-export", "review", case, "--export", queue)["payments"]
    labels = case.parent / "given.csv"
    labels.write_text(f"payment_id,label\n{worst},wrong\ncs_nowhere,right\n")
    assert printed("review-labels", "review", case, "--labels", labels)["unknown"] == 1
    key = case.parent / "seal.pem"
    assert printed("seal", "seal", case.parent / "analysis", "--key", key)["key_made"]
    assert printed("verify", "verify", case.parent / "analysis")["holds"]
    (case.parent / "analysis" / "findings.csv").write_text("changed")
    found = printed("verify", "verify", case.parent / "analysis", status=1)
    assert found["changed"] == ["findings.csv"]
    assert printed("store-cleared", "store", case, "--clear")["removed_bytes"] > 0


def test_a_case_in_which_hardly_anything_is_known(bare):
    done = run("analyze", bare, "--json")
    assert done.returncode in (0, 3), done.stderr
    analyzed = checked("analyze", done.stdout)
    assert analyzed["rejects"] == 1
    explained = printed("explain", "explain", bare, "cs_1")
    assert explained["verdict"]["probability_misattributed"] is None
    assert printed("account", "explain", bare, "u1")["ledger"]
    printed("doctor", "doctor", bare)
    printed("review", "review", bare)
    assert printed("monitor", "monitor", bare, "--once")["checks"]


def test_init_and_lab_and_prune_and_accuracy(tmp_path, bare):
    (tmp_path / "sessions.jsonl").write_text((bare.parent / "sessions.jsonl").read_text())
    assert printed("init", "init", tmp_path)["found"]
    assert printed("lab", "lab", bare, "--prepare")["workspace"]
    (tmp_path / "reports").mkdir()
    assert printed("prune", "prune", tmp_path / "reports")["reports"] == []
    runs = printed("accuracy", "accuracy", "--payments", "60", "--seeds", "1", "--rate", "0.03")
    assert {row["seed"] for row in runs["runs"]} == {1}


@pytest.fixture
def rendered(monkeypatch, tmp_path):
    """No report is rendered; its files are where they would be."""
    html = tmp_path / "reports" / "incident_report_x_findings.html"
    report = RenderedReport(html, html.with_suffix(".ipynb"), None, "findings", {"critical": 2})
    made = ProducedReport(report, None, html.with_name("index.html"))
    monkeypatch.setattr(produce, "produce_report", lambda *_, **__: made)
    return made


def test_report_and_demo(rendered, case, tmp_path):
    shown = printed("report", "report", case)
    assert (shown["status"], shown["csv"], shown["pdf"]) == ("findings", None, None)
    made = printed("demo", "demo", tmp_path / "demo")
    assert made["report"] == str(rendered.report.html)
    assert made["payments"] == 400


def test_pull_and_doctor_live(monkeypatch, bare):
    at = datetime(2025, 9, 1, tzinfo=UTC)
    resources = (ResourcePull("events", 3, 1, 2, at, None, "one page was refused"),)
    gap = {"source": "stripe", "object": "events", "problem": "window", "consequence": "No."}
    summary = PullSummary(bare.parent / "pulled", False, resources, (gap,))
    monkeypatch.setattr(pulling, "pull", lambda *_, **__: summary)
    assert printed("pull", "pull", bare)["resources"][0]["until"] is None
    report = live_doctor.LiveReport((live_doctor.LiveCheck("health", False, "no answer"),))
    monkeypatch.setattr(intake_settings, "read_intake_settings", lambda path: None)
    monkeypatch.setattr(live_doctor, "check_live", lambda *_, **__: report)
    shown = printed("doctor-live", "doctor", bare, "--live", "http://127.0.0.1:1", status=1)
    assert not shown["all_right"]


def test_a_field_that_no_schema_has_is_refused():
    document = {"schema": "credit-forensics/store-cleared/1", "folder": "x", "removed_bytes": 1}
    checked("store-cleared", json.dumps(document))
    with pytest.raises(ValidationError):
        checked("store-cleared", json.dumps({**document, "more": 1}))


def test_values_of_pandas_are_those_of_json():
    rows = pd.DataFrame(
        {
            "n": pd.array([1, None], "Int64"),
            "x": [np.nan, 0.5],
            "at": pd.to_datetime(["2025-09-01T10:00Z", None]),
        }
    )
    assert plain({"rows": rows, "one": np.int64(3), "at": datetime(2025, 9, 1, tzinfo=UTC)}) == {
        "rows": [
            {"n": 1, "x": None, "at": "2025-09-01T10:00:00+00:00"},
            {"n": None, "x": 0.5, "at": None},
        ],
        "one": 3,
        "at": "2025-09-01T00:00:00+00:00",
    }


def test_several_documents_are_a_line_each():
    with redirect_stdout(io.StringIO()) as out:
        print_json("monitor", {"at": "x"}, line=True)
        print_json("monitor", {"at": "y"}, line=True)
    assert [json.loads(line)["at"] for line in out.getvalue().splitlines()] == ["x", "y"]


def test_an_account_whose_id_is_an_address_is_shown_masked(bare):
    address = "ada.holm@example.com"
    with sqlite3.connect(bare.parent / "ledger.db") as ledger:
        ledger.execute(
            "INSERT INTO credit_ledger VALUES (2, ?, 50, ?, NULL, '2025-09-01 11:00:00')",
            [address, f"purchase of {address}"],
        )
    entries = printed("account", "explain", bare, address)["ledger"]
    shown = {*(entry["user_id"] for entry in entries), *(entry["reason"] for entry in entries)}
    assert len(entries) == 1 and address not in " ".join(shown)
    told = run("explain", bare, address)
    assert told.returncode == 0 and "email~" in told.stdout
    assert address not in told.stdout + told.stderr
