"""Finds the ledger's entries that belong to a payment, whoever booked them: the intake, a repair
plan, the handler before it, or a person by hand.

An entry belongs to a payment that it names: in its own column, in its reason, or by the event that
it was booked for. One that a person booked and that names nothing is told by its account, its
credits and its time.
"""

from __future__ import annotations

# The first session or invoice that a reason names (an invoice's id is long: no ``sign_in_page``);
# the index of the same expression makes it quick.
PAYMENT_IN_REASON = "substring(reason from '(cs_[A-Za-z0-9_]+|(?<![A-Za-z0-9])in_[A-Za-z0-9]{8,})')"
REASON_NAMES_A_PAYMENT = r"payment_id IS NULL AND reason ~ '(cs|in)\_'"


def named(of: str = ":") -> str:
    """Entries of a payment, or the purchase of an event: user_id, delta, refund.

    Parameters
    ----------
    of
        what stands before ``payment_id`` and ``event_id``: a parameter's colon, or a table's name.
    """
    return rf"""
    SELECT user_id, delta, coalesce(entry_key LIKE 'refund:%' OR reason ILIKE 'refund%', false)
        AS refund
    FROM credit_ledger WHERE payment_id = {of}payment_id
    UNION ALL
    SELECT user_id, delta, reason ILIKE 'refund%' FROM credit_ledger
    WHERE {REASON_NAMES_A_PAYMENT} AND {PAYMENT_IN_REASON} = {of}payment_id
    UNION ALL
    SELECT user_id, delta, false FROM credit_ledger
    WHERE payment_id IS NULL AND stripe_event_id = {of}event_id
      AND reason LIKE 'stripe\_purchase:%' AND {PAYMENT_IN_REASON} IS NULL
"""


def given_by_hand(of: str = ":") -> str:
    """Whether ``user_id`` was given ``credits`` by hand since ``created_at``, naming no payment."""
    return rf"""EXISTS (SELECT {_by_hand(of)} AND h.delta = {of}credits
      -- What the account was given with the same words before is a habit, not a fix.
      AND NOT EXISTS (SELECT FROM credit_ledger AS b WHERE b.user_id = h.user_id
          AND b.reason = h.reason AND b.created_at < {of}created_at))
"""


def taken_by_hand(of: str = ":") -> str:
    """Credits taken from ``user_id`` by hand, so many as ``credits``, in a refund's words."""
    return rf"""SELECT coalesce(-sum(h.delta), 0)::bigint {_by_hand(of)}
      AND h.delta = -{of}credits
      AND h.reason ~* '(refund|storno|erstatt|rembours|reembolso|rimborso|chargeback|dispute'
          '|money.?back|take.?back|taken.?back|claw|revers|revoke|cancel)'
"""


def _by_hand(of: str) -> str:
    return rf"""
    FROM credit_ledger AS h WHERE h.user_id = {of}user_id AND h.payment_id IS NULL
      AND h.entry_key IS NULL AND h.stripe_event_id IS NULL AND h.created_at >= {of}created_at
      AND h.reason !~ '((cs|pi|evt)_|in_[A-Za-z0-9]{{8}})'
      AND h.reason !~* '^(regrant:netted|usage)'
      AND NOT EXISTS (SELECT FROM credit_ledger AS n WHERE n.user_id = h.user_id
          AND n.reason = 'regrant:netted:entry_' || h.id)
"""
