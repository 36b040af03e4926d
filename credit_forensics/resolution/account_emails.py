"""Looks an e-mail up among the accounts: one user an address, the smallest id where several."""

from __future__ import annotations

from credit_forensics.tables.catalogue import Tables
from credit_forensics.tables.expressions import ibis, ir


def account_emails(tables: Tables) -> ir.Table:
    """``key, user_id, since``: a row an e-mail that an account has, from when on it named it.

    Accounts of one e-mail are one person (``judgement.persons``), so any of their ids will do;
    the smallest makes it deterministic. Where organisations own the credits, a member's address
    names the organisation; one of several organisations names none. ``since`` is when the first
    account was made, less a day (a purchase may open an account), absent where the table does not
    say: before that the address was somebody else's, or nobody's.

    Examples
    --------
    >>> account_emails(Tables()).columns
    ('key', 'user_id', 'since')
    """
    users, members = tables.users, tables.memberships
    owned = users.select("email_key", "user_id", "created_at")
    theirs = members.select("email_key", user_id="account_id", created_at="since")
    both = owned.union(theirs.distinct())
    both = both.filter(both.email_key.notnull())
    found = both.group_by(key=both.email_key).agg(
        user_id=both.user_id.min(),
        accounts=both.user_id.nunique(),
        first=both.created_at.min(),
        undated=both.count(where=both.created_at.isnull()),
    )
    organisations = members.select(organisation="account_id").distinct()
    found = found.left_join(organisations, found.user_id == organisations.organisation)
    several = found.organisation.notnull() & (found.accounts > 1)
    since = found["first"] - ibis.interval(days=1)
    return found.select(
        "key",
        user_id=ibis.ifelse(several, ibis.null(str), found.user_id),
        since=ibis.ifelse(found.undated == 0, since, ibis.null("timestamp('UTC')")),
    )
