"""Writes a report as JSON beside its page, for programs and for the report after it.

Its schema is ``credit_forensics/schemas/incident_report.json``; ``docs/reports.md`` says what
stands in it.
"""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd

from credit_forensics import __version__
from credit_forensics.records import row_dicts
from credit_forensics.reporting.blocks import text_of
from credit_forensics.reporting.case_view import CaseView
from credit_forensics.reporting.in_short import in_short
from credit_forensics.reporting.incident_rows import incident_rows
from credit_forensics.reporting.since_last import SCHEMA

_FINDING = (
    "id", "incident_id", "part_of", "finding", "cause", "severity", "payment_id", "event_id",
    "credited_user_id", "rightful_user_id", "probability", "credits", "amount", "currency",
    "created_at",
)  # fmt: skip
_INCIDENT = (
    "incident_id", "part_of", "finding", "cause", "severity", "onset", "onset_low", "onset_high",
    "end", "ongoing", "findings", "users", "credits", "amount", "currency", "money", "news",
    "owner", "note",
)  # fmt: skip
_GONE = (
    "id",
    "incident_id",
    "finding",
    "cause",
    "severity",
    "payment_id",
    "amount",
    "currency",
    "created_at",
)


def report_json(view: CaseView, headline: str, started_at: str, rolling: str) -> dict[str, Any]:
    """The report as plain values, masked whether the page is or not.

    Parameters
    ----------
    view
        the case; one that masks.
    headline
        the page's, as text.
    started_at, rolling
        the run's, as they were given.
    """
    findings, since = view.findings, view.since
    return {
        "schema": SCHEMA,
        "version": __version__,
        "case": view.case.name,
        "started_at": started_at,
        "rolling": rolling,
        "language": view.language.code,
        "headline": headline,
        "in_short": [text_of(str(line)) for line in in_short(view)],
        "totals": {
            "payments": len(view.verdicts),
            "findings": len(findings),
            "incidents": len(view.incidents),
            "accounts_hit": view.accounts_hit,
            "money": dict(sorted(view.at_stake.items())),
            "severities": dict(sorted(_counts(findings["severity"]).items())),
            "by_finding": dict(sorted(view.by_finding.items())),
            "verdicts": dict(sorted(_counts(view.verdicts["verdict"]).items())),
        },
        "judged": dict(sorted(view.case.judged.shares.items())),
        "judged_enough": view.judged_enough,
        "since_last": None
        if since is None
        else {
            "started_at": since.started_at,
            "new": len(since.new),
            "still_open": len(since.still_open),
            "less_judged": since.less_judged,
            "gone": [{key: row.get(key) for key in _GONE} for row in since.gone],
        },
        "incidents": [_picked(row, _INCIDENT) for row in _shown_incidents(view)],
        "findings": [_picked(row, _FINDING) for row in _shown_findings(view)],
    }


def write_report_json(report: dict[str, Any], path: Path) -> None:
    """Write it, a finding a line, so that a diff can be read."""
    head = {key: value for key, value in report.items() if key != "findings"}
    lines = ",\n".join(f"  {_dumped(row)}" for row in report["findings"])
    text = json.dumps(head, indent=1, ensure_ascii=False)
    path.write_text(f'{text[:-2]},\n "findings": [\n{lines}\n ]\n}}\n', encoding="utf-8")


def _shown_findings(view: CaseView) -> list[dict[str, Any]]:
    masked = view.mask.frame(view.findings.drop(columns="explanation"), "findings")
    beside = view.matters
    return row_dicts(masked.assign(id=beside["finding_id"], part_of=beside["part_of"]))


def _shown_incidents(view: CaseView) -> list[dict[str, Any]]:
    return [{**row, "note": view.mask.text(row["note"])} for row in incident_rows(view)]


def _picked(row: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {name: _plain(row.get(name)) for name in names}


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%SZ")
    if isinstance(value, float):
        return round(value, 6)
    if isinstance(value, dict):
        return value
    return None if value is None or value == "" or pd.isna(value) else value


def _counts(column: pd.Series) -> dict[str, int]:
    return {str(name): int(number) for name, number in column.value_counts().items()}


def _dumped(row: dict[str, Any]) -> str:
    return json.dumps(row, ensure_ascii=False, separators=(", ", ": "))
