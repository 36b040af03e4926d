"""Payments whose credits were booked on one account and transferred on to another."""

from __future__ import annotations

from credit_forensics.tables.catalogue import Tables
from credit_forensics.tables.expressions import ibis, ir


def moved_on(tables: Tables) -> ir.Table:
    """payment_id and ``booked_person`` of payments whose purchase a transfer took away, in full.

    The person whose account the purchase was booked on; a member hands a pack on to a team, so
    where the credits are now does not show that they were booked wrongly. Only where all purchases
    of the payment were on that one account.

    Examples
    --------
    >>> from credit_forensics.engines.duckdb import engine_of
    >>> ledger = {"payment_id": ["cs_1"] * 3, "user_id": ["a", "a", "team"],
    ...     "delta": [60, -60, 60], "kind": ["purchase", "transfer", "transfer"]}
    >>> engine_of(ledger=ledger).frame(moved_on(Tables())).values.tolist()
    [['cs_1', 'a']]
    """
    ledger = tables.ledger
    taken = ledger.filter((ledger.kind == "transfer") & (ledger.delta < 0))
    gone = taken.filter(taken.payment_id.notnull()).group_by("payment_id", "user_id")
    gone = gone.agg(taken=lambda rows: -rows.delta.sum())
    bought = ledger.filter((ledger.kind == "purchase") & (ledger.delta > 0))
    bought = bought.semi_join(gone, "payment_id").group_by("payment_id")
    bought = bought.agg(
        user_id=lambda rows: rows.user_id.min(),
        accounts=lambda rows: rows.user_id.nunique(),
        bought=lambda rows: rows.delta.sum(),
    )
    rows = bought.join(gone, ["payment_id", "user_id"])
    rows = rows.filter((rows.accounts == 1) & (rows.taken >= rows.bought))
    rows = rows.left_join(tables.persons, "user_id")
    return rows.select(
        "payment_id", booked_person=ibis.coalesce(rows.person_id, rows.user_id)
    ).distinct()
