"""Every notebook runs by papermill on the demo, and fails with a name where the case does."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import nbformat
import pytest

from credit_forensics.reporting.notebook_files import template_names
from credit_forensics.reporting.render import ReportFailedError, render_report
from credit_forensics.scenarios.demo import write_demo_case

NOW = datetime(2025, 9, 3, 8, tzinfo=UTC)


@pytest.fixture(scope="module")
def demo(tmp_path_factory) -> Path:
    return write_demo_case(tmp_path_factory.mktemp("demo"), 2025)


@pytest.fixture(scope="module")
def failing(tmp_path_factory) -> Path:
    """A case whose file is good and whose evidence is gone."""
    path = tmp_path_factory.mktemp("failing") / "case.toml"
    path.write_text('[stripe]\nsessions = "gone.jsonl"\n[ledger]\nurl = "sqlite:///gone.db"\n')
    return path


@pytest.mark.parametrize("template", template_names())
def test_every_notebook_runs_on_the_demo(template, demo, tmp_path):
    report = render_report(demo, template=template, out=tmp_path, now=NOW)
    assert report.status in ("ok", "findings")
    page = report.html.read_text(encoding="utf-8")
    assert 'class="failed"' not in page
    # Nothing that only a person could use is left in what a machine ran.
    kinds = {
        kind
        for cell in nbformat.read(report.notebook, as_version=4).cells
        for output in cell.get("outputs", [])
        for kind in output.get("data", {})
    }
    assert "application/vnd.jupyter.widget-view+json" not in kinds
    assert "text/html" in kinds


@pytest.mark.parametrize("template", template_names())
def test_every_notebook_fails_by_name_where_the_evidence_is_gone(template, failing, tmp_path):
    with pytest.raises(ReportFailedError, match=r"gone\.(jsonl|db)") as caught:
        render_report(failing, template=template, out=tmp_path, now=NOW)
    assert caught.value.rendered.html.name.endswith("_failed.html")
    assert "CaseError in cell" in caught.value.rendered.html.read_text(encoding="utf-8")
