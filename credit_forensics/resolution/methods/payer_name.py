"""The name typed at Checkout. Names are shared, so it may name several accounts."""

from __future__ import annotations

from credit_forensics.resolution.method import NAME, Field, Method
from credit_forensics.tables.catalogue import Tables
from credit_forensics.tables.expressions import ibis, ir


def name_owners(tables: Tables) -> ir.Table:
    """``key, user_id, owners``: how many accounts have a name; the user only where it is one.

    A name that several accounts have names none of them here; the model gives each of them a
    share of its weight.

    Examples
    --------
    >>> name_owners(Tables()).columns
    ('key', 'user_id', 'owners')
    """
    names = tables.user_names
    grouped = names.group_by(key=names.name_key).agg(
        first_user_id=names.user_id.min(), owners=names.user_id.nunique()
    )
    return grouped.select(
        "key",
        user_id=ibis.ifelse(grouped.owners == 1, grouped.first_user_id, ibis.null(str)),
        owners=grouped.owners,
    )


METHOD = Method(
    "payer_name",
    NAME,
    "the name typed at Checkout",
    reads_de="der Name an der Kasse",
    field=Field("payer_name_key"),
    lookup=name_owners,
    voice="shared",
    place=110,
)
