"""Says which window a report is about, and what was read anew for it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import pandas as pd
from markupsafe import Markup

from credit_forensics.evidence.stored.custody import ReadAnew
from credit_forensics.reporting.case_view import CaseView
from credit_forensics.reporting.cells import Cells, code
from credit_forensics.reporting.html_tables import TableColumn, html_table


def rolling_facts(view: CaseView) -> str:
    """The window and what was read, as sentences; nothing for a report on all of a case."""
    said = []
    if view.window:
        language = view.language
        sentence = language.say(
            "rolling.window",
            first=language.time(view.window.since),
            last=language.time(view.window.until),
            inside=language.number(len(view.findings)),
            all=language.count("finding", len(view.case.findings)),
        )
        said.append(sentence)
    if view.read_anew is not None:
        said.append(_read(view, view.read_anew))
    return " ".join(said)


def read_anew_table(view: CaseView) -> Markup:
    """What was read of each input: how, from which byte, how much, and its hash."""
    if not view.read_anew:
        return Markup()
    language, cells = view.language, Cells(view)
    rows = pd.DataFrame(
        {
            "name": [read.name for read in view.read_anew],
            "how": [read.how for read in view.read_anew],
            # A database has no bytes that could be counted.
            "start": _whole(read.start if read.sha256 else None for read in view.read_anew),
            "size": _whole(read.size if read.sha256 else None for read in view.read_anew),
            "rows": [read.rows for read in view.read_anew],
            "sha256": [read.sha256 or None for read in view.read_anew],
        }
    )
    return html_table(
        rows,
        [
            TableColumn(
                "name", language.say("column.name"), lambda row: view.mask.text(row["name"])
            ),
            TableColumn(
                "how", language.say("column.how"), lambda row: language.name("how", row["how"])
            ),
            *cells.columns("start", "size", "rows"),
            TableColumn("sha256", language.say("column.sha256"), code("sha256")),
        ],
        caption=language.say("caption.read_anew"),
        language=language,
    )


def _whole(numbers: Iterable[int | None]) -> Any:
    return pd.array(list(numbers), dtype="Int64")


def _read(view: CaseView, read: Sequence[ReadAnew]) -> str:
    language = view.language
    if not sum(one.rows + one.size for one in read):
        return language.say("rolling.nothing")
    return language.say(
        "rolling.read",
        bytes=language.number(sum(one.size for one in read)),
        rows=language.count("row", sum(one.rows for one in read)),
        inputs=language.count("input", len(read)),
    )
