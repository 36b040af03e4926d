"""Tells where the credits that a session's metadata names are those of one unit."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb

Unit = tuple[str, int, str, int]
"""What one unit is: its price, what it cost (minor units, currency), and the credits it names."""

_MOST = 500
# Payments of one line whose credits only the session's metadata tells.
_TOLD = """WITH lone AS (
    SELECT payment_id, min(price_id) AS price_id, min(quantity) AS quantity
    FROM payment_items GROUP BY 1
    HAVING count(*) = 1 AND min(quantity) >= 1 AND bool_and(credits IS NULL)
), told AS (
    SELECT l.payment_id, l.price_id, l.quantity, p.amount, p.currency, p.expected_credits
    FROM lone l JOIN payments p USING (payment_id)
    WHERE p.expected_credits > 0 AND l.price_id IS NOT NULL AND p.amount IS NOT NULL
        AND p.currency IS NOT NULL AND payment_id IN (
            SELECT payment_id FROM metadata WHERE key = 'credits' AND source = 'session')
)"""


def units_of_credits(connection: duckdb.DuckDBPyConnection) -> list[Unit]:
    """The units of which payments of one tell the credits, the most frequent first.

    Parameters
    ----------
    connection
        with ``payments``, ``payment_items`` and ``metadata`` assembled.
    """
    found = connection.execute(
        f"""{_TOLD} SELECT price_id, amount, currency, expected_credits FROM told
        WHERE quantity = 1 GROUP BY ALL ORDER BY count(*) DESC, 1, 2, 3, 4 LIMIT {_MOST}"""
    )
    return [
        (price, amount, currency, credits) for price, amount, currency, credits in found.fetchall()
    ]


def credits_a_unit(connection: duckdb.DuckDBPyConnection, known: Sequence[Unit] = ()) -> None:
    """Multiply the credits of payments of several units, where one unit is said to bring as many.

    The metadata is written before the buyer chooses the quantity at Checkout. Where another payment
    of one unit of the price names as many credits, and this one cost as many times as much as it
    has units, they are a unit's.

    Parameters
    ----------
    connection
        with ``payments``, ``payment_items`` and ``metadata`` assembled.
    known
        units that ``units_of_credits`` told of all payments, where these are a part of them.

    Examples
    --------
    >>> import pandas as pd
    >>> from credit_forensics.evidence.evidence import Evidence
    >>> evidence, ids = Evidence(), ["cs_1", "cs_3"]
    >>> evidence.add("payments", pd.DataFrame({"payment_id": ids, "amount": [500, 1500],
    ...     "currency": "eur", "expected_credits": [50, 50]}))
    >>> evidence.add("payment_items", pd.DataFrame({"payment_id": ids, "position": 1,
    ...     "price_id": "price_a", "quantity": [1, 3]}))
    >>> evidence.add("metadata", pd.DataFrame({"payment_id": ids, "source": "session",
    ...     "position": 1, "key": "credits", "value": "50"}))
    >>> credits_a_unit(evidence.connection)
    >>> evidence.payments["expected_credits"].tolist(), units_of_credits(evidence.connection)
    ([50, 150], [('price_a', 500, 'eur', 50)])
    """
    several = connection.execute(
        "SELECT count(*) FROM payment_items WHERE quantity > 1"
    ).fetchall()[0][0]
    if not several:
        return
    units = sorted({*units_of_credits(connection), *known})
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE units AS SELECT unnest(?::VARCHAR[]) AS price_id,"
        " unnest(?::BIGINT[]) AS amount, unnest(?::VARCHAR[]) AS currency,"
        " unnest(?::BIGINT[]) AS expected_credits",
        [[unit[place] for unit in units] for place in range(4)],
    )
    connection.execute(
        f"""UPDATE payments SET expected_credits = expected_credits * sold.quantity
        FROM ({_TOLD}
            SELECT DISTINCT many.payment_id, many.quantity
            FROM told AS many JOIN units AS one ON one.price_id = many.price_id
                AND one.expected_credits = many.expected_credits
                AND one.currency = many.currency AND one.amount * many.quantity = many.amount
            WHERE many.quantity > 1
        ) AS sold
        WHERE payments.payment_id = sold.payment_id"""
    )
    connection.execute("DROP TABLE units")
