"""The rows of ``plan.csv``: an entry or binding each, and a finding each that is only listed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from credit_forensics.repair.booking_order import Step
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
    order: Sequence[Step],
) -> pd.DataFrame:
    """The table of a plan: the corrections in the order of booking, then what is only listed.

    Balances are those at a correction's turn. ``already_spent`` are the credits to be taken back
    that the account has no more.

    Examples
    --------
    >>> plan_rows([], []).columns.tolist() == list(PLAN_COLUMNS)
    True
    """
    number = {
        id(what): place
        for place, (_, what) in enumerate(decided, start=1)
        if isinstance(what, Correction)
    }
    rows = [row for step in order for row in _booked(number[id(step.correction)], step)]
    rows += [
        _listed(place, finding, *what)
        for place, (finding, what) in enumerate(decided, start=1)
        if isinstance(what, tuple)
    ]
    return pd.DataFrame(rows, columns=list(PLAN_COLUMNS)).astype(PLAN_COLUMNS)


def _booked(number: int, step: Step) -> list[dict[str, Any]]:
    what = step.correction
    moved = what.moved
    shared = {
        "number": number,
        "status": HELD_BACK if step.held else OFFERED,
        "finding": what.finding,
        "cause": what.cause,
        "payment_id": what.payment_id,
        "probability": what.probability,
        "created_at": what.created_at,
    }
    rows = []
    for entry in what.entries:
        change, before = moved.get(entry.user_id, 0), step.before[entry.user_id]
        spent = min(-change, max(0, -(before + change))) if change < 0 else 0
        notes = [f"{spent} of these credits are spent"] if spent else []
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
                "note": "; ".join([*notes, what.note] if what.note else notes),
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
    return rows


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
