"""Brings payments that show whether what a touched one brought is the shop's practice.

A bonus for a size or for a time, a price's former worth, and a refill up to an allowance are told
by what others brought. Which payments brought other than their worth is known only once the
touched ones are read, so these come along in a second reading, where there are any.
"""

from __future__ import annotations

from collections.abc import Callable

import duckdb

from credit_forensics.evidence.stored.same_payments import complete
from credit_forensics.evidence.stored.same_practice import MOST_OF_A_PRICE, add_more

_OTHER_WORTH = """
CREATE OR REPLACE TEMP TABLE other_worth AS
SELECT p.payment_id, p.amount, p.currency
FROM main.payments AS p JOIN (
    SELECT payment_id, sum(delta) AS granted FROM main.ledger
    WHERE kind = 'purchase' AND delta > 0 GROUP BY 1 HAVING count(*) = 1) AS g USING (payment_id)
WHERE p.expected_credits > 0 AND g.granted <> p.expected_credits
    AND hash(p.payment_id) IN (SELECT h FROM core)
"""


def add_same_worth(connection: duckdb.DuckDBPyConnection) -> bool:
    """Add to ``around`` the latest payments of the sums of those, and the latest of all.

    With the accounts of these, into ``takers``: whether a grant fills one up, all of its entries
    tell.

    Parameters
    ----------
    connection
        where the stored rows are ``stored``, with the touched payments read, and the tables
        ``core``, ``around`` and ``takers``.

    Returns
    -------
    bool
        whether any touched payment brought other than its worth: then to be read again.
    """
    run: Callable[..., object] = connection.execute
    run(_OTHER_WORTH)
    if not connection.execute("SELECT 1 FROM other_worth LIMIT 1").fetchall():
        return False
    for name, amount, key in (
        ("session", "amount_total", "session_id"),
        ("invoice", "amount_paid", "invoice_id"),
        ("intent", "amount", "payment_intent_id"),
    ):
        each = f"""SELECT hash_{key} AS h, {amount} AS amount, currency,
            max(created_at) AS created_at FROM stored.stripe_{name}s"""
        add_more(
            run,
            f"""SELECT h FROM ({each} WHERE ({amount}, currency) IN (
                SELECT (amount, currency) FROM other_worth) GROUP BY ALL)
            QUALIFY row_number() OVER (PARTITION BY amount, currency
                ORDER BY created_at DESC NULLS LAST) <= {MOST_OF_A_PRICE}""",
        )
        add_more(
            run,
            f"""SELECT h FROM ({each} GROUP BY ALL)
            ORDER BY created_at DESC NULLS LAST LIMIT {MOST_OF_A_PRICE}""",
        )
    complete(run, "around")
    run(
        """INSERT INTO takers SELECT DISTINCT hash_user_id FROM stored.ledger
        WHERE hash_user_id IS NOT NULL AND hash_user_id NOT IN (SELECT h FROM takers)
            AND (hash_payment_id IN (SELECT h FROM around) OR hash_event_id IN (
                SELECT hash_event_id FROM stored.stripe_events
                WHERE hash_object_id IN (SELECT h FROM around)))"""
    )
    return True
