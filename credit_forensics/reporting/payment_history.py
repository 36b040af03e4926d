"""What happened to payments, in order: what Stripe, the log and the ledger state of each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from markupsafe import Markup

from credit_forensics.reporting.case_view import CaseView
from credit_forensics.reporting.elements import ELEMENTS
from credit_forensics.reporting.html_tables import Row, TableColumn, html_table


def payment_histories(view: CaseView, payments: Sequence[str]) -> dict[str, list[Row]]:
    """The happenings of each payment: ``at``, ``source``, ``what`` and ``id``, masked, in order."""
    rows: dict[str, list[Row]] = defaultdict(list)
    for payment in view.rows_with("payments", "payment_id", payments):
        rows[payment["payment_id"]] += _of_payment(view, payment)
    for event in view.rows_with("events", "payment_id", payments):
        rows[event["payment_id"]].append(
            _happening(event["created_at"], "Stripe", event["type"], event["event_id"])
        )
    for delivery in view.rows_with("deliveries", "payment_id", payments):
        rows[delivery["payment_id"]].append(_of_delivery(view, delivery))
    for entry in view.rows_with("ledger", "payment_id", payments):
        rows[entry["payment_id"]].append(_of_entry(view, entry))
    return {payment: _in_order(view, rows[payment]) for payment in payments}


def history_table(view: CaseView, happenings: list[Row], caption: str) -> Markup:
    """One payment's happenings as a table."""
    text = view.language.say
    return html_table(
        happenings,
        [
            TableColumn("at", text("column.created_at"), lambda row: _time(view, row)),
            TableColumn("source", text("column.source")),
            TableColumn("what", text("column.what")),
            TableColumn("id", text("column.id"), lambda row: _id(view, row)),
        ],
        caption=caption,
        language=view.language,
    )


def _of_payment(view: CaseView, payment: Row) -> list[Row]:
    say = view.language.say
    status = say("dossier.completed", status=payment.get("payment_status") or "–")
    return [
        _happening(payment.get("created_at"), "Stripe", say("dossier.created"), ""),
        _happening(payment.get("completed_at"), "Stripe", status, ""),
    ]


def _of_delivery(view: CaseView, delivery: Row) -> Row:
    say = view.language.say
    what = say(
        "dossier.delivery",
        outcome=delivery["outcome"] or "–",
        method=delivery["method"] or "–",
        user=view.user(delivery["resolved_user_id"] or "–"),
    )
    source = say("dossier.log")
    if delivery["source_file"] and delivery["source_line"] is not None:
        source += f" {delivery['source_file']}:{int(delivery['source_line'])}"
    return _happening(delivery["received_at"], source, what, delivery["event_id"])


def _of_entry(view: CaseView, entry: Row) -> Row:
    say = view.language.say
    what = say(
        "dossier.entry",
        kind=entry["kind"] or "–",
        delta=f"{int(entry['delta'] or 0):+d}",
        user=view.user(entry["user_id"] or "–"),
    )
    return _happening(entry["created_at"], say("dossier.ledger"), what, entry["entry_id"])


def _happening(at: object, source: str, what: object, id_: object) -> Row:
    return {"at": at, "source": source, "what": str(what or ""), "id": id_}


def _in_order(view: CaseView, rows: list[Row]) -> list[Row]:
    shown = [
        {
            **row,
            "source": view.mask.text(row["source"]),
            "what": view.mask.text(row["what"]),
            "id": view.mask.text(row["id"]) if row["id"] else None,
        }
        for row in rows
        if row["at"] is not None or row["id"]
    ]
    return sorted(shown, key=lambda row: (row["at"] is None, str(row["at"]), str(row["id"] or "")))


def _time(view: CaseView, row: Row) -> Markup:
    return ELEMENTS.moment(view.language.time(row["at"], seconds=True))


def _id(view: CaseView, row: Row) -> Markup | str:
    return view.short_id(row["id"]) if row["id"] else "–"
