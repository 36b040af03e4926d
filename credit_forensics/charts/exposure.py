"""Draws the money at stake by finding and cause."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from credit_forensics.charts.style import (
    BLUE,
    GREEN,
    ORANGE,
    PURPLE,
    SKY,
    VERMILLION,
    house_figure,
    need_columns,
    nothing_to_show,
    plain,
)
from credit_forensics.charts.wording import word
from credit_forensics.money import major_units, money_text
from credit_forensics.records import row_dicts

_COLOURS = (BLUE, ORANGE, GREEN, VERMILLION, PURPLE, SKY)


def exposure_by_cause(
    findings: pd.DataFrame,
    *,
    language: str = "en",
    most: int = 14,
    label_words: dict[str, str] | None = None,
) -> go.Figure:
    """Horizontal bars, one a finding and cause; a colour and an axis unit a currency.

    Parameters
    ----------
    findings
        columns ``finding``, ``cause``, ``amount`` (minor units), ``currency``.
    language
        ``en`` or ``de``.
    most
        bars at most; the largest are kept.
    label_words
        how findings and causes are called; their own names without it.
    """
    need_columns(findings, "finding", "cause", "amount", "currency", what="findings")
    rows = findings.dropna(subset=["amount", "currency"])
    rows = rows[rows["amount"] != 0]
    title = word(language, "exposure.title")
    if rows.empty:
        alt = word(language, "exposure.alt", bars=word(language, "nothing"))
        return nothing_to_show(house_figure(title, alt), word(language, "nothing"))
    words = label_words or {}
    names = rows["finding"].map(lambda name: words.get(str(name), str(name)))
    causes = rows["cause"].fillna("").map(lambda name: words.get(str(name), str(name)))
    label = names.where(causes == "", names + " · " + causes)
    sums = (
        rows.assign(label=label)
        .groupby(["label", "currency"])["amount"]
        .sum()
        .reset_index()
        .sort_values(["amount", "label"], ascending=[False, True])
        .head(most)
    )
    bars = " + ".join(
        f"{row['label']}: {money_text(row['amount'], row['currency'])}" for row in row_dicts(sums)
    )
    labels = list(dict.fromkeys(sums["label"]))
    figure = house_figure(
        title, word(language, "exposure.alt", bars=bars), height=90 + 38 * len(sums)
    )
    currencies = sorted(sums["currency"].unique())
    for i, currency in enumerate(currencies):
        part = sums[sums["currency"] == currency]
        figure.add_bar(
            orientation="h",
            y=[_label(name) for name in part["label"]],
            x=[major_units(int(amount), currency) for amount in part["amount"]],
            text=[money_text(int(amount), currency) for amount in part["amount"]],
            textposition="auto",
            marker={"color": _COLOURS[i % len(_COLOURS)]},
            name=currency.upper(),
            hovertemplate="%{y}: %{text}<extra></extra>",
        )
    unit = ", ".join(currency.upper() for currency in currencies)
    figure.update_xaxes(title_text=word(language, "exposure.axis", currency=unit))
    figure.update_yaxes(
        categoryorder="array", categoryarray=[_label(name) for name in labels], autorange="reversed"
    )
    figure.update_layout(showlegend=len(currencies) > 1)
    return figure


def _label(name: str) -> str:
    """Finding above cause, so that the bars keep their width on a narrow screen."""
    return "<br>".join(plain(part) for part in name.split(" · "))
