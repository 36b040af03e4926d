"""What stands behind each finding that is shown: its payment's history, to unfold."""

from __future__ import annotations

from credit_forensics.records import row_dicts
from credit_forensics.reporting.blocks import Block
from credit_forensics.reporting.case_view import CaseView
from credit_forensics.reporting.elements import ELEMENTS
from credit_forensics.reporting.findings_section import payment_anchor, shown_findings
from credit_forensics.reporting.payment_history import history_table, payment_histories


def proved_payments(view: CaseView) -> list[str]:
    """The payments of the findings that are shown, worst first; those that the case has."""
    named = view.findings.loc[shown_findings(view.findings), "payment_id"]
    known = set(view.case.verdicts["payment_id"])
    return [str(payment) for payment in named.dropna().unique() if payment in known]


def proof_section(view: CaseView) -> Block:
    """Each such payment with its findings; what Stripe, the log and the ledger state below."""
    payments = proved_payments(view)
    if not payments:
        return Block(view.heading("proof"), view.paragraph("none.worst", "none"))
    language = view.language
    histories = payment_histories(view, payments)
    rows = view.findings[view.findings["payment_id"].isin(payments)]
    of: dict[str, list[dict[str, object]]] = {}
    for row in row_dicts(rows[["payment_id", "finding", "incident_id", "created_at"]]):
        of.setdefault(str(row["payment_id"]), []).append(row)
    folds = []
    for payment in payments:
        kinds = dict.fromkeys(language.name("finding", row["finding"]) for row in of[payment])
        days = sorted(f"{row['created_at']:%Y-%m-%d}" for row in of[payment] if row["created_at"])
        caption = language.say("caption.history")
        incidents = " ".join(str(row["incident_id"]) for row in of[payment])
        folds.append(
            ELEMENTS.fold(
                payment_anchor(view, payment),
                view.id(payment),
                language.list(list(kinds)),
                history_table(view, histories[payment], caption),
                {
                    "data-finding": " ".join(sorted({str(row["finding"]) for row in of[payment]})),
                    "data-of": view.mask.text(incidents),
                    "data-from": days[0] if days else "",
                    "data-to": days[-1] if days else "",
                },
            )
        )
    return Block(view.heading("proof"), view.paragraph("proof.intro"), *folds)
