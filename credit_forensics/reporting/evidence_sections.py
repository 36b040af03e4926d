"""The sections that show the proof: waterfalls, time, flow, methods and incidents."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
import plotly.graph_objects as go
from markupsafe import Markup

from credit_forensics.charts import (
    credit_flow,
    method_agreement,
    timeline,
    waterfall,
)
from credit_forensics.charts.style import FAMILY_ORDER, SEVERITIES
from credit_forensics.judgement.explanation import Explanation
from credit_forensics.privacy.mask import Mask
from credit_forensics.records import row_dicts
from credit_forensics.reporting.blocks import Block
from credit_forensics.reporting.case_view import CaseView
from credit_forensics.reporting.cells import Cells, code
from credit_forensics.reporting.elements import ELEMENTS
from credit_forensics.reporting.findings_section import finding_sentence
from credit_forensics.reporting.html_tables import Row, TableColumn, html_table

SHOWN_WATERFALLS = 10
# What an explanation calls the candidate that no voice names.
NOBODY = "(nobody named)"


def waterfalls_section(view: CaseView, most: int = SHOWN_WATERFALLS) -> Block:
    """Why: a sentence and a waterfall for each of the worst payments that has candidates."""
    parts: list[Any] = []
    worst, drawn = view.worst_payments[: most * 3], 0
    while worst and drawn < most:
        # Most have candidates, so no more are explained than are likely to be drawn.
        some, worst = worst[: most - drawn], worst[most - drawn :]
        for payment, explanation in zip(some, view.case.explain_all(some), strict=True):
            if explanation.bars.empty:
                continue
            drawn += 1
            finding = row_dicts(view.findings[view.findings["payment_id"] == payment].head(1))[0]
            sentence = view.paragraph(
                "waterfall.sentence",
                payment=view.id(payment),
                verdict=view.language.name("verdict", explanation.verdict.get("verdict")),
                explanation=finding_sentence(view, finding),
            )
            why = weights_table(view, explanation)
            fold = ELEMENTS.unfold(view.language.say("weights.fold"), why)
            parts += [sentence, payment_waterfall(view, explanation), fold]
    if not parts:
        return Block(view.heading("waterfalls"), view.paragraph("none.waterfalls", "none"))
    return Block(view.heading("waterfalls"), view.paragraph("waterfalls.intro"), *parts)


def payment_waterfall(view: CaseView, explanation: Explanation) -> go.Figure:
    """The waterfall of one explanation, its persons as the report shows them."""
    bars = _weights(view, explanation)
    why = [
        view.language.say(
            "weights.why",
            level=row["level"],
            accuracy=view.language.percent(float(row["accuracy"])),
            voices=_voices(view, row),
            methods=row["methods"],
        )
        for row in row_dicts(bars)
    ]
    shown = ShownExplanation(explanation, why, view.mask, view.person_of)
    words = {family: view.language.name("family", family) for family in FAMILY_ORDER}
    return waterfall(shown, language=view.language.code, family_words=words)


def weights_table(view: CaseView, explanation: Explanation) -> Markup:
    """Why each bar weighs what it weighs: the level, how often it is right, and of how many."""
    language = view.language
    say = language.say

    def weight(row: Row) -> str:
        return f"{'+' if row['weight'] > 0 else ''}{language.number(row['weight'], 2)}"

    cells = Cells(view)
    return html_table(
        _weights(view, explanation),
        [
            cells.column("person_id"),
            *cells.columns("family", "level", "accuracy"),
            TableColumn("voices", say("column.voices"), lambda row: _voices(view, row), True),
            TableColumn("weight", say("column.weight"), weight, True),
            TableColumn("methods", say("column.named_by"), lambda row: str(row["methods"])),
        ],
        caption=say("caption.weights"),
        language=language,
    )


def _weights(view: CaseView, explanation: Explanation) -> pd.DataFrame:
    """The bars of candidates, each with the number of voices that its level's accuracy is from."""
    voices = {
        (family["family"], level["level"]): level["voices"]
        for family in view.case.model.get("families", [])
        for level in family["levels"]
    }
    bars = explanation.bars
    counted = [voices.get(key) for key in zip(bars["family"], bars["level"], strict=True)]
    return bars.assign(voices=pd.Series(counted, index=bars.index, dtype=object))


def _voices(view: CaseView, row: Row) -> str:
    voices = row["voices"]
    if not voices:
        return view.language.say("weights.prior")
    return view.language.number(round(float(voices)))


class ShownExplanation:
    """An explanation as a report shows it: ids masked, without the candidate nobody names."""

    def __init__(
        self,
        explanation: Explanation,
        why: Sequence[str],
        mask: Mask,
        person_of: dict[str, str],
    ) -> None:
        scores, bars = explanation.scores, explanation.bars
        self.payment_id = mask.text(explanation.payment_id)
        self.scores = mask.frame(scores[scores["person_id"] != NOBODY], "scores")
        self.bars = mask.frame(bars, "bars").assign(why=list(why))
        credited = explanation.verdict.get("credited_user_id")
        absent = credited is None or pd.isna(credited)
        person = None if absent else mask.user_id(person_of.get(str(credited), credited))
        self.verdict = {**explanation.verdict, "credited_user_id": person}


def timeline_section(view: CaseView) -> Block:
    """Payments and findings over time, and where the credits went."""
    words = {name: view.language.name("severity", name) for name in SEVERITIES}
    flows = view.findings.copy()
    for column in ("credited_user_id", "rightful_user_id"):
        flows[column] = flows[column].astype(object).map(view.mask.user_id, na_action="ignore")
    language = view.language.code
    return Block(
        view.heading("timeline"),
        timeline(view.payments, view.findings, language=language, severity_words=words),
        view.heading("flow"),
        credit_flow(flows, language=language),
    )


def methods_section(view: CaseView) -> Block:
    """What each method says over all, and how often each pair agrees."""
    method = TableColumn("method", view.language.say("column.method"), code("method"))
    conflicts = TableColumn(
        "conflicts",
        view.language.say("column.conflicts"),
        lambda row: view.language.number(int(row["conflicts"] or 0)),
        number=True,
    )
    cells = Cells(view)
    table = html_table(
        view.case.method_summary,
        [
            method,
            *cells.columns("family", "coverage", "agreement"),
            conflicts,
            cells.column("explains_ledger"),
        ],
        caption=view.language.say("caption.methods"),
        language=view.language,
    )
    figure = method_agreement(view.case.method_agreement, language=view.language.code)
    return Block(view.heading("methods"), table, figure)
