"""Draws why a payment's candidates score as they do: one bar a family, ending at the score."""

from __future__ import annotations

from typing import Any, Protocol

import pandas as pd
import plotly.graph_objects as go

from credit_forensics.charts.style import (
    BLUE,
    FAMILY_ORDER,
    GREY,
    VERMILLION,
    house_figure,
    nothing_to_show,
    plain,
    records,
    short,
)
from credit_forensics.charts.wording import percent_text, word

MOST_PERSONS = 3
_ROW = 24


class Explained(Protocol):
    """What an explanation offers: see ``Case.explain``."""

    payment_id: str
    verdict: dict[str, Any]
    scores: pd.DataFrame
    bars: pd.DataFrame


def waterfall(explanation: Explained, *, language: str = "en") -> go.Figure:
    """Waterfalls of the best candidates, one below the other on one axis.

    Parameters
    ----------
    explanation
        ``scores`` (person_id, score, probability) and ``bars`` (person_id, family, level,
        accuracy, weight, methods). A person's weights sum to the score; the chart draws what it
        is given and computes no score of its own, so the two cannot disagree.
    language
        ``en`` or ``de``.

    Returns
    -------
    plotly.graph_objects.Figure
        at most three persons, best first; the credited person is always among them.
    """
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
        for row in records(persons)
    ]
    alt = word(language, "waterfall.alt", payment=payment, persons="; ".join(sentences) + ".")
    total = word(language, "waterfall.total")
    labels: list[list[str]] = [[], []]
    measures: list[str] = []
    values: list[float] = []
    texts: list[str] = []
    hovers: list[str] = []
    for row in records(persons):
        role = "credited" if str(row["person_id"]) == str(credited) else "other"
        head = (
            f"{plain(short(row['person_id']))}<br>{word(language, f'waterfall.{role}')}<br>"
            f"P = {percent_text(language, float(row['probability']), 1)}"
        )
        bars = explanation.bars[explanation.bars["person_id"] == row["person_id"]]
        order = bars["family"].map({family: i for i, family in enumerate(FAMILY_ORDER)})
        bars = bars.assign(_order=order.fillna(len(FAMILY_ORDER)))
        for i, bar in enumerate(records(bars.sort_values(["_order", "family"]))):
            labels[0].append(head)
            labels[1].append(plain(bar["family"]))
            # The first bar of each person starts again at zero.
            measures.append("absolute" if i == 0 else "relative")
            values.append(float(bar["weight"]))
            texts.append(f"{bar['weight']:+.2f}")
            hovers.append(plain(f"{bar['level']} · {bar['methods']}"))
        labels[0].append(head)
        labels[1].append(total)
        measures.append("absolute" if bars.empty else "total")
        values.append(float(row["score"]))
        texts.append(f"{row['score']:.2f}")
        hovers.append("")
    figure = house_figure(title, alt, height=110 + _ROW * len(values))
    figure.add_waterfall(
        orientation="h",
        y=labels,
        x=values,
        measure=measures,
        text=texts,
        textposition="outside",
        cliponaxis=False,
        customdata=hovers,
        hovertemplate="%{y}: %{text}<br>%{customdata}<extra></extra>",
        increasing={"marker": {"color": BLUE}},
        decreasing={"marker": {"color": VERMILLION}},
        totals={"marker": {"color": GREY}},
        connector={"line": {"color": GREY, "width": 1, "dash": "dot"}},
        showlegend=False,
    )
    figure.update_xaxes(title_text=word(language, "waterfall.axis"))
    figure.update_yaxes(autorange="reversed")
    return figure


def _persons(scores: pd.DataFrame, credited: object) -> pd.DataFrame:
    ranked = scores.sort_values(["score", "person_id"], ascending=[False, True])
    best = ranked.head(MOST_PERSONS)
    if credited in set(best["person_id"]) or credited not in set(ranked["person_id"]):
        return best
    return pd.concat([best.head(MOST_PERSONS - 1), ranked[ranked["person_id"] == credited]])
