"""PaymentIntent or charge metadata, which Checkout fills only when the session asked it to."""

from __future__ import annotations

import ibis.expr.types as ir

from credit_forensics.resolution.method import SESSION, Method, resolve
from credit_forensics.resolution.session_fields import session_fields
from credit_forensics.tables.catalogue import Tables

INTENT_METADATA = Method(
    "intent_metadata",
    SESSION,
    "PaymentIntent or charge metadata",
    column=lambda row: row.intent_user_id,
)


def resolve_by_intent_metadata(tables: Tables) -> ir.Table:
    """Name the user by PaymentIntent or charge metadata.

    Returns
    -------
    payment_id, user_id; a row for each payment where the value has an accepted shape.

    Examples
    --------
    >>> resolve_by_intent_metadata(Tables()).columns
    ('payment_id', 'user_id')
    """
    return resolve(INTENT_METADATA, tables, session_fields(tables))
