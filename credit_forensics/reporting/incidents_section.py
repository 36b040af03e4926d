"""The incidents as a section: the main one first, consequences under it, each amount once."""

from __future__ import annotations

from typing import Any

import pandas as pd
from markupsafe import Markup

from credit_forensics.charts import rate_with_onset
from credit_forensics.records import row_dicts
from credit_forensics.reporting.blocks import Block
from credit_forensics.reporting.case_view import CaseView
from credit_forensics.reporting.cells import Cells
from credit_forensics.reporting.corrections import what_to_do
from credit_forensics.reporting.elements import ELEMENTS, Code
from credit_forensics.reporting.html_tables import Row, TableColumn, html_table
from credit_forensics.reporting.in_short import largest_first
from credit_forensics.reporting.incident_rows import incident_rows, singles_joined

SHOWN_INCIDENTS = 25


def incidents_section(view: CaseView) -> Block:
    """Incidents, and the rate over time of the gravest one that payments belong to."""
    language = view.language
    if view.incidents.empty:
        return Block(view.heading("incidents"), view.paragraph("none.incidents", "none"))
    every = singles_joined(incident_rows(view))
    shown = every[:SHOWN_INCIDENTS]
    named = {str(row["incident_id"]): row for row in every}
    cells = Cells(view)
    table = html_table(
        pd.DataFrame(shown).astype(object),
        [
            TableColumn("finding", language.say("column.finding"), lambda row: _kind(view, row)),
            *cells.columns("cause", "severity", "onset", "end"),
            TableColumn(
                "findings", language.say("column.findings"), lambda row: _findings(view, row), True
            ),
            *cells.columns("users", "credits", "amount"),
            _counted(view),
        ],
        caption=language.say("caption.incidents"),
        language=language,
        total=len(every),
        detail=lambda row: ELEMENTS.lines(_said(view, row, named)),
        marks=_marks,
        sums=[_total(view, every)],
    )
    rate = rate_of_incident(view, row_dicts(largest_first(view.incidents).head(1))[0])
    intro = view.paragraph("incidents.intro")
    return Block(view.heading("incidents"), intro, table, *rate)


def rate_of_incident(view: CaseView, incident: Row) -> list[Any]:
    """The rate over time of an incident's finding and cause, as a list of no or one chart."""
    found = view.findings
    same = found["finding"] == incident["finding"]
    cause = incident.get("cause")
    if cause:
        same &= found["cause"] == cause
    hit = found.loc[same, "payment_id"].dropna()
    if hit.empty:
        return []
    low, high = incident.get("onset_low"), incident.get("onset_high")
    return [
        rate_with_onset(
            view.payments,
            hit,
            onset=incident.get("onset"),
            onset_interval=(low, high) if low is not None and high is not None else None,
            language=view.language.code,
        )
    ]


def _kind(view: CaseView, row: Row) -> Markup:
    """The finding, under its cause where it follows from one, and whether it is new."""
    name = view.language.name("finding", row["finding"])
    parts = [Markup("↳ ") if row["part_of"] else Markup(), Markup.escape(name)]
    if row["news"] == "new":
        parts.append(ELEMENTS.news(view.language.say("news.new")))
    return Markup(" ").join(part for part in parts if part)


def _findings(view: CaseView, row: Row) -> Markup:
    number = view.language.number(int(row["findings"]))
    return ELEMENTS.jump(
        "findings", number, str(row["incident_id"]) if row["incidents"] == 1 else ""
    )


def _counted(view: CaseView) -> TableColumn:
    return TableColumn(
        "money",
        view.language.say("column.counted"),
        lambda row: view.language.amounts(row["money"]),
        number=True,
    )


def _said(view: CaseView, row: Row, named: dict[str, Row]) -> list[Markup]:
    """What there is to know of an incident, a line a thing."""
    language = view.language
    lines: list[Markup] = []
    known = [language.time(row.get(name)) for name in ("onset_low", "onset_high")]
    if row["incidents"] > 1:
        lines.append(language.html("incident.singles", number=language.number(row["incidents"])))
    elif "–" not in known:
        lines.append(language.html("incident.began", low=known[0], high=known[1]))
    if row.get("ongoing"):
        lines.append(language.html("short.goes_on"))
    if main := named.get(str(row["part_of"])):
        finding = language.name("finding", main["finding"])
        onset = language.time(main["onset"])
        lines.append(language.html("incident.part_of", finding=finding, onset=onset))
    todo = what_to_do(view, row)
    if row["incidents"] == 1:
        name = Code(view.mask.text(row["incident_id"]))
        todo += " " + language.html("incident.id", incident=name)
    lines.append(todo)
    if row["owner"] or row["note"]:
        owner, note = (view.mask.text(row[name] or "–") for name in ("owner", "note"))
        lines.append(language.html("incident.note", owner=owner, note=note))
    return lines


def _marks(row: Row) -> dict[str, object]:
    onset, end = row.get("onset"), row.get("end")
    return {
        "data-finding": row["finding"],
        "data-from": "" if onset is None else f"{onset:%Y-%m-%d}",
        "data-to": "" if end is None else f"{end:%Y-%m-%d}",
    }


def _total(view: CaseView, rows: list[Row]) -> list[object]:
    language = view.language
    findings = language.number(sum(int(row["findings"]) for row in rows))
    label = language.say("incidents.total")
    return [label, "", "", "", "", findings, "", "", "", language.amounts(view.at_stake)]
