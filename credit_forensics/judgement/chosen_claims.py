"""How the credited account came to be chosen, and what would have chosen right."""

from __future__ import annotations

from collections.abc import Sequence

from credit_forensics.resolution.method import Method
from credit_forensics.tables.expressions import ibis, ir


def chosen_claims(matrix: ir.Table, verdicts: ir.Table, methods: Sequence[Method]) -> ir.Table:
    """The table ``choices`` of ``evidence.tables``.

    Parameters
    ----------
    matrix
        the wide matrix with user ids; beside a method's column ``p_<method>`` with the person
        where it is another id, unless all its ids are persons themselves.
    verdicts
        for the rightful person.
    methods
        the methods, in order.

    Returns
    -------
    A row for each payment that somebody was credited for. The handler's own log explains the
    choice where it names the credited account; else the replayed cascade; else the first method
    that does.
    """
    judged = verdicts.filter(verdicts.credited_user_id.notnull())
    rightful = judged.select("payment_id", rightful="rightful_user_id")
    rows = matrix.inner_join(rightful, "payment_id")
    explaining = ibis.cases(
        (rows.handler_log == rows.ledger, rows.log_method),
        (rows.handler_cascade == rows.ledger, rows.cascade_method),
        *((rows[method.name] == rows.ledger, method.name) for method in methods),
        else_=ibis.null(str),
    )
    named = [
        ibis.ifelse(_person(rows, method) == rows.rightful, f",{method.name}", "")
        for method in methods
    ]
    # One text at once: added up, each of the sums would be a text of its own.
    joined = ibis.literal("").join(named)
    return rows.select(
        "payment_id",
        log_method=rows.log_method,
        log_user_id=rows.handler_log,
        cascade_method=rows.cascade_method,
        cascade_user_id=rows.handler_cascade,
        explaining_method=explaining,
        correct_methods=ibis.ifelse(joined == "", ibis.null(str), joined.substr(1)),
    )


def _person(rows: ir.Table, method: Method) -> ir.Value:
    """Whom a method names as a person."""
    named = rows[method.name]
    other = f"p_{method.name}"
    return ibis.coalesce(rows[other], named) if other in rows.columns else named
