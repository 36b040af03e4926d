"""Whom this Stripe customer's other payments belong to, by the posterior of each."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from credit_forensics.evidence.tables import Tables
from credit_forensics.resolution.history import Mode, history_votes
from credit_forensics.resolution.method import MAPPING, Method


def customer_keys(tables: Tables) -> ir.Table:
    """``payment_id, key, created_at``: what makes payments the same Stripe customer's.

    Examples
    --------
    >>> customer_keys(Tables()).columns
    ('payment_id', 'key', 'created_at')
    """
    payments = tables.payments
    return payments.select("payment_id", key=payments.customer_id, created_at=payments.created_at)


def resolve_by_customer_history(tables: Tables, ownership: ir.Table, mode: Mode) -> ir.Table:
    """Name the person to whom the other payments of the same Stripe customer belong.

    Parameters
    ----------
    tables
        the evidence.
    ownership
        ``payment_id, person_id, millionths``: the most probable payer of each payment.
    mode
        ``hindsight`` or ``as_of``.

    Returns
    -------
    payment_id, user_id, history_count, history_purity.

    Examples
    --------
    >>> owners = ibis.table({"payment_id": str, "person_id": str, "millionths": int})
    >>> resolve_by_customer_history(Tables(), owners, "hindsight").columns
    ('payment_id', 'user_id', 'history_count', 'history_purity')
    """
    return history_votes(customer_keys(tables), ownership, mode)


CUSTOMER_HISTORY = Method(
    "customer_history",
    MAPPING,
    "the other payments of the same Stripe customer",
    # Until the judgement knows any payment's owner, a history names nobody.
    column=lambda row: ibis.null(str),
    session_when="customer_preset",
)
