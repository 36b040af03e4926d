"""Searches a case for whatever has an id, an e-mail address or a mask: payments and accounts."""

from __future__ import annotations

import re

import ibis
import ibis.expr.types as ir
import pandas as pd

from credit_forensics.case.case import Case
from credit_forensics.privacy.mask import Mask
from credit_forensics.tables.catalogue import Tables

_MASKED_EMAIL = re.compile(r"email~[0-9a-f]{10}")
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
    emails = _emails(case, text, mask)
    payments, users = tables.payments, tables.users
    found = [
        _rows(payments, "payment", payments.payment_id, "payment", payments.payment_id, text),
        _rows(
            tables.payment_objects,
            "payment",
            tables.payment_objects.payment_id,
            "object",
            tables.payment_objects.object_id,
            text,
        ),
        _rows(
            tables.events,
            "payment",
            tables.events.payment_id,
            "event",
            tables.events.event_id,
            text,
        ),
        _rows(users, "account", users.user_id, "account", users.user_id, text),
        _rows(
            tables.ledger, "account", tables.ledger.user_id, "account", tables.ledger.user_id, text
        ),
    ]
    if emails:
        found += [
            _of_email(payments, "payment", payments.payment_id, payments.payer_email_key, emails),
            _of_email(users, "account", users.user_id, users.email_key, emails),
        ]
    every = ibis.union(*found).distinct()
    rows = engine.frame(every.order_by(["kind", "id", "matched"]))
    rows["payment_id"] = rows["id"].where(rows["kind"] == "payment")
    return rows


def _rows(
    table: ir.Table, kind: str, id_: ir.Value, matched: str, value: ir.Value, text: str
) -> ir.Table:
    named = table.select(kind=ibis.literal(kind), id=id_, matched=ibis.literal(matched), value=value)
    return named.filter(named.value.startswith(text) & named.id.notnull()).drop("value")


def _of_email(
    table: ir.Table, kind: str, id_: ir.Value, key: ir.Value, emails: list[str]
) -> ir.Table:
    named = table.select(
        kind=ibis.literal(kind), id=id_, matched=ibis.literal("email"), value=key
    )
    return named.filter(named.value.isin(emails) & named.id.notnull()).drop("value")


def _emails(case: Case, text: str, mask: Mask) -> list[str]:
    """The folded addresses that are meant; few, whatever the size of the case."""
    payments, users = Tables().payments, Tables().users
    keys = ibis.union(
        payments.select(given=payments.payer_email, folded=payments.payer_email_key),
        users.select(given=users.email, folded=users.email_key),
    ).distinct()
    keys = keys.filter(keys.given.notnull() & keys.folded.notnull())
    if _MASKED_EMAIL.fullmatch(text):
        rows = case.evidence.engine.frame(keys)
        shown = rows["given"].map(lambda given: mask.value(given, "email"))
        return sorted(set(rows.loc[shown == text, "folded"]))
    if "@" not in text:
        return []
    same = (keys.given.lower() == text.lower()) | (keys.folded == text.lower())
    return sorted(set(case.evidence.engine.frame(keys.filter(same))["folded"]))
