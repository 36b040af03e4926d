"""Looks an e-mail up among the accounts: one user an address, the smallest id where several."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from credit_forensics.tables.catalogue import Tables


def account_emails(tables: Tables) -> ir.Table:
    """``key, user_id, since``: a row an e-mail that an account has, from when on it named it.

    Accounts of one e-mail are one person (``judgement.persons``), so any of their ids will do;
    the smallest makes it deterministic. ``since`` is when the first of them was made, less a day
    (a purchase may open an account), absent where the table does not say: before that the address
    was somebody else's, or nobody's.

    Examples
    --------
    >>> account_emails(Tables()).columns
    ('key', 'user_id', 'since')
    """
    users = tables.users.filter(tables.users.email_key.notnull())
    found = users.group_by(key=users.email_key).agg(
        user_id=users.user_id.min(),
        first=users.created_at.min(),
        undated=users.count(where=users.created_at.isnull()),
    )
    since = found["first"] - ibis.interval(days=1)
    return found.select(
        "key",
        "user_id",
        since=ibis.ifelse(found.undated == 0, since, ibis.null("timestamp('UTC')")),
    )
