"""Whom this card's other payments belong to, by the posterior of each."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from credit_forensics.resolution.history import Mode, history_votes
from credit_forensics.resolution.method import CARD, Method


def resolve_by_card_history(owned: ir.Table, mode: Mode) -> ir.Table:
    """Name the person to whom the other payments of the same card fingerprint belong.

    Parameters
    ----------
    owned
        columns of ``history.OWNED``, one row a payment.
    mode
        ``hindsight`` or ``as_of``.

    Returns
    -------
    payment_id, user_id, history_count, history_purity.

    Examples
    --------
    >>> from credit_forensics.resolution.history import OWNED
    >>> resolve_by_card_history(ibis.table(OWNED, name="owned"), "hindsight").columns
    ('payment_id', 'user_id', 'history_count', 'history_purity')
    """
    return history_votes(owned, "card_fingerprint", mode)


CARD_HISTORY = Method(
    "card_history",
    CARD,
    "the other payments of the same card fingerprint",
    # Until the judgement knows any payment's owner, a history names nobody.
    column=lambda row: ibis.null(str),
)
