"""Payments that themselves say, or show by their order, that they bring no credits of their own."""

from __future__ import annotations

import duckdb

# Fewer payments than this without any entry are as well a handler that failed.
LEAST = 3
PART = "part of an order"
# A later instalment of a pack that the first one brought. A checkout that failed to say how many
# may have written the same, so it is doubted, not settled.
TOLD_NONE = """
SELECT DISTINCT payment_id FROM metadata WHERE key = 'credits' AND source <> 'customer'
    AND regexp_full_match(trim(value), '0+([.]0+)?')
"""
_BOOKED = "p.payment_id IN (SELECT payment_id FROM ledger WHERE kind = 'purchase' AND delta > 0)"
# What several payments share by nature is no order's number.
_NOT_ORDERS = (
    "user|account|customer|org|team|workspace|tenant|owner|member|uid|^sub$|credit|amount|price"
    "|quantity|total|count|mail|name|date|time|phone|plan|product|version|campaign"
)
_MOST_OF_AN_ORDER = 12

Class = tuple[str, str, int, int]
"""What is settled, to which answer, of how many payments, how many of them booked."""


def other_parts(condition: str = "true") -> str:
    """SQL: payments of unknown worth that share an order's number with one of known worth.

    Both are the same customer's: a deposit, and the rest that brings the credits.

    Parameters
    ----------
    condition
        which payments ``p`` to ask of.

    Examples
    --------
    >>> from credit_forensics.evidence.evidence import Evidence
    >>> Evidence().connection.execute(other_parts()).fetchall()
    []
    """
    return f"""
    WITH asked AS (
        SELECT payment_id, customer_id FROM payments p
        WHERE p.expected_credits IS NULL AND p.payment_status = 'paid' AND ({condition})
    ), numbers AS (
        SELECT DISTINCT payment_id, key, trim(value) AS value FROM metadata
        WHERE source <> 'customer' AND length(trim(value)) >= 4
            AND regexp_matches(value, '[0-9]|[a-z][A-Z]')
            AND NOT regexp_matches(lower(key), '{_NOT_ORDERS}')
    ), shared AS (
        SELECT key, value FROM numbers
        WHERE (key, value) IN (SELECT (key, value) FROM numbers SEMI JOIN asked USING (payment_id))
        GROUP BY ALL HAVING count(*) BETWEEN 2 AND {_MOST_OF_AN_ORDER}
    )
    SELECT DISTINCT a.payment_id
    FROM asked a JOIN numbers n USING (payment_id) SEMI JOIN shared USING (key, value)
    JOIN numbers o ON o.key = n.key AND o.value = n.value AND o.payment_id <> n.payment_id
    JOIN payments q ON q.payment_id = o.payment_id AND q.customer_id = a.customer_id
    WHERE q.expected_credits > 0"""


def told_none_class(connection: duckdb.DuckDBPyConnection) -> list[Class]:
    """The class of payments that say themselves that they bring 0, where most were not granted.

    Reads the temporary table ``booked``.
    """
    rows: list[Class] = connection.execute(
        f"""SELECT 'credits 0' AS class_of, 'probably not' AS class, count(*) AS payments,
            count(b.payment_id) AS booked
        FROM payments p SEMI JOIN ({TOLD_NONE}) USING (payment_id)
        LEFT JOIN booked b USING (payment_id)
        WHERE p.payment_status = 'paid' AND p.expected_credits IS NULL
        HAVING count(*) > 0 AND count(b.payment_id) * 2 < count(*)"""
    ).fetchall()
    return rows


def part_class(connection: duckdb.DuckDBPyConnection) -> list[Class]:
    """The class of parts of orders, where ``LEAST`` of them or more, and most, were not granted."""
    unbooked, booked = (
        connection.execute(f"SELECT count(*) FROM ({other_parts(which)})").fetchall()[0][0]
        for which in (f"NOT {_BOOKED}", _BOOKED)
    )
    if unbooked < LEAST or unbooked <= booked:
        return []
    return [(PART, "probably not", unbooked + booked, booked)]
