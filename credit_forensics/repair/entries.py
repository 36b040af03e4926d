"""The entries that put a finding right, and the key that keeps each from being booked twice."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

import pandas as pd

PAYMENT_ID = re.compile(r"(cs|pi)_[A-Za-z0-9_]+\Z")
"""Payment ids that can be read back from a reason (``evidence.ledger_entries``)."""
NETTED = "regrant:netted:entry_"
"""Begins the reason of the entry that sets an emergency re-grant off against a correction."""


@dataclass(frozen=True)
class Entry:
    """One ledger entry to book: its kind, the account, the signed credits, and its key.

    The key is the entry's reason. Its first word makes the loader read the same kind again.
    """

    kind: str
    user_id: str
    delta: int
    key: str


@dataclass(frozen=True)
class Rebinding:
    """One customer binding to set right, guarded by the user it names now."""

    customer_id: str
    old_user_id: str
    new_user_id: str


@dataclass(frozen=True)
class Paid:
    """The money of a payment that an intake has not booked: what its own table says of one."""

    payment_intent_id: str | None
    customer_id: str | None
    amount: int
    currency: str
    created_at: pd.Timestamp | None


@dataclass(frozen=True)
class Correction:
    """What puts one finding of one payment right: all of it is booked, or nothing.

    ``mentions`` are the ids that tie an entry to the payment (its own, its intent's, its
    events'), for telling whether the ledger has changed since the plan was made. ``paid``: this
    is the payment's first booking, so an intake must know of it.
    """

    finding: str
    cause: str
    payment_id: str
    probability: float
    created_at: pd.Timestamp | None
    entries: tuple[Entry, ...] = ()
    rebinding: Rebinding | None = None
    mentions: tuple[str, ...] = ()
    note: str = ""
    paid: Paid | None = None

    @property
    def moved(self) -> dict[str, int]:
        """Net credits that each account gains or loses, without those that stay as they are.

        Examples
        --------
        >>> both = (Entry("reversal", "b", -50, "k1"), Entry("correction", "a", 50, "k2"))
        >>> Correction("wrong_user", "", "cs_1", 1.0, None, both).moved
        {'a': 50, 'b': -50}
        """
        net: dict[str, int] = {}
        for entry in self.entries:
            net[entry.user_id] = net.get(entry.user_id, 0) + entry.delta
        return {user: net[user] for user in sorted(net) if net[user]}


class Keys:
    """Gives each entry a key that neither the ledger nor the plan has.

    A key that the ledger holds belongs to an earlier repair of the same payment; what is found
    after it needs a key of its own, or it would be taken for booked.

    Examples
    --------
    >>> keys = Keys(["stripe_purchase", "reversal:wrong_user:payment_cs_1"])
    >>> keys.make("reversal", "wrong_user", "cs_1")
    'reversal:wrong_user:payment_cs_1:2'
    >>> keys.make("correction", "wrong_user", "cs_1")
    'correction:wrong_user:payment_cs_1'
    """

    def __init__(self, reasons: Iterable[str]) -> None:
        self._taken = {reason for reason in reasons if reason}

    def make(self, kind: str, finding: str, payment_id: str) -> str:
        """A free key ``kind:finding:payment_id``, numbered from the second on."""
        base = f"{kind}:{finding}:payment_{payment_id}"
        key, number = base, 1
        while key in self._taken:
            number += 1
            key = f"{base}:{number}"
        self._taken.add(key)
        return key
