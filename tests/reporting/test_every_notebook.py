"""Every notebook runs on the demo, on a small and on an empty case, and fails with a name.

One of each kind is rendered whole, by papermill in a kernel of its own; the cells of the others
are run here. What the whole page of the small case shows is in ``test_render_report``.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import nbformat
import pytest
from notebook_cells import run_cells

from credit_forensics.errors import CaseError
from credit_forensics.reporting import REPORT_VARIABLE
from credit_forensics.reporting.blocks import STATUS_MIME
from credit_forensics.reporting.notebook_files import template_names
from credit_forensics.reporting.render import ReportFailedError, render_report
from credit_forensics.scenarios.demo import write_demo_case

NOW = datetime(2025, 9, 3, 8, tzinfo=UTC)
WHOLE = "incident_report"
TEMPLATES = template_names()


@pytest.fixture(scope="module")
def demo(tmp_path_factory) -> Path:
    return write_demo_case(tmp_path_factory.mktemp("demo"), 2025)


@pytest.fixture(scope="module")
def failing(tmp_path_factory) -> Path:
    """A case whose file is good and whose evidence is gone."""
    path = tmp_path_factory.mktemp("failing") / "case.toml"
    path.write_text('[stripe]\nsessions = "gone.jsonl"\n[ledger]\nurl = "sqlite:///gone.db"\n')
    return path


@pytest.fixture
def in_a_report(monkeypatch) -> None:
    monkeypatch.setenv(REPORT_VARIABLE, "1")


@pytest.mark.parametrize("template", TEMPLATES)
def test_every_notebook_runs_on_the_demo(template, demo, in_a_report):
    assert any("text/html" in bundle for bundle in run_cells(template, demo))


@pytest.mark.parametrize("template", TEMPLATES)
def test_every_notebook_masks_the_people_of_the_small_case(template, case_path, in_a_report):
    page = "".join(bundle.get("text/html", "") for bundle in run_cells(template, case_path))
    assert "<h2" in page
    assert "example.com" not in page
    assert "alert(1)" not in page


@pytest.mark.parametrize("template", TEMPLATES)
def test_every_notebook_runs_on_an_empty_case(template, empty_case_path, in_a_report):
    told = [b[STATUS_MIME] for b in run_cells(template, empty_case_path) if STATUS_MIME in b]
    assert not any(status.get("findings") for status in told)


@pytest.mark.parametrize("template", TEMPLATES)
def test_every_notebook_fails_by_name_where_the_evidence_is_gone(template, failing, in_a_report):
    with pytest.raises(CaseError, match=r"gone\.(jsonl|db)"):
        run_cells(template, failing)


def test_a_report_on_the_demo_is_whole(demo, tmp_path):
    report = render_report(demo, template=WHOLE, out=tmp_path, now=NOW)
    assert report.status == "findings"
    assert 'class="failed"' not in report.html.read_text(encoding="utf-8")
    # Nothing that only a person could use is left in what a machine ran.
    kinds = {
        kind
        for cell in nbformat.read(report.notebook, as_version=4).cells
        for output in cell.get("outputs", [])
        for kind in output.get("data", {})
    }
    assert "application/vnd.jupyter.widget-view+json" not in kinds
    assert "text/html" in kinds


def test_a_report_on_an_empty_case_is_ok(empty_case_path, tmp_path):
    report = render_report(empty_case_path, template=WHOLE, out=tmp_path, now=NOW)
    assert report.status == "ok"
    assert report.html.name.endswith("_ok.html")
    assert 'class="failed"' not in report.html.read_text(encoding="utf-8")


def test_a_report_without_evidence_is_called_failed(failing, tmp_path):
    with pytest.raises(ReportFailedError, match=r"gone\.(jsonl|db)") as caught:
        render_report(failing, template=WHOLE, out=tmp_path, now=NOW)
    assert caught.value.rendered.html.name.endswith("_failed.html")
    assert "CaseError in cell" in caught.value.rendered.html.read_text(encoding="utf-8")
