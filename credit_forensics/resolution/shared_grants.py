"""Payments whose credits were shared out among several accounts: a company's seats, a family."""

from __future__ import annotations

from credit_forensics.tables.catalogue import Tables
from credit_forensics.tables.expressions import ibis, ir


def shared_grants(tables: Tables) -> ir.Table:
    """payment_id of the payments of which each of several accounts was granted a part.

    Together the parts are no more than the payment is worth; where that is not known, as many
    accounts hold the same as units were bought. A payment that was booked whole on two accounts is
    worth less than what they hold, and is none of these. Who paid says nothing of the others'
    parts, so they accuse nobody.

    Examples
    --------
    >>> from credit_forensics.engines.duckdb import engine_of
    >>> engine = engine_of(
    ...     payments={"payment_id": ["cs_1", "cs_2"], "expected_credits": [200, 100]},
    ...     credited={"payment_id": ["cs_1", "cs_2"], "accounts": [2, 2],
    ...         "credits": [100, 100], "granted": [200, 200]})
    >>> engine.frame(shared_grants(Tables()))["payment_id"].tolist()
    ['cs_1']
    """
    credited, payments, items = tables.credited, tables.payments, tables.payment_items
    spread = credited.filter(credited.accounts >= 2)
    units = items.semi_join(spread, "payment_id").group_by("payment_id")
    bought = units.agg(units=items.quantity.sum(where=items.quantity > 0))
    rows = spread.join(payments, "payment_id").select(spread, worth=payments.expected_credits)
    rows = rows.left_join(bought, "payment_id").select(rows, bought.units)
    evenly = (rows.units == rows.accounts) & (rows.credits * rows.accounts == rows.granted)
    shares = ibis.ifelse(rows.worth.notnull(), rows.granted <= rows.worth, evenly)
    return rows.filter(shares.fill_null(False)).select("payment_id")
