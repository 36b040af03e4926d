"""What the handler's own log says it chose. It says what was done, not who paid."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from credit_forensics.evidence.tables import Tables
from credit_forensics.resolution.methods import HANDLER_NAMES, HANDLER_SCAN_PREFIX


def handler_log(tables: Tables) -> ir.Table:
    """``payment_id, log_user_id, log_method``: the handler's choice, by its log.

    The first delivery that booked counts; without one, the first that resolved anybody.

    Examples
    --------
    >>> handler_log(Tables()).columns
    ('payment_id', 'log_user_id', 'log_method')
    """
    deliveries = tables.deliveries.filter(
        tables.deliveries.payment_id.notnull() & tables.deliveries.resolved_user_id.notnull()
    )
    booked_first = ibis.window(
        group_by=deliveries.payment_id,
        order_by=[
            (deliveries.outcome == "credited").cast("int64").desc(),
            deliveries.received_at,
            deliveries.event_id,
            deliveries.source_line,
        ],
    )
    ranked = deliveries.mutate(place=ibis.row_number().over(booked_first))
    first = ranked.filter(ranked.place == 0)
    method = ibis.cases(
        *((first.method == theirs, ours) for theirs, ours in HANDLER_NAMES.items()),
        (first.method.startswith(HANDLER_SCAN_PREFIX), "metadata_scan"),
        else_=first.method.lower(),
    )
    return first.select("payment_id", log_user_id=first.resolved_user_id, log_method=method)
