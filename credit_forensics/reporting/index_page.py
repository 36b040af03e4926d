"""The index over all kept reports: ``index.html`` beside them, newest first."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any

from markupsafe import Markup

from credit_forensics.html_templates import render
from credit_forensics.reporting.elements import ELEMENTS
from credit_forensics.reporting.html_tables import Row, TableColumn, html_table
from credit_forensics.reporting.language import Language
from credit_forensics.reporting.page import page_html
from credit_forensics.reporting.report_files import RetainedReport, page_facts, retained_reports
from credit_forensics.whole_file import write_whole

_STATUS_LOOK = {"ok": "low", "findings": "high", "failed": "critical"}
_SHOWN_SUFFIXES = (".html", ".ipynb", ".csv", ".json", ".manifest.json", ".pdf")
_TREND = 30
_WIDTH, _HEIGHT = 90, 22


def write_index(folder: Path | str, *, language: str = "en") -> Path:
    """Write ``index.html`` over the reports in a folder, and give its path.

    The page holds of each report what its tab says, the case and its headline, and how many
    findings there were in the reports of the same case up to it. Links are relative, so that the
    folder can be moved as a whole.

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
        TableColumn("case", words.say("index.case")),
        TableColumn("headline", words.say("index.headline")),
        TableColumn("trend", words.say("index.trend"), lambda row: _trend(row, words)),
        TableColumn("started", words.say("index.started"), lambda row: words.time(row["started"])),
        TableColumn("status", words.say("index.status"), lambda row: _status(row, words)),
        TableColumn("files", words.say("index.files"), _links),
        TableColumn("hold", words.say("index.hold")),
    ]
    table = html_table(
        _rows(reports, words),
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


def _rows(reports: list[RetainedReport], words: Language) -> list[Row]:
    """The reports, newest first, each with the numbers of findings until then."""
    numbers: dict[tuple[str, ...], list[int]] = defaultdict(list)
    rows = []
    for report in reversed(reports):
        page = report.files.get(".html")
        facts = page_facts(page) if page else {}
        found = facts.get("findings")
        until: list[int] = []
        if isinstance(found, int):
            series = numbers[report.template, str(facts.get("case")), str(facts.get("rolling"))]
            series.append(found)
            until = series[-_TREND:]
        rows.append(_row(report, facts, until, words))
    return rows[::-1]


def _row(report: RetainedReport, facts: dict[str, Any], until: list[int], words: Language) -> Row:
    files = [(suffix, report.files[suffix]) for suffix in _SHOWN_SUFFIXES if suffix in report.files]
    page = report.files.get(".html")
    return {
        "page": (report.template, page.name if page else ""),
        "case": str(facts.get("case", "")),
        "headline": str(facts.get("headline", "")),
        "trend": until,
        "news": (facts.get("new"), facts.get("gone")),
        "started": report.started,
        "status": report.status,
        "files": [(suffix.lstrip("."), path.name) for suffix, path in files],
        "hold": words.say("index.held") if report.held else "",
    }


def _trend(row: Row, words: Language) -> Markup:
    """The numbers of findings as a line, the last one beside it, and what changed since."""
    until = row["trend"]
    if not until:
        return Markup()
    most = max(*until, 1)
    step = _WIDTH / max(len(until) - 1, 1)
    points = " ".join(
        f"{place * step:.1f},{_HEIGHT - 2 - (_HEIGHT - 4) * number / most:.1f}"
        for place, number in enumerate(until)
    )
    new, gone = row["news"]
    since = "" if new is None else words.say("index.since", new=new, gone=gone)
    return render(
        "reporting/templates/trend.html.j2",
        points=points if len(until) > 1 else "",
        width=_WIDTH,
        height=_HEIGHT,
        alt=words.say("index.trend_alt", numbers=words.list([words.number(n) for n in until])),
        last=words.number(until[-1]),
        since=since,
    )


def _link(target: tuple[str, str]) -> str:
    text, file = target
    return ELEMENTS.link(file, text) if file else text


def _links(row: Row) -> Markup:
    return Markup(" · ").join(map(_link, row["files"]))


def _status(row: Row, words: Language) -> Markup:
    status = str(row["status"])
    return ELEMENTS.badge(words.name("status", status), _STATUS_LOOK[status])
