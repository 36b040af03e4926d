"""Finds the metadata key by which a shop books, where no key's words name the account.

A bot's shop has ``discord_id``, another ``sub`` or ``phone``: no list has them all. What the shop
does tells: the key's value is the account that nearly every payment was booked on.
"""

from __future__ import annotations

from collections.abc import Sequence

from credit_forensics.evidence.evidence import Evidence
from credit_forensics.evidence.metadata_keys import (
    NAMED_KEYS,
    OTHERS_KEY,
    RECIPIENT_KEY,
    account_keys,
    key_words,
    keys_like,
)

# So many payments at least, of so many accounts, and so many of them booked on the key's value.
PAYMENTS, ACCOUNTS, BOOKED_THERE = 4, 3, 0.8
# A short number may be a quantity or a place on a list, whatever it is called.
SHORTEST_NUMBER = 6

_ACCOUNTS = "SELECT user_id FROM users UNION SELECT user_id FROM customers"
# Whether a key that words name, or a reference, leads to an account: nearly every shop's does.
_TOLD = f"""
    SELECT 1 FROM (
        SELECT trim(value) AS value FROM metadata
        WHERE list_contains(?::VARCHAR[], key)
            AND source IN ('session', 'intent', 'subscription', 'charge')
        UNION ALL SELECT trim(client_reference_id) FROM payments)
    WHERE value IN ({_ACCOUNTS}) LIMIT 1
"""
_BOOKED_BY = f"""
    WITH booked AS (
        SELECT payment_id, min(user_id) AS user_id FROM ledger
        WHERE kind = 'purchase' AND delta > 0 AND payment_id IS NOT NULL
        GROUP BY payment_id HAVING count(DISTINCT user_id) = 1
    ), named AS (
        SELECT DISTINCT payment_id, key, trim(value) AS value FROM metadata
        WHERE source IN ('session', 'intent', 'subscription', 'charge')
            AND NOT regexp_matches({key_words("key")}, '{OTHERS_KEY}')
    )
    -- Two keys have the same values where the sums over their payments are the same.
    SELECT key, sum(hash(payment_id, value)) AS values
    FROM named JOIN booked USING (payment_id) GROUP BY key
    HAVING count(*) >= ? AND count(DISTINCT value) >= ?
        AND count(*) FILTER (value = user_id AND value IN ({_ACCOUNTS})
            AND NOT (length(value) < ? AND regexp_full_match(value, '[0-9]+'))) >= ? * count(*)
    ORDER BY key
"""


def account_keys_by_booking(evidence: Evidence, user_keys: Sequence[str] = ()) -> list[str]:
    """The key of sessions, intents and subscriptions by whose values the shop books.

    Parameters
    ----------
    evidence
        with the accounts, and the ledger tied to the payments.
    user_keys
        keys that the case file settles (``[ids] user_keys``).

    Returns
    -------
    One key, or none: also where a key that words name, or a reference, leads to an account, where
    two keys would do whose values differ, and where the key's words name another person.

    Examples
    --------
    >>> account_keys_by_booking(Evidence())
    []
    """
    recipients = keys_like(evidence, RECIPIENT_KEY)
    by_words = [*NAMED_KEYS, *account_keys(evidence, user_keys, recipients)]
    run = evidence.connection.execute
    if run(_TOLD, [by_words]).fetchall():
        return []
    found = run(_BOOKED_BY, [PAYMENTS, ACCOUNTS, SHORTEST_NUMBER, BOOKED_THERE]).fetchall()
    return [str(found[0][0])] if len({values for _, values in found}) == 1 else []
