"""Draws how often each pair of methods names the same user."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from credit_forensics.charts.style import SEQUENTIAL, house_figure, nothing_to_show, plain
from credit_forensics.charts.wording import percent_text, percent_ticks, word


def method_agreement(agreement: pd.DataFrame, *, language: str = "en") -> go.Figure:
    """Heat map of method against method.

    Parameters
    ----------
    agreement
        square, methods as index and columns; a value is the share (0 to 1) of payments on which
        both methods speak and name the same user; empty where they never speak together.
        Methods that never speak are left out of the chart.
    language
        ``en`` or ``de``.

    Raises
    ------
    ValueError
        when index and columns are not the same methods.

    Examples
    --------
    >>> table = pd.DataFrame([[1, 0.5], [0.5, 1]], ["ledger", "card_history"])
    >>> table.columns = ["ledger", "card_history"]
    >>> method_agreement(table).layout.meta["alt"][:22]
    'Heat map of 2 methods:'
    """
    methods = [str(method) for method in agreement.columns]
    if [str(method) for method in agreement.index] != methods:
        raise ValueError("agreement must have the same methods as index and as columns")
    # A method that never speaks would be an empty row and column.
    speaking = agreement.notna().any(axis=1).to_numpy()
    agreement = agreement.loc[speaking, speaking]
    methods = [method for method, speaks in zip(methods, speaking, strict=True) if speaks]
    values = agreement.to_numpy(dtype="float64", na_value=np.nan)
    title = word(language, "agreement.title")
    pairs = [
        (float(values[i, j]), methods[i], methods[j])
        for i in range(len(methods))
        for j in range(i)
        if not np.isnan(values[i, j])
    ]
    if not pairs:
        alt = word(language, "agreement.alt_none")
        return nothing_to_show(house_figure(title, alt), word(language, "nothing"))
    low, low_a, low_b = min(pairs)
    alt = word(
        language,
        "agreement.alt",
        methods=len(methods),
        low=percent_text(language, low),
        low_a=low_b,
        low_b=low_a,
    )
    figure = house_figure(title, alt, height=110 + 30 * len(methods))
    labels = [plain(method) for method in methods]
    figure.add_heatmap(
        z=[[None if np.isnan(v) else round(float(v), 4) for v in row] for row in values],
        x=labels,
        y=labels,
        zmin=0,
        zmax=1,
        colorscale=SEQUENTIAL,
        text=[["" if np.isnan(v) else f"{v * 100:.0f}" for v in row] for row in values],
        texttemplate="%{text}",
        textfont={"size": 11},
        xgap=2,
        ygap=2,
        hoverongaps=False,
        hovertemplate=f"%{{y}} · %{{x}}<br>{word(language, 'agreement.hover')} %{{text}} %"
        "<extra></extra>",
        colorbar={**percent_ticks(), "thickness": 12, "outlinewidth": 0},
    )
    figure.update_xaxes(tickangle=-45, showgrid=False, ticks="", showline=False)
    figure.update_yaxes(autorange="reversed", showgrid=False, ticks="", showline=False)
    return figure
