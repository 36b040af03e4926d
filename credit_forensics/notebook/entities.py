"""What a person goes from and to: payments, accounts, customers, cards and incidents."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd

from credit_forensics.case.case import Case
from credit_forensics.charts.style import short
from credit_forensics.records import row_dicts
from credit_forensics.reporting.blocks import Block
from credit_forensics.reporting.case_view import CaseView
from credit_forensics.reporting.cells import Cells
from credit_forensics.reporting.elements import ELEMENTS
from credit_forensics.reporting.findings_section import findings_table
from credit_forensics.reporting.hit_section import hit_users
from credit_forensics.reporting.html_tables import html_table
from credit_forensics.reporting.payment_dossier import PaymentDossier
from credit_forensics.reporting.user_dossier import UserDossier
from credit_forensics.tables.catalogue import Tables
from credit_forensics.tables.expressions import ir

SHOWN = 8
SHOWN_ROWS = 25
_WIDTH = 22
_KINDS = ("account", "payment", "customer", "card", "incident")


@dataclass(frozen=True)
class Entity:
    """One thing of a case: its kind (payment, account, customer, card, incident) and its id."""

    kind: str
    id: str

    def label(self, view: CaseView) -> str:
        """What a button to it says: the kind, and the id as it is shown, cut."""
        return f"{view.language.say(f'entity.{self.kind}')} {short(self.shown(view), _WIDTH)}"

    def shown(self, view: CaseView) -> str:
        """The id as it is shown."""
        if self.kind == "card":
            return view.mask.value(self.id, "card")
        return view.mask.user_id(self.id) if self.kind == "account" else view.mask.text(self.id)


def neighbours(view: CaseView, of: Entity) -> list[Entity]:
    """Where one can go from it, each once, kind by kind, at most eight of each."""
    found = _FROM[of.kind](view, of.id)
    kinds: dict[str, int] = {}
    shown = []
    for entity in dict.fromkeys(found):
        kinds[entity.kind] = kinds.get(entity.kind, 0) + 1
        if entity != of and kinds[entity.kind] <= SHOWN:
            shown.append(entity)
    return sorted(shown, key=lambda entity: _KINDS.index(entity.kind))


def entity_page(case: Case, view: CaseView, of: Entity) -> list[Block]:
    """What there is to know of it, as blocks."""
    language, reveal = view.language.code, view.mask.reveal
    if of.kind == "payment":
        dossier = PaymentDossier(case, of.id, language=language, reveal=reveal)
        return [dossier.summary(), dossier.history()]
    if of.kind == "account":
        user = UserDossier(case, of.id, language=language, reveal=reveal)
        return [user.summary(), user.findings(), user.payments()]
    kind = view.language.say(f"entity.{of.kind}")
    title = ELEMENTS.title(f"{kind[:1].upper()}{kind[1:]} {of.shown(view)}")
    if of.kind == "incident":
        found = view.findings[view.findings["incident_id"] == of.id]
        return [Block(title, findings_table(view, found), hit_users(view, of.id))]
    payments = Tables().payments
    column = payments.customer_id if of.kind == "customer" else payments.card_fingerprint
    return [Block(title, _payments_table(view, payments.filter(column == of.id)))]


def _payments_table(view: CaseView, payments: ir.Table) -> str:
    rows = view.query(
        payments.select("payment_id", "created_at", "amount", "currency").order_by(
            ["created_at", "payment_id"]
        )
    )
    rows = rows.merge(view.verdicts, on="payment_id", how="left")
    keys = ("payment_id", "created_at", "amount", "verdict", "credited_user_id", "rightful_user_id")
    return html_table(
        rows.head(SHOWN_ROWS),
        Cells(view).columns(*keys),
        caption=view.language.say("section.payments"),
        language=view.language,
        total=len(rows),
    )


def _of_payment(view: CaseView, payment: str) -> list[Entity]:
    verdicts = view.verdicts[view.verdicts["payment_id"] == payment]
    found = []
    for row in row_dicts(verdicts[["credited_user_id", "rightful_user_id"]]):
        found += [Entity("account", str(user)) for user in row.values() if user]
    for row in view.rows_of("payments", "payment_id", payment):
        for kind, key in (("customer", "customer_id"), ("card", "card_fingerprint")):
            if row[key]:
                found.append(Entity(kind, str(row[key])))
    mine = view.findings["payment_id"] == payment
    return found + _named("incident", view.findings.loc[mine, "incident_id"])


def _of_account(view: CaseView, user: str) -> list[Entity]:
    findings, verdicts = view.findings, view.verdicts
    mine = (findings["credited_user_id"] == user) | (findings["rightful_user_id"] == user)
    paid = (verdicts["credited_user_id"] == user) | (verdicts["rightful_user_id"] == user)
    found = _named("payment", findings.loc[mine, "payment_id"])
    found += _named("payment", verdicts.loc[paid, "payment_id"])
    bound = view.rows_of("customers", "user_id", user)
    found += [Entity("customer", str(row["customer_id"])) for row in bound if row["customer_id"]]
    return found + _named("incident", findings.loc[mine, "incident_id"])


def _of_customer(view: CaseView, customer: str) -> list[Entity]:
    bound = view.rows_of("customers", "customer_id", customer)
    found = [Entity("account", str(row["user_id"])) for row in bound if row["user_id"]]
    return found + _paid_by(view, "customer_id", customer)


def _of_card(view: CaseView, card: str) -> list[Entity]:
    return _paid_by(view, "card_fingerprint", card)


def _of_incident(view: CaseView, incident: str) -> list[Entity]:
    found = view.findings[view.findings["incident_id"] == incident]
    accounts = pd.concat([found["rightful_user_id"], found["credited_user_id"]])
    return _named("payment", found["payment_id"]) + _named("account", accounts)


def _paid_by(view: CaseView, column: str, value: str) -> list[Entity]:
    payments = Tables().payments
    rows = view.query(
        payments.filter(payments[column] == value).select("payment_id").order_by("payment_id")
    )
    verdicts = view.verdicts[view.verdicts["payment_id"].isin(rows["payment_id"])]
    return _named("payment", rows["payment_id"]) + _named("account", verdicts["rightful_user_id"])


def _named(kind: str, ids: pd.Series) -> list[Entity]:
    return [Entity(kind, str(value)) for value in ids.dropna().unique()]


_FROM: dict[str, Callable[[CaseView, str], list[Entity]]] = {
    "payment": _of_payment,
    "account": _of_account,
    "customer": _of_customer,
    "card": _of_card,
    "incident": _of_incident,
}
