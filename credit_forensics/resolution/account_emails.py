"""Looks an e-mail up among the accounts: one user an address, the smallest id where several."""

from __future__ import annotations

import ibis.expr.types as ir

from credit_forensics.tables.catalogue import Tables


def account_emails(tables: Tables) -> ir.Table:
    """``key, user_id``: a row an e-mail that an account has.

    Accounts of one e-mail are one person (``judgement.persons``), so any of their ids will do;
    the smallest makes it deterministic.

    Examples
    --------
    >>> account_emails(Tables()).columns
    ('key', 'user_id')
    """
    users = tables.users.filter(tables.users.email_key.notnull())
    return users.group_by(key=users.email_key).agg(user_id=users.user_id.min())
