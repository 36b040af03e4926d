"""The index over all kept reports: ``index.html`` beside them, newest first."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from markupsafe import Markup

from credit_forensics.reporting.elements import ELEMENTS
from credit_forensics.reporting.html_tables import Row, TableColumn, html_table
from credit_forensics.reporting.language import Language
from credit_forensics.reporting.page import page_html
from credit_forensics.reporting.report_files import RetainedReport, retained_reports
from credit_forensics.whole_file import write_whole

_STATUS_LOOK = {"ok": "low", "findings": "high", "failed": "critical"}
_SHOWN_SUFFIXES = (".html", ".ipynb", ".csv", ".manifest.json", ".pdf")


def write_index(folder: Path | str, *, language: str = "en") -> Path:
    """Write ``index.html`` over the reports in a folder, and give its path.

    The page holds no report's content, only names, times and statuses, and links that are
    relative, so that the folder can be moved as a whole.

    Raises
    ------
    OSError
        when the folder cannot be written.
    """
    folder = Path(folder)
    words = Language(language)
    reports = retained_reports(folder)
    columns = [
        TableColumn("name", words.say("index.report"), lambda row: _link(row["page"])),
        TableColumn("started", words.say("index.started"), lambda row: words.time(row["started"])),
        TableColumn("status", words.say("index.status"), lambda row: _status(row, words)),
        TableColumn("files", words.say("index.files"), _links),
        TableColumn("hold", words.say("index.hold")),
    ]
    table = html_table(
        pd.DataFrame([_row(report, words) for report in reports]),
        columns,
        caption=words.say("index.caption"),
        language=words,
        none=words.say("index.none"),
    )
    title = words.say("index.title")
    page = page_html(ELEMENTS.title(title, "answers") + table, title=title, language=words)
    path = folder / "index.html"
    write_whole(path, page.encode())
    return path


def _row(report: RetainedReport, words: Language) -> Row:
    files = [(suffix, report.files[suffix]) for suffix in _SHOWN_SUFFIXES if suffix in report.files]
    page = report.files.get(".html")
    return {
        "page": (report.template, page.name if page else ""),
        "started": report.started,
        "status": report.status,
        "files": [(suffix.lstrip("."), path.name) for suffix, path in files],
        "hold": words.say("index.held") if report.held else "",
    }


def _link(target: tuple[str, str]) -> str:
    text, file = target
    return ELEMENTS.link(file, text) if file else text


def _links(row: Row) -> Markup:
    return Markup(" · ").join(map(_link, row["files"]))


def _status(row: Row, words: Language) -> Markup:
    status = str(row["status"])
    return ELEMENTS.badge(words.name("status", status), _STATUS_LOOK[status])
