"""Finds what was moved from one account to another by hand, whatever the entries call it.

Support takes a purchase's credits from one account and gives them to another, and both entries
name the payment. Read one by one, the first looks like a refund and the second like a second
grant; together they change only who holds the credits.
"""

from __future__ import annotations

from credit_forensics.evidence.evidence import Evidence
from credit_forensics.evidence.ledgers.entry_kinds import states_refund_sql

_APART = "INTERVAL 1 DAY"


def join_moves(evidence: Evidence) -> None:
    """Make the taking side of a move a reversal, so that the payment counts as granted once.

    A move is one entry that takes credits of a payment from an account and one that gives as many
    of the same payment to another within a day, after an earlier grant. Where money went back or
    the taking entry itself speaks of a refund, nothing is joined; nor where two entries could be
    the other side.

    Parameters
    ----------
    evidence
        with the ledger tied to the payments.

    Examples
    --------
    >>> import pandas as pd
    >>> evidence = Evidence()
    >>> evidence.add("payments", pd.DataFrame({"payment_id": ["cs_1"]}))
    >>> evidence.add("ledger", pd.DataFrame({"entry_id": ["1", "2", "3"], "payment_id": "cs_1",
    ...     "user_id": ["a", "a", "b"], "delta": [50, -50, 50], "reason": ["bought", "x", "x"],
    ...     "kind": ["purchase", "refund", "purchase"], "created_at": pd.to_datetime(
    ...     ["2026-03-01", "2026-03-05", "2026-03-05"], utc=True)}))
    >>> join_moves(evidence)
    >>> evidence.ledger.sort_values("entry_id")["kind"].tolist()
    ['purchase', 'reversal', 'purchase']
    """
    evidence.connection.execute(
        f"""UPDATE ledger SET kind = 'reversal'
        WHERE entry_id IN (
            WITH several AS (
                SELECT payment_id FROM ledger JOIN payments USING (payment_id)
                WHERE coalesce(amount_refunded, 0) = 0 AND NOT coalesce(disputed, false)
                GROUP BY 1 HAVING count(*) > 2 AND min(delta) < 0
            ), entries AS (
                SELECT entry_id, payment_id, user_id, delta, kind, reason, created_at,
                    row_number() OVER (PARTITION BY payment_id, delta > 0
                        ORDER BY created_at, entry_id) > 1 AS later
                FROM ledger SEMI JOIN several USING (payment_id)
            ), moves AS (
                SELECT taken.entry_id, given.entry_id AS other_side,
                    count(*) OVER (PARTITION BY taken.entry_id) AS others,
                    count(*) OVER (PARTITION BY given.entry_id) AS takers
                FROM entries AS taken JOIN entries AS given
                    ON given.payment_id = taken.payment_id AND given.delta = -taken.delta
                    AND given.user_id <> taken.user_id
                WHERE taken.delta < 0 AND taken.kind IN ('refund', 'other')
                    AND NOT coalesce({states_refund_sql("taken.reason")}, false)
                    AND given.later AND given.kind IN ('purchase', 'grant')
                    AND given.created_at BETWEEN taken.created_at - {_APART}
                        AND taken.created_at + {_APART}
            )
            SELECT entry_id FROM moves WHERE others = 1 AND takers = 1)"""
    )
