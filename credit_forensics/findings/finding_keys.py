"""Says what makes a finding the same one tomorrow, for baselines, alerts and the report after."""

from __future__ import annotations

import pandas as pd

IDENTITY = ("finding", "cause", "payment_id", "event_id", "credited_user_id")


def finding_keys(findings: pd.DataFrame) -> pd.Series:
    """What makes a finding the same one tomorrow: name, cause, payment, event, credited user.

    Probability and wording may change with more evidence, so they are left out.

    Examples
    --------
    >>> row = {"finding": "wrong_user", "cause": "stale_session", "payment_id": "cs_1",
    ...        "event_id": None, "credited_user_id": "u1"}
    >>> finding_keys(pd.DataFrame([row])).tolist()
    ['wrong_user|stale_session|cs_1||u1']
    """
    if findings.empty:
        return pd.Series([], dtype="str")
    parts = findings[list(IDENTITY)].astype("string").fillna("")
    return parts.agg("|".join, axis=1)
