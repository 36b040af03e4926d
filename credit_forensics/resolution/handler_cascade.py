"""Replays the original handler's first-hit order: whom it would choose, and by which method."""

from __future__ import annotations

from credit_forensics.resolution.methods import METHODS
from credit_forensics.tables.expressions import ibis, ir

CASCADE = tuple(
    method.name for method in sorted(METHODS, key=lambda one: one.cascade) if method.cascade
)


def handler_cascade(matrix: ir.Table) -> ir.StringValue:
    """The user of the first method of the cascade that names anybody.

    Parameters
    ----------
    matrix
        a table with a column a method.

    Examples
    --------
    >>> handler_cascade(ibis.table(dict.fromkeys(CASCADE, "string"), name="m")).type().is_string()
    True
    """
    return ibis.coalesce(*(matrix[method] for method in CASCADE))


def cascade_method(matrix: ir.Table) -> ir.StringValue:
    """The name of that method; empty where none names anybody.

    Examples
    --------
    >>> cascade_method(ibis.table(dict.fromkeys(CASCADE, "string"), name="m")).type().is_string()
    True
    """
    return ibis.cases(
        *((matrix[method].notnull(), method) for method in CASCADE), else_=ibis.null(str)
    )
