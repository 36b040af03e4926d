"""Pairs entries that name nothing of Stripe with payments: one to one, by credits and by time.

The account only decides between equals: pairing by account would hide every wrong account. What
is paired is marked as inferred, with a probability, and accuses nobody by itself.
"""

from __future__ import annotations

from collections.abc import Collection

from credit_forensics.databases.values import count_rows
from credit_forensics.evidence.evidence import Evidence

# A handler books seconds after the payment, a retried delivery hours after it.
BEFORE_SECONDS = 120
AFTER_SECONDS = 24 * 3600
SOON_SECONDS = 3600
# A batch job that books a day's payments in the night after it, on the account that they name.
AFTER_ON_ITS_ACCOUNT_SECONDS = 36 * 3600
# A second grant of the same credits to the same account so soon is the same payment's.
AGAIN_SECONDS = 600
# One candidate; several; credits that are not known from the price; a second grant.
ALONE, AMONG_SEVERAL, BY_TIME_ALONE, AGAIN = 0.95, 0.75, 0.6, 0.8
_MOST_ROUNDS = 50
# Where nothing is called a purchase, grants are that whose entries follow so nearly all a payment
# of their account that is worth just as much, within the hour.
FOLLOWS, _LEAST_FOLLOWING = 0.9, 5


def pair_by_time(evidence: Evidence, purchases: Collection[str] | None = None) -> int:
    """Tie entries to payments in a ledger whose purchases name none; the number of ties.

    Does nothing where any purchase names its payment: there an entry that names none is news.
    ``purchases`` are the wordings of grants that were settled to be purchases on all entries,
    where only some are here.

    Examples
    --------
    >>> import pandas as pd
    >>> evidence = Evidence()
    >>> at = pd.Timestamp("2025-09-01 10:00", tz="UTC")
    >>> evidence.add("payments", pd.DataFrame({"payment_id": ["cs_1"], "payment_status": ["paid"],
    ...     "completed_at": [at], "expected_credits": [50]}))
    >>> evidence.add("ledger", pd.DataFrame({"entry_id": ["1"], "user_id": ["a"], "delta": [50],
    ...     "kind": ["other"], "created_at": [at + pd.Timedelta(seconds=9)]}))
    >>> pair_by_time(evidence)
    1
    >>> evidence.ledger[["payment_id", "kind", "tie", "tie_probability"]].values.tolist()
    [['cs_1', 'purchase', 'inferred', 0.95]]
    """
    run = evidence.connection.execute
    named = "payment_id IS NOT NULL AND kind = 'purchase' AND coalesce(tie, '') <> 'inferred'"
    if count_rows(evidence.connection, f"FROM ledger WHERE {named}"):
        return 0
    # Where some entries are called purchases, the others are that only at once, on the account
    # that the payment names: a monthly grant of as many credits is no purchase.
    own = "kind = 'purchase' AND coalesce(tie, '') <> 'inferred'"
    called = bool(count_rows(evidence.connection, f"FROM ledger WHERE {own}"))
    kinds = "'purchase', 'other'" if called else "'other', 'grant'"
    run(
        f"""CREATE OR REPLACE TEMP TABLE _unpaired_entries AS
        SELECT entry_id, user_id, delta, created_at, kind, lower(trim(reason)) AS reason, amount,
            currency
        FROM ledger
        -- Credits of Stripe Billing are money, which tells of its payment by itself.
        LEFT JOIN (SELECT grant_id AS entry_id, min(amount) AS amount, min(currency) AS currency
            FROM stripe_credit_grants GROUP BY 1) USING (entry_id)
        WHERE payment_id IS NULL AND event_id IS NULL AND delta > 0 AND created_at IS NOT NULL
            AND kind IN ({kinds})"""
    )
    run(
        """CREATE OR REPLACE TEMP TABLE _unpaired_payments AS
        SELECT payment_id, coalesce(completed_at, created_at) AS paid_at, expected_credits,
            client_reference_id, amount, currency FROM payments
        WHERE payment_status = 'paid' AND coalesce(livemode, true)
            AND coalesce(completed_at, created_at) IS NOT NULL
            -- What a sum of several payments books needs no entry of its own.
            AND payment_id NOT IN (SELECT payment_id FROM ledger
                WHERE tie = 'inferred' AND kind = 'purchase' AND payment_id IS NOT NULL)"""
    )
    run(
        f"""CREATE OR REPLACE TEMP TABLE _pair_candidates AS
        SELECT e.entry_id, e.user_id, e.delta, e.created_at, e.kind, p.payment_id,
            CASE WHEN p.expected_credits = e.delta OR p.expected_credits IS NULL
                    AND p.amount = e.amount AND p.currency = e.currency THEN 2
                WHEN p.expected_credits IS NULL THEN 1 ELSE 0 END AS fits,
            abs(epoch(e.created_at) - epoch(p.paid_at)) AS lag,
            CAST(coalesce(p.client_reference_id = e.user_id, false)
                OR EXISTS (SELECT 1 FROM metadata AS m WHERE m.payment_id = p.payment_id
                    AND m.value = e.user_id) AS INTEGER) AS same
        FROM _unpaired_entries AS e JOIN _unpaired_payments AS p
            ON e.created_at BETWEEN p.paid_at - INTERVAL {BEFORE_SECONDS} SECOND
                AND p.paid_at + INTERVAL {AFTER_ON_ITS_ACCOUNT_SECONDS} SECOND"""
    )
    late = f"lag > {AFTER_SECONDS}"
    run(f"DELETE FROM _pair_candidates WHERE {late} AND same = 0")
    # Other credits than the price's are the payment's only at once, on the account it names.
    run(f"DELETE FROM _pair_candidates WHERE fits = 0 AND (same = 0 OR lag > {AGAIN_SECONDS})")
    _leave_out_grants(evidence, following_wordings(evidence) if purchases is None else purchases)
    if called:
        far = f"same = 0 OR lag > {AGAIN_SECONDS}"
        run(f"DELETE FROM _pair_candidates WHERE kind = 'other' AND ({far})")
    run("CREATE OR REPLACE TEMP TABLE _pairs (entry_id VARCHAR, payment_id VARCHAR, p DOUBLE)")
    for _ in range(_MOST_ROUNDS):
        if not _pair_nearest(evidence):
            break
    _pair_again(evidence)
    run(
        """CREATE OR REPLACE TABLE ledger AS SELECT l.* REPLACE (
            coalesce(l.payment_id, t.payment_id) AS payment_id,
            CASE WHEN t.p IS NULL THEN l.kind ELSE 'purchase' END AS kind,
            CASE WHEN t.p IS NULL THEN l.tie ELSE 'inferred' END AS tie,
            coalesce(t.p, l.tie_probability) AS tie_probability)
        FROM ledger AS l LEFT JOIN _pairs AS t ON l.entry_id = t.entry_id"""
    )
    return count_rows(evidence.connection, "FROM _pairs")


def following_wordings(evidence: Evidence) -> list[str]:
    """Wordings of grants that nearly always follow a payment of their worth, as paired last.

    Examples
    --------
    >>> following_wordings(Evidence())
    []
    """
    connection = evidence.connection
    if not count_rows(connection, "FROM duckdb_tables() WHERE table_name = '_pair_candidates'"):
        return []
    found = connection.execute(
        f"""SELECT coalesce(e.reason, '') FROM _unpaired_entries AS e LEFT JOIN (
            SELECT DISTINCT entry_id AS following FROM _pair_candidates
            WHERE fits = 2 AND same = 1 AND lag <= {SOON_SECONDS}) ON entry_id = following
        WHERE e.kind = 'grant' GROUP BY 1
        HAVING count(*) >= {_LEAST_FOLLOWING} AND count(following) >= {FOLLOWS} * count(*)
        ORDER BY 1"""
    ).fetchall()
    return [str(wording) for (wording,) in found]


def _leave_out_grants(evidence: Evidence, purchases: Collection[str]) -> None:
    run = evidence.connection.execute
    run(
        """CREATE OR REPLACE TEMP TABLE _gifts AS SELECT entry_id FROM _unpaired_entries
        WHERE kind = 'grant' AND NOT list_contains(?::VARCHAR[], coalesce(reason, ''))""",
        [list(purchases)],
    )
    for table in ("_pair_candidates", "_unpaired_entries"):
        run(f"DELETE FROM {table} WHERE entry_id IN (SELECT entry_id FROM _gifts)")


def _pair_nearest(evidence: Evidence) -> int:
    """Tie every entry and payment that are each other's best; the number of new ties."""
    before = count_rows(evidence.connection, "FROM _pairs")
    # Hours after it, time tells less than the account that the payment names.
    near = f"CASE WHEN lag <= {SOON_SECONDS} THEN 0 WHEN same = 1 THEN 1 ELSE 2 END"
    evidence.connection.execute(
        f"""INSERT INTO _pairs
        WITH left_over AS (
            SELECT * FROM _pair_candidates
            WHERE entry_id NOT IN (SELECT entry_id FROM _pairs)
                AND payment_id NOT IN (SELECT payment_id FROM _pairs)),
        ranked AS (SELECT *,
            row_number() OVER (PARTITION BY entry_id
                ORDER BY fits DESC, {near}, lag, same DESC, payment_id) AS of_entry,
            row_number() OVER (PARTITION BY payment_id
                ORDER BY fits DESC, {near}, lag, same DESC, entry_id) AS of_payment,
            count(*) OVER (PARTITION BY entry_id) AS payments,
            count(DISTINCT user_id) OVER (PARTITION BY payment_id) AS accounts
        FROM left_over)
        SELECT entry_id, payment_id, CASE WHEN fits < 2 THEN {BY_TIME_ALONE}
            WHEN payments = 1 AND accounts = 1 AND lag <= {SOON_SECONDS} THEN {ALONE}
            ELSE {AMONG_SEVERAL} END
        FROM ranked WHERE of_entry = 1 AND of_payment = 1"""
    )
    return count_rows(evidence.connection, "FROM _pairs") - before


def _pair_again(evidence: Evidence) -> None:
    """Tie a second grant within minutes, same account and credits, to the first one's payment."""
    evidence.connection.execute(
        f"""INSERT INTO _pairs
        SELECT e.entry_id, arg_min(t.payment_id,
            (abs(epoch(e.created_at) - epoch(f.created_at)), t.payment_id)), {AGAIN}
        FROM _unpaired_entries AS e
        JOIN _unpaired_entries AS f ON e.user_id = f.user_id AND e.delta = f.delta
            AND abs(epoch(e.created_at) - epoch(f.created_at)) <= {AGAIN_SECONDS}
            AND e.kind = f.kind
        JOIN _pairs AS t ON f.entry_id = t.entry_id
        WHERE e.entry_id NOT IN (SELECT entry_id FROM _pairs)
        GROUP BY e.entry_id"""
    )
