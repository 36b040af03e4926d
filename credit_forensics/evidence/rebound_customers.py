"""Tells what a Stripe customer that changed hands still says of whose payments these are.

What is charged without anybody at the till (a renewal, a top-up) carries the e-mail that the
customer has had since it was made, and goes to whom the shop binds the customer by now. The
account that has the address now need not be whom it meant; and a binding that was moved between
two payments is the shop's word for an account, not a witness for who pays.
"""

from __future__ import annotations

import duckdb

from credit_forensics.evidence.folding_sql import name_words

# A purchase may open an account, so an address counts from a day before its account was made.
_GIVEN_UP = f"""
CREATE OR REPLACE TEMP TABLE given_up AS
WITH owned AS (
    SELECT email_key, min(created_at) - INTERVAL 1 DAY AS since, list(user_id) AS users,
        list_distinct(flatten(list({name_words("name")}))) AS words
    FROM users WHERE email_key IS NOT NULL
    GROUP BY 1 HAVING count(*) = count(created_at) AND count(*) = count(name)
), given AS (
    SELECT p.payment_id, p.customer_id, p.created_at, p.payer_name, o.*
    FROM payments p JOIN owned o ON o.email_key = p.payer_email_key
    WHERE p.customer_id IS NOT NULL AND p.email_prefilled AND p.payer_name IS NOT NULL
), meant AS (
    SELECT g.customer_id, o.email_key, min(g.created_at) AS since
    FROM payments g JOIN owned o ON o.email_key = g.payer_email_key
    JOIN ledger l ON l.payment_id = g.payment_id
    JOIN users u ON u.user_id = l.user_id
    WHERE g.customer_id IN (SELECT customer_id FROM given) AND g.created_at < o.since
        AND l.kind = 'purchase' AND l.delta > 0 AND NOT list_contains(o.users, l.user_id)
    GROUP BY ALL
)
SELECT g.payment_id FROM given g JOIN meant m USING (customer_id, email_key)
WHERE g.created_at > m.since
    AND NOT list_has_any(g.words, {name_words("g.payer_name")})
"""
# A binding that came about while a payment was booked may be that payment's own doing.
_MOVED = """
CREATE OR REPLACE TEMP TABLE moved_by_hand AS
WITH moved AS (
    SELECT customer_id, user_id, bound_at FROM customers c
    WHERE bound_at IS NOT NULL
        AND EXISTS (SELECT 1 FROM payments p JOIN ledger l USING (payment_id)
            WHERE p.customer_id = c.customer_id AND p.created_at < c.bound_at
                AND l.kind = 'purchase' AND l.delta > 0 AND l.user_id <> c.user_id)
        AND NOT EXISTS (SELECT 1 FROM payments p LEFT JOIN ledger l USING (payment_id)
            WHERE p.customer_id = c.customer_id AND c.bound_at BETWEEN p.created_at
                AND coalesce(l.created_at, p.completed_at, p.created_at) + INTERVAL 1 HOUR)
)
SELECT payment_id, EXISTS (SELECT 1 FROM users u WHERE u.user_id = m.user_id
        AND u.email_key = p.payer_email_key) AS has_address
FROM payments p JOIN moved m USING (customer_id)
WHERE p.kind <> 'checkout' AND p.created_at > m.bound_at
    AND payment_id NOT IN (SELECT payment_id FROM given_up)
    AND NOT EXISTS (SELECT 1 FROM customers c WHERE c.customer_id = p.customer_id
        AND c.bound_at > m.bound_at AND c.bound_at < p.created_at)
"""


def settle_rebound_customers(connection: duckdb.DuckDBPyConnection) -> None:
    """Set ``payer_email_key`` and ``customer_preset`` where a customer changed hands.

    An e-mail names nobody any more where nobody typed it at this payment, the same customer paid
    with it before the account that has it now was made, that payment was booked on another
    account, and the payer's name has no word in common with that of the account that has it now:
    an account of the payer's own name may be a new one of the same person.

    Elsewhere a binding that was moved between two payments, and by none of them, counts as given:
    somebody meant this account, and the payer may pay for another. The customer's e-mail then
    is of the time before, unless the account has it.

    Parameters
    ----------
    connection
        with ``payments`` and ``users`` folded, and the ledger tied.
    """
    connection.execute(_GIVEN_UP)
    connection.execute(_MOVED)
    connection.execute(
        "UPDATE payments SET payer_email_key = NULL WHERE payment_id IN ("
        "SELECT payment_id FROM given_up"
        " UNION SELECT payment_id FROM moved_by_hand WHERE NOT has_address)"
    )
    connection.execute(
        "UPDATE payments SET customer_preset = true"
        " WHERE payment_id IN (SELECT payment_id FROM moved_by_hand)"
    )
    for name in ("given_up", "moved_by_hand"):
        connection.execute(f"DROP TABLE {name}")
