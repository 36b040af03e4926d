"""Findings by kind, the money at stake, and the findings themselves, capped."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
from markupsafe import Markup

from credit_forensics.charts import exposure_by_cause
from credit_forensics.charts.style import SEVERITIES
from credit_forensics.reporting.blocks import Block
from credit_forensics.reporting.case_view import CaseView, money_at_stake
from credit_forensics.reporting.cells import Cells
from credit_forensics.reporting.elements import Code
from credit_forensics.reporting.findings_csv import write_findings_csv
from credit_forensics.reporting.html_tables import Row, TableColumn, html_table

SHOWN_FINDINGS = 40


def findings_section(
    view: CaseView, found: pd.DataFrame, csv: Path | None, *, section: str = "findings"
) -> Block:
    """The section, and the CSV of all rows where a path is given.

    The block's status tells the run how many findings there were, by severity.
    """
    unrun = _could_not_run(view)
    if found.empty:
        none = view.paragraph("none.findings", "none")
        return Block(
            view.heading(section), none, unrun, status=_status(found, "", enough=view.judged_enough)
        )
    sha = write_findings_csv(found, csv, view.mask) if csv else ""
    note = Markup()
    if csv:
        total = view.language.number(len(found))
        note = view.paragraph("table.csv", "csv", total=total, file=Code(csv.name), sha=Code(sha))
    return Block(
        view.heading(section),
        unrun,
        _by_finding(view, found),
        exposure_by_cause(found, language=view.language.code, label_words=_label_words(view)),
        findings_table(view, found),
        note,
        status=_status(found, sha, enough=view.judged_enough),
    )


def findings_table(view: CaseView, found: pd.DataFrame, most: int = SHOWN_FINDINGS) -> Markup:
    """The first findings as a table, with "N of M"."""
    cells = Cells(view)
    keys = (
        "payment_id",
        "severity",
        "finding",
        "cause",
        "credited_user_id",
        "rightful_user_id",
        "probability",
        "credits",
        "amount",
        "created_at",
    )
    return html_table(
        found.head(most),
        cells.columns(*keys),
        caption=view.language.say("caption.findings"),
        language=view.language,
        total=len(found),
        detail=lambda row: finding_sentence(view, row),
    )


def finding_sentence(view: CaseView, finding: Row) -> str:
    """A finding in one sentence: its own in English, this language's otherwise.

    Findings are written in English when the case is analysed; in another language the sentence is
    made anew from the finding's columns.
    """
    language = view.language
    key = f"sentence.{finding['finding']}"
    own = finding.get("explanation")
    if own and (language.code == "en" or not language.has(key)):
        return view.mask.text(own)
    if not language.has(key):
        return language.name("finding", finding["finding"])
    probability = finding.get("probability")
    return language.say(
        key,
        credited=view.user(finding.get("credited_user_id") or "–"),
        rightful=view.user(finding.get("rightful_user_id") or "–"),
        probability="–" if probability is None else language.percent(float(probability)),
    )


def _by_finding(view: CaseView, found: pd.DataFrame) -> Markup:
    rows: list[Row] = [
        {
            "severity": str(severity),
            "finding": str(name),
            "count": len(part),
            "credits": int(part["credits"].fillna(0).abs().sum()),
            "money": view.language.amounts(money_at_stake(part)),
        }
        for (severity, name), part in found.groupby(["severity", "finding"], observed=True)
    ]
    rank = {severity: i for i, severity in enumerate(SEVERITIES)}
    rows.sort(key=lambda row: (rank.get(row["severity"], 9), -row["count"], row["finding"]))
    cells = Cells(view)
    money = TableColumn("money", view.language.say("column.amount"), number=True)
    return html_table(
        pd.DataFrame(rows),
        [*cells.columns("finding", "severity", "count", "credits"), money],
        caption=view.language.say("caption.by_finding"),
        language=view.language,
    )


def _could_not_run(view: CaseView) -> Markup:
    runs = view.case.finding_runs
    failed = [str(name) for name in runs.loc[~runs["ran"].astype(bool), "finding"]]
    if not failed:
        return Markup()
    names = view.language.list([view.language.name("finding", name) for name in failed])
    return view.paragraph("findings.not_run", "failed", names=names)


def _label_words(view: CaseView) -> dict[str, str]:
    found, language = view.findings, view.language
    words = {str(name): language.name("finding", name) for name in found["finding"].unique()}
    causes = found["cause"].dropna().unique()
    return words | {str(cause): language.name("cause", cause) for cause in causes}


def _status(found: pd.DataFrame, sha: str, *, enough: bool) -> dict[str, Any]:
    counts = found["severity"].value_counts()
    return {
        "findings": len(found),
        "severities": {str(name): int(number) for name, number in counts.items()},
        "csv_sha256": sha,
        "judged_enough": enough,
    }
