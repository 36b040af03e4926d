"""credits_vanished holds resets and expiries against what [credits] says."""

from __future__ import annotations

import pytest

from credit_forensics.findings.credits_vanished import find_credits_vanished


def vanished(find, make, rules, *entries):
    """Entries are (delta, day, kind of lapse or none)."""
    ledger = [
        {"entry_id": str(n), "user_id": "a", "delta": delta, "created_at": make.at(day)}
        for n, (delta, day, _) in enumerate(entries)
    ]
    lapses = [{"entry_id": str(n), "kind": kind} for n, (_, _, kind) in enumerate(entries) if kind]
    rows = [rules] if rules else []
    found = find(find_credits_vanished, ledger=ledger, lapses=lapses, credit_rules=rows)
    return [(row["cause"], row["credits"]) for row in found]


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ({"rollover": True}, [("rolls_over", 30)]),
        ({"rollover": True, "reset": "monthly"}, []),
        ({"rollover": False}, []),
        (None, []),
    ],
)
def test_a_reset_where_credits_roll_over(find, make, rules, expected):
    assert vanished(find, make, rules, (50, "2025-08-01", None), (-30, "2025-09-01", "reset")) == (
        expected
    )


@pytest.mark.parametrize(
    ("day", "expected"), [("2025-08-31", []), ("2025-08-30", [("too_early", 50)])]
)
def test_an_expiry_before_its_days_are_over(find, make, day, expected):
    entries = [(50, "2025-08-01", None), (-50, day, "expiry")]
    assert vanished(find, make, {"expires_days": 30}, *entries) == expected


def test_an_expiry_that_takes_newer_credits_as_well(find, make):
    entries = [
        (50, "2025-08-01", None),
        (20, "2025-09-05", None),
        (-70, "2025-09-10", "expiry"),
    ]
    assert vanished(find, make, {"expires_days": 30}, *entries) == [("too_early", 20)]


def test_a_second_reset_in_one_month(find, make):
    entries = [
        (-10, "2025-09-01", "reset"),
        (-10, "2025-09-30", "reset"),
        (-10, "2025-10-01", "reset"),
    ]
    assert vanished(find, make, {"reset": "monthly"}, *entries) == [("reset_twice", 10)]
