"""Reports are named so that they can be found, listed, held and pruned together."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from credit_forensics.errors import CaseError
from credit_forensics.reporting.index_page import write_index
from credit_forensics.reporting.prune import FOLDER_HOLD, hold_report, prune
from credit_forensics.reporting.report_files import report_name, retained_reports

NOW = datetime(2025, 10, 1, 12, tzinfo=UTC)


def keep(folder: Path, days: int, *, status="findings", template="daily_digest", run="0a1b2c3d"):
    name = report_name(template, NOW - timedelta(days=days), run, status)
    for suffix in (".html", ".ipynb", ".csv", ".pdf"):
        (folder / f"{name}{suffix}").write_text("x")
    return name


def test_names_are_utc_and_read_back(tmp_path):
    berlin = timezone(timedelta(hours=2))
    moment = datetime(2025, 9, 1, 9, 0, 5, tzinfo=berlin)
    name = report_name("incident_report", moment, "0a1b2c3d", "failed")
    assert name == "incident_report_20250901T070005Z_0a1b2c3d_failed"
    (tmp_path / f"{name}.html").write_text("x")
    (tmp_path / "notes.html").write_text("x")
    (report,) = retained_reports(tmp_path)
    assert (report.name, report.started, report.held) == (name, moment, False)


def test_bad_names_are_refused():
    with pytest.raises(ValueError, match="no status"):
        report_name("x", NOW, "0a1b2c3d", "maybe")
    with pytest.raises(ValueError, match="aware"):
        report_name("x", datetime(2025, 9, 1), "0a1b2c3d", "ok")


def test_prune_removes_all_parts_of_old_reports_and_nothing_else(tmp_path):
    old, new = keep(tmp_path, 100), keep(tmp_path, 1)
    (tmp_path / "notes.txt").write_text("mine")
    decided = prune(tmp_path, older_than_days=90, now=NOW)
    assert [(one.report.name, one.decision) for one in decided] == [(new, "kept"), (old, "removed")]
    assert {path.name for path in tmp_path.iterdir()} == {
        "notes.txt",
        *(f"{new}{suffix}" for suffix in (".html", ".ipynb", ".csv", ".pdf")),
    }


def test_a_dry_run_decides_the_same_and_removes_nothing(tmp_path):
    keep(tmp_path, 100)
    keep(tmp_path, 1)
    before = sorted(tmp_path.iterdir())
    dry = prune(tmp_path, now=NOW, dry_run=True)
    assert sorted(tmp_path.iterdir()) == before
    assert [one.decision for one in dry] == [one.decision for one in prune(tmp_path, now=NOW)]


def test_a_held_report_stays_until_the_hold_is_lifted(tmp_path):
    old = keep(tmp_path, 100)
    keep(tmp_path, 1)
    hold_report(tmp_path, f"{old}.html")
    assert [one.decision for one in prune(tmp_path, now=NOW)] == ["kept", "held"]
    assert (tmp_path / f"{old}.csv").exists()
    hold_report(tmp_path, old, held=False)
    assert [one.decision for one in prune(tmp_path, now=NOW)] == ["kept", "removed"]


def test_a_hold_on_the_folder_holds_all(tmp_path):
    keep(tmp_path, 100)
    keep(tmp_path, 99)
    (tmp_path / FOLDER_HOLD).touch()
    decided = prune(tmp_path, keep=0, now=NOW)
    assert {one.decision for one in decided} == {"held"}


def test_the_newest_of_each_template_stay_however_old(tmp_path):
    keep(tmp_path, 300)
    keep(tmp_path, 200)
    keep(tmp_path, 250, template="incident_report")
    decided = prune(tmp_path, keep=1, now=NOW)
    assert [one.decision for one in decided] == ["kept", "kept", "removed"]


def test_prune_says_what_it_cannot_do(tmp_path):
    with pytest.raises(CaseError, match="no folder"):
        prune(tmp_path / "none")
    with pytest.raises(CaseError, match="negative"):
        prune(tmp_path, older_than_days=-1)
    with pytest.raises(CaseError, match="no report"):
        hold_report(tmp_path, "daily_digest_20250901T070000Z_0a1b2c3d_ok")


def test_the_index_lists_newest_first_with_status_and_relative_links(tmp_path):
    old, new = keep(tmp_path, 3, status="failed"), keep(tmp_path, 1, status="ok")
    hold_report(tmp_path, old)
    page = write_index(tmp_path).read_text()
    assert page.index(new) < page.index(old)
    assert f'href="{new}.html"' in page
    assert f'href="{old}.csv"' in page
    assert '<span class="severity low">ok</span>' in page
    assert "failed" in page
    assert "held" in page
    assert "http" not in page.replace("http-equiv", "")


def test_an_empty_index_says_so_in_german_too(tmp_path):
    page = write_index(tmp_path, language="de").read_text()
    assert '<html lang="de">' in page
    assert "keine Berichte" in page


def test_prune_refreshes_the_index(tmp_path):
    old = keep(tmp_path, 100)
    keep(tmp_path, 1)
    write_index(tmp_path)
    prune(tmp_path, now=NOW)
    assert old not in (tmp_path / "index.html").read_text()
