"""How cases, their evidence and what is made of them display in IPython, as HTML or Markdown."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pandas as pd
from IPython import get_ipython
from markupsafe import Markup

from credit_forensics.evidence.evidence import Evidence
from credit_forensics.judgement.explanation_html import explanation_html
from credit_forensics.repair.plan_text import plan_markdown
from credit_forensics.reporting.case_card import case_card
from credit_forensics.reporting.html_tables import TableColumn, html_table
from credit_forensics.reporting.language import Language
from credit_forensics.tables.evidence import EVIDENCE

if TYPE_CHECKING:
    from credit_forensics.checks.handler.run import KitReport


def evidence_html(evidence: Evidence) -> Markup:
    """A row a table: how many rows it has, and what a row is. No value of any row is shown."""
    rows = [
        (table.name, f"{evidence.count(table.name):,}", table.row, ", ".join(table.column_names))
        for table in EVIDENCE
    ]
    heads = ["Table", "Rows", "A row is", "Columns"]
    return _table(pd.DataFrame(rows, columns=heads), "Evidence", numbers=["Rows"])


def kit_report_html(report: KitReport) -> Markup:
    """A row a scenario, and how many of them the handler got right."""
    head, *_ = str(report).splitlines()
    right = report.frame["right"].map({True: "right", False: "wrong"})
    return _table(report.frame.assign(right=right), head)


# By name, so that whoever looks at a case loads no handler's kit.
DISPLAYS: tuple[tuple[str, str, str, Callable[[Any], str]], ...] = (
    ("text/html", "credit_forensics.case.case", "Case", case_card),
    ("text/html", "credit_forensics.evidence.evidence", "Evidence", evidence_html),
    ("text/html", "credit_forensics.judgement.explanation", "Explanation", explanation_html),
    ("text/html", "credit_forensics.checks.handler.run", "KitReport", kit_report_html),
    ("text/markdown", "credit_forensics.repair.repair_plan", "RepairPlan", plan_markdown),
)


def register_displays(shell: Any) -> None:
    """Let a shell of IPython display our objects; a report's run has them too."""
    for kind, module, name, display in DISPLAYS:
        shell.display_formatter.formatters[kind].for_type_by_name(module, name, display)


def _table(rows: pd.DataFrame, caption: str, numbers: list[str] | None = None) -> Markup:
    columns = [TableColumn(name, name, number=name in (numbers or ())) for name in rows.columns]
    return html_table(rows, columns, caption=caption, language=Language("en"))


if (_shell := get_ipython()) is not None:
    register_displays(_shell)
