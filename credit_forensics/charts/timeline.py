"""Draws payments and findings over time."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from credit_forensics.charts.style import (
    GREY,
    SEVERITIES,
    SEVERITY_COLOURS,
    bin_frequency,
    binned,
    house_figure,
    need_columns,
    nothing_to_show,
)
from credit_forensics.charts.wording import word


def timeline(
    payments: pd.DataFrame,
    findings: pd.DataFrame,
    *,
    language: str = "en",
    severity_words: dict[str, str] | None = None,
) -> go.Figure:
    """Payments above, findings by severity below, counted in bins of one width.

    Parameters
    ----------
    payments
        column ``created_at`` (UTC); everything else is ignored.
    findings
        columns ``created_at`` and ``severity``; findings without a time are left out.
    language
        ``en`` or ``de``.
    severity_words
        how the severities are called in the legend; their own names without it.
    """
    need_columns(payments, "created_at", what="payments")
    need_columns(findings, "created_at", "severity", what="findings")
    frequency_times = pd.concat([payments["created_at"], findings["created_at"]]).dropna()
    title = word(language, "timeline.title")
    if frequency_times.empty:
        alt = word(language, "timeline.alt_none", payments=0)
        return nothing_to_show(house_figure(title, alt), word(language, "nothing"))
    first, last = frequency_times.min(), frequency_times.max()
    frequency = bin_frequency(first, last)
    dated = findings.dropna(subset=["created_at"])
    found = binned(dated["created_at"], frequency)
    figure = house_figure(
        title,
        word(
            language,
            "timeline.alt",
            first=f"{first:%Y-%m-%d}",
            last=f"{last:%Y-%m-%d}",
            payments=len(payments),
            findings=len(dated),
            most=int(found.max()),
            peak=f"{found.idxmax():%Y-%m-%d %H:%M} UTC",
        )
        if len(found)
        else word(language, "timeline.alt_none", payments=len(payments)),
        height=380,
    )
    width = pd.Timedelta(frequency) / pd.Timedelta(milliseconds=1)
    paid = binned(payments["created_at"], frequency)
    _bars(figure, paid, width, axis="y", colour=GREY, name="")
    for severity in SEVERITIES:
        rows = dated[dated["severity"] == severity]
        if rows.empty:
            continue
        name = (severity_words or {}).get(severity, severity)
        counts = binned(rows["created_at"], frequency)
        _bars(
            figure,
            counts[counts > 0],
            width,
            axis="y2",
            colour=SEVERITY_COLOURS[severity],
            name=name,
        )
    figure.update_layout(
        barmode="stack",
        bargap=0.05,
        xaxis={"anchor": "y2", "range": [first.floor(frequency), last.ceil(frequency)]},
        yaxis={"domain": [0.58, 1.0], "title": {"text": word(language, "timeline.payments")}},
        yaxis2={
            "domain": [0.0, 0.46],
            "title": {"text": word(language, "timeline.findings")},
            "automargin": True,
            "rangemode": "tozero",
        },
        legend={"y": 0.47},
        showlegend=True,
    )
    if dated.empty:
        figure.update_layout(
            height=220,
            showlegend=False,
            xaxis={"anchor": "y"},
            yaxis={"domain": [0.0, 1.0]},
            yaxis2={"visible": False},
        )
    for axis, counts in (("yaxis", paid), ("yaxis2", found)):
        if len(counts) and counts.max() <= 5:
            figure.layout[axis].update(dtick=1)
    return figure


def _bars(
    figure: go.Figure, counts: pd.Series, width: float, *, axis: str, colour: str, name: str
) -> None:
    figure.add_bar(
        # A bar stands over its bin, not around the bin's start.
        x=[start + pd.Timedelta(milliseconds=width / 2) for start in counts.index],
        y=[int(count) for count in counts],
        width=width * 0.95,
        yaxis=axis,
        name=name,
        marker={"color": colour, "line": {"width": 0}},
        showlegend=bool(name),
        hovertemplate="%{x|%Y-%m-%d %H:%M}: %{y} " + name + "<extra></extra>",
    )
