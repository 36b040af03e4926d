"""The original handler's method 5: the first id-shaped value under any other key. A weak method."""

from __future__ import annotations

import ibis.expr.types as ir

from credit_forensics.resolution.method import SESSION, Method, resolve
from credit_forensics.resolution.session_fields import session_fields
from credit_forensics.tables.catalogue import Tables

METADATA_SCAN = Method(
    "metadata_scan",
    SESSION,
    "session metadata: any other key",
    column=lambda row: row.scanned_user_id,
)


def resolve_by_metadata_scan(tables: Tables) -> ir.Table:
    """Name the user by session metadata: any other key.

    Returns
    -------
    payment_id, user_id; a row for each payment where the value has an accepted shape.

    Examples
    --------
    >>> resolve_by_metadata_scan(Tables()).columns
    ('payment_id', 'user_id')
    """
    return resolve(METADATA_SCAN, tables, session_fields(tables))
