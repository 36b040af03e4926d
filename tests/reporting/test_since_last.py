"""What changed since the report before, what people noted, and what the report's JSON holds."""

from __future__ import annotations

import json
import shutil
import sqlite3
from datetime import UTC, datetime, timedelta
from importlib.resources import files

import jsonschema
import pandas as pd
import pytest

from credit_forensics.errors import CaseError
from credit_forensics.reporting.incident_notes import read_notes
from credit_forensics.reporting.index_page import write_index
from credit_forensics.reporting.render import render_report
from credit_forensics.reporting.report_files import page_facts
from credit_forensics.reporting.since_last import compare

NOW = datetime(2025, 9, 3, 8, tzinfo=UTC)
NOTED = """[wrong_user-stale_session-{onset}]
owner = "Ada"
note = "rolled back; support writes to them"
"""


@pytest.fixture(scope="module")
def reports(case_path, tmp_path_factory):
    """Two reports of one case; before the second, what was booked twice is deleted."""
    folder = tmp_path_factory.mktemp("twice") / "case"
    shutil.copytree(case_path.parent, folder)
    out = folder.parent / "reports"
    first = render_report(folder / "case.toml", out=out, now=NOW, run_id="0a1b2c3d")
    told = json.loads(first.json.read_text())
    (incident,) = (row for row in told["incidents"] if row["finding"] == "wrong_user")
    onset = incident["onset"].replace("-", "").replace(":", "")
    (folder / "notes.toml").write_text(NOTED.format(onset=onset))
    connection = sqlite3.connect(folder / "ledger.db")
    # The second entry of a payment goes, and with it the stored balance is no sum any more.
    connection.execute(
        "DELETE FROM credit_ledger WHERE id ="
        " (SELECT max(id) FROM credit_ledger WHERE stripe_event_id = 'evt_0004')"
    )
    connection.commit()
    connection.close()
    second = render_report(
        folder / "case.toml", out=out, now=NOW + timedelta(days=1), run_id="1a1b2c3d"
    )
    return first, second, out


def test_the_second_report_says_what_is_new_gone_and_still_open(reports):
    first, second, _ = reports
    before, now = (json.loads(report.json.read_text()) for report in (first, second))
    assert before["since_last"] is None
    since = now["since_last"]
    assert since["started_at"] == NOW.isoformat()
    assert [row["finding"] for row in since["gone"]] == ["duplicate_credit"]
    assert since["new"] == 1
    earlier = {row["id"] for row in before["findings"]}
    assert since["still_open"] == len(earlier & {row["id"] for row in now["findings"]})
    text = second.html.read_text()
    assert "Since the last report (2025-09-03 08:00 UTC)" in text
    assert "Findings that are no longer found" in text
    assert "Since the last report" not in first.html.read_text()


def test_owner_and_note_of_an_incident_stand_with_it(reports):
    _, second, _ = reports
    assert "Owner: Ada. Note: rolled back; support writes to them" in second.html.read_text()
    noted = [row for row in json.loads(second.json.read_text())["incidents"] if row["owner"]]
    assert [(row["finding"], row["news"]) for row in noted] == [("wrong_user", "open")]


def test_the_json_is_as_its_schema_says_and_holds_no_personal_data(reports):
    schema = json.loads(
        (files("credit_forensics") / "schemas" / "incident_report.json").read_text()
    )
    for report in reports[:2]:
        text = report.json.read_text()
        jsonschema.validate(json.loads(text), schema)
        assert "example.com" not in text
        assert report.json.stat().st_mode & 0o077 == 0


def test_the_money_of_the_incidents_adds_up_to_the_headlines(reports):
    told = json.loads(reports[0].json.read_text())
    sums = sum(row["money"].get("eur", 0) for row in told["incidents"])
    assert sums == told["totals"]["money"]["eur"]
    assert f"{sums / 100:.2f} EUR at stake" in told["headline"]


def test_the_tab_names_the_case_and_its_headline_and_the_index_shows_both_and_the_trend(reports):
    first, second, out = reports
    facts = page_facts(second.html)
    title = f"<title>{facts['case']}: {facts['headline']}</title>"
    assert title in second.html.read_text()
    index = write_index(out).read_text()
    assert facts["case"] in index
    assert facts["headline"] in index
    numbers = [page_facts(report.html)["findings"] for report in (first, second)]
    assert f"oldest first: {numbers[0]} and {numbers[1]}" in index
    assert f"({facts['new']} new, {facts['gone']} gone)" in index


@pytest.mark.parametrize(("now", "less"), [(0.95, False), (1.0, False), (0.94, True)])
def test_what_is_gone_need_not_be_settled_where_less_was_judged(now, less):
    before = {"started_at": "", "judged": {"money": 0.95}, "findings": []}
    none = pd.DataFrame({"finding_id": [], "incident_id": []})
    assert compare(before, none, {"money": now}).less_judged is less


def test_what_has_left_a_rolling_window_is_not_gone():
    rows = [
        {"id": "old", "incident_id": "i", "created_at": "2025-09-01T00:00:00Z"},
        {"id": "late", "incident_id": "i", "created_at": "2025-09-03T00:00:00Z"},
        {"id": "undated", "incident_id": "i", "created_at": None},
    ]
    before = {"started_at": "", "judged": {}, "findings": rows}
    none = pd.DataFrame({"finding_id": [], "incident_id": []})
    since = pd.Timestamp("2025-09-02", tz="UTC")
    assert [row["id"] for row in compare(before, none, {}, since).gone] == ["late", "undated"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("x", "cannot be read as TOML"),
        ('owner = "Ada"', "must be a table"),
        ("[i]\nowner = 3", "owner of \\[i\\] must be text"),
        ('[i]\nowners = "Ada"', "did you mean"),
    ],
)
def test_notes_that_are_none_are_refused(tmp_path, text, says):
    (tmp_path / "notes.toml").write_text(text)
    with pytest.raises(CaseError, match=says):
        read_notes(tmp_path)


def test_without_notes_there_are_none(tmp_path):
    assert read_notes(tmp_path) == {}
