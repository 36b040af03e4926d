"""Makes accessible HTML tables: captions, header scope, capped with N of M."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from credit_forensics.html_templates import render
from credit_forensics.records import row_dicts
from credit_forensics.reporting.elements import ELEMENTS
from credit_forensics.reporting.language import Language

if TYPE_CHECKING:
    import pandas as pd

Row = dict[str, Any]


@dataclass(frozen=True)
class TableColumn:
    """A column: its key in the rows, its heading, and how a cell is written.

    ``write`` takes the row and gives text (escaped later) or ``Markup``; without it the value's own
    text stands. ``number`` sets the cells to the right.
    """

    key: str
    heading: str
    write: Callable[[Row], str] | None = None
    number: bool = False

    def cell(self, row: Row) -> Any:
        """What stands in this column of a row; nothing where there is no value."""
        value = self.write(row) if self.write else row.get(self.key)
        return "" if value is None else value


def html_table(
    rows: pd.DataFrame | Sequence[Row],
    columns: Sequence[TableColumn],
    *,
    caption: str,
    language: Language,
    total: int | None = None,
    none: str | None = None,
    detail: Callable[[Row], str] | None = None,
    marks: Callable[[Row], Mapping[str, object]] | None = None,
    sums: Sequence[Sequence[object]] = (),
) -> Markup:
    """A table in a frame of its own that scrolls, so that the page never does.

    Parameters
    ----------
    rows
        the rows to show, capped by the caller: a table, or what ``row_dicts`` gave of one.
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
    marks
        attributes of each row, by which the page's filter and its links find it.
    sums
        rows at the foot of the table: what each sums, then a cell a column.

    Examples
    --------
    >>> import pandas as pd
    >>> rows = pd.DataFrame({"name": ["<script>"], "n": [3]})
    >>> page = html_table(rows, [TableColumn("name", "Name"), TableColumn("n", "N", number=True)],
    ...                   caption="Names", language=Language("en"))
    >>> "<script>" in page, 'scope="col"' in page, "<caption>Names</caption>" in page
    (False, True, True)
    """
    shown = rows if isinstance(rows, Sequence) else row_dicts(rows)
    if not shown:
        return ELEMENTS.paragraph(none or language.say("none.rows"), "none")
    if total is not None:
        counted = language.say(
            "table.n_of_m", shown=language.number(len(shown)), total=language.number(total)
        )
        caption = f"{caption} ({counted})"
    return render(
        "reporting/templates/table.html.j2",
        caption=caption,
        columns=columns,
        rows=[
            (
                [column.cell(row) for column in columns],
                detail(row) if detail else None,
                marks(row) if marks else {},
            )
            for row in shown
        ],
        sums=sums,
    )
