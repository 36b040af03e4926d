"""Finds the metadata key by which a shop books, where no key's words name the account.

A bot's shop has ``discord_id``, another ``sub`` or ``phone``: no list has them all. What the shop
does tells: the key's value is the account that nearly every payment was booked on.
"""

from __future__ import annotations

from collections.abc import Sequence

import duckdb

# So many payments at least, of so many accounts, and so many of them booked on the key's value.
PAYMENTS, ACCOUNTS, BOOKED_THERE = 4, 3, 0.8
# A short number may be a quantity or a place on a list, whatever it is called.
SHORTEST_NUMBER = 6


def keys_booked_by(
    connection: duckdb.DuckDBPyConnection, named: Sequence[str], others: str
) -> list[str]:
    """The keys of sessions, intents and subscriptions by whose values the shop books.

    Parameters
    ----------
    connection
        with ``payments``, ``metadata``, ``users`` and the ledger tied to the payments.
    named
        keys whose words name the account.
    others
        pattern of keys that are another person's, whatever the shop does with them.

    Returns
    -------
    One key, or none: also where a key that words name, or a reference, leads to an account, and
    where two keys would do whose values differ.

    Examples
    --------
    >>> from credit_forensics.evidence.evidence import Evidence
    >>> keys_booked_by(Evidence().connection, ["user_id"], "^$")
    []
    """
    found = connection.execute(
        """WITH values AS (
            SELECT DISTINCT payment_id, key, trim(value) AS value FROM metadata
            WHERE source IN ('session', 'intent', 'subscription', 'charge')
            UNION SELECT payment_id, '', trim(client_reference_id) FROM payments
            WHERE client_reference_id IS NOT NULL),
        accounts AS (
            SELECT user_id FROM users UNION SELECT user_id FROM customers),
        booked AS (
            SELECT payment_id, min(user_id) AS user_id FROM ledger
            WHERE kind = 'purchase' AND delta > 0 AND payment_id IS NOT NULL
            GROUP BY payment_id HAVING count(DISTINCT user_id) = 1),
        told AS (
            SELECT 1 FROM values JOIN accounts ON user_id = value
            WHERE key = '' OR list_contains(?::VARCHAR[], key) LIMIT 1)
        SELECT key, list(value ORDER BY payment_id) AS all_values
        FROM values JOIN booked USING (payment_id)
        WHERE NOT EXISTS (FROM told) AND key <> ''
            AND NOT regexp_matches(lower(regexp_replace(key, '([a-z0-9])([A-Z])', '\\1_\\2', 'g')),
                ?)
        GROUP BY key
        HAVING count(*) >= ? AND count(DISTINCT value) >= ?
            AND count(*) FILTER (value = user_id AND value IN (SELECT user_id FROM accounts)
                AND NOT (length(value) < ? AND regexp_full_match(value, '[0-9]+')))
                >= ? * count(*)
        ORDER BY key""",
        [list(named), others, PAYMENTS, ACCOUNTS, SHORTEST_NUMBER, BOOKED_THERE],
    ).fetchall()
    values = {tuple(values) for _, values in found}
    return [str(found[0][0])] if len(values) == 1 else []
