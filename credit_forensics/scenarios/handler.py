"""Replays the webhook handler over all payments: what it resolves, books and binds.

The handler is the original one's second version: metadata ``user_id``, its backup,
``session_user_id``, the customer's binding, then the first id in any other metadata value. It books
whatever completes, paid or not, live or not, and binds a customer to whom it credited unless it is
bound already.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from credit_forensics.arrays import Bools, Ints
from credit_forensics.scenarios.accounts import Accounts
from credit_forensics.scenarios.checkout import GUEST, Checkouts
from credit_forensics.scenarios.faults import Fault
from credit_forensics.scenarios.people import People

METHODS = (
    "FAILED",
    "PRIMARY_METADATA",
    "BACKUP_METADATA",
    "SESSION_METADATA",
    "DATABASE_LOOKUP",
    "EMERGENCY_SCAN_REFERRED_BY",
    "EMAIL_LOOKUP",
)
FAILED, PRIMARY, BACKUP, SESSION, LOOKUP, SCAN, BY_EMAIL = range(len(METHODS))
OUTCOMES = (
    "none",
    "credited",
    "signature_refused",
    "resolution_failed",
    "no_credits",
    "database_error",
)
NOT_HANDLED, CREDITED, REFUSED, UNRESOLVED, NO_CREDITS, DATABASE_ERROR = range(len(OUTCOMES))
_RETRY_AFTER = 3_600 * 1_000_000


@dataclass(frozen=True)
class Handling:
    """What became of each payment's completion; ids are positions in ``Accounts``, -1 for none.

    ``received`` is when the first delivery came, ``booked`` when credits were booked. ``bound``,
    ``bound_at`` and ``bound_by`` tell for each customer number whom it is bound to in the end,
    since when, and by which payment's handling.
    """

    received: Ints
    booked: Ints
    method: Ints
    outcome: Ints
    resolved: Ints
    credited: Ints
    bound: Ints
    bound_at: Ints
    bound_by: Ints


def handle(
    people: People,
    checkouts: Checkouts,
    accounts: Accounts,
    fault: Ints,
    rng: np.random.Generator,
    *,
    poisoned_mappings: bool,
) -> Handling:
    """Resolve and book every completed payment."""
    count = len(checkouts)
    received = checkouts.completed + rng.integers(1, 5, count) * 1_000_000
    booked = np.where(fault == Fault.RETRIED, received + _RETRY_AFTER, received)
    refused_or_lost = np.isin(
        fault, [Fault.ABANDONED, Fault.NOT_DELIVERED, Fault.SIGNATURE_REFUSED]
    )
    method = 1 + checkouts.keys_missing
    method[checkouts.identity_lost] = FAILED
    method[fault == Fault.METADATA_SCAN] = SCAN
    method[fault == Fault.EMAIL_MATCH] = BY_EMAIL
    resolved = accounts.cast[accounts.session_id]
    other = people.browser_partner[checkouts.payer]
    resolved = np.where(method == SCAN, other, resolved)
    member = people.other_member(rng, checkouts.payer)
    resolved = np.where(method == BY_EMAIL, member, resolved)
    checkouts.email_of[method == BY_EMAIL] = member[method == BY_EMAIL]
    resolved[method == FAILED] = -1

    applied = ~refused_or_lost & (fault != Fault.NOT_APPLIED)
    writes = applied & (method != FAILED) & (checkouts.customer != GUEST)
    if not poisoned_mappings:
        right = accounts.owner(resolved) == accounts.owner(accounts.payer_id)
        writes &= right
    bound, bound_at, bound_by = _first_writer(
        checkouts.customer, resolved, booked, writes, len(people)
    )
    before = np.flatnonzero(people.bound_at >= 0)
    bound[before], bound_at[before], bound_by[before] = before, people.bound_at[before], -1

    customer = np.maximum(checkouts.customer, 0)
    found = (
        (method == FAILED)
        & (checkouts.customer != GUEST)
        & (bound_at[customer] < booked)
        & (bound[customer] >= 0)
    )
    method[found] = LOOKUP
    resolved[found] = bound[customer][found]
    outcome = np.select(
        [
            np.isin(fault, [Fault.ABANDONED, Fault.NOT_DELIVERED]),
            fault == Fault.SIGNATURE_REFUSED,
            method == FAILED,
            checkouts.metadata_empty,
            fault == Fault.NOT_APPLIED,
        ],
        [NOT_HANDLED, REFUSED, UNRESOLVED, NO_CREDITS, DATABASE_ERROR],
        CREDITED,
    ).astype(np.int64)
    credited = np.where(outcome == CREDITED, resolved, -1)
    mismatch = (fault == Fault.LEDGER_MISMATCH) & (credited >= 0)
    credited[mismatch] = other[mismatch]
    return Handling(
        received, booked, method, outcome, resolved, credited, bound, bound_at, bound_by
    )


def _first_writer(
    customer: Ints, resolved: Ints, booked: Ints, writes: Bools, persons: int
) -> tuple[Ints, Ints, Ints]:
    """Whom each customer number is bound to, since when, by which payment; -1, 0, -1 if not."""
    numbers = max(persons, int(customer.max(initial=0)) + 1)
    bound = np.full(numbers, -1, dtype=np.int64)
    bound_at = np.zeros(numbers, dtype=np.int64)
    rows = np.flatnonzero(writes)
    rows = rows[np.lexsort((booked[rows], customer[rows]))]
    first = np.ones(len(rows), dtype=np.bool_)
    first[1:] = customer[rows][1:] != customer[rows][:-1]
    writers = rows[first]
    bound[customer[writers]] = resolved[writers]
    bound_at[customer[writers]] = booked[writers]
    bound_by = np.full(numbers, -1, dtype=np.int64)
    bound_by[customer[writers]] = writers
    return bound, bound_at, bound_by
