"""Tells whether ``client_reference_id`` is the number of an order, which is nobody's account."""

from __future__ import annotations

import duckdb

# So many payers who paid again must each have had another reference every time.
PAYERS, ANOTHER_EACH_TIME = 2, 0.9
# So many of all paid payments must have a reference of their own.
OF_ITS_OWN = 0.95
# Where the reference is an account, most of its credits stand there.
CREDITED_THERE = 0.1


def references_are_order_numbers(connection: duckdb.DuckDBPyConnection) -> bool:
    """Whether the references count payments, not accounts: each payer has another every time.

    Parameters
    ----------
    connection
        with ``payments`` assembled, and the ledger tied to them.

    Returns
    -------
    False too where too few payers paid again for it to be told.

    Examples
    --------
    >>> from credit_forensics.evidence.evidence import Evidence
    >>> references_are_order_numbers(Evidence().connection)
    False
    """
    [(payers, another, rows, values, tied, there)] = connection.execute(
        """WITH paid AS (
            SELECT payment_id, lower(trim(client_reference_id)) AS value,
                lower(trim(payer_email)) AS payer
            FROM payments WHERE payment_status = 'paid' AND trim(client_reference_id) <> ''),
        again AS (
            SELECT count(*) AS times, count(DISTINCT value) AS values FROM paid
            WHERE payer IS NOT NULL GROUP BY payer HAVING count(*) > 1),
        booked AS (
            SELECT DISTINCT payment_id, lower(user_id) AS account FROM ledger
            WHERE kind = 'purchase' AND delta > 0 AND payment_id IS NOT NULL)
        SELECT (SELECT count(*) FROM again),
            (SELECT count(*) FROM again WHERE times = values),
            (SELECT count(*) FROM paid), (SELECT count(DISTINCT value) FROM paid),
            (SELECT count(*) FROM booked JOIN paid USING (payment_id)),
            (SELECT count(*) FROM booked JOIN paid USING (payment_id)
             -- "user_42_pack_9" names an account too.
             WHERE account = value OR contains(value, account) AND length(account) >= 6)"""
    ).fetchall()
    return bool(
        payers >= PAYERS
        and another >= ANOTHER_EACH_TIME * payers
        and values >= OF_ITS_OWN * rows
        and tied > 0
        and there <= CREDITED_THERE * tied
    )


def set_aside_order_numbers(connection: duckdb.DuckDBPyConnection) -> None:
    """Let references that are numbers of orders name no account; one that wraps an id still does.

    Examples
    --------
    >>> from credit_forensics.evidence.evidence import Evidence
    >>> set_aside_order_numbers(Evidence().connection)
    """
    connection.execute(
        "UPDATE payments SET reference_valid = false WHERE reference_detail <> 'wrapped'"
    )
