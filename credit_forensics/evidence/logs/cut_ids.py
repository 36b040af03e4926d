"""Completes ids of which a log has the beginning alone, as a forwarder cut the line there."""

from __future__ import annotations

from credit_forensics.evidence.evidence import Evidence

# A shorter beginning may be an id of its own ("1234" is no part of 12345).
_LEAST = 12


def complete_cut_ids(evidence: Evidence) -> None:
    """Give deliveries the whole id of a payment or account whose beginning they have.

    A payment is completed by the delivery's own event, an account where one known id alone begins
    so; each only where the id as it stands is nobody's.

    Parameters
    ----------
    evidence
        with the payments assembled.

    Examples
    --------
    >>> import pandas as pd
    >>> evidence = Evidence()
    >>> whole = {"payment_id": ["cs_live_a1b2"]}
    >>> evidence.add("events", pd.DataFrame({"event_id": ["evt_1"], **whole}))
    >>> evidence.add("payments", pd.DataFrame(whole))
    >>> evidence.add("users", pd.DataFrame({"user_id": ["7675e93c-341b-412d"]}))
    >>> evidence.add("deliveries", pd.DataFrame({"event_id": ["evt_1"],
    ...     "payment_id": ["cs_live_a1"], "resolved_user_id": ["7675e93c-341b"]}))
    >>> complete_cut_ids(evidence)
    >>> evidence.deliveries[["payment_id", "resolved_user_id"]].values.tolist()
    [['cs_live_a1b2', '7675e93c-341b-412d']]
    """
    run = evidence.connection.execute
    run(
        """UPDATE deliveries SET payment_id = whole.payment_id FROM (
            WITH known AS (
                SELECT payment_id, object_id FROM payment_objects
                UNION SELECT payment_id, payment_id FROM payments
            ), cut AS (
                SELECT DISTINCT event_id, payment_id AS part FROM deliveries
                WHERE payment_id NOT IN (
                    SELECT object_id FROM known WHERE object_id IS NOT NULL)
            )
            SELECT DISTINCT event_id, part, e.payment_id
            FROM cut JOIN events AS e USING (event_id) JOIN known AS k
                ON k.payment_id = e.payment_id AND starts_with(k.object_id, part)
        ) AS whole
        WHERE whole.event_id = deliveries.event_id AND whole.part = deliveries.payment_id"""
    )
    run(
        f"""UPDATE deliveries SET resolved_user_id = whole.user_id FROM (
            WITH known AS (
                SELECT user_id FROM users UNION SELECT user_id FROM ledger
            ), cut AS (
                SELECT DISTINCT resolved_user_id AS part FROM deliveries
                WHERE length(resolved_user_id) >= {_LEAST}
                    AND NOT regexp_full_match(resolved_user_id, '[0-9]+')
                    AND resolved_user_id NOT IN (
                        SELECT user_id FROM known WHERE user_id IS NOT NULL)
            )
            SELECT part, min(user_id) AS user_id FROM cut JOIN known
                ON user_id > part AND user_id < part || chr(1114111)
            WHERE starts_with(user_id, part) GROUP BY part HAVING count(*) = 1
        ) AS whole WHERE whole.part = deliveries.resolved_user_id"""
    )
