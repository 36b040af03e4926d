"""Gives a finding's rows the columns of the table ``findings``, in order and with their types."""

from __future__ import annotations

from typing import TypeAlias

import ibis
import ibis.expr.types as ir

from credit_forensics.tables.catalogue import spec

Value: TypeAlias = ir.Value | str | int | float | None


def finding_rows(rows: ir.Table, name: str, severity: str, **columns: Value) -> ir.Table:
    """The rows of one finding in exactly the columns of ``findings``.

    Parameters
    ----------
    rows
        one row a finding, with whatever columns the values are made of.
    name, severity
        the finding's name and severity.
    columns
        value of each column by its name; what is not given is empty.

    Raises
    ------
    TypeError
        for a column that the table does not have.

    Examples
    --------
    >>> users = ibis.table({"user_id": "string"}, name="users")
    >>> found = finding_rows(users, "unknown_user", "high", credited_user_id=users.user_id)
    >>> found.columns[:4]
    ('payment_id', 'event_id', 'finding', 'cause')
    """
    given: dict[str, Value] = {"finding": name, "severity": severity, **columns}
    schema = spec("findings").ibis_schema
    unknown = sorted(set(given) - set(schema))
    if unknown:
        raise TypeError(f"findings have no column {', '.join(unknown)}")
    # A cast also of what has the type already: engines widen sums and literals each in its way.
    return rows.select(
        **{
            column: ibis.null(kind)
            if given.get(column) is None
            else _value(given[column]).cast(kind)
            for column, kind in schema.items()
        }
    )


def sentence(*parts: Value) -> ir.StringValue:
    """One text of literals and columns; an empty column reads "(none)".

    Only strings and integers: engines print floats and times each in its own way, and findings
    must be the same bytes on every engine.

    Examples
    --------
    >>> ledger = ibis.table({"delta": "int64"}, name="ledger")
    >>> sentence(ledger.delta, " credits").type()
    String(length=None, nullable=True)
    """
    text: ir.StringValue | None = None
    for part in parts:
        piece = _value(part).cast("string")
        if isinstance(part, ir.Value):
            piece = ibis.coalesce(piece, ibis.literal("(none)"))
        text = piece if text is None else text + piece
    assert text is not None
    return text


def counted(number: ir.Value, singular: str, plural: str) -> ir.StringValue:
    """A number with its noun: "1 payment", "2 payments".

    Examples
    --------
    >>> ledger = ibis.table({"delta": "int64"}, name="ledger")
    >>> counted(ledger.delta, "credit", "credits").type()
    String(length=None, nullable=True)
    """
    return sentence(number, ibis.ifelse(number == 1, f" {singular}", f" {plural}"))


def _value(value: Value) -> ir.Value:
    return value if isinstance(value, ir.Value) else ibis.literal(value)
