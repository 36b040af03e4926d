"""Balances that were summed at one moment: entries since then are not in them yet."""

from __future__ import annotations

from credit_forensics.tables.expressions import ibis, ir

LEAST_ACCOUNTS = 2
"""So many accounts whose balance is what their entries made at one and the same moment."""


def former_balances(accounts: ir.Table, ledger: ir.Table) -> ir.Table:
    """user_id of each account whose balance is right as of a moment that all accounts share.

    A job sums them each night, and what was used since stands in the entries alone. Of each such
    account all entries up to the moment make the balance, and none since; no account whose
    balance agrees with all of its entries has one since.

    Parameters
    ----------
    accounts
        ``user_id, stored, entry_at`` (the latest entry) and ``apart``, whether the balance differs
        from the sum of all entries.
    ledger
        the entries.

    Examples
    --------
    >>> from credit_forensics.tables.catalogue import Tables
    >>> accounts = ibis.table({"user_id": str, "stored": int, "apart": bool,
    ...     "entry_at": "timestamp('UTC')"}, name="accounts")
    >>> former_balances(accounts, Tables().ledger).columns
    ('user_id',)
    """
    apart = accounts.filter(accounts.apart).select("user_id", "stored")
    entries = ledger.semi_join(apart.view(), "user_id").select(
        "user_id", "entry_id", at=ledger.created_at, delta=ledger.delta.coalesce(0)
    )
    order = ibis.window(group_by="user_id", order_by=["at", "entry_id"])
    so_far = ibis.cumulative_window(group_by="user_id", order_by=["at", "entry_id"])
    sums = entries.mutate(
        stock=entries.delta.sum().over(so_far), next_at=entries["at"].lead().over(order)
    )
    held = sums.join(apart, "user_id")
    held = held.filter((held.stock == held.stored) & (held.next_at > held["at"]))
    held = held.group_by("user_id").aggregate(until=held["at"].max(), next_at=held.next_at.max())
    agree = accounts.filter(~accounts.apart & accounts.entry_at.notnull())
    moments = held.aggregate(
        found=held.count(), latest=held.until.max(), first_since=held.next_at.min()
    ).cross_join(agree.aggregate(agreed=agree.entry_at.max()))
    moments = moments.filter(
        (moments.found >= LEAST_ACCOUNTS)
        & (moments.latest < moments.first_since)
        & (moments.agreed < moments.first_since).coalesce(True)
    )
    return held.semi_join(moments, held.next_at >= moments.first_since).select("user_id")
