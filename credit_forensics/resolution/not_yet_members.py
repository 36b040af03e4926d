"""Accounts that a payment's payer came to belong to only later."""

from __future__ import annotations

from credit_forensics.evidence.members import SLACK_DAYS
from credit_forensics.tables.catalogue import Tables
from credit_forensics.tables.expressions import ibis, ir


def not_yet_members(tables: Tables) -> ir.Table:
    """``payment_id, account_id``: organisations that the payer joined after the payment.

    The payer is the member whom the session names by id or e-mail. A table of members that holds
    only where they are now does not tell where they were: that the card and the name are of such
    an account today says nothing of the payment. Who left and came back belonged to it before.

    Examples
    --------
    >>> not_yet_members(Tables()).columns
    ('payment_id', 'account_id')
    """
    payments, members = tables.payments, tables.memberships
    periods = members.group_by("user_id", "account_id").aggregate(
        email_key=members.email_key.min(),
        since=members.since.min(),
        undated=members.count(where=members.since.isnull()),
    )
    periods = periods.filter((periods.undated == 0) & periods.since.notnull())
    carried = tables.metadata.select("payment_id", named=tables.metadata.value.strip())
    carried = carried.union(
        payments.select("payment_id", named=payments.client_reference_id.strip())
    )
    emails = tables.users.filter(tables.users.email_key.notnull()).select("email_key", "user_id")
    by_account = payments.join(emails, payments.payer_email_key == emails.email_key)
    by_member = payments.join(periods, payments.payer_email_key == periods.email_key)
    named = (
        carried.filter(carried.named.notnull())
        .union(by_account.select("payment_id", named="user_id"))
        .union(by_member.select("payment_id", named="user_id"))
    )
    rows = named.join(periods, named.named == periods.user_id).join(payments, "payment_id")
    later = rows.since - ibis.interval(days=SLACK_DAYS) > rows.created_at
    return rows.filter(later).select("payment_id", "account_id").distinct()
