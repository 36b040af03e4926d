"""Finds entries that take back what a payment was granted once too often, whatever they are called.

A retry booked twice, and somebody cleaned up: the entry names the payment, as a refund does. No
money went back, and read as a refund it would be blamed beside the double booking that it undid.
"""

from __future__ import annotations

from credit_forensics.evidence.evidence import Evidence
from credit_forensics.evidence.ledgers.entry_kinds import states_refund_sql


def join_undone_grants(evidence: Evidence) -> None:
    """Make such entries reversals, each of one grant, so that the payment counts as granted once.

    Only as many as there are grants of just these credits on the account beyond the first, each
    after the second grant; and where money went back, or the entry speaks of a refund, none.

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
    ...     "user_id": "a", "delta": [50, 50, -50], "reason": ["bought", "bought", "clean-up"],
    ...     "kind": ["purchase", "purchase", "refund"], "created_at": pd.to_datetime(
    ...     ["2026-03-01", "2026-03-02", "2026-03-05"], utc=True)}))
    >>> join_undone_grants(evidence)
    >>> evidence.ledger.sort_values("entry_id")["kind"].tolist()
    ['purchase', 'purchase', 'reversal']
    """
    evidence.connection.execute(
        f"""UPDATE ledger SET kind = 'reversal' WHERE entry_id IN (
            WITH several AS (
                SELECT payment_id FROM ledger JOIN payments USING (payment_id)
                WHERE coalesce(amount_refunded, 0) = 0 AND NOT coalesce(disputed, false)
                GROUP BY 1 HAVING count(*) > 2 AND min(delta) < 0
            ), granted AS (
                SELECT payment_id, user_id, delta, created_at, row_number() OVER (
                    PARTITION BY payment_id, user_id, delta ORDER BY created_at, entry_id) AS turn
                FROM ledger SEMI JOIN several USING (payment_id)
                WHERE kind = 'purchase' AND delta > 0
            ), taken AS (
                SELECT entry_id, payment_id, user_id, delta, created_at, row_number() OVER (
                    PARTITION BY payment_id, user_id, delta ORDER BY created_at, entry_id) AS turn
                FROM ledger SEMI JOIN several USING (payment_id)
                WHERE delta < 0 AND (kind = 'refund'
                    AND NOT coalesce({states_refund_sql("reason")}, false) OR kind = 'other')
            )
            SELECT taken.entry_id FROM taken JOIN granted
                ON granted.payment_id = taken.payment_id AND granted.user_id = taken.user_id
                AND granted.delta = -taken.delta AND granted.turn = taken.turn + 1
                AND granted.created_at <= taken.created_at)"""
    )
