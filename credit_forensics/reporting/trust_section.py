"""How far to trust the probabilities: calibration, families that fail together, firm verdicts."""

from __future__ import annotations

from typing import Any

import pandas as pd
from markupsafe import Markup

from credit_forensics.charts.reliability import reliability_curve
from credit_forensics.judgement.calibration import calibration_quality
from credit_forensics.reporting.blocks import Block
from credit_forensics.reporting.case_view import CaseView
from credit_forensics.reporting.html_tables import Row, TableColumn, html_table

# Fewer expected double errors than this say nothing of a pair.
_TELLING = 1.0
_FEWEST_LABELS = 10


def trust_section(view: CaseView) -> Block:
    """The calibration and its proof, then what the model's own assumptions come to in this case."""
    figures: list[Any] = []
    judgement = view.case.judgement
    labels = judgement.labelled
    if labels is not None and len(labels) >= _FEWEST_LABELS:
        quality = _quality(view, labels)
        figures.append(reliability_curve(labels, language=view.language.code))
    else:
        quality = view.paragraph("trust.uncalibrated")
    intro = view.paragraph("trust.intro")
    return Block(view.heading("trust"), intro, quality, _pairs(view), _sensitivity(view), *figures)


def _quality(view: CaseView, labels: pd.DataFrame) -> Markup:
    language = view.language
    quality = calibration_quality(labels)

    def figure(name: str) -> str:
        return (
            f"{language.number(quality[name], 4)} "
            f"({language.number(quality[f'{name}_low'], 4)} – "
            f"{language.number(quality[f'{name}_high'], 4)})"
        )

    return view.paragraph(
        "trust.calibrated",
        method=str(view.case.judgement.calibration),
        labels=language.number(len(labels)),
        brier=figure("brier"),
        skill=figure("skill"),
        ece=figure("ece"),
    )


def _pairs(view: CaseView) -> Markup:
    language = view.language
    pairs = view.case.agree_when_wrong
    pairs = pairs[pairs["both_wrong"] >= _TELLING].sort_values("ratio", ascending=False)
    if pairs.empty:
        return view.paragraph("trust.no_pairs")

    def family(key: str) -> TableColumn:
        def cell(row: Row) -> str:
            return language.name("family", row[key])

        return TableColumn(key, language.say(f"column.{key}_family"), cell)

    def figure(key: str) -> TableColumn:
        def cell(row: Row) -> str:
            value = float(str(row[key]))
            shares = key in ("share", "independent")
            return language.percent(value) if shares else language.number(value, 1)

        return TableColumn(key, language.say(f"column.{key}"), cell, number=True)

    columns = [family("first"), family("second")]
    columns += [figure(key) for key in ("both_wrong", "share", "independent", "ratio")]
    return html_table(pairs, columns, caption=language.say("caption.pairs"), language=language)


def _sensitivity(view: CaseView) -> Markup:
    counts = view.case.sensitivity_counts
    firm = int(counts.get("", 0))
    total = int(counts.sum())
    language = view.language
    return view.paragraph(
        "trust.sensitivity",
        firm=language.number(firm),
        total=language.number(total),
        share=language.percent(firm / total if total else 0.0),
    )
