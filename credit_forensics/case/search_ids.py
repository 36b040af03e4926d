"""Searches a case for whatever has an id, an e-mail address or a mask: payments and accounts."""

from __future__ import annotations

import pandas as pd

from credit_forensics.case.case import Case
from credit_forensics.case.shown_emails import ShownEmails
from credit_forensics.privacy.mask import Mask
from credit_forensics.tables.catalogue import Tables
from credit_forensics.tables.expressions import ibis, ir

COLUMNS = ("kind", "id", "matched", "payment_id")


def search_ids(case: Case, text: str, mask: Mask) -> pd.DataFrame:
    """Payments and accounts that have an id which begins with a text, or that e-mail address.

    Parameters
    ----------
    case
        the case.
    text
        an id of any object or its beginning, an e-mail address, or an address as ``mask`` shows it.
    mask
        under which a shown address is found again.

    Returns
    -------
    ``COLUMNS``, sorted: kind (payment or account), its id, what matched (payment, object, event,
    account, email), and the payment to explain; empty for accounts.
    """
    tables, engine = Tables(), case.evidence.engine
    case.judgement  # noqa: B018  # the verdicts must be there
    text = text.strip()
    if not text:
        return pd.DataFrame(columns=list(COLUMNS))
    emails = ShownEmails(case, mask).meant(text)
    payments, users = tables.payments, tables.users
    objects, events, ledger = tables.payment_objects, tables.events, tables.ledger
    found = [
        _beginning(payments.payment_id, "payment", payments.payment_id, "payment", text),
        _beginning(objects.object_id, "payment", objects.payment_id, "object", text),
        _beginning(events.event_id, "payment", events.payment_id, "event", text),
        _beginning(users.user_id, "account", users.user_id, "account", text),
        _beginning(ledger.user_id, "account", ledger.user_id, "account", text),
    ]
    if emails:
        found += [
            _having(payments.payer_email_key, "payment", payments.payment_id, emails),
            _having(users.email_key, "account", users.user_id, emails),
        ]
    every = ibis.union(*found).distinct()
    rows = engine.frame(every.order_by(["kind", "id", "matched"]))
    rows["payment_id"] = rows["id"].where(rows["kind"] == "payment")
    return rows


def _beginning(value: ir.Column, kind: str, id_: ir.Column, matched: str, text: str) -> ir.Table:
    named = _named(value, kind, id_, matched)
    return named.filter(named.value.startswith(text)).drop("value")


def _having(value: ir.Column, kind: str, id_: ir.Column, emails: list[str]) -> ir.Table:
    named = _named(value, kind, id_, "email")
    return named.filter(named.value.isin(emails)).drop("value")


def _named(value: ir.Column, kind: str, id_: ir.Column, matched: str) -> ir.Table:
    table = value.op().rel.to_expr()
    named: ir.Table = table.select(
        kind=ibis.literal(kind), id=id_, matched=ibis.literal(matched), value=value
    )
    return named.filter(named.id.notnull())
