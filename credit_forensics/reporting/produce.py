"""Makes a report ready to hand over: rendered, printed where asked, and listed in the index."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from credit_forensics.errors import CaseError
from credit_forensics.reporting.index_page import write_index
from credit_forensics.reporting.pdf import find_chromium, print_pdf
from credit_forensics.reporting.render import RenderedReport, ReportFailedError, render_report


@dataclass(frozen=True)
class ProducedReport:
    """A report with its PDF (``None`` where none was asked for), and the index that lists it."""

    report: RenderedReport
    pdf: Path | None
    index: Path

    def to_dict(self) -> dict[str, Any]:
        """Where its files lie, its status and counts, for JSON."""
        report = self.report
        return {
            "html": str(report.html),
            "notebook": str(report.notebook),
            "csv": None if report.csv is None else str(report.csv),
            "pdf": None if self.pdf is None else str(self.pdf),
            "index": str(self.index),
            "status": report.status,
            "findings": dict(report.counts),
            "judged_enough": report.judged_enough,
        }


def produce_report(
    case_path: Path | str,
    *,
    template: str = "incident_report",
    out: Path | str | None = None,
    reveal: bool = False,
    language: str | None = None,
    now: datetime | None = None,
    parameters: Mapping[str, Any] | None = None,
    pdf: bool = False,
    progress: bool | None = None,
    rolling: str | None = None,
    store: bool = True,
    fresh: bool = False,
) -> ProducedReport:
    """What ``credit-forensics report`` does: see ``render_report`` for the parameters.

    Parameters
    ----------
    pdf
        print the page to PDF too.

    Raises
    ------
    CaseError
        as ``render_report``; also, before anything is run, when a PDF is asked for and there is no
        Chromium.
    ReportFailedError
        when a cell failed; the report is written, named as failed and listed all the same.
    """
    if pdf and find_chromium() is None:
        raise CaseError(
            "A PDF needs Chromium on the path (on Debian: apt-get install chromium); "
            "leave --pdf out, or print the HTML page from any browser."
        )
    folder = Path("reports") if out is None else Path(out)
    try:
        report = render_report(
            case_path,
            template=template,
            out=folder,
            reveal=reveal,
            language=language,
            now=now,
            parameters=parameters,
            progress=progress,
            rolling=rolling,
            store=store,
            fresh=fresh,
        )
    except ReportFailedError:
        write_index(folder, language=language or "en")
        raise
    printed = print_pdf(report.html) if pdf else None
    return ProducedReport(report, printed, write_index(folder, language=language or "en"))
