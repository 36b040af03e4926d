"""Draws why a payment's candidates score as they do: one bar a family, ending at the score."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import pandas as pd
import plotly.graph_objects as go

from credit_forensics.charts.style import (
    BLUE,
    FAMILY_ORDER,
    GREY,
    VERMILLION,
    house_figure,
    need_columns,
    nothing_to_show,
    plain,
    short,
)
from credit_forensics.charts.wording import percent_text, word
from credit_forensics.records import row_dicts

MOST_PERSONS = 3
_ROW = 24


class Explained(Protocol):
    """What an explanation offers: see ``Case.explain``."""

    payment_id: str
    verdict: dict[str, Any]
    scores: pd.DataFrame
    bars: pd.DataFrame


def waterfall(
    explanation: Explained,
    *,
    language: str = "en",
    family_words: Mapping[str, str] | None = None,
) -> go.Figure:
    """Waterfalls of the best candidates, one below the other on one axis.

    Parameters
    ----------
    explanation
        ``scores`` (person_id, score, probability) and ``bars`` (person_id, family, level,
        accuracy, weight, methods; ``why``, where it is there, is said of a bar). A person's
        weights sum to the score; the chart draws what it is given and computes no score of its
        own, so the two cannot disagree.
    language
        ``en`` or ``de``.
    family_words
        how families are called; their own names without it.

    Returns
    -------
    plotly.graph_objects.Figure
        at most three persons, best first; the credited person is always among them.
    """
    need_columns(explanation.scores, "person_id", "score", "probability", what="scores")
    bars = ("person_id", "family", "level", "weight", "methods")
    need_columns(explanation.bars, *bars, what="bars")
    payment = str(explanation.payment_id)
    title = word(language, "waterfall.title", payment=short(payment, 28))
    credited = explanation.verdict.get("credited_user_id")
    persons = _persons(explanation.scores, credited)
    if persons.empty:
        alt = word(language, "waterfall.alt", payment=payment, persons=word(language, "nothing"))
        return nothing_to_show(house_figure(title, alt), word(language, "nothing"))
    sentences = [
        word(
            language,
            "waterfall.person",
            person=row["person_id"],
            score=f"{row['score']:.2f}",
            probability=percent_text(language, float(row["probability"]), 1),
        )
        for row in row_dicts(persons)
    ]
    alt = word(language, "waterfall.alt", payment=payment, persons="; ".join(sentences) + ".")
    total = word(language, "waterfall.total")
    rows: list[_Row] = []
    for person in row_dicts(persons):
        role = "credited" if str(person["person_id"]) == str(credited) else "other"
        head = (
            f"{plain(short(person['person_id'], 12))} · {word(language, f'waterfall.{role}')} · "
            f"P {plain(_compared(percent_text(language, float(person['probability']), 1)))}"
        )
        # A row at zero that carries the person's name, and from which the bars start anew.
        rows.append(_Row("", "absolute", 0.0, f"<b>{head}</b>", ""))
        for bar in _ordered(explanation.bars, person["person_id"]):
            family = str(bar["family"])
            rows.append(
                _Row(
                    plain((family_words or {}).get(family, family)),
                    "relative",
                    float(bar["weight"]),
                    f"{bar['weight']:+.2f}",
                    plain(bar.get("why") or f"{bar['level']} · {bar['methods']}"),
                )
            )
        rows.append(_Row(total, "total", float(person["score"]), f"{person['score']:.2f}", ""))
    figure = house_figure(title, alt, height=100 + _ROW * len(rows))
    figure.add_waterfall(
        orientation="h",
        y=list(range(len(rows))),
        x=[row.value for row in rows],
        measure=[row.measure for row in rows],
        text=[row.text for row in rows],
        textposition="outside",
        cliponaxis=False,
        customdata=[[row.label, row.hover] for row in rows],
        hovertemplate="%{customdata[0]} %{text}<br>%{customdata[1]}<extra></extra>",
        increasing={"marker": {"color": BLUE}},
        decreasing={"marker": {"color": VERMILLION}},
        totals={"marker": {"color": GREY}},
        connector={"visible": False},
        width=0.72,
    )
    span = max(abs(row.value) for row in rows) or 1.0
    lowest = min(0.0, *(float(person["score"]) for person in row_dicts(persons)), _lowest(rows))
    # Room to the right for the texts outside the bars.
    figure.update_xaxes(
        title_text=word(language, "waterfall.axis"), range=[lowest * 1.15, span * 1.12]
    )
    figure.update_yaxes(
        tickmode="array",
        tickvals=list(range(len(rows))),
        ticktext=[row.label for row in rows],
        range=[len(rows) - 0.4, -0.6],
        showgrid=False,
        zeroline=False,
    )
    return figure


def _compared(share: str) -> str:
    return share if share.startswith(("<", ">")) else f"= {share}"


@dataclass(frozen=True)
class _Row:
    label: str
    measure: str
    value: float
    text: str
    hover: str


def _ordered(bars: pd.DataFrame, person: object) -> list[dict[str, Any]]:
    place = {family: i for i, family in enumerate(FAMILY_ORDER)}
    mine = row_dicts(bars[bars["person_id"] == person])
    return sorted(mine, key=lambda bar: (place.get(bar["family"], len(place)), bar["family"]))


def _lowest(rows: list[_Row]) -> float:
    lowest = level = 0.0
    for row in rows:
        level = level + row.value if row.measure == "relative" else row.value
        lowest = min(lowest, level)
    return lowest


def _persons(scores: pd.DataFrame, credited: object) -> pd.DataFrame:
    ranked = scores.sort_values(["score", "person_id"], ascending=[False, True])
    best = ranked.head(MOST_PERSONS)
    if credited in set(best["person_id"]) or credited not in set(ranked["person_id"]):
        return best
    return pd.concat([best.head(MOST_PERSONS - 1), ranked[ranked["person_id"] == credited]])
