"""How the credited account came to be chosen, and what would have chosen right."""

from __future__ import annotations

from collections.abc import Sequence

import ibis
import ibis.expr.types as ir

from credit_forensics.resolution.method import Method

HISTORIES = ("card_history", "customer_history")


def choices(
    matrix: ir.Table, persons: ir.Table | None, verdicts: ir.Table, methods: Sequence[Method]
) -> ir.Table:
    """The table ``choices`` of ``evidence.tables``.

    Parameters
    ----------
    matrix
        the wide matrix with user ids.
    persons
        the same with persons and without histories (which name persons already), to say which
        methods named the rightful one; nothing where every id is its own person.
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
    rightful = verdicts.select("payment_id", rightful="rightful_user_id")
    rows = matrix.filter(matrix.ledger.notnull()).inner_join(rightful, "payment_id")
    replaced = set[str]()
    if persons is not None:
        replaced = {method.name for method in methods if method.name not in HISTORIES}
        named_persons = persons.select(
            "payment_id", **{f"p_{name}": persons[name] for name in sorted(replaced)}
        )
        rows = rows.inner_join(named_persons, "payment_id")
    explaining = ibis.cases(
        (ibis.coalesce(rows.handler_log == rows.ledger, False), rows.log_method),
        (ibis.coalesce(rows.handler_cascade == rows.ledger, False), rows.cascade_method),
        *(
            (ibis.coalesce(rows[method.name] == rows.ledger, False), method.name)
            for method in methods
        ),
        else_=ibis.null(str),
    )
    named = [
        ibis.ifelse(
            ibis.coalesce(rows[_person(method, replaced)] == rows.rightful, False),
            f",{method.name}",
            "",
        )
        for method in methods
    ]
    joined = named[0]
    for text in named[1:]:
        joined = joined + text
    return rows.select(
        "payment_id",
        log_method=rows.log_method,
        log_user_id=rows.handler_log,
        cascade_method=rows.cascade_method,
        cascade_user_id=rows.handler_cascade,
        explaining_method=explaining,
        correct_methods=ibis.ifelse(joined == "", ibis.null(str), joined.substr(1)),
    )


def _person(method: Method, replaced: set[str]) -> str:
    """The column in which a method names a person."""
    return f"p_{method.name}" if method.name in replaced else method.name
