"""Check: deliveries for which the handler found no user."""

from __future__ import annotations

import datetime as dt

from credit_forensics.monitoring.failed_deliveries import delivery_key, made_good
from credit_forensics.monitoring.observation import (
    CheckSettings,
    Observation,
    Watched,
    count,
    items,
)


def resolution_failures(watched: Watched, settings: CheckSettings, now: dt.datetime) -> Observation:
    """Deliveries with the outcome ``resolution_failed`` that no later delivery made good.

    Examples
    --------
    >>> import pandas as pd
    >>> at = pd.to_datetime(["2025-09-01T10:00Z"])
    >>> log = pd.DataFrame({"event_id": ["evt_1"], "received_at": at,
    ...     "outcome": ["resolution_failed"]})
    >>> resolution_failures(Watched(deliveries=log), CheckSettings(), at[0]).summary
    '1 user resolution failure'
    """
    log = watched.deliveries
    failed = log[log["outcome"] == "resolution_failed"]
    failed = failed[~made_good(failed, log)]
    found = items(
        failed,
        item=delivery_key(failed),
        cause="resolution_failed",
        severity="warning",
        at="received_at",
    )
    said = count(len(found), "user resolution failure")
    return Observation("resolution_failures", found, "quiet", said if len(found) else "none failed")
