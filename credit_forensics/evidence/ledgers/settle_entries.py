"""Ties the entries to payments, and settles what entries of one payment mean together."""

from __future__ import annotations

from credit_forensics.evidence.evidence import Evidence
from credit_forensics.evidence.ledgers.listed_payments import weigh_listed
from credit_forensics.evidence.ledgers.load import link_ledger
from credit_forensics.evidence.ledgers.moved_by_hand import join_moves
from credit_forensics.evidence.ledgers.moved_unnamed import tie_unnamed_moves
from credit_forensics.evidence.ledgers.ownerless import drop_ownerless
from credit_forensics.evidence.ledgers.part_bonuses import part_bonuses
from credit_forensics.evidence.ledgers.spent_credits import untie_spent
from credit_forensics.evidence.ledgers.taken_before import leave_taken_before
from credit_forensics.evidence.ledgers.undone_grants import join_undone_grants
from credit_forensics.evidence.ledgers.undone_takings import join_undone


def settle_entries(evidence: Evidence) -> None:
    """Do so, in the order in which one step rests on another; of all entries or of a part.

    Parameters
    ----------
    evidence
        with the payments assembled and the entries taken.

    Examples
    --------
    >>> evidence = Evidence()
    >>> settle_entries(evidence)
    >>> evidence.count("ledger")
    0
    """
    link_ledger(evidence)
    weigh_listed(evidence)
    drop_ownerless(evidence)
    # What was undone first: untied from its payment, one side of it would seem a second grant.
    join_undone(evidence)
    part_bonuses(evidence)
    untie_spent(evidence)
    leave_taken_before(evidence)
    join_moves(evidence)
    join_undone_grants(evidence)
    tie_unnamed_moves(evidence)
