"""Plans refunds and disputes, and how the ledger took them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from credit_forensics.arrays import Bools, Ints
from credit_forensics.scenarios.checkout import Checkouts
from credit_forensics.scenarios.faults import Fault
from credit_forensics.scenarios.handler import CREDITED, Handling
from credit_forensics.scenarios.settings import WorldSettings

_HOUR = 3_600 * 1_000_000


@dataclass(frozen=True)
class Returns:
    """One position a refund or dispute.

    ``payment`` is its payment; ``share`` of the amount went back (1.0 or 0.5; 0.0 for a dispute
    won); ``booked_share`` is what the ledger took back; ``opened`` and ``closed`` are times in
    microseconds (the same for a refund).
    """

    payment: Ints
    dispute: Bools
    lost: Bools
    share: npt.NDArray[np.float64]
    booked_share: npt.NDArray[np.float64]
    opened: Ints
    closed: Ints


def plan_returns(
    settings: WorldSettings,
    checkouts: Checkouts,
    handling: Handling,
    *,
    fault: Ints,
    end: int,
    rng: np.random.Generator,
) -> Returns:
    """Refund or dispute some credited payments without a planted fault; one each at most."""
    rates, count = settings.faults, len(checkouts)
    time_left = end - handling.booked
    eligible = np.flatnonzero(
        (fault == Fault.NONE) & (handling.outcome == CREDITED) & (time_left > 2 * _HOUR)
    )
    refunds = min(round(rates.refunded * count), len(eligible))
    disputes = min(round(rates.disputed * count), len(eligible) - refunds)
    payment = np.sort(rng.choice(eligible, refunds + disputes, replace=False))
    number = len(payment)
    dispute = np.zeros(number, dtype=np.bool_)
    dispute[rng.choice(number, disputes, replace=False)] = True
    lost = dispute & (rng.random(number) < rates.dispute_lost)
    share = np.where(rng.random(number) < 0.5, 1.0, 0.5)
    share = np.where(dispute, lost.astype(float), share)
    draw = rng.random(number)
    misbooked = dispute & (draw < rates.dispute_misbooked)
    unbooked = ~dispute & (draw < rates.refund_not_reversed)
    over = ~dispute & ~unbooked
    over &= draw < rates.refund_not_reversed + rates.refund_over_reversed
    booked_share = np.select(
        [misbooked, unbooked, over], [1.0 - share, 0.0, np.where(share < 1.0, 1.0, 2.0)], share
    )
    opened = handling.booked[payment] + (
        time_left[payment] * rng.uniform(0.02, 0.6, number)
    ).astype(np.int64)
    later = opened + ((end - opened) * rng.uniform(0.1, 0.9, number)).astype(np.int64)
    return Returns(
        payment=payment,
        dispute=dispute,
        lost=lost,
        share=share,
        booked_share=booked_share,
        opened=opened,
        closed=np.where(dispute, later, opened),
    )
