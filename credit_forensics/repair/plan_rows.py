"""The rows of ``plan.csv``: an entry or binding each, and a finding each that is only listed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from credit_forensics.repair.entries import Correction

OFFERED, HELD_BACK = "offered", "held back"
PERSON, SETTLED = "needs a person", "settled"
PLAN_COLUMNS = {
    "number": "int64",
    "status": "str",
    "finding": "str",
    "cause": "str",
    "payment_id": "str",
    "action": "str",
    "user_id": "str",
    "delta": "Int64",
    "key": "str",
    "customer_id": "str",
    "old_user_id": "str",
    "probability": "float64",
    "balance_before": "Int64",
    "balance_after": "Int64",
    "already_spent": "Int64",
    "created_at": "datetime64[us, UTC]",
    "note": "str",
}
"""Columns and types. ``number`` counts the findings; ``created_at`` is the finding's."""


def plan_rows(
    decided: Sequence[tuple[dict[str, Any], Correction | tuple[str, str]]],
    balances: Mapping[str, int],
    *,
    allow_negative: bool,
) -> pd.DataFrame:
    """The table of a plan, with what each correction does to the balances, one after the other.

    ``already_spent`` are the credits to be taken back that the account has no more. A correction
    that would drive a balance below zero is *held back* (unless that is allowed), and the ones
    after it are reckoned without it.

    Examples
    --------
    >>> plan_rows([], {}, allow_negative=False).columns.tolist() == list(PLAN_COLUMNS)
    True
    """
    left = dict(balances)
    rows: list[dict[str, Any]] = []
    number = 0
    for finding, what in decided:
        number += 1
        if isinstance(what, tuple):
            rows.append(_listed(number, finding, *what))
            continue
        moved = what.moved
        held = not allow_negative and any(
            delta < 0 and left[user] + delta < 0 for user, delta in moved.items()
        )
        shared = {
            "number": number,
            "status": HELD_BACK if held else OFFERED,
            "finding": what.finding,
            "cause": what.cause,
            "payment_id": what.payment_id,
            "probability": what.probability,
            "created_at": what.created_at,
        }
        for entry in what.entries:
            change = moved.get(entry.user_id, 0)
            before = left[entry.user_id]
            spent = min(-change, max(0, -(before + change))) if change < 0 else 0
            note = what.note
            if spent:
                note = f"{spent} of these credits are spent" + (f"; {note}" if note else "")
            rows.append(
                {
                    **shared,
                    "action": entry.kind,
                    "user_id": entry.user_id,
                    "delta": entry.delta,
                    "key": entry.key,
                    "balance_before": before,
                    "balance_after": before + change,
                    "already_spent": spent,
                    "note": note,
                }
            )
        if what.rebinding is not None:
            rows.append(
                {
                    **shared,
                    "action": "rebind",
                    "user_id": what.rebinding.new_user_id,
                    "customer_id": what.rebinding.customer_id,
                    "old_user_id": what.rebinding.old_user_id,
                    "note": what.note,
                }
            )
        if not held:
            for user, delta in moved.items():
                left[user] += delta
    table = pd.DataFrame(rows, columns=list(PLAN_COLUMNS))
    return table.astype(PLAN_COLUMNS)


def _listed(number: int, finding: dict[str, Any], status: str, why: str) -> dict[str, Any]:
    return {
        "number": number,
        "status": status,
        "finding": finding["finding"],
        "cause": finding["cause"],
        "payment_id": finding["payment_id"],
        "action": "none",
        "user_id": finding["credited_user_id"] or finding["rightful_user_id"],
        "delta": None,
        "probability": finding["probability"],
        "created_at": finding["created_at"],
        "note": why,
    }
