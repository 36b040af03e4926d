"""Says which correction a finding needs, and whether a counter-entry is in the ledger already."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from credit_forensics.records import row_dicts
from credit_forensics.reporting.case_view import CaseView
from credit_forensics.reporting.html_tables import Row

MOVES = frozenset({"wrong_user", "split_identity", "unknown_user"})
GRANTS = frozenset({"missing_credit", "refund_over_reversed"})
TAKES = frozenset(
    {
        "duplicate_credit",
        "unpaid_credit",
        "test_mode_credit",
        "orphan_credit",
        "refund_not_reversed",
    }
)
CORRECTABLE = MOVES | GRANTS | TAKES | {"wrong_amount"}


@dataclass(frozen=True)
class Correction:
    """What a finding needs: its sentence's key, and the ledger entries that did it already."""

    key: str
    finding: Row
    entries: tuple[str, ...]


def correction_of(view: CaseView, finding: Row) -> Correction | None:
    """The correction that one finding needs; ``None`` where the ledger need not change."""
    name = finding["finding"]
    if name not in CORRECTABLE:
        return None
    rightful = finding["rightful_user_id"]
    if name in MOVES:
        key = "answer.correct_move" if rightful else "answer.correct_review"
    elif name in GRANTS:
        key = "answer.correct_grant" if rightful else "answer.correct_grant_unknown"
    elif name in TAKES:
        key = "answer.correct_take" if finding["credited_user_id"] else "answer.correct_review"
    else:
        key = "answer.correct_adjust"
    entries = _counter_entries(_by_user(view.manual_entries), finding)
    return Correction(key, finding, tuple(entries))


def open_corrections(view: CaseView) -> tuple[int, int]:
    """How many corrections are open in the case, and over how many credits."""
    correctable = view.findings[view.findings["finding"].isin(CORRECTABLE)]
    manual = view.manual_entries
    still_open = credits = 0
    # Only where somebody booked by hand can a finding be settled already.
    settled: set[int] = set()
    if len(manual):
        by_user = _by_user(manual)
        settled = {
            int(str(index))
            for index, row in zip(correctable.index, row_dicts(correctable), strict=True)
            if _counter_entries(by_user, row)
        }
    rows = correctable[~correctable.index.isin(settled)]
    still_open = len(rows)
    credits = int(rows["credits"].fillna(0).abs().sum())
    return still_open, credits


def _by_user(manual: pd.DataFrame) -> dict[object, list[Row]]:
    entries: dict[object, list[Row]] = {}
    for row in row_dicts(manual):
        entries.setdefault(row["user_id"], []).append(row)
    return entries


def _counter_entries(by_user: dict[object, list[Row]], finding: Row) -> list[str]:
    credits = finding["credits"]
    if not credits:
        return []
    granting = finding["finding"] in MOVES | GRANTS
    user = finding["rightful_user_id"] if granting else finding["credited_user_id"]
    if user is None:
        return []
    delta = abs(int(credits)) if granting else -abs(int(credits))
    since = finding["created_at"]
    return [
        str(row["entry_id"])
        for row in by_user.get(user, [])
        if row["delta"] == delta
        and (since is None or row["created_at"] is None or row["created_at"] >= since)
        and row["payment_id"] in (None, finding["payment_id"])
    ]
