"""What a method is: a name, a family, and where its value comes from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import ibis.expr.types as ir

from credit_forensics.tables.catalogue import Tables

SESSION = "session"
MAPPING = "mapping"
EMAIL = "email"
CARD = "card"
NAME = "name"


@dataclass(frozen=True)
class Method:
    """One way of telling who paid.

    Exactly one of ``column``, ``lookup`` and ``rows`` says how:

    ``column``
        from a row of ``session_fields`` to the user id it names (a copy that needs no join);
    ``lookup``
        ``(key, table)``: a column of ``session_fields`` and a table ``key, user_id`` with at most
        one row a key;
    ``rows``
        a table ``payment_id, user_id`` with at most one row a payment.

    ``session_when`` names a boolean column of ``session_fields``: where it is true, the value was
    written by the web session and belongs to that family, whatever ``family`` says.
    """

    name: str
    family: str
    reads: str
    column: Callable[[ir.Table], ir.StringValue] | None = None
    lookup: tuple[str, Callable[[Tables], ir.Table]] | None = None
    rows: Callable[[Tables], ir.Table] | None = None
    session_when: str | None = None


def resolve(method: Method, tables: Tables, fields: ir.Table) -> ir.Table:
    """One method alone: ``payment_id, user_id``, a row for each payment it names somebody for.

    Parameters
    ----------
    method
        the method.
    tables
        the evidence.
    fields
        ``session_fields(tables)``, or the table it was kept as.

    Examples
    --------
    >>> import ibis
    >>> fields = ibis.table({"payment_id": "string", "reference_user_id": "string"}, name="f")
    >>> method = Method("m", SESSION, "a column", column=lambda row: row.reference_user_id)
    >>> resolve(method, Tables(), fields).columns
    ('payment_id', 'user_id')
    """
    if method.column is not None:
        found = fields.select("payment_id", user_id=method.column(fields))
    elif method.lookup is not None:
        key, table = method.lookup
        lookup = table(tables)
        found = fields.inner_join(lookup, fields[key] == lookup.key).select("payment_id", "user_id")
    elif method.rows is not None:
        found = method.rows(tables).select("payment_id", "user_id")
    else:
        raise ValueError(f"method {method.name!r} says nowhere how it resolves")
    return found.filter(found.user_id.notnull())
