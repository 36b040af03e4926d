"""Makes accessible HTML tables: everything escaped, captions, header scope, capped with N of M."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import pandas as pd

from credit_forensics.records import row_dicts
from credit_forensics.reporting.language import Html, Language, as_html

Row = dict[str, Any]


@dataclass(frozen=True)
class TableColumn:
    """A column: its key in the rows, its heading, and how a cell is written.

    ``write`` takes the row and gives text (escaped later) or ``Html``; without it the value's own
    text stands. ``number`` sets the cells to the right.
    """

    key: str
    heading: str
    write: Callable[[Row], str] | None = None
    number: bool = False


def html_table(
    rows: pd.DataFrame,
    columns: Sequence[TableColumn],
    *,
    caption: str,
    language: Language,
    total: int | None = None,
    none: str | None = None,
    detail: Callable[[Row], str] | None = None,
) -> Html:
    """A table in a frame of its own that scrolls, so that the page never does.

    Parameters
    ----------
    rows
        the rows to show, capped by the caller.
    columns
        the columns in order; the first one heads its row.
    caption
        what the table shows.
    language
        for "N of M" and the text of an empty table.
    total
        how many rows there are in all; the caption then says "N of M".
    none
        what to say instead of a table without rows.
    detail
        a sentence on each row, in a line of its own below it.

    Examples
    --------
    >>> rows = pd.DataFrame({"name": ["<script>"], "n": [3]})
    >>> page = html_table(rows, [TableColumn("name", "Name"), TableColumn("n", "N", number=True)],
    ...                   caption="Names", language=Language("en"))
    >>> "<script>" in page, 'scope="col"' in page, "<caption>Names</caption>" in page
    (False, True, True)
    """
    if rows.empty:
        return Html(f'<p class="none">{escape(none or language.say("none.rows"))}</p>')
    if total is not None:
        counted = language.say(
            "table.n_of_m", shown=language.number(len(rows)), total=language.number(total)
        )
        caption = f"{caption} ({counted})"
    head = "".join(
        f'<th scope="col"{_number(column)}>{as_html(column.heading)}</th>' for column in columns
    )
    body = "".join(_row(row, columns, detail) for row in row_dicts(rows))
    return Html(
        f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(caption)}">'
        f"<table><caption>{escape(caption)}</caption><thead><tr>{head}</tr></thead>"
        f"<tbody>{body}</tbody></table></div>"
    )


def _row(row: Row, columns: Sequence[TableColumn], detail: Callable[[Row], str] | None) -> str:
    cells = []
    for i, column in enumerate(columns):
        value = column.write(row) if column.write else row.get(column.key)
        text = as_html("" if value is None else value)
        tag, scope = ("th", ' scope="row"') if i == 0 else ("td", "")
        cells.append(f"<{tag}{scope}{_number(column)}>{text}</{tag}>")
    if detail is None:
        return f"<tr>{''.join(cells)}</tr>"
    sentence = as_html(detail(row))
    return (
        f"<tr>{''.join(cells)}</tr>"
        f'<tr class="detail"><td colspan="{len(columns)}">{sentence}</td></tr>'
    )


def _number(column: TableColumn) -> str:
    return ' class="number"' if column.number else ""
