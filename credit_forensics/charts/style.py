"""The look that every chart shares: colours that colour-blind readers can tell apart.

Palette: Okabe and Ito (2008), "Color Universal Design". Colour never stands alone: labels, text
in the marks or the position says the same.
"""

from __future__ import annotations

import math
import textwrap
from functools import cache
from typing import Any

import pandas as pd
import plotly.graph_objects as go

ORANGE = "#E69F00"
SKY = "#56B4E9"
GREEN = "#009E73"
BLUE = "#0072B2"
VERMILLION = "#D55E00"
PURPLE = "#CC79A7"
GREY = "#8A8F98"

SEVERITY_COLOURS = {
    "critical": VERMILLION,
    "high": ORANGE,
    "medium": SKY,
    "low": GREY,
}
SEVERITIES = tuple(SEVERITY_COLOURS)
FAMILY_COLOURS = {
    "session": BLUE,
    "mapping": ORANGE,
    "email": GREEN,
    "name": PURPLE,
    "card": SKY,
}
FAMILY_ORDER = tuple(FAMILY_COLOURS)
# From nearly white to Okabe-Ito blue: lightness alone carries the order.
SEQUENTIAL = [[0.0, "#F2F6FA"], [0.25, "#BFD8EA"], [0.5, "#7FB4D8"], [0.75, "#338FC2"], [1.0, BLUE]]

_FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"
INK = "#1F2933"
GRID = "#DDE2E8"


def house_figure(title: str, alt: str, *, height: int = 340) -> go.Figure:
    """An empty figure with the house's look.

    Parameters
    ----------
    title
        what the chart shows, as a sentence or a phrase.
    alt
        the same for someone who cannot see it; kept in ``layout.meta["alt"]``, from where the
        report makes the chart's ``aria-label``.
    height
        pixels; the width follows the page.
    """
    # Given at once: to update a figure takes plotly five times as long as to make one.
    return go.Figure(
        layout={
            "template": _template(),
            "title": {"text": wrapped(title), "x": 0, "xanchor": "left", "font": {"size": 15}},
            "meta": {"alt": alt, "title": title},
            "height": height,
            "margin": {"l": 8, "r": 8, "t": 48, "b": 8},
            "legend": {"orientation": "h", "yanchor": "bottom", "y": 1, "xanchor": "left", "x": 0},
            "showlegend": False,
            "bargap": 0.15,
        }
    )


@cache
def _template() -> go.layout.Template:
    axis = {
        "gridcolor": GRID,
        "zerolinecolor": GRID,
        "linecolor": GRID,
        "automargin": True,
        "title": {"standoff": 8, "font": {"size": 13}},
    }
    return go.layout.Template(
        layout={
            "font": {"family": _FONT, "size": 13, "color": INK},
            "paper_bgcolor": "rgba(0,0,0,0)",
            "plot_bgcolor": "rgba(0,0,0,0)",
            "xaxis": axis,
            "yaxis": axis,
            "hoverlabel": {"font": {"family": _FONT}},
        }
    )


def need_columns(table: pd.DataFrame, *columns: str, what: str) -> None:
    """See that a table has the columns that a chart draws.

    Raises
    ------
    ValueError
        naming those that are missing, and those that the table has.

    Examples
    --------
    >>> need_columns(pd.DataFrame({"amount": [1]}), "amount", "currency", what="findings")
    Traceback (most recent call last):
    ValueError: findings has no column 'currency'; it has 'amount'
    """
    missing = [column for column in columns if column not in table.columns]
    if missing:
        noun = "column" if len(missing) == 1 else "columns"
        known = ", ".join(repr(str(column)) for column in table.columns) or "none"
        names = ", ".join(map(repr, missing))
        raise ValueError(f"{what} has no {noun} {names}; it has {known}")


def plain(text: object) -> str:
    """Text as Plotly shows it literally: its label markup is switched off.

    Labels come from metadata that strangers wrote, and Plotly reads ``<a href=…>`` in labels.

    Examples
    --------
    >>> plain("<b>00123</b>")
    '&lt;b&gt;00123&lt;/b&gt;'
    """
    return str(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def short(text: object, length: int = 13) -> str:
    """An id cut to a readable length, with an ellipsis where something was cut.

    Examples
    --------
    >>> short("7675e93c-341b-412d-a41c-cfe1dc519172")
    '7675e93c-341…'
    >>> short("00123")
    '00123'
    """
    value = str(text)
    return value if len(value) <= length else value[: length - 1] + "…"


def wrapped(text: str, width: int = 92) -> str:
    """A title broken into lines, for Plotly does not break them."""
    return "<br>".join(plain(line) for line in textwrap.wrap(text, width)) or ""


def bin_frequency(first: pd.Timestamp, last: pd.Timestamp) -> str:
    """The pandas frequency that shows a span in at most about 130 bins.

    Examples
    --------
    >>> bin_frequency(pd.Timestamp("2025-09-01", tz="UTC"), pd.Timestamp("2025-09-30", tz="UTC"))
    '6h'
    """
    days = (last - first) / pd.Timedelta(days=1)
    for limit, frequency in ((4, "1h"), (30, "6h"), (130, "1D"), (900, "7D")):
        if days <= limit:
            return frequency
    return f"{math.ceil(days / 130)}D"


def binned(times: pd.Series, frequency: str) -> pd.Series:
    """Number of times a bin, without gaps, indexed by the bin's start (UTC)."""
    counts: pd.Series = times.dropna().dt.floor(frequency).value_counts().sort_index()
    if len(counts):
        full = pd.date_range(counts.index[0], counts.index[-1], freq=frequency)
        counts = counts.reindex(full, fill_value=0)
    return counts


def nothing_to_show(figure: go.Figure, text: str) -> go.Figure:
    """Say inside an empty chart that there is nothing, so that it does not look broken."""
    figure.update_layout(
        height=140,
        xaxis={"visible": False},
        yaxis={"visible": False},
        annotations=[note(text, x=0.5, y=0.5)],
    )
    return figure


def note(text: str, **places: Any) -> dict[str, Any]:
    """An annotation in paper coordinates without an arrow."""
    return {"text": text, "showarrow": False, "xref": "paper", "yref": "paper", **places}
