"""Payments whose grants name no payment and were paired with it by credits and time."""

from __future__ import annotations

from credit_forensics.tables.catalogue import Tables
from credit_forensics.tables.expressions import ir

INFERRED = "inferred"


def inferred_grants(tables: Tables) -> ir.Table:
    """payment_id and probability of the least sure pair, one row a payment.

    Examples
    --------
    >>> inferred_grants(Tables()).columns
    ('payment_id', 'tie_probability')
    """
    ledger = tables.ledger
    pairs = ledger.filter((ledger.tie == INFERRED) & (ledger.kind == "purchase"))
    return pairs.group_by("payment_id").aggregate(
        tie_probability=pairs.tie_probability.coalesce(0.0).min()
    )
