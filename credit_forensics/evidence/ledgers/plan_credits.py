"""Takes credits of a plan for no purchases where no plan was paid for that anybody knows."""

from __future__ import annotations

from credit_forensics.evidence.evidence import Evidence

_PLAN = "(^|[^a-z])(subscription|plan|renewal)s?($|[^a-z])"
_BOUGHT = "(purchase|checkout|top.?up|bought|order|invoice|paid|payment|stripe)"


def plans_without_payments(evidence: Evidence) -> None:
    """Make entries of a plan that name no payment of unknown kind, unless plans were paid for.

    A free plan, a year that was paid at once and a plan that is billed elsewhere give credits
    each month too. Where no payment of a subscription was read, such an entry is no purchase that
    a payment would have to back; nor is it known to be a gift.

    Parameters
    ----------
    evidence
        with the ledger tied to the payments.

    Examples
    --------
    >>> import pandas as pd
    >>> evidence = Evidence()
    >>> evidence.add("payments", pd.DataFrame({"payment_id": ["cs_1"]}))
    >>> evidence.add("ledger", pd.DataFrame({"entry_id": ["1", "2"], "user_id": "a", "delta": 50,
    ...     "reason": ["subscription:Monthly", "purchase of a plan"], "kind": "purchase"}))
    >>> plans_without_payments(evidence)
    >>> evidence.ledger.sort_values("entry_id")["kind"].tolist()
    ['other', 'purchase']
    """
    evidence.connection.execute(
        f"""UPDATE ledger SET kind = 'other'
        WHERE kind = 'purchase' AND payment_id IS NULL AND event_id IS NULL
            AND regexp_matches(lower(reason), '{_PLAN}')
            AND NOT regexp_matches(lower(reason), '{_BOUGHT}')
            AND NOT EXISTS (FROM payments WHERE subscription_id IS NOT NULL)"""
    )
