"""Draws every figure against its target, as a page that needs no network."""

from __future__ import annotations

import math
from collections.abc import Sequence

import plotly.graph_objects as go
from ratios import Figure, shown

from credit_forensics.charts.style import BLUE, VERMILLION, house_figure, nothing_to_show, plain

WIDEST = 100.0
"""How far from its target a figure is drawn at most: a bar that is longer says nothing more."""


def ratio_plot(figures: Sequence[Figure], subtitle: str = "") -> go.Figure:
    """Horizontal bars from each target (1) to the figure; to the left is better in every row."""
    drawn = [(figure, figure.cost) for figure in figures]
    rows = [(figure, cost) for figure, cost in drawn if cost is not None]
    met = sum(figure.met for figure, _ in rows)
    title = f"Benchmarks: {met} of {len(rows)} figures meet their target"
    alt = "; ".join(f"{name}: {value}, {target}, {said}" for name, value, target, said in
                    (figure.words for figure, _ in rows))  # fmt: skip
    plot = house_figure(title, alt, height=160 + 30 * len(rows))
    if not rows:
        return nothing_to_show(plot, "No benchmark noted a figure with a target.")
    for good, name, colour, shape in ((True, "met", BLUE, ""), (False, "missed", VERMILLION, "/")):
        part = [(at, *row) for at, row in enumerate(rows) if row[0].met is good]
        ends = [min(max(cost, 1 / WIDEST), WIDEST) for _, _, cost in part]
        plot.add_bar(
            orientation="h",
            name=name,
            y=[at for at, _, _ in part],
            base=[1.0] * len(part),
            x=[end - 1.0 for end in ends],
            marker={"color": colour, "pattern": {"shape": shape}},
            customdata=[", ".join(figure.words[1:]) for _, figure, _ in part],
            hovertemplate="%{customdata}<extra></extra>",
        )
    longest = max(max(min(cost, WIDEST), 1.0) for _, cost in rows)
    for at, (figure, cost) in enumerate(rows):
        _, value, _, verdict = figure.words
        plot.add_annotation(
            # Annotations on a log axis are placed by the logarithm, bars by the value.
            x=math.log10(max(min(cost, WIDEST), 1.0)), y=at, xanchor="left", showarrow=False,
            text=f" {plain(value)}" + ("" if figure.met else f" <b>{verdict.lower()}</b>"),
        )  # fmt: skip
    plot.add_vline(x=1.0, line={"color": "#1F2933", "width": 1.5})
    shortest = min(max(min(cost, 1.0), 1 / WIDEST) for _, cost in rows)
    plot.update_xaxes(
        type="log",
        range=[math.log10(shortest) - 0.05, math.log10(longest) + 0.45],
        tickvals=[1 / 100, 1 / 50, 1 / 20, 1 / 10, 1 / 5, 1 / 2, 1, 2, 5, 10, 20, 50, 100],
        ticktext=["1/100", "1/50", "1/20", "1/10", "1/5", "1/2", "target", "2", "5", "10", "20",
                  "50", "100"],
        title_text="figure relative to its target, logarithmic; better to the left",
    )  # fmt: skip
    plot.update_yaxes(
        tickvals=list(range(len(rows))),
        ticktext=[_label(figure) for figure, _ in rows],
        range=[len(rows) - 0.4, -0.6],
    )
    plot.update_layout(
        barmode="overlay",
        showlegend=True,
        margin={"t": 64, "b": 80},
        legend={"yref": "container", "y": 0, "yanchor": "bottom"},
        title={"subtitle": {"text": plain(subtitle), "font": {"size": 12}}},
    )
    return plot


def page(plot: go.Figure) -> str:
    """The plot as HTML with Plotly in it and a text for those who cannot see it."""
    body = plot.to_html(full_html=False, include_plotlyjs=True, include_mathjax=False)
    title, alt = (plain(plot.layout.meta[name]) for name in ("title", "alt"))
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f'</head><body><main role="img" aria-label="{alt.replace(chr(34), "&quot;")}">'
        f"{body}</main></body></html>\n"
    )


def _label(figure: Figure) -> str:
    sense = "≤" if figure.at_most else "≥"
    return f"{plain(figure.measure)}  ({sense} {shown(figure.target or 0.0, figure.unit)})"
