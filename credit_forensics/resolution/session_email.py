"""The signed-in account's e-mail in the metadata: the session's word, but a stable identity."""

from __future__ import annotations

import ibis.expr.types as ir

from credit_forensics.resolution.account_emails import account_emails
from credit_forensics.resolution.method import SESSION, Method, resolve
from credit_forensics.resolution.session_fields import session_fields
from credit_forensics.tables.catalogue import Tables

SESSION_EMAIL = Method(
    "session_email",
    SESSION,
    "session metadata: e-mail of the signed-in account",
    lookup=("session_email_key", account_emails),
)


def resolve_by_session_email(tables: Tables) -> ir.Table:
    """Name the account whose e-mail the session's metadata carries.

    Returns
    -------
    payment_id, user_id; a row for each payment whose session e-mail an account has.

    Examples
    --------
    >>> resolve_by_session_email(Tables()).columns
    ('payment_id', 'user_id')
    """
    return resolve(SESSION_EMAIL, tables, session_fields(tables))
