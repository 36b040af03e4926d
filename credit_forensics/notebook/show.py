"""Shows a result table, masked: it sorts and filters in a notebook, and is static elsewhere."""

from __future__ import annotations

from typing import Any

import pandas as pd

from credit_forensics.case.case import Case
from credit_forensics.extras import installed, load
from credit_forensics.notebook.elements import ELEMENTS
from credit_forensics.notebook.live import live_shell
from credit_forensics.privacy.mask import Mask
from credit_forensics.reporting.html_tables import TableColumn, html_table
from credit_forensics.reporting.language import Language
from credit_forensics.resolution.methods import REPLAYS
from credit_forensics.tables.catalogue import ALL

MOST_ROWS = 10_000
STATIC_ROWS = 25
_REJECTS = ("file", "line", "reason")


def show(
    table: pd.DataFrame | pd.Series, case: Case, *, caption: str = "", reveal: bool | None = None
) -> ShownTable:
    """A table to look at: the last expression of a cell displays it.

    Parameters
    ----------
    table
        any of the case's tables, or what was made of one.
    case
        the case; it knows the mask.
    caption
        what the table shows.
    reveal
        show personal data; as the case was opened without it.

    Returns
    -------
    ShownTable
        in JupyterLab with the extra ``[lab]`` it sorts and filters in place, up to 10,000 rows;
        elsewhere it is an HTML table of 25 rows, or text. "N of M" says what was left out.
    """
    mask: Mask = case.mask
    return ShownTable(table, mask, caption, mask.reveal if reveal is None else reveal)


class ShownTable:
    """A masked table as HTML and as text."""

    def __init__(
        self, table: pd.DataFrame | pd.Series, mask: Mask, caption: str, reveal: bool
    ) -> None:
        self._table = table.to_frame() if isinstance(table, pd.Series) else table
        self._mask = mask
        self._caption = caption
        self._reveal = reveal

    def rows(self, most: int) -> pd.DataFrame:
        """The first rows as they are shown: masked, the index as a column where it says anything.

        Numbers, times and truth values stay: no name or address is one.
        """
        rows = self._table.head(most)
        if not isinstance(rows.index, pd.RangeIndex) and (
            rows.index.names != [None] or not pd.api.types.is_integer_dtype(rows.index.dtype)
        ):
            rows = rows.rename_axis(index=[str(name or "label") for name in rows.index.names])
            rows = rows.reset_index(allow_duplicates=True)
        rows = rows.set_axis(_headings(rows.columns), axis=1)
        if self._reveal:
            return rows
        return _masked(rows, self._mask)

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        """A widget where one can live, and the static forms for wherever it cannot."""
        static = {"text/html": self.static_html(), "text/plain": repr(self)}
        if live_shell() is None or not installed("itables", "anywidget", "ipywidgets"):
            return static
        bundle = self.widget()._repr_mimebundle_()
        # Some versions of the widget library give the metadata too.
        data = bundle[0] if isinstance(bundle, tuple) else bundle
        return {**(data or {}), **static}

    def static_html(self) -> str:
        """An HTML table, capped at 25 rows."""
        rows = self.rows(STATIC_ROWS)
        columns = [
            TableColumn(name, name, number=pd.api.types.is_numeric_dtype(rows[name]))
            for name in rows.columns
        ]
        return html_table(
            rows,
            columns,
            caption=self._caption or "Rows",
            language=Language("en"),
            total=len(self._table),
        )

    def widget(self) -> Any:
        """A table that sorts and filters in the browser; everything in it is text."""
        ipywidgets = load("ipywidgets")
        rows = self.rows(MOST_ROWS)
        text = {name: _cell_text(rows[name]) for name in rows.columns if _is_text(rows[name])}
        counted = f"{len(rows):,} of {len(self._table):,} rows"
        head = f"{self._caption} ({counted})" if self._caption else counted
        table = load("itables.widget").ITable(
            rows.assign(**text),
            # The cap is ours: what would silently be thinned out could hide the row looked for.
            maxBytes=0,
            maxRows=0,
            maxColumns=0,
            showIndex=False,
            allow_html=False,
            layout={
                "topStart": "pageLength",
                "topEnd": "search",
                "bottomStart": "info",
                "bottomEnd": "paging",
            },
        )
        return ipywidgets.VBox([ipywidgets.HTML(str(ELEMENTS.head(head))), table])

    def __repr__(self) -> str:
        text = self.rows(STATIC_ROWS).to_string(index=False, max_colwidth=40, na_rep="")
        if len(self._table) <= STATIC_ROWS:
            return text
        return f"{text}\n({STATIC_ROWS} of {len(self._table):,} rows)"


def _is_text(column: pd.Series) -> bool:
    return pd.api.types.is_datetime64_any_dtype(column) or not (
        pd.api.types.is_numeric_dtype(column) or pd.api.types.is_bool_dtype(column)
    )


def _cell_text(column: pd.Series) -> pd.Series:
    """Times so that their text sorts as they do; nothing where there is no value."""
    if pd.api.types.is_datetime64_any_dtype(column):
        column = column.dt.strftime("%Y-%m-%d %H:%M:%S")
    return column.astype(object).where(column.notna(), "")


def table_of(columns: list[str]) -> str:
    """The table that has exactly these columns; its name decides what may be shown.

    Examples
    --------
    >>> table_of(["user_id", "balance", "fraction"]), table_of(["file", "line", "reason"])
    ('balances', 'rejects')
    """
    if tuple(columns) == _REJECTS:
        return "rejects"
    if "handler_cascade" in columns:
        return "matrix"
    same = [name for name, spec in ALL.items() if list(spec.column_names) == columns]
    return same[0] if same else ""


def _masked(rows: pd.DataFrame, mask: Mask) -> pd.DataFrame:
    masked = mask.frame(rows, table_of(list(rows.columns)))
    for name in rows.columns:
        kind = rows[name].dtype
        if name == "label":
            masked[name] = rows[name].map(lambda value: _label(value, mask))
        elif pd.api.types.is_numeric_dtype(kind) or pd.api.types.is_datetime64_any_dtype(kind):
            masked[name] = rows[name]
    return masked


def _label(value: object, mask: Mask) -> str:
    known = str(value) in _vocabulary() or str(value) in mask.methods
    return str(value) if known else mask.user_id(value)


def _vocabulary() -> frozenset[str]:
    """Words of ours that label rows, beside the methods: tables, their columns and replays."""
    columns = {name for spec in ALL.values() for name in spec.column_names}
    return frozenset({*ALL, *columns, *REPLAYS})


def _headings(names: pd.Index) -> list[str]:
    """Headings as text, each once: what is drawn finds a column by its heading."""
    headings: list[str] = []
    for name in names:
        text = " ".join(map(str, name)) if isinstance(name, tuple) else str(name)
        while text in headings:
            text += "'"
        headings.append(text)
    return headings
