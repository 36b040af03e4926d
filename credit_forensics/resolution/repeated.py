"""Tells values that several rows have from the many that one row has."""

from __future__ import annotations

from credit_forensics.tables.expressions import ir


def repeated(rows: ir.Table, column: str, where: ir.BooleanValue | None = None) -> ir.Table:
    """A row for each value that more than one row has in a column, under the column's name.

    Whoever reads it in two places of one expression reads a ``view()`` of it in one of them: the
    compiler then sees one table with two readers and has it computed once, not once a reader.

    Parameters
    ----------
    rows
        any table.
    column
        of it; its absent values are none.
    where
        which rows count; all without it.

    Examples
    --------
    >>> from credit_forensics.tables.catalogue import Tables
    >>> repeated(Tables().ledger, "payment_id").columns
    ('payment_id',)
    """
    counted = rows.group_by(column).agg(of_value=rows.count(where=where))
    return counted.filter((counted.of_value > 1) & counted[column].notnull()).select(column)
