"""The index over all kept reports: ``index.html`` beside them, newest first."""

from __future__ import annotations

from html import escape
from pathlib import Path

import pandas as pd

from credit_forensics.reporting.html_tables import Row, TableColumn, html_table
from credit_forensics.reporting.language import Html, Language
from credit_forensics.reporting.page import page_html
from credit_forensics.reporting.report_files import KeptReport, kept_reports
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
    reports = kept_reports(folder)
    columns = [
        TableColumn("name", words.say("index.report"), _link),
        TableColumn("started", words.say("index.started"), lambda row: words.time(row["started"])),
        TableColumn("status", words.say("index.status"), lambda row: _status(row, words)),
        TableColumn("files", words.say("index.files"), lambda row: Html(row["files"])),
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
    page = page_html(f'<h1 id="answers">{escape(title)}</h1>{table}', title=title, language=words)
    path = folder / "index.html"
    write_whole(path, page.encode())
    return path


def _row(report: KeptReport, words: Language) -> Row:
    links = [
        f'<a href="{escape(path.name)}">{escape(suffix.lstrip("."))}</a>'
        for suffix in _SHOWN_SUFFIXES
        if (path := report.files.get(suffix)) is not None
    ]
    page = report.files.get(".html")
    return {
        "name": report.template,
        "page": page.name if page else "",
        "started": report.started,
        "status": report.status,
        "files": " · ".join(links),
        "hold": words.say("index.held") if report.held else "",
    }


def _link(row: Row) -> Html:
    text = escape(str(row["name"]))
    return Html(f'<a href="{escape(row["page"])}">{text}</a>' if row["page"] else text)


def _status(row: Row, words: Language) -> Html:
    look = _STATUS_LOOK[str(row["status"])]
    text = escape(words.name("status", row["status"]))
    return Html(f'<span class="severity {look}">{text}</span>')
