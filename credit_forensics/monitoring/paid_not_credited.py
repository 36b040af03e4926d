"""Check: money that came and credits that did not, beyond the grace period."""

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


def paid_not_credited(watched: Watched, settings: CheckSettings, now: dt.datetime) -> Observation:
    """Live paid payments without a ledger entry, older than the grace and within the ledger's span.

    Nothing is said where the ledger's entries name no payments: any may be this one's.
    A payment before the ledger's first entry says nothing: the ledger may simply begin later. One
    that was refunded in full needs no credits any more.

    Examples
    --------
    >>> at = pd.to_datetime(["2025-09-01T10:00Z", "2025-09-01T11:50Z"])
    >>> paid = pd.DataFrame({"payment_id": ["cs_1", "cs_2"], "created_at": at, "livemode": True,
    ...     "mode": "payment", "payment_status": "paid", "amount": 399, "currency": "eur"})
    >>> book = pd.DataFrame({"payment_id": ["cs_0"], "event_id": ["evt_0"],
    ...     "created_at": pd.to_datetime(["2025-09-01T09:00Z"])})
    >>> now = dt.datetime(2025, 9, 1, 12, tzinfo=dt.UTC)
    >>> watched = Watched(payments=paid, ledger=book, has_ledger=True)
    >>> paid_not_credited(watched, CheckSettings(), now).items["item"].tolist()
    ['cs_1']
    """
    check = "paid_not_credited"
    if not watched.has_ledger:
        return Observation(check, no_items(), "absent", "no ledger in the case")
    if watched.unlinked:
        return Observation(check, no_items(), "absent", f"nothing is said: {watched.unlinked}")
    waiting = paid(watched.payments)
    if len(watched.ledger):
        waiting = waiting[waiting["at"] >= watched.ledger["created_at"].min()]
    waiting = waiting[waiting["at"] <= pd.Timestamp(now) - _minutes(settings.grace_minutes)]
    waiting = waiting[~waiting["payment_id"].isin(_booked(watched))]
    if "amount_refunded" in waiting.columns:
        waiting = waiting[~(waiting["amount_refunded"] >= waiting["amount"]).fillna(False)]
    found = items(
        waiting.assign(credits=waiting.get("expected_credits")),
        item="payment_id",
        cause="paid_not_credited",
        severity="critical",
        at="at",
    )
    return Observation(
        check,
        found,
        "absent",
        f"{count(len(found), 'payment')} paid and not credited" if len(found) else "all credited",
    )


def paid(payments: pd.DataFrame) -> pd.DataFrame:
    """Live payments that were paid, with ``at``: when they completed, else were created."""
    rows = payments[payments["payment_status"] == "paid"]
    if "livemode" in rows.columns:
        rows = rows[rows["livemode"].fillna(True).astype(bool)]
    if "mode" in rows.columns:
        rows = rows[rows["mode"].fillna("payment") == "payment"]
    at = rows["created_at"]
    if "completed_at" in rows.columns:
        at = rows["completed_at"].fillna(at)
    return rows.assign(at=at)


def _booked(watched: Watched) -> pd.Series:
    by_payment = watched.ledger["payment_id"].dropna()
    events = watched.events
    told = events[events["event_id"].isin(watched.ledger["event_id"].dropna())]["payment_id"]
    booked: pd.Series = pd.concat([by_payment, told.dropna()])
    return booked


def _minutes(value: int) -> pd.Timedelta:
    return pd.Timedelta(minutes=value)
