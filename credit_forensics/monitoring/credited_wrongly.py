"""Checks: what the analysis finds in the ledger, as it finds it."""

from __future__ import annotations

import datetime as dt

import pandas as pd

from credit_forensics.monitoring.observation import (
    FINDING_SEVERITY,
    CheckSettings,
    Observation,
    Watched,
    count,
    items,
)

_MISATTRIBUTIONS = ("wrong_user", "unknown_user", "split_identity", "poisoned_mapping")
_BALANCES = ("balance_drift", "balance_unreadable")
# Checks of their own see these sooner, with the grace and the retries that a live view needs.
_ELSEWHERE = ("missing_credit", "failed_delivery")


def misattributions(watched: Watched, settings: CheckSettings, now: dt.datetime) -> Observation:
    """Credits on another account than the payer's, by finding and cause.

    Examples
    --------
    >>> found = pd.DataFrame({"payment_id": ["cs_1"], "finding": ["wrong_user"],
    ...     "cause": ["stale_session"], "severity": ["critical"], "credited_user_id": ["b"],
    ...     "created_at": pd.to_datetime(["2025-09-01T10:00Z"])})
    >>> seen = misattributions(Watched(findings=found), CheckSettings(), dt.datetime.now(dt.UTC))
    >>> seen.items[["item", "cause", "severity", "user_id"]].to_dict("records")
    [{'item': 'cs_1', 'cause': 'wrong_user: stale_session', 'severity': 'critical', 'user_id': 'b'}]
    """
    chosen = watched.findings["finding"].isin(list(_MISATTRIBUTIONS))
    return _observe("misattributions", watched.findings[chosen], "quiet")


def duplicates(watched: Watched, settings: CheckSettings, now: dt.datetime) -> Observation:
    """Payments that were credited twice."""
    chosen = watched.findings["finding"] == "duplicate_credit"
    return _observe("duplicates", watched.findings[chosen], "quiet")


def balance_anomalies(watched: Watched, settings: CheckSettings, now: dt.datetime) -> Observation:
    """Stored balances that differ from the ledger's sum, or cannot be read; they last till mended.

    The severity is info, as a balance alone moves no money.
    """
    chosen = watched.findings["finding"].isin(list(_BALANCES))
    rows = watched.findings[chosen].assign(severity="low")
    return _observe("balance_anomalies", rows, "absent")


def other_findings(watched: Watched, settings: CheckSettings, now: dt.datetime) -> Observation:
    """Every other finding: unpaid, test-mode, orphaned, wrong amounts, refunds."""
    named = (*_MISATTRIBUTIONS, *_BALANCES, *_ELSEWHERE, "duplicate_credit")
    rows = watched.findings[~watched.findings["finding"].isin(list(named))]
    return _observe("other_findings", rows, "quiet")


def _observe(check: str, rows: pd.DataFrame, ends: str) -> Observation:
    cause = rows["finding"].astype("str")
    if "cause" in rows.columns:
        stated = rows["cause"].notna() & (rows["cause"] != "") & (rows["cause"] != rows["finding"])
        cause = cause.where(~stated, cause + ": " + rows["cause"].astype("str"))
    found = items(
        rows.rename(columns={"credited_user_id": "user_id"}),
        item=_name(rows),
        cause=cause,
        severity=rows["severity"].map(FINDING_SEVERITY).fillna("info"),
        at="created_at",
    )
    return Observation(
        check,
        found,
        "absent" if ends == "absent" else "quiet",
        _counted(rows) if len(found) else "nothing found",
    )


def _counted(rows: pd.DataFrame) -> str:
    """How many findings, and of which names, the most frequent first.

    Examples
    --------
    >>> _counted(pd.DataFrame({"finding": ["wrong_user", "split_identity", "wrong_user"]}))
    '3 findings (2 wrong_user, 1 split_identity)'
    >>> _counted(pd.DataFrame({"finding": ["duplicate_credit"]}))
    '1 finding (duplicate_credit)'
    """
    names = rows["finding"].value_counts().sort_index().sort_values(ascending=False, kind="stable")
    each = [f"{n:,} {name}" for name, n in names.items()] if len(rows) > 1 else list(names.index)
    return f"{count(len(rows), 'finding')} ({', '.join(each)})"


def _name(rows: pd.DataFrame) -> pd.Series:
    """What names a finding: its payment (with the event of an orphan), else its user."""
    key = pd.Series(pd.NA, index=rows.index, dtype="object")
    for column in ("payment_id", "event_id", "credited_user_id"):
        if column in rows.columns:
            usable = rows[column].notna() & (rows[column] != "")
            key = key.where(key.notna() | ~usable, rows[column].astype("object"))
    return key.where(key.notna(), rows["finding"].astype("object"))
