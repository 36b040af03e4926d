"""The e-mail typed at Checkout. Where the session prefilled it, it is the session's word."""

from __future__ import annotations

import ibis.expr.types as ir

from credit_forensics.resolution.account_emails import account_emails
from credit_forensics.resolution.method import EMAIL, Method, resolve
from credit_forensics.resolution.session_fields import session_fields
from credit_forensics.tables.catalogue import Tables

PAYER_EMAIL = Method(
    "payer_email",
    EMAIL,
    "the e-mail used at Checkout",
    lookup=("payer_email_key", account_emails),
    session_when="email_prefilled",
)


def resolve_by_payer_email(tables: Tables) -> ir.Table:
    """Name the account whose e-mail the payer used at Checkout.

    Returns
    -------
    payment_id, user_id; a row for each payment whose e-mail an account has.

    Examples
    --------
    >>> resolve_by_payer_email(Tables()).columns
    ('payment_id', 'user_id')
    """
    return resolve(PAYER_EMAIL, tables, session_fields(tables))
