"""The plan of a repair as sections: what would be booked, and what needs a person."""

from __future__ import annotations

import pandas as pd
from markupsafe import Markup

from credit_forensics.repair.repair_plan import RepairPlan
from credit_forensics.reporting.blocks import Block
from credit_forensics.reporting.case_view import CaseView
from credit_forensics.reporting.cells import Cells, code
from credit_forensics.reporting.elements import ELEMENTS
from credit_forensics.reporting.html_tables import Row, TableColumn, html_table

SHOWN_ROWS = 60


def repair_section(view: CaseView, plan: RepairPlan) -> Block:
    """A plan's entries in the order of booking, with each balance before and after.

    Parameters
    ----------
    view
        the case as the report sees it.
    plan
        the plan; nothing of it is carried out here.
    """
    language = view.language
    rows = plan.rows
    listed = rows["action"].isna() | rows["action"].isin(["", "none"])
    counts = [
        f"{language.number(number)} {language.name('plan', status)}"
        for status, number in plan.counts.items()
    ]
    summary = language.list(counts) or language.say("none.rows")
    refusal = view.mask.text(plan.refusal)
    return Block(
        view.heading("repair"),
        view.paragraph("repair.intro", counts=summary),
        ELEMENTS.paragraph(refusal, "failed") if refusal else Markup(),
        _booked(view, rows[~listed]),
        view.heading("persons_needed"),
        _listed(view, rows[listed]),
    )


def _booked(view: CaseView, rows: pd.DataFrame) -> Markup:
    text, cells = view.language.say, Cells(view)
    return html_table(
        rows.head(SHOWN_ROWS),
        [
            TableColumn("number", text("column.number"), number=True),
            *_finding(view),
            TableColumn("action", text("column.action"), lambda row: view.mask.text(row["action"])),
            cells.column("user_id"),
            TableColumn("delta", text("column.credits"), _signed, number=True),
            TableColumn("balance_before", text("column.before"), number=True),
            TableColumn("balance_after", text("column.running"), number=True),
            TableColumn("already_spent", text("column.already_spent"), number=True),
        ],
        caption=text("caption.plan"),
        language=view.language,
        total=len(rows),
        none=text("none.plan"),
    )


def _listed(view: CaseView, rows: pd.DataFrame) -> Markup:
    text = view.language.say
    return html_table(
        rows.head(SHOWN_ROWS),
        [
            TableColumn("number", text("column.number"), number=True),
            *_finding(view),
            TableColumn("note", text("column.reason"), lambda row: view.mask.text(row["note"])),
        ],
        caption=text("caption.persons_needed"),
        language=view.language,
        total=len(rows),
        none=text("none.rows"),
    )


def _finding(view: CaseView) -> list[TableColumn]:
    text, cells = view.language.say, Cells(view)
    status = TableColumn(
        "status", text("column.status"), lambda row: view.language.name("plan", row["status"])
    )
    payment = TableColumn("payment_id", text("column.payment_id"), code("payment_id"))
    return [status, *cells.columns("finding"), payment]


def _signed(row: Row) -> str:
    return "" if row["delta"] is None else f"{int(row['delta']):+d}"
