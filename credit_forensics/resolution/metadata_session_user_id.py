"""The original handler's method 3: metadata ``session_user_id``, a copy of the same value."""

from __future__ import annotations

import ibis.expr.types as ir

from credit_forensics.resolution.method import SESSION, Method, resolve
from credit_forensics.resolution.session_fields import session_fields
from credit_forensics.tables.catalogue import Tables

METADATA_SESSION_USER_ID = Method(
    "metadata_session_user_id",
    SESSION,
    "session metadata: session_user_id",
    column=lambda row: row.metadata_session_user_id,
)


def resolve_by_metadata_session_user_id(tables: Tables) -> ir.Table:
    """Name the user by session metadata: session_user_id.

    Returns
    -------
    payment_id, user_id; a row for each payment where the value has an accepted shape.

    Examples
    --------
    >>> resolve_by_metadata_session_user_id(Tables()).columns
    ('payment_id', 'user_id')
    """
    return resolve(METADATA_SESSION_USER_ID, tables, session_fields(tables))
