"""Payments that themselves say, or show by their order, that they bring no credits of their own."""

from __future__ import annotations

import duckdb

# Fewer payments than this without any entry are as well a handler that failed.
LEAST = 3
NONE, PART = "credits 0", "part of an order"
"""The classes of what is settled here."""
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

DOUBTED = "probably not"
"""What is settled of ``for_credits``: a question, for it may as well be a fault."""


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


def told_nothing(connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """What is ``DOUBTED`` of such payments: by ``NONE`` and ``PART``, in words for the case's gaps.

    Payments that say 0 are where fewer than half of them were granted, parts of orders where
    ``LEAST`` of them or more, and most, were not.

    Examples
    --------
    >>> from credit_forensics.evidence.evidence import Evidence
    >>> told_nothing(Evidence().connection)
    {}
    """
    told: dict[str, str] = {}
    nones, booked = _counted(
        connection, f"p.expected_credits IS NULL AND p.payment_id IN ({TOLD_NONE})"
    )
    if 2 * booked < nones:
        told[NONE] = (
            f"{nones} payments say themselves that they bring 0 credits, and {booked} of them were "
            "granted: they are probably not for credits, and none of them is said to lack any"
        )
    # First of those without an entry, which are few.
    unbooked, _ = _counted(connection, f"p.payment_id IN ({other_parts(f'NOT {_BOOKED}')})")
    if unbooked < LEAST:
        return told
    parts, booked = _counted(connection, f"p.payment_id IN ({other_parts()})")
    if 2 * booked < parts:
        told[PART] = (
            f"{parts} payments do not say what they bring, and share an order's number with one of "
            f"the same customer that does; {booked} of them were granted: they are probably not "
            "for credits of their own, and none of them is said to lack any"
        )
    return told


def _counted(connection: duckdb.DuckDBPyConnection, which: str) -> tuple[int, int]:
    """How many paid payments there are of a kind, and how many of them were granted."""
    found: tuple[int, int] = connection.execute(
        f"""SELECT count(*), count(*) FILTER ({_BOOKED}) FROM payments p
        WHERE p.payment_status = 'paid' AND {which}"""
    ).fetchall()[0]
    return found
