"""Says why a payment without an entry is no alarm: entries are there that name no payment."""

from __future__ import annotations

import pandas as pd

from credit_forensics.coverage.reasons import REASONS


def why_unlinked(coverage: pd.DataFrame) -> str:
    """A clause where the ledger's entries of bought credits are not tied to payments; else empty.

    A ledger without any such entry is no such ledger: there the first payment's may be missing.

    Examples
    --------
    >>> rows = pd.DataFrame({"source": ["ledger"], "recognised": [9], "reason": ["none_tied"]})
    >>> why_unlinked(rows)
    'no ledger entry is tied to a payment'
    >>> why_unlinked(rows.assign(recognised=0)), why_unlinked(rows.assign(reason=None))
    ('', '')
    """
    rows = coverage[coverage["source"] == "ledger"]
    for row in rows.to_dict("records"):
        if row["reason"] in ("none_tied", "few_tied") and row["recognised"]:
            return REASONS[row["reason"]][0]
    return ""
