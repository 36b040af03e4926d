"""What changed since the report before: new, gone and still open."""

from __future__ import annotations

from datetime import datetime

import pandas as pd
from markupsafe import Markup

from credit_forensics.reporting.blocks import Block
from credit_forensics.reporting.case_view import CaseView
from credit_forensics.reporting.cells import Cells
from credit_forensics.reporting.elements import ELEMENTS, Code
from credit_forensics.reporting.findings_section import findings_table
from credit_forensics.reporting.html_tables import html_table

SHOWN_ROWS = 25


def since_section(view: CaseView) -> Block:
    """Counts, then the new findings and those that are gone, capped; no block without a report."""
    since = view.since
    if since is None:
        return Block()
    parts = [view.heading("since"), ELEMENTS.paragraph(since_line(view))]
    new = view.findings[view.matters["finding_id"].isin(since.new)]
    if len(new):
        parts.append(findings_table(view, new, SHOWN_ROWS, caption="caption.new"))
    if since.gone:
        rows = pd.DataFrame(since.gone).astype(object)
        rows["created_at"] = pd.to_datetime(rows["created_at"], utc=True)
        keys = ("payment_id", "finding", "cause", "severity", "amount", "created_at")
        table = html_table(
            rows.head(SHOWN_ROWS),
            Cells(view).columns(*keys),
            caption=view.language.say("caption.gone"),
            language=view.language,
            total=len(rows),
        )
        parts.append(table)
    gone = {str(row.get("incident_id") or "") for row in since.gone}
    known = {*since.incident_before.values(), *view.incidents["incident_id"]}
    lost = sorted((set(view.notes) & gone) - known)
    parts += [_noted(view, incident) for incident in lost]
    return Block(*parts)


def since_line(view: CaseView) -> str:
    """The comparison in a sentence; empty where there is no report before."""
    since, language = view.since, view.language
    if since is None:
        return ""
    started = language.time(datetime.fromisoformat(since.started_at)) if since.started_at else "–"
    line = language.say(
        "since.line",
        started=started,
        new=language.number(len(since.new)),
        gone=language.number(len(since.gone)),
        open=language.number(len(since.still_open)),
    )
    if since.gone and since.less_judged:
        line += " " + language.say("since.less_judged")
    return line


def _noted(view: CaseView, incident: str) -> Markup:
    """A note on an incident of which nothing is found any more."""
    note = view.notes[incident]
    return view.paragraph(
        "since.note", incident=Code(incident), owner=note.owner or "–", note=note.note or "–"
    )
