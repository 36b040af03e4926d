"""Names the files of a report and finds the reports that are kept."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from html import unescape
from pathlib import Path
from typing import Any

STATUSES = ("ok", "findings", "failed")
_FACTS = re.compile(r'<meta name="report" content="([^"]*)">')
# The head stands at the beginning of the page.
_HEAD = 8_000
_STAMP = "%Y%m%dT%H%M%SZ"
_NAME = re.compile(
    r"(?P<template>[A-Za-z0-9][A-Za-z0-9_\-]*)_(?P<started>\d{8}T\d{6}Z)_(?P<run>[0-9a-f]{8})"
    r"_(?P<status>ok|findings|failed)"
    r"(?P<suffix>\.html|\.ipynb|\.csv|\.json|\.manifest\.json|\.pdf|\.hold)\Z"
)


@dataclass(frozen=True)
class RetainedReport:
    """A report that is kept: its parts on disk, by suffix (``.html``, ``.ipynb``, ``.csv``, …).

    ``held`` is true under legal hold: a file of the report's name that ends in ``.hold``.
    """

    template: str
    started: datetime
    run_id: str
    status: str
    files: dict[str, Path]

    @property
    def name(self) -> str:
        """The name that its files share."""
        return report_name(self.template, self.started, self.run_id, self.status)

    @property
    def held(self) -> bool:
        """Whether it is under legal hold."""
        return ".hold" in self.files


def report_name(template: str, started: datetime, run_id: str, status: str) -> str:
    """``<template>_<UTC start>_<run id>_<ok|findings|failed>``, without a suffix.

    Raises
    ------
    ValueError
        for a status that there is not, or a naive time.

    Examples
    --------
    >>> report_name("daily_digest", datetime(2025, 9, 1, 7, tzinfo=UTC), "0a1b2c3d", "ok")
    'daily_digest_20250901T070000Z_0a1b2c3d_ok'
    """
    if status not in STATUSES:
        raise ValueError(f"no status {status!r}; there are {', '.join(STATUSES)}")
    if started.tzinfo is None:
        raise ValueError("the start of a run must be an aware time")
    return f"{template}_{started.astimezone(UTC):{_STAMP}}_{run_id}_{status}"


def retained_reports(folder: Path) -> list[RetainedReport]:
    """The reports in a folder, newest first; files of other names are left alone.

    A folder that is not there holds none.
    """
    found: dict[tuple[str, str, str, str], dict[str, Path]] = {}
    if not folder.is_dir():
        return []
    for path in sorted(folder.iterdir()):
        match = _NAME.match(path.name)
        if match and path.is_file():
            key = (match["started"], match["run"], match["template"], match["status"])
            found.setdefault(key, {})[match["suffix"]] = path
    return [
        RetainedReport(
            template=template,
            started=datetime.strptime(started, _STAMP).replace(tzinfo=UTC),
            run_id=run,
            status=status,
            files=files,
        )
        for (started, run, template, status), files in sorted(found.items(), reverse=True)
    ]


def page_facts(page: Path) -> dict[str, Any]:
    """What a report's page says of itself in its head; nothing of one that says nothing."""
    try:
        with page.open(encoding="utf-8") as file:
            head = file.read(_HEAD)
        found = _FACTS.search(head)
        told = json.loads(unescape(found[1])) if found else {}
    except (OSError, ValueError):
        return {}
    return told if isinstance(told, dict) else {}


def previous_report(
    folder: Path, template: str, before: datetime, case: str, rolling: str | None = None
) -> Path | str:
    """The JSON of the newest report of a template on a case, of the same window; else nothing.

    A report that failed is passed over.
    """
    for report in retained_reports(folder):
        json_file, page = report.files.get(".json"), report.files.get(".html")
        fits = report.template == template and report.started < before
        if fits and json_file and page and report.status != "failed":
            facts = page_facts(page)
            if facts.get("case") == case and facts.get("rolling", "") == (rolling or ""):
                return json_file
    return ""
