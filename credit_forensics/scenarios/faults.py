"""Chooses which payments carry a planted fault; each payment carries one at most."""

from __future__ import annotations

from enum import IntEnum, auto

import numpy as np

from credit_forensics.arrays import Bools, Ints
from credit_forensics.scenarios.checkout import GUEST, Checkouts
from credit_forensics.scenarios.people import People
from credit_forensics.scenarios.settings import WorldSettings


class Fault(IntEnum):
    """What befalls a payment, besides a wrong session."""

    NONE = 0
    ABANDONED = auto()
    ASYNC_PAID = auto()
    REDELIVERED = auto()
    TWO_EVENTS = auto()
    NOT_DELIVERED = auto()
    SIGNATURE_REFUSED = auto()
    RESOLUTION_FAILED = auto()
    NOT_APPLIED = auto()
    RETRIED = auto()
    UNPAID = auto()
    ASYNC_FAILED = auto()
    TEST_MODE = auto()
    WRONG_AMOUNT = auto()
    UNKNOWN_USER = auto()
    SPLIT_WITHOUT_ACCOUNT = auto()
    SPLIT_WITH_ACCOUNT = auto()
    METADATA_SCAN = auto()
    EMAIL_MATCH = auto()
    ID_NAMESPACE = auto()
    LEDGER_MISMATCH = auto()


_REFUSED_RUN = 12


def choose_faults(
    settings: WorldSettings, people: People, checkouts: Checkouts, rng: np.random.Generator
) -> Ints:
    """A ``Fault`` for each payment; wrong sessions carry none of these."""
    count = len(checkouts)
    fault = np.zeros(count, dtype=np.int64)
    right = ~checkouts.wrong
    identified = right & ~checkouts.identity_lost
    # A payment at the very edge of the window proves no absence.
    edge = max(2, count // 100)
    inner = np.zeros(count, dtype=np.bool_)
    inner[edge : count - edge] = True
    unbound = checkouts.customer >= len(people)
    unbound |= checkouts.customer == GUEST
    together = people.household_size[checkouts.payer] > 1
    # All payments of a miscast id go astray, so the ids of those who buy much are left alone.
    rare = np.bincount(checkouts.payer, minlength=len(people))[checkouts.payer] <= 4
    rates = settings.faults
    plan: list[tuple[Fault, float, Bools]] = [
        (Fault.METADATA_SCAN, rates.metadata_scan, identified & unbound),
        (Fault.EMAIL_MATCH, rates.email_match, identified & unbound & together),
        (Fault.ID_NAMESPACE, rates.id_namespace, identified & rare),
        (Fault.LEDGER_MISMATCH, rates.handler_ledger_mismatch, identified),
        (Fault.ABANDONED, settings.abandoned_share, right),
        (Fault.ASYNC_PAID, settings.async_share, right),
        (Fault.REDELIVERED, rates.redelivered, identified),
        (Fault.TWO_EVENTS, rates.two_events, identified),
        (Fault.NOT_DELIVERED, rates.not_delivered, identified & inner),
        (Fault.RESOLUTION_FAILED, rates.resolution_failed, right & inner & unbound),
        (Fault.NOT_APPLIED, rates.acknowledged_not_applied, identified & inner),
        (Fault.RETRIED, rates.retried, identified & inner),
        (Fault.UNPAID, rates.unpaid, identified),
        (Fault.ASYNC_FAILED, rates.async_failed, identified),
        (Fault.TEST_MODE, rates.test_mode, identified),
        (Fault.WRONG_AMOUNT, rates.wrong_amount, identified),
        (Fault.UNKNOWN_USER, rates.unknown_user, identified & unbound),
        (Fault.SPLIT_WITHOUT_ACCOUNT, rates.split_without_account, identified),
        (Fault.SPLIT_WITH_ACCOUNT, rates.split_with_account, identified),
    ]
    relogin = rng.random(len(people)) < settings.relogin_share
    with_account = rng.random(count) < settings.relogin_account_share
    signs_in_anew = identified & relogin[checkouts.payer]
    fault[signs_in_anew & with_account] = Fault.SPLIT_WITH_ACCOUNT
    fault[signs_in_anew & ~with_account] = Fault.SPLIT_WITHOUT_ACCOUNT
    for kind, rate, eligible in plan:
        free = np.flatnonzero(eligible & (fault == Fault.NONE))
        wanted = min(_number(rng, rate, count), len(free))
        fault[rng.choice(free, wanted, replace=False)] = kind
    _refuse_runs(rng, fault, identified & inner, _number(rng, rates.signature_refused, count))
    return fault


def _number(rng: np.random.Generator, rate: float, count: int) -> int:
    """Whole number of payments for a rate; a fraction is rounded up or down at random."""
    exact = rate * count
    return int(exact) + int(rng.random() < exact - int(exact))


def _refuse_runs(rng: np.random.Generator, fault: Ints, eligible: Bools, wanted: int) -> None:
    """Mark payments whose signature is refused: runs, as a wrong secret makes them."""
    runs = -(-wanted // _REFUSED_RUN)
    free = np.flatnonzero(eligible & (fault == Fault.NONE))
    if not runs or not len(free):
        return
    starts = np.sort(rng.choice(len(free), min(runs, len(free)), replace=False))
    chosen = np.unique((starts[:, None] + np.arange(_REFUSED_RUN)).ravel())
    chosen = chosen[chosen < len(free)][:wanted]
    fault[free[chosen]] = Fault.SIGNATURE_REFUSED
