"""The name typed at Checkout. Names are shared, so it may name several accounts."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from credit_forensics.resolution.method import NAME, Method, resolve
from credit_forensics.resolution.session_fields import session_fields
from credit_forensics.tables.catalogue import Tables


def name_bearers(tables: Tables) -> ir.Table:
    """``key, user_id, bearers``: how many accounts bear a name; the user only where it is one.

    Examples
    --------
    >>> name_bearers(Tables()).columns
    ('key', 'user_id', 'bearers')
    """
    names = tables.user_names
    grouped = names.group_by(key=names.name_key).agg(
        first_user_id=names.user_id.min(), bearers=names.user_id.nunique()
    )
    return grouped.select(
        "key",
        user_id=ibis.ifelse(grouped.bearers == 1, grouped.first_user_id, ibis.null(str)),
        bearers=grouped.bearers,
    )


PAYER_NAME = Method(
    "payer_name",
    NAME,
    "the name typed at Checkout",
    lookup=("payer_name_key", name_bearers),
)


def resolve_by_payer_name(tables: Tables) -> ir.Table:
    """Name the account that alone bears the name typed at Checkout.

    A name that several accounts bear names none of them here; the model gives each of them a
    share of its weight.

    Returns
    -------
    payment_id, user_id; a row for each payment whose name one account bears.

    Examples
    --------
    >>> resolve_by_payer_name(Tables()).columns
    ('payment_id', 'user_id')
    """
    return resolve(PAYER_NAME, tables, session_fields(tables))
