"""What a method is: a name, a family, and where its value comes from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import ibis.expr.types as ir

from credit_forensics.evidence.tables import Tables

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
        one row a key; or, for what held for a time only, ``key, user_id, valid_from, valid_to``
        with at most one row a key and moment: the row counts that was valid before the payment
        (after ``valid_from``, until ``valid_to``);
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


def looked_up(rows: ir.Table, key: str, found: ir.Table) -> list[ir.BooleanValue]:
    """The conditions under which a row of a lookup belongs to a payment.

    Parameters
    ----------
    rows
        has the column ``key`` and ``created_at``.
    key
        the name of that column.
    found
        ``key, user_id``, and ``valid_from, valid_to`` for what held for a time only.
    """
    conditions = [rows[key] == found.key]
    if "valid_from" in found.columns:
        conditions += [found.valid_from < rows.created_at, rows.created_at <= found.valid_to]
    return conditions


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
        found = fields.inner_join(lookup, looked_up(fields, key, lookup)).select(
            "payment_id", "user_id"
        )
    elif method.rows is not None:
        found = method.rows(tables).select("payment_id", "user_id")
    else:
        raise ValueError(f"method {method.name!r} says nowhere how it resolves")
    return found.filter(found.user_id.notnull())
