"""Finds the payment that an id of Stripe's tells of: any of its objects' ids stands for it."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb


def payments_of(connection: duckdb.DuckDBPyConnection, ids: Sequence[str]) -> dict[str, str]:
    """The payment of each id that names one by an invoice, intent, charge, refund or dispute.

    Parameters
    ----------
    connection
        where the table ``payment_objects`` lies.
    ids
        any ids; a payment's own id is not in the result, nor is one that nothing is known of.

    Examples
    --------
    >>> connection = duckdb.connect()
    >>> _ = connection.execute(
    ...     "CREATE TABLE payment_objects AS SELECT 'in_1' AS payment_id, 'ch_1' AS object_id")
    >>> payments_of(connection, ["ch_1", "in_1", "pi_9"])
    {'ch_1': 'in_1'}
    """
    wanted = list(dict.fromkeys(ids))
    if not wanted:
        return {}
    marks = ", ".join(["?"] * len(wanted))
    found = connection.execute(
        "SELECT object_id, min(payment_id) FROM payment_objects"
        f" WHERE object_id IN ({marks}) GROUP BY 1 ORDER BY 1",
        wanted,
    ).fetchall()
    return {str(alias): str(payment) for alias, payment in found}
