"""One payment's dossier: what Stripe, the log and the ledger tell of it, and who it is like."""

from __future__ import annotations

from markupsafe import Markup

from credit_forensics.case.case import Case
from credit_forensics.reporting.blocks import Block
from credit_forensics.reporting.case_view import CaseView
from credit_forensics.reporting.cells import Cells
from credit_forensics.reporting.elements import ELEMENTS
from credit_forensics.reporting.evidence_sections import payment_waterfall, weights_table
from credit_forensics.reporting.findings_section import findings_table
from credit_forensics.reporting.html_tables import html_table
from credit_forensics.reporting.incident_report import case_view
from credit_forensics.reporting.payment_history import history_table, payment_histories
from credit_forensics.reporting.worst_cases import methods_of_payment
from credit_forensics.tables.catalogue import Tables
from credit_forensics.tables.expressions import ir

SHOWN_RELATED = 25


class PaymentDossier:
    """Everything about one payment.

    Parameters
    ----------
    case
        the case.
    payment_id
        the payment; the worst one, failing that the first, without it.
    language, reveal
        as for ``IncidentReport``.

    Raises
    ------
    CaseError
        when the case has no such payment.
    """

    def __init__(
        self, case: Case, payment_id: str = "", *, language: str = "en", reveal: bool = False
    ) -> None:
        view = case_view(case, language=language, reveal=reveal, payment_id=payment_id)
        if view.focus is None and len(view.verdicts):
            first = str(view.verdicts["payment_id"].iloc[0])
            view = CaseView(case, view.language, view.mask, first)
        self.view = view
        self.payment_id = view.focus or ""

    def summary(self) -> Block:
        """Its verdict and its findings."""
        view, say = self.view, self.view.language.html
        if not self.payment_id:
            return Block(view.paragraph("dossier.no_payment", "none"))
        verdict = view.focus_verdict
        word = view.language.name("verdict", verdict["verdict"])
        title = say("dossier.payment", payment=view.id(self.payment_id), verdict=word)
        found = view.findings[view.findings["payment_id"] == self.payment_id]
        return Block(ELEMENTS.title(title), findings_table(view, found))

    def history(self) -> Block:
        """What happened to it, in order: Stripe, the log and the ledger."""
        if not self.payment_id:
            return Block()
        view = self.view
        happenings = payment_histories(view, [self.payment_id])[self.payment_id]
        table = history_table(view, happenings, view.language.say("caption.history"))
        return Block(view.heading("history"), table)

    def claims(self) -> Block:
        """Whom each method names, and the weight of each family's voice."""
        if not self.payment_id:
            return Block()
        view = self.view
        named = methods_of_payment(view, self.payment_id)
        empty = view.explanation.bars.empty
        waterfall = () if empty else (payment_waterfall(view, view.explanation),)
        why = () if empty else (weights_table(view, view.explanation),)
        return Block(view.heading("claims"), named, *waterfall, *why)

    def related(self) -> Block:
        """Other payments of the same card, customer and person, with their verdicts."""
        if not self.payment_id:
            return Block()
        keys = ("card_fingerprint", "customer_id", "payer_email_key")
        return Block(self.view.heading("related"), *map(self._sharing, keys))

    def _sharing(self, key: str) -> Markup:
        view, text = self.view, self.view.language.say
        value = view.focus_payment.get(key)
        caption = text(f"caption.same_{key}")
        if not value:
            return ELEMENTS.paragraph(f"{caption}: {text('none.rows')}", "none")
        payments: ir.Table = Tables().payments
        same = payments.filter(
            (payments[key] == value) & (payments.payment_id != self.payment_id)
        ).select("payment_id", "created_at", "amount", "currency")
        rows = view.query(same.order_by(["created_at", "payment_id"]))
        rows = rows.merge(view.verdicts, on="payment_id", how="left")
        keys = ("payment_id", "created_at", "amount", "verdict", "credited_user_id")
        return html_table(
            rows.head(SHOWN_RELATED),
            Cells(view).columns(*keys, "rightful_user_id"),
            caption=caption,
            language=view.language,
            total=len(rows),
            none=f"{caption}: {text('none.rows')}",
        )
