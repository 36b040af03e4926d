"""Checkout's own field, set by the same session; a payer can edit it in a payment link."""

from __future__ import annotations

import ibis.expr.types as ir

from credit_forensics.resolution.method import SESSION, Method, resolve
from credit_forensics.resolution.session_fields import session_fields
from credit_forensics.tables.catalogue import Tables

CLIENT_REFERENCE_ID = Method(
    "client_reference_id",
    SESSION,
    "client_reference_id",
    column=lambda row: row.reference_user_id,
)


def resolve_by_client_reference_id(tables: Tables) -> ir.Table:
    """Name the user by client_reference_id.

    Returns
    -------
    payment_id, user_id; a row for each payment where the value has an accepted shape.

    Examples
    --------
    >>> resolve_by_client_reference_id(Tables()).columns
    ('payment_id', 'user_id')
    """
    return resolve(CLIENT_REFERENCE_ID, tables, session_fields(tables))
