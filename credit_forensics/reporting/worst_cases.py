"""The side-by-side matrix of the worst cases: whom each method names, under its family."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
from markupsafe import Markup

from credit_forensics.html_templates import render
from credit_forensics.records import row_dicts
from credit_forensics.reporting.case_view import CaseView
from credit_forensics.reporting.elements import Code
from credit_forensics.reporting.html_tables import Row, TableColumn, html_table
from credit_forensics.resolution.methods import REPLAYS


def worst_matrix(
    view: CaseView, most: int = 12, *, payments: Sequence[str] | None = None
) -> Markup:
    """Rows are payments, worst first; columns are methods, grouped by family.

    A cell says in words what it means: the payer, the wrongly credited account, or another user.
    Columns in which every shown payment is silent are left out. ``payments`` chooses the payments
    instead of the worst ones.
    """
    language = view.language
    wanted = view.worst_payments if payments is None else list(payments)
    chosen = wanted[:most]
    rows = {row["payment_id"]: row for row in view.matrix_of(chosen)} if chosen else {}
    verdicts = view.case.verdicts
    verdicts = verdicts[verdicts["payment_id"].isin(chosen)]
    verdict_of = {row["payment_id"]: row for row in row_dicts(verdicts)}
    chosen = [payment for payment in chosen if payment in rows]
    if not chosen:
        return view.paragraph("none.worst", "none")
    groups = _groups(view, [rows[payment] for payment in chosen])
    methods = [method for _, members in groups for method in members]
    counted = language.say(
        "table.n_of_m", shown=language.number(len(chosen)), total=language.number(len(wanted))
    )
    return render(
        "reporting/templates/matrix.html.j2",
        caption=f"{language.say('caption.worst')} ({counted})",
        payment_heading=language.say("column.payment_id"),
        groups=[
            (name, [(method, language.name("method", method)) for method in members])
            for name, members in groups
        ],
        rows=[
            _row(view, rows[payment], verdict_of.get(payment, {}), methods) for payment in chosen
        ],
        legend=language.say("worst.legend"),
    )


def methods_of_payment(view: CaseView, payment: str) -> Markup:
    """Whom each method names for one payment: a row a method that speaks, under its family."""
    language = view.language
    rows = view.matrix_of([payment])
    verdicts = view.case.verdicts
    verdict = row_dicts(verdicts[verdicts["payment_id"] == payment])
    named = [
        {"family": family, "method": method, **(_cell(view, rows[0][method], verdict[0]) or {})}
        for family, members in (_groups(view, rows) if rows and verdict else [])
        for method in members
    ]
    return html_table(
        pd.DataFrame(named),
        [
            TableColumn("family", language.say("column.family")),
            TableColumn("method", language.say("column.method"), lambda row: Code(row["method"])),
            TableColumn("user", language.say("column.user_id")),
            TableColumn("label", language.say("column.role")),
        ],
        caption=language.say("caption.methods_of_payment"),
        language=language,
    )


def _groups(view: CaseView, rows: list[Row]) -> list[tuple[str, list[str]]]:
    speaking = {name for row in rows for name, value in row.items() if value is not None}
    groups: dict[str, list[str]] = {}
    # The family that a method belongs to unless the session gave its value away.
    for row in row_dicts(view.case.method_summary):
        if row["method"] in speaking:
            family = view.language.name("family", row["family"])
            groups.setdefault(family, []).append(str(row["method"]))
    groups[view.language.say("worst.done")] = [name for name in REPLAYS if name in speaking]
    return [(name, members) for name, members in groups.items() if members]


def _row(view: CaseView, row: Row, verdict: Row, methods: list[str]) -> dict[str, Any]:
    return {
        "payment": view.short_id(row["payment_id"]),
        "verdict": view.language.name("verdict", verdict.get("verdict")),
        "cells": [_cell(view, row.get(method), verdict) for method in methods],
    }


def _cell(view: CaseView, named: object, verdict: Row) -> dict[str, Any] | None:
    if named is None:
        return None
    rightful, credited = verdict.get("rightful_user_id"), verdict.get("credited_user_id")

    def person(user: object) -> str:
        return view.person_of.get(str(user), str(user))

    if rightful and person(named) == person(rightful):
        role = "payer"
    elif credited and person(named) == person(credited):
        role = "credited"
    else:
        role = "other"
    label = view.language.say(f"worst.{role}")
    return {"role": role, "user": view.short_user(named), "label": label}
