"""Entries whose account was emptied: they show that a payment was booked, and not on whom."""

from __future__ import annotations

from credit_forensics.evidence.evidence import Evidence


def drop_ownerless(evidence: Evidence) -> None:
    """Keep, of the entries without an account, those alone that nothing else makes up for.

    A shop that deletes an account may empty the column that named it (``ON DELETE SET NULL``), and
    its payments then lack no credits. An entry that names no payment that was read says nothing
    without its account, nor does one beside an entry that has an account: a journal's other side.

    Parameters
    ----------
    evidence
        with the ledger tied to the payments.

    Examples
    --------
    >>> import pandas as pd
    >>> evidence = Evidence()
    >>> evidence.add("payments", pd.DataFrame({"payment_id": ["cs_1", "cs_2"]}))
    >>> evidence.add("ledger", pd.DataFrame({"entry_id": ["1", "2", "3", "4"], "delta": 50,
    ...     "user_id": ["a", None, None, None], "payment_id": ["cs_1", "cs_1", "cs_2", "cs_9"]}))
    >>> drop_ownerless(evidence)
    >>> evidence.ledger.sort_values("entry_id")["entry_id"].tolist()
    ['1', '3']
    """
    evidence.connection.execute(
        """DELETE FROM ledger WHERE user_id IS NULL AND (
            payment_id IS NULL OR payment_id NOT IN (SELECT payment_id FROM payments)
            OR payment_id IN (SELECT payment_id FROM ledger
                WHERE user_id IS NOT NULL AND payment_id IS NOT NULL))"""
    )
