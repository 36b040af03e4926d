"""A report's size is that of its charts' library and its capped tables, not of the case."""

from __future__ import annotations

import json

from markupsafe import Markup

from credit_forensics.case.case import Case
from credit_forensics.reporting.findings_section import SHOWN_FINDINGS
from credit_forensics.reporting.incident_report import IncidentReport
from credit_forensics.reporting.language import Language
from credit_forensics.reporting.page import page_html
from credit_forensics.scenarios.settings import WorldSettings
from credit_forensics.scenarios.world import make_world

SECTIONS = (
    "headline", "answers", "findings", "worst_cases", "waterfalls", "timeline", "methods", "trust",
    "incidents", "shared", "hit", "coverage", "manifest", "appendix",
)  # fmt: skip
MOST_BYTES = 5_000_000


def written(payments: int, csv) -> tuple[int, int, str]:
    """Findings of a world, bytes of its report's sections, and the report as text."""
    settings = WorldSettings(payments=payments, wrong_session_rate=0.1)
    case = Case.from_evidence(make_world(settings, seed=8).evidence())
    report = IncidentReport(case, csv=str(csv))
    bundles = [bundle for name in SECTIONS for bundle in getattr(report, name)().bundles()]
    text = "".join(bundle["text/plain"] for bundle in bundles)
    return len(case.findings), len(json.dumps(bundles)), text


def test_four_times_the_findings_give_the_same_page(tmp_path):
    few, small, _ = written(1_500, tmp_path / "few.csv")
    many, large, text = written(6_000, tmp_path / "many.csv")
    assert many > 3 * few > 300
    assert large < 1.25 * small
    # What is cut is counted, and lies beside the page.
    assert f"({SHOWN_FINDINGS} of {many:,})" in text
    assert len((tmp_path / "many.csv").read_text().splitlines()) == many + 1
    shell = len(page_html(Markup('<div class="plot"></div>'), title="", language=Language("en")))
    # Each part is here as HTML and as text, so this is more than the page.
    assert shell + large < 0.6 * MOST_BYTES
