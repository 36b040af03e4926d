"""Payments whose credits stand where they do because they were given, as the entry itself says."""

from __future__ import annotations

from functools import reduce
from operator import or_

from credit_forensics.tables.catalogue import Tables
from credit_forensics.tables.expressions import ir

# "gift code redeemed": who redeems it is another than who paid, by intent.
_GIVEN = ("gift", "redeem", "voucher", "geschenk", "gutschein", "cadeau", "regalo", "presente")


def given_grants(tables: Tables) -> ir.Table:
    """payment_id of the payments that an entry books which calls itself a gift, one row each.

    Whose they are no evidence of the payer tells, so they accuse nobody.

    Examples
    --------
    >>> from credit_forensics.engines.duckdb import engine_of
    >>> ledger = {"payment_id": ["cs_1", "cs_2"], "delta": [60, 60],
    ...     "reason": ["Gift code redeemed", "purchase"]}
    >>> engine_of(ledger=ledger).frame(given_grants(Tables()))["payment_id"].tolist()
    ['cs_1']
    """
    ledger = tables.ledger
    text = ledger.reason.lower()
    says = reduce(or_, (text.contains(word) for word in _GIVEN))
    given = ledger.filter((ledger.delta > 0) & ledger.payment_id.notnull() & says)
    return given.select("payment_id").distinct()
