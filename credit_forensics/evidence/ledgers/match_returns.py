"""Matches refunds and voids that name no payment with the payment that they take back.

By account, credits and time: a refund with a payment of that account whose money went back at
that time, a void with a grant of as many credits before it: first with one that was granted twice,
and with no other where it speaks of a double booking. An entry in words of no known kind is
matched as a refund is, where Stripe says when the money went back and nothing like it is booked
again and again; so is one without any words, which counts as usage else. What is matched is marked
as inferred, with a probability.
"""

from __future__ import annotations

from credit_forensics.databases.values import count_rows
from credit_forensics.evidence.evidence import Evidence
from credit_forensics.evidence.ledgers.entry_kinds import LAPSED, states_twice_sql

# Somebody may take the credits first and send the money back then, or days later.
BEFORE_HOURS, AFTER_HOURS = 24, 7 * 24
VOID_DAYS = 30
OF_A_DOUBLE_DAYS = 180
"""What was booked twice may be found months later, and its entry says what it undoes."""
ALONE, AMONG_SEVERAL = 0.95, 0.75
# A void is of what was granted twice before it is of anything that was granted once.
_LONG = 10**9
_MOST_ROUNDS = 20
HABIT = 3
"""So many entries that take credits in the same words, numbers aside, are what the shop does."""
_NUMBERS = "[0-9a-fA-F]{8,}|[0-9]+"


def match_returns(evidence: Evidence) -> int:
    """Tie entries that take credits back, and name no payment, to one; the number of ties.

    Examples
    --------
    >>> import pandas as pd
    >>> evidence = Evidence()
    >>> at = pd.Timestamp("2025-09-01 10:00", tz="UTC")
    >>> evidence.add("payments", pd.DataFrame({"payment_id": ["cs_1"],
    ...     "payment_intent_id": ["pi_1"], "completed_at": [at], "amount_refunded": [900]}))
    >>> evidence.add("stripe_refunds", pd.DataFrame(
    ...     {"payment_intent_id": ["pi_1"], "created_at": [at + pd.Timedelta(hours=30)]}))
    >>> evidence.add("ledger", pd.DataFrame({"entry_id": ["1", "2"], "user_id": "a",
    ...     "delta": [50, -50], "kind": ["purchase", "refund"], "payment_id": ["cs_1", None],
    ...     "created_at": [at, at + pd.Timedelta(hours=31)]}))
    >>> match_returns(evidence)
    1
    >>> evidence.ledger[["payment_id", "tie", "tie_probability"]].values.tolist()[1]
    ['cs_1', 'inferred', 0.95]
    """
    run = evidence.connection.execute
    run(
        f"""CREATE OR REPLACE TEMP TABLE _unmatched_returns AS
        SELECT entry_id, user_id, -delta AS credits, created_at,
            coalesce({states_twice_sql("reason")}, false) AS of_a_double,
            CASE WHEN kind = 'usage' THEN 'other' ELSE kind END AS kind
        FROM ledger WHERE payment_id IS NULL AND delta < 0 AND created_at IS NOT NULL
            AND (kind IN ('refund', 'reversal', 'other') OR kind = 'usage' AND reason IS NULL)"""
    )
    if not count_rows(evidence.connection, "FROM _unmatched_returns"):
        return 0
    run(
        rf"""CREATE OR REPLACE TEMP TABLE _return_candidates AS
        WITH grants AS (
            SELECT payment_id, user_id, sum(delta) AS credits, max(delta) AS most,
                max(created_at) AS granted_at, count(*) AS times
            FROM ledger WHERE kind = 'purchase' AND delta > 0 AND payment_id IS NOT NULL
                AND user_id IN (SELECT user_id FROM _unmatched_returns)
            GROUP BY payment_id, user_id),
        moments AS (
            SELECT p.payment_id, r.created_at AS returned_at FROM payments AS p
            JOIN (SELECT payment_intent_id, created_at FROM stripe_refunds
                  UNION ALL SELECT payment_intent_id, created_at FROM stripe_disputes) AS r
                ON r.payment_intent_id = coalesce(p.payment_intent_id, p.payment_id)
            UNION ALL SELECT payment_id, created_at FROM events
            WHERE regexp_matches(type, '^(charge\.(refund|dispute)|refund\.)'))
        SELECT e.entry_id, g.payment_id,
            abs(epoch(e.created_at) - epoch(coalesce(b.returned_at, g.granted_at))) AS lag
        FROM _unmatched_returns AS e JOIN grants AS g ON e.user_id = g.user_id
            AND e.credits <= g.credits AND g.granted_at <= e.created_at
        JOIN payments AS p ON g.payment_id = p.payment_id
        LEFT JOIN moments AS b ON g.payment_id = b.payment_id
        WHERE e.kind IN ('refund', 'other') AND (p.amount_refunded > 0 OR p.disputed)
            AND (b.returned_at IS NULL AND e.kind = 'refund' OR e.created_at BETWEEN
                b.returned_at - INTERVAL {BEFORE_HOURS} HOUR
                AND b.returned_at + INTERVAL {AFTER_HOURS} HOUR)
            AND (e.credits IN (g.credits, g.most) OR (p.amount > 0
                AND abs(e.credits - g.most * p.amount_refunded / p.amount) <= 1))
        UNION ALL
        SELECT e.entry_id, g.payment_id,
            epoch(e.created_at) - epoch(g.granted_at)
                + CASE WHEN g.times > 1 THEN 0 ELSE {_LONG} END AS lag
        FROM _unmatched_returns AS e JOIN grants AS g ON e.user_id = g.user_id
            AND e.credits = g.most AND g.granted_at <= e.created_at
            AND g.granted_at >= e.created_at
                - CASE WHEN e.of_a_double THEN {OF_A_DOUBLE_DAYS} ELSE {VOID_DAYS} END
                    * INTERVAL 1 DAY
        WHERE e.kind = 'reversal' AND (g.times > 1 OR NOT e.of_a_double)"""
    )
    _drop_habits(evidence)
    run("CREATE OR REPLACE TEMP TABLE _returns (entry_id VARCHAR, payment_id VARCHAR, p DOUBLE)")
    # A payment that was taken back already is free for no other.
    run(
        """DELETE FROM _return_candidates WHERE payment_id IN (
            SELECT payment_id FROM ledger
            WHERE (kind IN ('refund', 'reversal') OR kind = 'other' AND delta < 0)
                AND payment_id IS NOT NULL)"""
    )
    for _ in range(_MOST_ROUNDS):
        if not _match_nearest(evidence):
            break
    run(
        """CREATE OR REPLACE TABLE ledger AS SELECT l.* REPLACE (
            coalesce(l.payment_id, t.payment_id) AS payment_id,
            CASE WHEN t.p IS NOT NULL AND l.kind = 'usage' THEN 'refund' ELSE l.kind END AS kind,
            CASE WHEN t.p IS NULL THEN l.tie ELSE 'inferred' END AS tie,
            coalesce(t.p, l.tie_probability) AS tie_probability)
        FROM ledger AS l LEFT JOIN _returns AS t ON l.entry_id = t.entry_id"""
    )
    return count_rows(evidence.connection, "FROM _returns")


def _drop_habits(evidence: Evidence) -> None:
    """Leave out candidates in words of no known kind that many entries have, or that lapse."""
    run = evidence.connection.execute
    shape = f"regexp_replace(coalesce(l.reason, ''), '{_NUMBERS}', '#', 'g')"
    wanted = f"""SELECT DISTINCT {shape} AS shape FROM ledger AS l
        WHERE l.kind = 'other' AND l.entry_id IN (SELECT entry_id FROM _return_candidates)"""
    if not count_rows(evidence.connection, f"FROM ({wanted})"):
        return
    run(
        f"""DELETE FROM _return_candidates WHERE entry_id IN (
            SELECT l.entry_id FROM ledger AS l JOIN (
                SELECT shape, count(*) AS entries FROM (
                    SELECT {shape} AS shape FROM ledger AS l WHERE l.kind = 'other' AND l.delta < 0
                ) JOIN ({wanted}) USING (shape) GROUP BY shape
            ) AS counted ON {shape} = counted.shape
            WHERE l.kind = 'other' AND (counted.entries >= {HABIT}
                OR regexp_matches(l.reason, '{LAPSED}', 'i')))"""
    )


def _match_nearest(evidence: Evidence) -> int:
    """Tie every entry and payment that are each other's nearest; the number of new ties."""
    before = count_rows(evidence.connection, "FROM _returns")
    evidence.connection.execute(
        f"""INSERT INTO _returns
        WITH nearest AS (
            SELECT entry_id, payment_id, min(lag) AS lag FROM _return_candidates
            WHERE entry_id NOT IN (SELECT entry_id FROM _returns)
                AND payment_id NOT IN (SELECT payment_id FROM _returns)
            GROUP BY ALL),
        ranked AS (SELECT *,
            row_number() OVER (PARTITION BY entry_id ORDER BY lag, payment_id) AS of_entry,
            row_number() OVER (PARTITION BY payment_id ORDER BY lag, entry_id) AS of_payment,
            count(*) OVER (PARTITION BY entry_id) AS payments
        FROM nearest)
        SELECT entry_id, payment_id,
            CASE WHEN payments = 1 THEN {ALONE} ELSE {AMONG_SEVERAL} END
        FROM ranked WHERE of_entry = 1 AND of_payment = 1"""
    )
    return count_rows(evidence.connection, "FROM _returns") - before
