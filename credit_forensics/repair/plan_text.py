"""The plan as a page that a person can read and decide on."""

from __future__ import annotations

import pandas as pd

from credit_forensics.records import row_dicts
from credit_forensics.repair.plan_json import plan_document
from credit_forensics.repair.plan_rows import HELD_BACK, OFFERED
from credit_forensics.repair.repair_plan import RepairPlan

AT_MOST = 200
"""Lines of a table on the page; ``plan.csv`` has them all."""


def plan_summary(plan: RepairPlan) -> str:
    """What the plan comes to: the head of ``plan.md``, then corrections by finding and status."""
    once = plan.rows.drop_duplicates(["number", "finding", "status"])
    counts = once.groupby(["finding", "status"], observed=True).size().reset_index(name="number")
    order = counts.sort_values(["number", "finding", "status"], ascending=[False, True, True])
    width = max((len(str(name)) for name in order["finding"]), default=0)
    lines = [
        f"  {row['finding']:<{width}}  {row['number']:>6,}  {row['status']}"
        for row in row_dicts(order)
    ]
    return "\n\n".join([*_head(plan), *(["\n".join(lines)] if lines else [])]) + "\n"


def plan_markdown(plan: RepairPlan) -> str:
    """``plan.md``: what would be booked, what is held back, what only a person can decide."""
    offered, held, rest = _by_status(plan)
    bookings = offered[offered["action"] != "rebind"]
    parts = _head(plan)
    parts += _section("To book", bookings, _BOOKINGS)
    parts += _section("Bindings to set right", offered[offered["action"] == "rebind"], _BINDINGS)
    if len(held):
        parts += _section("Held back", held, _BOOKINGS)
        parts.append(
            "These would drive a balance below zero, because credits are spent that were another's "
            "or were too many. They are booked only with `--allow-negative`; a debt is a decision."
        )
    parts += _section("For a person to decide", rest, _LISTED)
    parts.append(
        "Each correction is booked whole or not at all, once: its key stands in the entry's reason."
    )
    return "\n\n".join(parts) + "\n"


def _by_status(plan: RepairPlan) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """What is offered, what is held back, and what a person must decide."""
    rows = plan.rows
    offered, held = rows[rows["status"] == OFFERED], rows[rows["status"] == HELD_BACK]
    return offered, held, rows[~rows["status"].isin((OFFERED, HELD_BACK))]


def _head(plan: RepairPlan) -> list[str]:
    offered, held, rest = _by_status(plan)
    bookings = offered[offered["action"] != "rebind"]
    parts = [
        f"# Repair plan: {_cell(plan.case_name)}",
        f"{_count(bookings['number'].nunique(), 'correction')} with "
        f"{_count(len(bookings), 'entry', 'entries')}, "
        f"{_count(len(offered) - len(bookings), 'binding')} to set right, "
        f"{held['number'].nunique()} held back, {rest['number'].nunique()} for a person. "
        f"Inferred findings count from p = {plan.threshold:g} on. "
        "Nothing has been changed: this is a plan.",
    ]
    document = plan_document(plan)
    parts.append(
        f"Its entries give {document['credits_given']} credits and take "
        f"{document['credits_taken']}: {document['credits_sum']:+d} in all. "
        f"Its hash is `{document['sha256']}`."
    )
    if plan.refusal:
        parts.append(f"It cannot be applied here, because {plan.refusal}.")
    return parts


_BOOKINGS = (
    ("finding", "Finding"),
    ("payment_id", "Payment"),
    ("action", "Entry"),
    ("user_id", "Account"),
    ("delta", "Credits"),
    ("balance_before", "Balance"),
    ("balance_after", "after"),
    ("already_spent", "Spent"),
    ("probability", "p"),
    ("note", "Note"),
)
_BINDINGS = (
    ("payment_id", "Written by payment"),
    ("customer_id", "Customer"),
    ("old_user_id", "From account"),
    ("user_id", "To account"),
    ("probability", "p"),
)
_LISTED = (
    ("finding", "Finding"),
    ("cause", "Cause"),
    ("payment_id", "Payment"),
    ("user_id", "Account"),
    ("status", "Status"),
    ("note", "Why"),
)


def _section(title: str, rows: pd.DataFrame, columns: tuple[tuple[str, str], ...]) -> list[str]:
    if rows.empty:
        return []
    lines = [
        "| " + " | ".join(heading for _, heading in columns) + " |",
        "|" + "---|" * len(columns),
    ]
    lines += [
        "| " + " | ".join(_cell(row[name]) for name, _ in columns) + " |"
        for row in row_dicts(rows.head(AT_MOST))
    ]
    parts = [f"## {title}", "\n".join(lines)]
    if len(rows) > AT_MOST:
        parts.append(f"{AT_MOST} of {len(rows)} lines; `plan.csv` has them all.")
    return parts


def _cell(value: object) -> str:
    """A value as text that stays text: whatever Markdown or HTML would take for its own is put out.

    Examples
    --------
    >>> _cell("a|<script>`x`")
    'a\\\\|&lt;script&gt;\\\\`x\\\\`'
    """
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.3f}"
    text = " ".join(str(value).split())
    for sign, safe in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("\\", "\\\\")):
        text = text.replace(sign, safe)
    for sign in "|`*[]":
        text = text.replace(sign, f"\\{sign}")
    return text


def _count(number: int, singular: str, plural: str = "") -> str:
    return f"{number} {singular if number == 1 else plural or singular + 's'}"
