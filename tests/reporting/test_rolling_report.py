"""A report over a rolling window: what falls into it is what a full run finds, and it says so."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path

import pandas as pd
import pytest
from small_case import write_case

from credit_forensics.case.case import Case
from credit_forensics.errors import CaseError
from credit_forensics.reporting.daily_digest import DailyDigest
from credit_forensics.reporting.incident_report import IncidentReport
from credit_forensics.reporting.render import RenderedReport, render_report
from credit_forensics.reporting.schedule import SchedulePlan, checked_plan, run_once
from credit_forensics.reporting.window import span_of

# The last payment of the small case is dated 2025-09-03 07:00.
NOW = datetime(2025, 9, 3, 8, tzinfo=UTC)


def words(report: RenderedReport) -> str:
    text = unescape(report.html.read_text(encoding="utf-8").split("<main>")[1])
    return " ".join(text.split())


def in_window(findings: pd.DataFrame, hours: int) -> pd.DataFrame:
    dated = findings["created_at"]
    inside = (dated > NOW - timedelta(hours=hours)) & (dated <= NOW)
    return findings[inside | dated.isna()]


def keys(rows: pd.DataFrame) -> list[tuple[str, ...]]:
    named = ["finding", "payment_id", "event_id", "credited_user_id", "rightful_user_id"]
    return sorted(rows[named].fillna("").itertuples(index=False, name=None))


def test_two_runs_show_the_window_and_what_was_read_anew(tmp_path):
    case = write_case(tmp_path / "case")
    sessions = case.parent / "sessions.jsonl"
    everything = sessions.read_bytes()
    sessions.write_bytes(everything[: everything.rindex(b"\n", 0, -1) + 1])
    first = render_report(case, out=tmp_path / "out", now=NOW, rolling="12h")
    assert "new, read whole" in words(first)
    sessions.write_bytes(everything)
    second = render_report(case, out=tmp_path / "out", now=NOW, rolling="12h", language="en")
    shown = words(second)
    full = Case.open(case, store=False).findings
    inside = in_window(full, 12)
    assert 0 < len(inside) < len(full)
    assert (
        f"This report is about 2025-09-02 20:00 UTC to 2025-09-03 08:00 UTC: {len(inside)} of the "
        f"{len(full)} findings of the case lie in it." in shown
    )
    assert "read anew for it were" in shown
    assert "read from where it ended" in shown
    assert "new, read whole" not in shown
    assert keys(pd.read_csv(second.csv, dtype="str")) == keys(inside)
    assert sum(second.counts.values()) == len(inside)
    nothing_new = render_report(
        case, out=tmp_path / "out", now=NOW, rolling="12h", template="daily_digest", language="de"
    )
    assert "in den Eingaben war nichts Neues" in words(nothing_new)
    assert keys(pd.read_csv(nothing_new.csv, dtype="str")) == keys(inside)


def test_a_report_on_the_whole_case_says_nothing_of_a_window(case):
    report = IncidentReport(case, started_at=NOW.isoformat())
    assert report.view.window is None
    assert "This report is about" not in repr(report.headline())
    assert len(report.view.findings) == len(case.findings)


@pytest.mark.parametrize("hours", [1, 6, 20, 400])
def test_payments_findings_and_incidents_are_those_of_the_window(case, hours):
    view = IncidentReport(case, started_at=NOW.isoformat(), rolling=f"{hours}h").view
    assert keys(view.findings) == keys(in_window(case.findings, hours))
    times = view.payments["created_at"]
    assert ((times > NOW - timedelta(hours=hours)) & (times <= NOW)).all()
    assert sorted(view.verdicts["payment_id"]) == sorted(view.payments["payment_id"])
    dated = view.incidents.dropna(subset=["onset"])
    assert (dated["onset"] <= NOW).all()
    assert len(dated) < len(case.incidents) or hours > 20
    assert set(view.findings["finding"]) <= set(view.incidents["finding"])
    digest = DailyDigest(case, started_at=NOW.isoformat(), rolling=f"{hours}h")
    assert keys(digest.recent) == keys(view.findings)


def test_every_section_stands_where_nothing_lies_in_the_window(case):
    report = IncidentReport(case, started_at="2030-01-01T00:00:00+00:00", rolling="1h")
    assert report.view.payments.empty
    for section in (
        "headline", "answers", "findings", "worst_cases", "waterfalls", "timeline", "methods",
        "trust", "incidents", "shared", "hit", "coverage", "manifest", "appendix",
    ):  # fmt: skip
        assert list(getattr(report, section)().bundles())


@pytest.mark.parametrize("text", ["", "7", "0d", "7 days", "-1d", "1000000d", "d7"])
def test_a_span_that_is_none_is_refused(text):
    with pytest.raises(CaseError, match="is no rolling window"):
        span_of(text)


def test_a_template_without_a_window_and_a_bad_span_are_refused_before_anything_runs(
    case_path, tmp_path
):
    with pytest.raises(CaseError, match="01_first_look has no rolling window"):
        render_report(case_path, out=tmp_path, template="01_first_look", rolling="7d")
    main = "from credit_forensics.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", main, "report", str(case_path), "--rolling", "soon"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "'soon' is no rolling window; write it as 24h, 7d or 4w." in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_schedule_renders_the_window(tmp_path):
    case = write_case(tmp_path / "case")
    plan = SchedulePlan(str(case), out=str(tmp_path / "out"), rolling="1w")
    # A window that ends now holds nothing of 2025.
    assert run_once(checked_plan(plan)) == "ok"
    assert (Path(case).parent / ".store" / "rows.duckdb").exists()
    with pytest.raises(CaseError, match="is no rolling window"):
        checked_plan(SchedulePlan(str(case), out=str(tmp_path / "out"), rolling="weekly"))
