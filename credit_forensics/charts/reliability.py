"""Draws whether probabilities hold: predicted against observed."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from credit_forensics.charts.rate import wilson_interval
from credit_forensics.charts.style import (
    BLUE,
    GREY,
    house_figure,
    need_columns,
    nothing_to_show,
)
from credit_forensics.charts.wording import percent_text, percent_ticks, word


def reliability_curve(labels: pd.DataFrame, *, language: str = "en", bins: int = 10) -> go.Figure:
    """Observed share of wrong payments against the predicted, in bins of equal count.

    Parameters
    ----------
    labels
        columns ``probability`` (0 to 1) and ``wrong`` (true where a reviewer, or known truth,
        says that the payment was misattributed).
    language
        ``en`` or ``de``.
    bins
        bins at most; fewer where there are fewer labels or distinct probabilities.

    Examples
    --------
    >>> rows = pd.DataFrame({"probability": [0.1, 0.9], "wrong": [False, True]})
    >>> len(reliability_curve(rows).data)
    2
    """
    need_columns(labels, "probability", "wrong", what="labels")
    rows = labels.dropna(subset=["probability", "wrong"])
    title = word(language, "reliability.title")
    if rows.empty:
        none = word(language, "reliability.none")
        return nothing_to_show(house_figure(title, none), none)
    predicted = rows["probability"].astype("float64")
    groups = pd.qcut(predicted.rank(method="first"), min(bins, len(rows)), labels=False)
    table = pd.DataFrame({"p": predicted, "wrong": rows["wrong"].astype("float64"), "g": groups})
    points = table.groupby("g").agg(p=("p", "mean"), hits=("wrong", "sum"), n=("wrong", "size"))
    share = points["hits"] / points["n"]
    low, high = wilson_interval(points["hits"].to_numpy(), points["n"].to_numpy("float64"))
    gap = float(np.abs(share - points["p"]).max())
    alt = word(language, "reliability.alt", labels=len(rows), bins=len(points), gap=f"{gap:.2f}")
    figure = house_figure(title, alt, height=380)
    figure.add_scatter(
        x=[0, 1],
        y=[0, 1],
        mode="lines",
        line={"color": GREY, "dash": "dot"},
        hoverinfo="skip",
        name=word(language, "reliability.ideal"),
    )
    figure.add_scatter(
        x=points["p"].round(5).tolist(),
        y=share.round(5).tolist(),
        mode="lines+markers",
        line={"color": BLUE, "width": 2},
        marker={"size": 8},
        error_y={
            "type": "data",
            "symmetric": False,
            "array": np.round(high - share.to_numpy(), 5).tolist(),
            "arrayminus": np.round(share.to_numpy() - low, 5).tolist(),
            "thickness": 1,
        },
        customdata=[
            [percent_text(language, float(p), 1), percent_text(language, float(s), 1), int(n)]
            for p, s, n in zip(points["p"], share, points["n"], strict=True)
        ],
        hovertemplate="%{customdata[0]} → %{customdata[1]} (n = %{customdata[2]})<extra></extra>",
        name=word(language, "reliability.observed"),
    )
    figure.update_xaxes(
        range=[-0.02, 1.02], **percent_ticks(), title_text=word(language, "reliability.predicted")
    )
    figure.update_yaxes(
        range=[-0.02, 1.02], **percent_ticks(), title_text=word(language, "reliability.observed")
    )
    figure.update_layout(showlegend=True)
    return figure
