"""Check: deliveries that the handler took and did not book."""

from __future__ import annotations

import datetime as dt

import pandas as pd

from credit_forensics.monitoring.observation import (
    CheckSettings,
    Observation,
    Watched,
    count,
    items,
)

# A stranger can send a bad signature at any time, so that alone wakes nobody.
_SEVERITY = {
    "database_error": "critical",
    "no_credits": "critical",
    "handler_error": "critical",
    "incomplete": "critical",
    "not_found": "warning",
    "signature_refused": "warning",
}
_DONE = ("credited", "acknowledged", "duplicate")


def failed_deliveries(watched: Watched, settings: CheckSettings, now: dt.datetime) -> Observation:
    """Failed deliveries by outcome; one that a later delivery of the event made good is none.

    A delivery whose last line is not in the log yet (``incomplete``) counts after five minutes.

    Examples
    --------
    >>> import pandas as pd
    >>> at = pd.to_datetime(["2025-09-01T10:00Z", "2025-09-01T10:05Z"])
    >>> log = pd.DataFrame({"event_id": ["evt_1", "evt_1"], "received_at": at,
    ...     "outcome": ["database_error", "credited"]})
    >>> seen = failed_deliveries(Watched(deliveries=log), CheckSettings(), at[1])
    >>> len(seen.items), seen.summary
    (0, 'no failed deliveries')
    """
    log = watched.deliveries
    failed = log[log["outcome"].isin(list(_SEVERITY))]
    fresh = failed["received_at"] > pd.Timestamp(now) - pd.Timedelta(minutes=5)
    failed = failed[~((failed["outcome"] == "incomplete") & fresh)]
    failed = failed[~made_good(failed, log)]
    rows = failed.rename(columns={"resolved_user_id": "user_id"})
    found = items(
        rows,
        item=delivery_key(rows),
        cause=rows["outcome"].astype("str"),
        severity=rows["outcome"].map(_SEVERITY),
        at="received_at",
    )
    said = count(len(found), "failed delivery", "failed deliveries") if len(found) else ""
    return Observation("failed_deliveries", found, "quiet", said or "no failed deliveries")


def made_good(failed: pd.DataFrame, log: pd.DataFrame) -> pd.Series:
    """Whether a later delivery of the same event was booked."""
    done = log[log["outcome"].isin(list(_DONE)) & log["event_id"].notna()]
    latest = done.groupby("event_id")["received_at"].max().rename("done_at").reset_index()
    joined = failed[["event_id", "received_at"]].merge(latest, on="event_id", how="left")
    later = (joined["done_at"] >= joined["received_at"]).fillna(False)
    return pd.Series(later.to_numpy(dtype=bool), index=failed.index)


def delivery_key(rows: pd.DataFrame) -> pd.Series:
    """What names a delivery: its event, else payment, request, or place in the log."""
    empty = pd.Series(pd.NA, index=rows.index, dtype="object")
    key = empty
    for column in ("event_id", "payment_id", "request_id"):
        if column in rows.columns:
            key = key.where(key.notna(), rows[column].astype("object"))
    if "source_line" in rows.columns:
        place = (
            rows["source_file"].astype("str")
            + ":"
            + rows["source_line"].astype("Int64").astype("str")
        )
        key = key.where(key.notna(), place)
    return key.where(key.notna(), "unnamed")
