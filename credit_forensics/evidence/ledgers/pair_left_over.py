"""Pairs a payment that nothing books with the entry on its own account that names no payment.

In a ledger whose entries name their payments, one path may not: a success page that books without
a reference, or support, who makes good by hand what the webhook lost. To call such a payment
unbooked would have its credits granted twice.
"""

from __future__ import annotations

from credit_forensics.databases.values import count_rows
from credit_forensics.evidence.evidence import Evidence
from credit_forensics.evidence.ledgers.pair_by_time import AFTER_SECONDS, ALONE, BEFORE_SECONDS

# An entry that may book a payment without naming it: a purchase, or what was granted by hand.
LEFT_OVER = (
    "payment_id IS NULL AND event_id IS NULL AND delta > 0 AND created_at IS NOT NULL AND"
    " (kind = 'purchase' OR kind = 'grant' AND regexp_matches(lower(reason),"
    " '(^|[^a-z0-9])(admin|manual(ly)?|by_?[ -]?hand|support|staff|ticket|re_?-?grant(ed)?"
    "|correct(ion|ed)?|recover(y|ed)?|made_?[ -]?good)($|[^a-z])'))"
)


def pair_left_over(evidence: Evidence) -> int:
    """Tie such entries as inferred; the number of ties.

    Only within a day after the payment, of just the credits that it is worth, on an account that
    the payment itself names, and where neither has another candidate.

    Parameters
    ----------
    evidence
        with the ledger tied to the payments, and paired by time where it names none.

    Examples
    --------
    >>> import pandas as pd
    >>> evidence = Evidence()
    >>> at = pd.Timestamp("2026-03-01 10:00", tz="UTC")
    >>> evidence.add("payments", pd.DataFrame({"payment_id": ["cs_1"], "payment_status": ["paid"],
    ...     "completed_at": [at], "expected_credits": [50], "client_reference_id": ["a"]}))
    >>> evidence.add("ledger", pd.DataFrame({"entry_id": ["1"], "user_id": ["a"], "delta": [50],
    ...     "kind": ["grant"], "reason": ["by hand, ticket 7"],
    ...     "created_at": [at + pd.Timedelta(hours=1)]}))
    >>> pair_left_over(evidence)
    1
    >>> evidence.ledger[["payment_id", "kind", "tie"]].values.tolist()
    [['cs_1', 'purchase', 'inferred']]
    """
    connection = evidence.connection
    if not count_rows(connection, f"FROM ledger WHERE {LEFT_OVER}"):
        return 0
    connection.execute(
        f"""CREATE OR REPLACE TEMP TABLE _left_over AS
        WITH unbooked AS (
            SELECT payment_id, coalesce(completed_at, created_at) AS paid_at, expected_credits,
                client_reference_id FROM payments
            WHERE payment_status = 'paid' AND coalesce(livemode, true)
                AND coalesce(amount_lost, 0) = 0 AND payment_id NOT IN (
                    SELECT payment_id FROM ledger WHERE payment_id IS NOT NULL)
        ), pairs AS (
            SELECT l.entry_id, p.payment_id FROM ledger AS l JOIN unbooked AS p
                ON l.delta = p.expected_credits
                AND l.created_at BETWEEN p.paid_at - INTERVAL {BEFORE_SECONDS} SECOND
                    AND p.paid_at + INTERVAL {AFTER_SECONDS} SECOND
            WHERE {
            LEFT_OVER.replace("payment_id", "l.payment_id").replace("created_at", "l.created_at")
        }
                AND (p.client_reference_id = l.user_id OR EXISTS (SELECT 1 FROM metadata AS m
                    WHERE m.payment_id = p.payment_id AND m.value = l.user_id))
        )
        SELECT * FROM pairs
        QUALIFY count(*) OVER (PARTITION BY entry_id) = 1
            AND count(*) OVER (PARTITION BY payment_id) = 1"""
    )
    connection.execute(
        f"""UPDATE ledger SET payment_id = t.payment_id, kind = 'purchase', tie = 'inferred',
            tie_probability = {ALONE}
        FROM _left_over AS t WHERE t.entry_id = ledger.entry_id"""
    )
    return count_rows(connection, "FROM _left_over")
