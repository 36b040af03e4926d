"""Draws the share of payments hit over time, with the onset."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from credit_forensics.charts.style import (
    BLUE,
    VERMILLION,
    bin_frequency,
    binned,
    house_figure,
    need_columns,
    nothing_to_show,
)
from credit_forensics.charts.wording import percent_text, percent_ticks, word


def wilson_interval(hits: np.ndarray, trials: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Wilson's 95 % interval of a share (Wilson 1927); trials must be above zero.

    Examples
    --------
    >>> low, high = wilson_interval(np.array([0]), np.array([10]))
    >>> float(low[0]), round(float(high[0]), 3)
    (0.0, 0.278)
    """
    z = 1.959963984540054
    share = hits / trials
    centre = (share + z**2 / (2 * trials)) / (1 + z**2 / trials)
    half = z * np.sqrt(share * (1 - share) / trials + z**2 / (4 * trials**2)) / (1 + z**2 / trials)
    low, high = np.clip(centre - half, 0, 1), np.clip(centre + half, 0, 1)
    return np.where(hits == 0, 0.0, low), np.where(hits == trials, 1.0, high)


def rate_with_onset(
    payments: pd.DataFrame,
    hit: pd.Series,
    *,
    onset: pd.Timestamp | None = None,
    onset_interval: tuple[pd.Timestamp, pd.Timestamp] | None = None,
    language: str = "en",
) -> go.Figure:
    """The rate a bin with its 95 % interval, and the onset with its own.

    Parameters
    ----------
    payments
        columns ``payment_id`` and ``created_at`` (UTC).
    hit
        payment_ids that were hit.
    onset
        when it began, where that is known.
    onset_interval
        what the onset's uncertainty spans.
    language
        ``en`` or ``de``.
    """
    need_columns(payments, "payment_id", "created_at", what="payments")
    dated = payments.dropna(subset=["created_at"])
    moment = f"{onset:%Y-%m-%d %H:%M} UTC" if onset is not None else ""
    key = "rate.title_onset" if moment else "rate.title"
    title = word(language, key, onset=moment)
    if dated.empty:
        alt = word(language, "nothing")
        return nothing_to_show(house_figure(title, alt), word(language, "nothing"))
    frequency = bin_frequency(dated["created_at"].min(), dated["created_at"].max())
    trials = binned(dated["created_at"], frequency)
    hit_times = dated.loc[dated["payment_id"].isin(set(hit.dropna())), "created_at"]
    hits = binned(hit_times, frequency).reindex(trials.index, fill_value=0)
    trials = trials[trials > 0]
    hits = hits.loc[trials.index]
    low, high = wilson_interval(hits.to_numpy("float64"), trials.to_numpy("float64"))
    share = (hits / trials).round(5)
    peak = share.idxmax()
    alt = word(
        language,
        "rate.alt",
        most=percent_text(language, float(share.max()), 1),
        peak=f"{peak:%Y-%m-%d %H:%M} UTC",
        onset=word(language, "rate.alt_onset", onset=moment) if moment else "",
    )
    figure = house_figure(title, alt)
    times = list(trials.index)
    figure.add_scatter(
        x=times + times[::-1],
        y=[*np.round(high, 5).tolist(), *np.round(low, 5).tolist()[::-1]],
        fill="toself",
        fillcolor="rgba(0,114,178,0.18)",
        line={"width": 0},
        hoverinfo="skip",
        name=word(language, "rate.interval"),
    )
    figure.add_scatter(
        x=times,
        y=share.tolist(),
        mode="lines+markers",
        line={"color": BLUE, "width": 2},
        marker={"size": 5},
        customdata=[
            [int(h), int(n), percent_text(language, h / n, 1)]
            for h, n in zip(hits, trials, strict=True)
        ],
        hovertemplate="%{x|%Y-%m-%d %H:%M}: %{customdata[2]} (%{customdata[0]}/%{customdata[1]})"
        "<extra></extra>",
        name=word(language, "rate.axis"),
    )
    if onset_interval is not None:
        figure.add_vrect(
            x0=onset_interval[0], x1=onset_interval[1], fillcolor=VERMILLION, opacity=0.15
        )
    if onset is not None:
        figure.add_vline(x=onset, line={"color": VERMILLION, "width": 2, "dash": "dash"})
        figure.add_annotation(
            x=onset,
            y=1,
            yref="paper",
            text=word(language, "rate.onset"),
            showarrow=False,
            xanchor="left",
            yanchor="top",
            xshift=4,
            font={"color": VERMILLION},
        )
    figure.update_yaxes(
        **percent_ticks(float(high.max())),
        rangemode="tozero",
        title_text=word(language, "rate.axis"),
    )
    figure.update_layout(showlegend=True)
    return figure
