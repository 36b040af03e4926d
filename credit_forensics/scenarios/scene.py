"""Holds everything that was drawn for a world, before it is written down as tables."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

from credit_forensics.arrays import Ints
from credit_forensics.scenarios.accounts import Accounts
from credit_forensics.scenarios.bursts import Timeline
from credit_forensics.scenarios.checkout import Checkouts
from credit_forensics.scenarios.handler import Handling
from credit_forensics.scenarios.people import People
from credit_forensics.scenarios.returns import Returns
from credit_forensics.scenarios.settings import WorldSettings


@dataclass(frozen=True)
class Labels:
    """The texts and credits of each payment that several tables need.

    ``credits`` is what the price is worth, ``stated_credits`` what the metadata says; ``customers``
    has one position a customer number.
    """

    payment_id: pa.Array
    customer_id: pa.Array
    account_email: pa.Array
    account_name: pa.Array
    credits: Ints
    stated_credits: Ints
    customers: pa.Array


@dataclass(frozen=True)
class Scene:
    """The draws of a world; ``fault`` is a ``Fault`` a payment, ``end`` its last microsecond."""

    settings: WorldSettings
    people: People
    timeline: Timeline
    checkouts: Checkouts
    fault: Ints
    accounts: Accounts
    handling: Handling
    returns: Returns
    labels: Labels
    end: int
