"""Finds credits that were taken and given again on one account, whatever the entries call it.

A hold and its release, what expired and was restored, an entry that a migration reversed and booked
anew: both entries name the payment. Read one by one the second looks like a second grant.
"""

from __future__ import annotations

from credit_forensics.evidence.evidence import Evidence
from credit_forensics.evidence.ledgers.entry_kinds import kind_sql, states_refund_sql

# Kinds that words give to what was neither bought nor given: its kind came from what it names.
_UNTOLD = "('other', 'usage')"


def join_undone(evidence: Evidence) -> None:
    """Make both sides of what was taken and given again corrections, which change nothing.

    The first of such entries of an account, a payment and a number of credits that gives is joined
    with the first that takes, and so on; it comes no earlier. A giving entry that calls itself a
    purchase or a grant is joined with nothing, nor is one without words, or a taking that speaks
    of a refund.

    Parameters
    ----------
    evidence
        with the ledger tied to the payments.

    Examples
    --------
    >>> import pandas as pd
    >>> evidence = Evidence()
    >>> evidence.add("ledger", pd.DataFrame({"entry_id": ["1", "2", "3"], "payment_id": "cs_1",
    ...     "user_id": "a", "delta": [50, -20, 20], "reason": ["purchase", "hold", "release"],
    ...     "kind": ["purchase", "refund", "purchase"], "created_at": pd.to_datetime(
    ...     ["2026-03-01", "2026-03-05", "2026-03-06"], utc=True)}))
    >>> join_undone(evidence)
    >>> evidence.ledger.sort_values("entry_id")["kind"].tolist()
    ['purchase', 'correction', 'correction']
    """
    evidence.connection.execute(
        f"""UPDATE ledger SET kind = 'correction' WHERE entry_id IN (
            WITH several AS (
                SELECT payment_id FROM ledger WHERE payment_id IS NOT NULL
                GROUP BY 1 HAVING count(*) > 2 AND min(delta) < 0
            ), sides AS (
                SELECT entry_id, payment_id, user_id, delta, created_at, row_number() OVER (
                    PARTITION BY payment_id, user_id, delta ORDER BY created_at, entry_id) AS turn
                FROM ledger SEMI JOIN several USING (payment_id)
                WHERE reason IS NOT NULL AND (
                    delta < 0 AND kind IN ('refund', 'usage', 'other')
                        AND NOT ({states_refund_sql("reason")})
                    OR delta > 0 AND kind IN ('purchase', 'usage', 'other')
                        AND {kind_sql("reason", "delta", "false")} IN {_UNTOLD})
            ), joined AS (
                SELECT taken.entry_id AS taking, given.entry_id AS giving
                FROM sides AS taken JOIN sides AS given
                    ON given.payment_id = taken.payment_id AND given.user_id = taken.user_id
                    AND given.delta = -taken.delta AND given.turn = taken.turn
                    AND given.created_at >= taken.created_at
                WHERE taken.delta < 0
            )
            SELECT taking FROM joined UNION ALL SELECT giving FROM joined)"""
    )
