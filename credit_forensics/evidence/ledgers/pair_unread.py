"""Pairs a payment whose Checkout session was not exported with the entry that names that session.

Where charges were exported and their sessions were not, or only some of them, the payment and its
entry know each other by the session alone: each would look as if the other did not exist.
"""

from __future__ import annotations

from credit_forensics.databases.values import count_rows
from credit_forensics.evidence.evidence import Evidence
from credit_forensics.evidence.ledgers.pair_by_time import BEFORE_SECONDS, BY_TIME_ALONE

_AFTER_SECONDS = 900


def pair_unread_sessions(evidence: Evidence) -> int:
    """Tie such entries as inferred; the number of payments.

    Each is the other's nearest, within a quarter of an hour, and no other session or invoice
    tells of the payment. All entries that name the session go with it.

    Parameters
    ----------
    evidence
        with the ledger tied to the payments.

    Examples
    --------
    >>> import pandas as pd
    >>> evidence = Evidence()
    >>> at = pd.Timestamp("2026-03-01 10:00", tz="UTC")
    >>> evidence.add("payments", pd.DataFrame({"payment_id": ["pi_1"], "kind": ["intent"],
    ...     "payment_status": ["paid"], "completed_at": [at]}))
    >>> evidence.add("ledger", pd.DataFrame({"entry_id": ["1"], "user_id": ["a"], "delta": [50],
    ...     "kind": ["purchase"], "payment_id": ["cs_1"],
    ...     "created_at": [at + pd.Timedelta(seconds=9)]}))
    >>> pair_unread_sessions(evidence)
    1
    >>> evidence.ledger[["payment_id", "tie"]].values.tolist()
    [['pi_1', 'inferred']]
    """
    evidence.connection.execute(
        f"""CREATE OR REPLACE TEMP TABLE _unread_sessions AS
        WITH read AS (
            SELECT payment_id AS id FROM payments UNION SELECT object_id FROM payment_objects
        ), unread AS (
            SELECT payment_id AS session, min(created_at) AS booked_at FROM ledger
            WHERE starts_with(payment_id, 'cs_') AND delta > 0 AND created_at IS NOT NULL
                AND payment_id NOT IN (SELECT id FROM read WHERE id IS NOT NULL)
            GROUP BY 1
        ), lone AS (
            SELECT payment_id, coalesce(completed_at, created_at) AS paid_at FROM payments
            WHERE kind IN ('intent', 'charge') AND payment_status = 'paid'
                AND payment_id NOT IN (
                    SELECT payment_id FROM ledger WHERE payment_id IS NOT NULL)
        ), pairs AS (
            SELECT session, payment_id, abs(epoch(booked_at - paid_at)) AS apart
            FROM unread JOIN lone ON booked_at BETWEEN paid_at - INTERVAL {BEFORE_SECONDS} SECOND
                AND paid_at + INTERVAL {_AFTER_SECONDS} SECOND
        )
        SELECT session, payment_id FROM pairs
        QUALIFY row_number() OVER (PARTITION BY session ORDER BY apart, payment_id) = 1
            AND row_number() OVER (PARTITION BY payment_id ORDER BY apart, session) = 1"""
    )
    evidence.connection.execute(
        f"""UPDATE ledger SET payment_id = t.payment_id, tie = 'inferred',
            tie_probability = {BY_TIME_ALONE}
        FROM _unread_sessions AS t WHERE t.session = ledger.payment_id"""
    )
    return count_rows(evidence.connection, "FROM _unread_sessions")
