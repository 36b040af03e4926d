"""Leaves the worth of payments open where some accounts are steadily granted more than it.

Loyal customers, wholesalers and early adopters get ten per cent on top, and no price says so. It
may as well be a fault that meets the same accounts each time, so it is told and not judged.
"""

from __future__ import annotations

from collections.abc import Sequence

from credit_forensics.evidence.evidence import Evidence

Tier = tuple[int, str, int, int]
"""What was paid (minor units, currency), the credits it is said to be worth, and those granted."""

LEAST_ACCOUNTS = 3
"""Accounts that have a tier steadily, and others that had the price's worth meanwhile."""

# Whether any entry is more than its payment is worth: mostly none is, and no more need be asked.
_MORE = """SELECT 1 FROM ledger l JOIN payments p USING (payment_id)
    WHERE l.kind = 'purchase' AND l.delta > p.expected_credits
        AND l.delta % nullif(p.expected_credits, 0) <> 0 LIMIT 1"""
# A payment with all that it brought to its one account. Whole multiples are grants made twice.
_SOLD = """CREATE OR REPLACE TEMP TABLE sold AS
    SELECT p.payment_id, p.amount, p.currency, p.expected_credits AS worth, g.granted, g.user_id,
        coalesce(p.completed_at, p.created_at) AS paid_at
    FROM payments p JOIN (
        SELECT payment_id, sum(delta)::BIGINT AS granted, min(user_id) AS user_id FROM ledger
        WHERE kind = 'purchase' AND delta > 0 AND payment_id IS NOT NULL
        GROUP BY 1 HAVING count(DISTINCT user_id) = 1
    ) g USING (payment_id)
    WHERE p.payment_status = 'paid' AND coalesce(p.livemode, true) AND p.expected_credits > 0
        AND p.amount IS NOT NULL AND p.currency IS NOT NULL"""
# Of an account, from its first purchase with more on, no later one has less.
_STEADY = """CREATE OR REPLACE TEMP TABLE steady AS
    SELECT s.* FROM (
        SELECT *, min(granted) OVER (PARTITION BY user_id, amount, currency, worth
            ORDER BY paid_at DESC, granted ROWS UNBOUNDED PRECEDING) AS least_since
        FROM sold
    ) s WHERE granted > worth AND granted % worth <> 0 AND least_since = granted"""
_TIERS = f"""SELECT t.amount, t.currency, t.worth, t.granted
    FROM (
        SELECT amount, currency, worth, granted, min(first_at) AS first_at, max(last_at) AS last_at
        FROM (
            SELECT amount, currency, worth, granted, user_id, min(paid_at) AS first_at,
                max(paid_at) AS last_at
            FROM steady GROUP BY ALL HAVING count(*) >= 2
        ) GROUP BY ALL HAVING count(*) >= {LEAST_ACCOUNTS}
    ) t JOIN sold o USING (amount, currency, worth)
    WHERE o.granted = worth AND o.paid_at BETWEEN t.first_at AND t.last_at
        AND o.user_id NOT IN (SELECT user_id FROM steady)
    GROUP BY ALL HAVING count(DISTINCT o.user_id) >= {LEAST_ACCOUNTS} ORDER BY ALL"""
_OF_TIER = "FROM steady WHERE amount = ? AND currency = ? AND worth = ? AND granted = ?"


def leave_tiers_open(evidence: Evidence, known: Sequence[Tier] | None = None) -> list[Tier]:
    """Forget what payments are worth whose accounts are steadily granted the same above it.

    A tier has ``LEAST_ACCOUNTS`` accounts with two purchases or more each and none with less after,
    while as many other accounts were granted what the price is worth. A gap says how many payments
    of it there are. Payments of the tier are those of accounts that never fell below it again.

    Parameters
    ----------
    evidence
        with payments assembled and the ledger linked to them.
    known
        tiers that were found among all payments, where the evidence holds only some of them.

    Returns
    -------
    list of Tier
        in order.

    Examples
    --------
    >>> import pandas as pd
    >>> evidence, users = Evidence(), ["a", "b", "c", "a", "b", "c", "x", "y", "z", "a", "b", "c"]
    >>> ids = [f"cs_{n}" for n in range(12)]
    >>> evidence.add("payments", pd.DataFrame({"payment_id": ids, "amount": 900, "currency": "eur",
    ...     "expected_credits": 100, "payment_status": "paid",
    ...     "created_at": pd.date_range("2026-01-01", periods=12, tz="UTC")}))
    >>> evidence.add("ledger", pd.DataFrame({"entry_id": ids, "payment_id": ids, "user_id": users,
    ...     "delta": [110] * 6 + [100] * 3 + [110] * 3, "kind": "purchase"}))
    >>> leave_tiers_open(evidence)
    [(900, 'eur', 100, 110)]
    >>> evidence.payments["expected_credits"].count().item()
    3
    """
    run = evidence.connection.execute
    if not run(_MORE).fetchall():
        return []
    run(_SOLD)
    run(_STEADY)
    found = run(_TIERS).fetchall() if known is None else known
    tiers: list[Tier] = [(*one,) for one in found]
    for tier in tiers:
        amount, currency, worth, granted = tier
        counted = f"SELECT count(*), count(DISTINCT user_id) {_OF_TIER}"
        [(payments, accounts)] = run(counted, list(tier)).fetchall()
        if known is None:
            evidence.custody.gap(
                "stripe",
                f"payments of {amount} {currency}",
                "tier",
                f"{payments} of them, by {accounts} accounts, steadily brought {granted} credits "
                f"where {worth} are said, and others brought {worth} meanwhile: taken for a tier "
                "of those accounts, so whether it is too many is not judged",
            )
        run(
            f"""UPDATE payments SET expected_credits = NULL
            WHERE payment_id IN (SELECT payment_id {_OF_TIER})""",
            list(tier),
        )
    run("DROP TABLE steady")
    run("DROP TABLE sold")
    return tiers
