"""Entries that take credits before their payment brought any: the rest of the period before."""

from __future__ import annotations

from credit_forensics.evidence.evidence import Evidence
from credit_forensics.evidence.ledgers.entry_kinds import states_refund_sql


def leave_taken_before(evidence: Evidence) -> None:
    """Make ``other`` of what takes credits and names a payment that was granted only afterwards.

    A renewal sweeps what is left of the month before, and names the new invoice; nothing that it
    brought can be meant. Where money of the payment went back, or the entry speaks of a refund, it
    stays one: events come out of their order, and the grant may follow its own refund.

    Parameters
    ----------
    evidence
        with the payments assembled and the entries tied to them.

    Examples
    --------
    >>> evidence = Evidence()
    >>> leave_taken_before(evidence)
    >>> evidence.count("ledger")
    0
    """
    evidence.connection.execute(
        f"""UPDATE ledger SET kind = 'other'
        FROM payments AS p, (SELECT payment_id, min(created_at) AS granted_at FROM ledger
            WHERE kind = 'purchase' AND delta > 0 GROUP BY 1) AS g
        WHERE ledger.kind = 'refund' AND ledger.delta < 0
            AND ledger.payment_id = p.payment_id AND g.payment_id = p.payment_id
            AND ledger.created_at < g.granted_at AND coalesce(p.amount_lost, 0) = 0
            AND NOT coalesce({states_refund_sql("ledger.reason")}, false)"""
    )
