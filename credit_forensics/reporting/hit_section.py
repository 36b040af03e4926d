"""Who the gravest incident hit, and apart from that which payments it may have hit besides."""

from __future__ import annotations

from markupsafe import Markup

from credit_forensics.records import row_dicts
from credit_forensics.reporting.blocks import Block
from credit_forensics.reporting.case_view import CaseView
from credit_forensics.reporting.cells import Cells
from credit_forensics.reporting.html_tables import TableColumn, html_table

SHOWN_USERS = 25
SHOWN_PAYMENTS = 25


def hit_section(view: CaseView) -> Block:
    """Who lost credits and who got them, then the payments in doubt with what they share."""
    incidents, language = view.incidents, view.language
    if incidents.empty:
        return Block(view.heading("hit"), view.paragraph("none.incidents", "none"))
    of_the_gravest = incidents[incidents["severity"] == incidents["severity"].iloc[0]]
    largest = of_the_gravest.sort_values("findings", ascending=False, kind="stable")
    incident = row_dicts(largest.head(1))[0]
    intro = view.paragraph(
        "hit.intro",
        finding=language.name("finding", incident["finding"]),
        onset=language.time(incident["onset"]),
        end=language.time(incident["end"]),
    )
    users = hit_users(view, incident["incident_id"])
    possibly = _possibly(view, incident["incident_id"])
    return Block(view.heading("hit"), intro, users, possibly)


def hit_users(view: CaseView, incident_id: str) -> Markup:
    """Who lost credits in an incident, then who got them, as a table."""
    users = view.case.hit_users(incident_id)
    cells, language = Cells(view), view.language
    role = TableColumn(
        "role", language.say("column.role"), lambda row: language.name("role", row["role"])
    )
    return html_table(
        users.head(SHOWN_USERS),
        [cells.column("user_id"), role, *cells.columns("payments", "credits", "amount")],
        caption=language.say("caption.hit"),
        language=language,
        total=len(users),
    )


def _possibly(view: CaseView, incident_id: str) -> Markup:
    payments = view.case.possibly_hit(incident_id)
    payments = payments.rename(columns={"probability_misattributed": "probability"})
    cells, language = Cells(view), view.language
    traits = TableColumn(
        "traits", language.say("column.traits"), lambda row: view.mask.text(row["traits"] or "–")
    )
    keys = ("payment_id", "created_at", "verdict", "probability")
    users = ("credited_user_id", "rightful_user_id")
    return html_table(
        payments.head(SHOWN_PAYMENTS),
        [*cells.columns(*keys, *users, "amount"), traits],
        caption=language.say("caption.possibly_hit"),
        language=language,
        total=len(payments),
        none=language.say("none.possibly_hit"),
    )
