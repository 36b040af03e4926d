"""Splits an entry that books several payments of an account in one sum, and names none of them.

A job at night adds up what each account paid that day. Paired one to one, all payments but one
would seem unbooked.
"""

from __future__ import annotations

from credit_forensics.databases.values import count_rows
from credit_forensics.evidence.evidence import Evidence
from credit_forensics.evidence.ledgers.pair_by_time import (
    AFTER_ON_ITS_ACCOUNT_SECONDS,
    AMONG_SEVERAL,
)

# So many entries of one payment each must show what a payment of a price brings, and so large a
# share of them the same.
LEAST_ALONE, ALIKE = 3, 0.8
LEAST_OF_A_JOB = 10
"""So many entries, nearly all within the same ten minutes of a day, are a job's."""


def split_summed_days(evidence: Evidence) -> int:
    """Tie such entries to their payments as inferred, one part each; the number of entries tied.

    The payments are those that name the account since its entry before, at most 36 hours earlier,
    and the sum must be just what they are worth: by the price, else by what entries of one payment
    of that amount bring. Of a job that books at one time of the day the entries of one payment are
    tied so too: there its time says nothing of whose an entry is. Does nothing where any purchase
    names its payment.

    Parameters
    ----------
    evidence
        with the ledger tied to the payments that it names.

    Examples
    --------
    >>> import pandas as pd
    >>> evidence = Evidence()
    >>> at = pd.Timestamp("2026-03-01 10:00", tz="UTC")
    >>> evidence.add("payments", pd.DataFrame({"payment_id": ["cs_1", "cs_2"],
    ...     "payment_status": "paid", "completed_at": [at, at + pd.Timedelta(hours=3)],
    ...     "expected_credits": [50, 100], "client_reference_id": "a"}))
    >>> evidence.add("ledger", pd.DataFrame({"entry_id": ["7"], "user_id": ["a"], "delta": [150],
    ...     "kind": ["purchase"], "created_at": [at + pd.Timedelta(hours=16)]}))
    >>> split_summed_days(evidence)
    1
    >>> evidence.ledger[["entry_id", "delta", "payment_id"]].values.tolist()
    [['7#1of2', 50, 'cs_1'], ['7#2of2', 100, 'cs_2']]
    """
    connection = evidence.connection
    named = "payment_id IS NOT NULL AND kind = 'purchase' AND coalesce(tie, '') <> 'inferred'"
    if count_rows(connection, f"FROM ledger WHERE {named}"):
        return 0
    connection.execute(
        f"""CREATE OR REPLACE TEMP TABLE _summed AS
        WITH entries AS (
            SELECT entry_id, user_id, delta, created_at, greatest(
                coalesce(lag(created_at) OVER (PARTITION BY user_id ORDER BY created_at, entry_id),
                    created_at - INTERVAL {AFTER_ON_ITS_ACCOUNT_SECONDS} SECOND),
                created_at - INTERVAL {AFTER_ON_ITS_ACCOUNT_SECONDS} SECOND) AS since
            FROM ledger WHERE payment_id IS NULL AND event_id IS NULL AND delta > 0
                AND created_at IS NOT NULL AND kind IN ('purchase', 'other', 'grant')
        ), job AS (
            SELECT coalesce(sum(entries) >= {LEAST_OF_A_JOB}
                AND max(entries) >= {ALIKE} * sum(entries), false) AS at_one_time
            FROM (SELECT count(*) AS entries FROM entries
                GROUP BY CAST(epoch(created_at) AS BIGINT) // 600 % 144)
        ), paid AS (
            SELECT DISTINCT p.payment_id, n.user_id, p.expected_credits, p.amount, p.currency,
                coalesce(p.completed_at, p.created_at) AS paid_at
            FROM payments AS p JOIN (
                SELECT payment_id, client_reference_id AS user_id FROM payments
                UNION SELECT payment_id, value FROM metadata) AS n USING (payment_id)
            WHERE p.payment_status = 'paid' AND coalesce(p.livemode, true)
        ), pairs AS (
            SELECT e.entry_id, e.delta, p.* EXCLUDE (user_id),
                count(*) OVER (PARTITION BY e.entry_id) AS payments
            FROM entries AS e JOIN paid AS p ON p.user_id = e.user_id
                AND p.paid_at > e.since AND p.paid_at <= e.created_at
        ), usual AS (
            SELECT amount, currency, mode(delta) AS credits FROM pairs WHERE payments = 1
            GROUP BY ALL HAVING count(*) >= {LEAST_ALONE}
                AND count(*) FILTER (delta = (SELECT mode(o.delta) FROM pairs AS o
                    WHERE o.payments = 1 AND o.amount = pairs.amount
                        AND o.currency = pairs.currency)) >= {ALIKE} * count(*)
        ), worth AS (
            SELECT p.entry_id, p.payment_id, p.delta, p.payments,
                coalesce(p.expected_credits, u.credits) AS credits,
                row_number() OVER (PARTITION BY p.entry_id ORDER BY p.paid_at, p.payment_id)
                    AS place
            FROM pairs AS p LEFT JOIN usual AS u USING (amount, currency)
            WHERE payments > 1 OR (SELECT at_one_time FROM job)
        )
        SELECT * FROM worth
        QUALIFY count(credits) OVER (PARTITION BY entry_id) = payments
            AND sum(credits) OVER (PARTITION BY entry_id) = delta
            AND count(*) OVER (PARTITION BY payment_id) = 1"""
    )
    split = count_rows(connection, "FROM (SELECT DISTINCT entry_id FROM _summed)")
    if split:
        connection.execute(
            f"""CREATE OR REPLACE TABLE ledger AS
            SELECT * FROM ledger WHERE entry_id NOT IN (SELECT entry_id FROM _summed)
            UNION ALL BY NAME
            SELECT l.* REPLACE (
                CASE WHEN s.payments = 1 THEN l.entry_id
                    ELSE l.entry_id || '#' || s.place || 'of' || s.payments END AS entry_id,
                CAST(s.credits AS BIGINT) AS delta, s.payment_id AS payment_id,
                'purchase' AS kind, 'inferred' AS tie, {AMONG_SEVERAL} AS tie_probability,
                CASE WHEN s.place = 1 THEN l.fraction END AS fraction)
            FROM ledger AS l JOIN _summed AS s USING (entry_id)"""
        )
    return split
