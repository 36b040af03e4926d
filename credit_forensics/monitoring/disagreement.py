"""Check: families of evidence disagree more often than they used to."""

from __future__ import annotations

import datetime as dt

import pandas as pd
from scipy.stats import fisher_exact

from credit_forensics.monitoring.observation import (
    CheckSettings,
    Observation,
    Watched,
    items,
    no_items,
)

# A tick comes every few minutes, so the bar for chance is high: at one independent window a day
# this fires by chance once in some thirty years.
_CHANCE = 1e-4
_AT_LEAST = 3
_HISTORY_AT_LEAST = 30


def disagreement(watched: Watched, settings: CheckSettings, now: dt.datetime) -> Observation:
    """The payments of the last window on which families disagree, if there are too many.

    Compared with the case's own history before the window by Fisher's exact test, one-sided; at
    least three, and twice the old rate. A payment counts where two families or more have a voice.

    Examples
    --------
    >>> at = pd.date_range("2025-09-01", periods=200, freq="h", tz="UTC")
    >>> paid = pd.DataFrame({"payment_id": [f"cs_{n}" for n in range(200)], "created_at": at})
    >>> said = pd.DataFrame({"payment_id": paid["payment_id"], "families_available": 2,
    ...     "families_agreeing": [2] * 190 + [1] * 10})
    >>> watched = Watched(payments=paid, verdicts=said)
    >>> disagreement(watched, CheckSettings(), at[-1].to_pydatetime()).summary
    'families disagree on 10 of 24 payments, before on 0 of 176'
    """
    voiced = watched.verdicts[watched.verdicts["families_available"] >= 2]
    wanted = ("payment_id", "created_at", "amount", "currency")
    keep = [c for c in wanted if c in watched.payments]
    # Kept verdicts bear the time of their payment.
    dated = "created_at" in voiced.columns
    rows = voiced if dated else voiced.merge(watched.payments[keep], on="payment_id")
    split = pd.Timestamp(now) - pd.Timedelta(hours=settings.window_hours)
    first = split - pd.Timedelta(days=settings.history_days)
    disagrees = rows["families_agreeing"] < rows["families_available"]
    recent = (rows["created_at"] > split) & (rows["created_at"] <= pd.Timestamp(now))
    past = (rows["created_at"] > first) & (rows["created_at"] <= split)
    bad, of = int((disagrees & recent).sum()), int(recent.sum())
    bad_before, of_before = int((disagrees & past).sum()), int(past.sum())
    said = f"families disagree on {bad} of {of} payments, before on {bad_before} of {of_before}"
    nothing = Observation("disagreement", no_items(), "absent", said)
    if bad < _AT_LEAST or of_before < _HISTORY_AT_LEAST:
        return nothing
    if bad * of_before < 2 * bad_before * of:
        return nothing
    table = [[bad, of - bad], [bad_before, of_before - bad_before]]
    if fisher_exact(table, alternative="greater").pvalue > _CHANCE:
        return nothing
    found = items(
        rows[disagrees & recent].rename(columns={"credited_user_id": "user_id"}),
        item="payment_id",
        cause="disagreement",
        severity="warning",
        at="created_at",
    )
    return Observation("disagreement", found, "absent", said)
