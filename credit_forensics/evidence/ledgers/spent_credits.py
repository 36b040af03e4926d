"""Unties credits that were spent from the purchase that their entry names.

An entry may say of which purchase it uses credits. Taken for the purchase's, it would seem to take
back what was bought.
"""

from __future__ import annotations

from credit_forensics.evidence.evidence import Evidence
from credit_forensics.evidence.ledgers.entry_kinds import states_refund_sql

# "deduct", "debit" and "charge" may take a purchase back.
_SPENT = (
    "(^|[^a-z])(usage|used|consum(ed|e|ption)|spen[dt]|spending|verbrauch|consommation|consumo"
    "|jobs?|api_?calls?|captured?|fees?|donat(ed?|ions?))($|[^a-z])"
)


def untie_spent(evidence: Evidence) -> None:
    """Make entries that say what credits went to usage, where no money of their payment went back.

    Parameters
    ----------
    evidence
        with the ledger tied to the payments, and what was undone joined.

    Examples
    --------
    >>> import pandas as pd
    >>> evidence = Evidence()
    >>> evidence.add("payments", pd.DataFrame({"payment_id": ["cs_1"], "amount_refunded": [0]}))
    >>> evidence.add("ledger", pd.DataFrame({"entry_id": ["1", "2"], "payment_id": "cs_1",
    ...     "delta": [50, -3], "kind": ["purchase", "refund"], "reason": ["purchase", "fee"]}))
    >>> untie_spent(evidence)
    >>> evidence.ledger.sort_values("entry_id")["kind"].tolist()
    ['purchase', 'usage']
    """
    evidence.connection.execute(
        f"""UPDATE ledger SET kind = 'usage', payment_id = NULL, tie = 'none'
        WHERE kind = 'refund' AND delta < 0 AND regexp_matches(lower(reason), '{_SPENT}')
            AND NOT ({states_refund_sql("reason")}) AND payment_id IN (
                SELECT payment_id FROM payments
                WHERE amount_refunded = 0 AND NOT coalesce(disputed, false))"""
    )
