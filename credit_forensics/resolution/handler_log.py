"""What the handler's own log says it chose. It says what was done, not who paid."""

from __future__ import annotations

from credit_forensics.resolution.methods import METHODS
from credit_forensics.resolution.repeated import repeated
from credit_forensics.tables.catalogue import Tables
from credit_forensics.tables.expressions import ibis, ir

_LOGGED = {theirs: method.name for method in METHODS for theirs in method.logged_as}
HANDLER_NAMES = {theirs: ours for theirs, ours in _LOGGED.items() if not theirs.endswith("*")}
"""The names that handlers write to their logs, in this house's names."""
HANDLER_BEGINNINGS = {theirs[:-1]: ours for theirs, ours in _LOGGED.items() if theirs.endswith("*")}


def handler_log(tables: Tables) -> ir.Table:
    """``payment_id, log_user_id, log_method``: the handler's choice, by its log.

    The first delivery that booked counts; without one, the first that resolved anybody.

    Examples
    --------
    >>> handler_log(Tables()).columns
    ('payment_id', 'log_user_id', 'log_method')
    """
    deliveries = tables.deliveries
    # Nearly every payment has one delivery that resolved: only the others need theirs ranked.
    resolved = deliveries.resolved_user_id.notnull()
    several = repeated(deliveries, "payment_id", where=resolved)
    single = deliveries.filter(resolved & deliveries.payment_id.notnull())
    single = single.anti_join(several, "payment_id")
    rows = deliveries.semi_join(several.view(), "payment_id")
    rows = rows.filter(rows.resolved_user_id.notnull())
    booked_first = ibis.window(
        group_by=rows.payment_id,
        order_by=[
            ibis.coalesce(rows.outcome == "credited", False).desc(),
            rows.received_at,
            rows.event_id,
            rows.source_line,
        ],
    )
    ranked = rows.mutate(place=ibis.row_number().over(booked_first))
    columns = {"payment_id": "payment_id", "log_user_id": "resolved_user_id", "method": "method"}
    first = ibis.union(
        single.select(**columns),
        ranked.filter(ranked.place == 0).select(**columns),
    )
    method = ibis.cases(
        *((first.method == theirs, ours) for theirs, ours in HANDLER_NAMES.items()),
        *((first.method.startswith(start), ours) for start, ours in HANDLER_BEGINNINGS.items()),
        else_=first.method.lower(),
    )
    return first.select("payment_id", log_user_id=first.log_user_id, log_method=method)
