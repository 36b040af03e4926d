"""Finds wrong bookings that support put right by two entries that name no payment.

One entry takes a purchase's credits from the account that was booked by mistake, another gives as
many to the account that the payment is of, and both name a ticket at most. Left apart, the payment
would be called wrong a second time, and put right twice.
"""

from __future__ import annotations

from credit_forensics.databases.values import count_rows
from credit_forensics.evidence.evidence import Evidence

# Both sides of a move are booked at once, by one person or script; support may be months late.
APART_SECONDS = 3600
LATEST_DAYS = 180
ALONE = 0.95
# What is used, bought or given back for money moves nothing from one account to another.
MOVES_UNNAMED = (
    "payment_id IS NULL AND event_id IS NULL AND created_at IS NOT NULL"
    " AND kind IN ('correction', 'other', 'grant', 'reversal', 'transfer')"
)


def tie_unnamed_moves(evidence: Evidence) -> int:
    """Tie both sides of such moves to the payment, as inferred corrections; the number of moves.

    Only where the payment was booked once, on the account that lost just its credits, and itself
    names the account that got them, by its reference, its metadata or the e-mail that was typed:
    by the e-mail, where it names the booked account too.
    What one account gives to another of its own will, or a move to a third account, ties nothing;
    nor do sides or payments of which there are several.

    Parameters
    ----------
    evidence
        with the ledger tied to the payments.

    Examples
    --------
    >>> import pandas as pd
    >>> evidence = Evidence()
    >>> evidence.add("payments", pd.DataFrame({"payment_id": ["cs_1"],
    ...     "client_reference_id": ["b"]}))
    >>> evidence.add("ledger", pd.DataFrame({"entry_id": ["1", "2", "3"],
    ...     "payment_id": ["cs_1", None, None], "user_id": ["a", "a", "b"],
    ...     "delta": [50, -50, 50], "kind": ["purchase", "correction", "correction"],
    ...     "created_at": pd.to_datetime(["2026-03-01", "2026-03-05", "2026-03-05"], utc=True)}))
    >>> tie_unnamed_moves(evidence)
    1
    >>> evidence.ledger["payment_id"].tolist()
    ['cs_1', 'cs_1', 'cs_1']
    """
    connection = evidence.connection
    if not count_rows(connection, f"FROM ledger WHERE {MOVES_UNNAMED} AND delta < 0"):
        return 0
    connection.execute(
        f"""CREATE OR REPLACE TEMP TABLE _unnamed_moves AS
        WITH loose AS (
            SELECT entry_id, user_id, delta, created_at FROM ledger
            WHERE {MOVES_UNNAMED}
        ), moves AS (
            SELECT taken.entry_id AS taking, given.entry_id AS giving, taken.user_id AS loser,
                given.user_id AS winner, given.delta AS credits, taken.created_at
            FROM loose AS taken JOIN loose AS given ON given.delta = -taken.delta
                AND given.user_id <> taken.user_id
                AND abs(epoch(given.created_at) - epoch(taken.created_at)) <= {APART_SECONDS}
            WHERE taken.delta < 0
        ), booked AS (
            SELECT payment_id, min(user_id) AS user_id, min(delta) AS credits,
                min(created_at) AS booked_at
            FROM ledger WHERE payment_id IS NOT NULL
            GROUP BY payment_id HAVING count(*) = 1 AND min(kind) = 'purchase'
        ), typed AS (
            SELECT payment_id, u.user_id FROM payments JOIN users AS u
                ON lower(trim(payer_email)) = lower(trim(u.email))
        ), named AS (
            SELECT payment_id, client_reference_id AS user_id FROM payments
            UNION SELECT payment_id, value FROM metadata
            UNION FROM typed
        ), pairs AS (
            SELECT DISTINCT m.taking, m.giving, b.payment_id FROM moves AS m
            JOIN booked AS b ON b.user_id = m.loser AND b.credits = m.credits
                AND m.created_at BETWEEN b.booked_at AND b.booked_at + INTERVAL {LATEST_DAYS} DAY
            JOIN named AS n ON n.payment_id = b.payment_id AND n.user_id = m.winner
            -- Whom it names beside the booked account may be a friend: who typed the e-mail paid.
            WHERE NOT EXISTS (FROM named AS o
                    WHERE o.payment_id = b.payment_id AND o.user_id = m.loser)
                OR EXISTS (FROM typed AS y
                    WHERE y.payment_id = b.payment_id AND y.user_id = m.winner)
        )
        SELECT * FROM pairs
        QUALIFY count(*) OVER (PARTITION BY taking) = 1
            AND count(*) OVER (PARTITION BY giving) = 1
            AND count(*) OVER (PARTITION BY payment_id) = 1"""
    )
    connection.execute(
        f"""UPDATE ledger SET payment_id = t.payment_id, kind = 'correction', tie = 'inferred',
            tie_probability = {ALONE}
        FROM (SELECT payment_id, unnest([taking, giving]) AS side FROM _unnamed_moves) AS t
        WHERE t.side = ledger.entry_id"""
    )
    return count_rows(connection, "FROM _unnamed_moves")
