"""Check: Stripe shows payments and the handler's log shows no delivery."""

from __future__ import annotations

import datetime as dt

import pandas as pd

from credit_forensics.monitoring.observation import (
    CheckSettings,
    Observation,
    Watched,
    count,
    items,
    no_items,
)
from credit_forensics.monitoring.paid_not_credited import paid


def silence(watched: Watched, settings: CheckSettings, now: dt.datetime) -> Observation:
    """Payments since the last delivery, once the oldest of them waits longer than allowed.

    Any delivery counts, whatever became of it: this check is about a dead endpoint, a dead tunnel
    or a log that no longer arrives.

    Examples
    --------
    >>> at = pd.to_datetime(["2025-09-01T10:00Z"])
    >>> paid = pd.DataFrame({"payment_id": ["cs_1"], "created_at": at, "payment_status": "paid"})
    >>> watched = Watched(payments=paid, has_log=True)
    >>> silence(watched, CheckSettings(), dt.datetime(2025, 9, 1, 10, 59, tzinfo=dt.UTC)).summary
    'deliveries arrive'
    >>> silence(watched, CheckSettings(), dt.datetime(2025, 9, 1, 11, 1, tzinfo=dt.UTC)).summary
    '1 payment and no delivery since'
    """
    if not watched.has_log:
        return Observation("silence", no_items(), "absent", "no log in the case")
    waiting = paid(watched.payments)
    last = watched.deliveries["received_at"].max() if len(watched.deliveries) else pd.NaT
    if pd.notna(last):
        waiting = waiting[waiting["at"] > last]
    waiting = waiting[waiting["at"] <= pd.Timestamp(now)]
    limit = pd.Timestamp(now) - pd.Timedelta(minutes=settings.silence_minutes)
    if waiting.empty or waiting["at"].min() > limit:
        return Observation("silence", no_items(), "absent", "deliveries arrive")
    found = items(waiting, item="payment_id", cause="silence", severity="critical", at="at")
    said = f"{count(len(found), 'payment')} and no delivery since"
    return Observation("silence", found, "absent", said)
