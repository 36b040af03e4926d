"""The original handler's method 2: metadata ``user_id_backup``, a copy of the same value."""

from __future__ import annotations

import ibis.expr.types as ir

from credit_forensics.resolution.method import SESSION, Method, resolve
from credit_forensics.resolution.session_fields import session_fields
from credit_forensics.tables.catalogue import Tables

METADATA_USER_ID_BACKUP = Method(
    "metadata_user_id_backup",
    SESSION,
    "session metadata: user_id_backup",
    column=lambda row: row.metadata_user_id_backup,
)


def resolve_by_metadata_user_id_backup(tables: Tables) -> ir.Table:
    """Name the user by session metadata: user_id_backup.

    Returns
    -------
    payment_id, user_id; a row for each payment where the value has an accepted shape.

    Examples
    --------
    >>> resolve_by_metadata_user_id_backup(Tables()).columns
    ('payment_id', 'user_id')
    """
    return resolve(METADATA_USER_ID_BACKUP, tables, session_fields(tables))
