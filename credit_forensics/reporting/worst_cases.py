"""The side-by-side matrix of the worst cases: whom each method names, under its family."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from credit_forensics.charts.style import short
from credit_forensics.records import row_dicts
from credit_forensics.reporting.case_view import CaseView
from credit_forensics.reporting.html_tables import Row
from credit_forensics.reporting.language import Html, as_html

# The family that a method belongs to unless the session gave its value away; see DESIGN's table.
METHOD_FAMILIES: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        "session",
        (
            "metadata_user_id",
            "metadata_user_id_backup",
            "metadata_session_user_id",
            "client_reference_id",
            "metadata_scan",
            "session_email",
            "intent_metadata",
        ),
    ),
    ("mapping", ("customer_mapping", "customer_history")),
    ("email", ("payer_email",)),
    ("name", ("payer_name",)),
    ("card", ("card_history",)),
)
DONE = ("handler_cascade", "handler_log", "ledger")


def worst_matrix(view: CaseView, most: int = 12, *, payments: Sequence[str] | None = None) -> Html:
    """Rows are payments, worst first; columns are methods, grouped by family.

    A cell says in words what it means: the payer, the wrongly credited account, or another user.
    Columns in which every shown payment is silent are left out. ``payments`` chooses the payments
    instead of the worst ones.
    """
    language = view.language
    wanted = view.worst_payments if payments is None else list(payments)
    chosen = wanted[:most]
    rows = {row["payment_id"]: row for row in view.matrix_of(chosen)} if chosen else {}
    verdicts = view.case.verdicts
    verdicts = verdicts[verdicts["payment_id"].isin(chosen)]
    verdict_of = {row["payment_id"]: row for row in row_dicts(verdicts)}
    chosen = [payment for payment in chosen if payment in rows]
    if not chosen:
        return Html(f'<p class="none">{escape(language.say("none.worst"))}</p>')
    groups = _groups(view, [rows[payment] for payment in chosen])
    top = "".join(
        f'<th scope="colgroup" colspan="{len(methods)}" class="group">{escape(name)}</th>'
        for name, methods in groups
    )
    methods = [method for _, members in groups for method in members]
    heads = "".join(
        f'<th scope="col" class="method">{_breakable(method)}</th>' for method in methods
    )
    body = "".join(
        _row(view, rows[payment], verdict_of.get(payment, {}), methods) for payment in chosen
    )
    caption = (
        f"{language.say('caption.worst')} ("
        + language.say(
            "table.n_of_m",
            shown=language.number(len(chosen)),
            total=language.number(len(wanted)),
        )
        + ")"
    )
    payment_head = f'<th scope="col" rowspan="2">{escape(language.say("column.payment_id"))}</th>'
    return Html(
        f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(caption)}">'
        f'<table class="matrix"><caption>{escape(caption)}</caption>'
        f"<thead><tr>{payment_head}{top}</tr><tr>{heads}</tr></thead><tbody>{body}</tbody>"
        f'</table></div><p class="legend">{language.html("worst.legend")}</p>'
    )


def _breakable(method: str) -> str:
    """A method's name that may break after its underscores."""
    return escape(method).replace("_", "_<wbr>")


def _groups(view: CaseView, rows: list[Row]) -> list[tuple[str, list[str]]]:
    speaking = {name for row in rows for name, value in row.items() if value is not None}
    listed = {method for _, members in METHOD_FAMILIES for method in members}
    summary = view.case.method_summary
    groups = {
        view.language.name("family", family): [m for m in members if m in speaking]
        for family, members in METHOD_FAMILIES
    }
    # Methods of the user's own stand under the family that they were given.
    for row in row_dicts(summary):
        method = str(row["method"])
        if method not in listed and method not in DONE and method in speaking:
            groups.setdefault(view.language.name("family", row.get("family")), []).append(method)
    groups[view.language.say("worst.done")] = [method for method in DONE if method in speaking]
    return [(name, members) for name, members in groups.items() if members]


def _row(view: CaseView, row: Row, verdict: Row, methods: list[str]) -> str:
    language = view.language
    payment = view.id(row["payment_id"])
    word = language.name("verdict", verdict.get("verdict"))
    cells = "".join(_cell(view, row.get(method), verdict) for method in methods)
    return (
        f'<tr><th scope="row"><code title="{escape(payment)}">{escape(short(payment, 18))}</code>'
        f'<span class="verdict">{escape(word)}</span></th>{cells}</tr>'
    )


def _cell(view: CaseView, named: object, verdict: Row) -> str:
    if named is None:
        return "<td></td>"
    rightful, credited = verdict.get("rightful_user_id"), verdict.get("credited_user_id")

    def person(user: object) -> str:
        return view.person_of.get(str(user), str(user))

    if rightful and person(named) == person(rightful):
        role = "payer"
    elif credited and person(named) == person(credited):
        role = "credited"
    else:
        role = "other"
    shown = view.user(named)
    label = view.language.say(f"worst.{role}")
    return (
        f'<td class="{role}"><code title="{escape(shown)}">{escape(short(shown, 9))}</code>'
        f'<span class="role">{as_html(label)}</span></td>'
    )
