"""balance_drift and balance_unreadable: a zero that means something, and one that does not."""

from __future__ import annotations

import pytest

from credit_forensics.findings.balance_drift import find_balance_drift
from credit_forensics.findings.balance_unreadable import find_balance_unreadable

LEDGER = [
    {"entry_id": "1", "user_id": "a", "delta": 50},
    {"entry_id": "2", "user_id": "a", "delta": -20},
    {"entry_id": "3", "user_id": "b", "delta": 50},
    {"entry_id": "4", "user_id": "00123", "delta": 10},
    {"entry_id": "5", "user_id": "gone", "delta": 5},
]
BALANCES = [
    {"user_id": "a", "balance": 30},
    {"user_id": "b", "balance": 70},
    {"user_id": "123", "balance": 10},
    {"user_id": "00123", "balance": 10},
    {"user_id": "zero", "balance": 0},
]


def gap(object_="balances", problem="missing_table", source="ledger"):
    return {
        "source": source,
        "object": object_,
        "problem": problem,
        "consequence": "told jo@example.com",
    }


def test_stored_balances_that_are_not_the_sum_are_found(find, make):
    found = find(find_balance_drift, ledger=LEDGER, balances=BALANCES)
    assert [(row["credited_user_id"], row["credits"]) for row in found] == [
        ("123", 10),
        ("b", 20),
        ("gone", -5),
    ]
    assert {(row["payment_id"], row["severity"], row["probability"]) for row in found} == {
        (None, "medium", 1.0)
    }


def test_the_time_is_that_of_the_latest_entry(find, make):
    ledger = [
        {"user_id": "a", "delta": 1, "created_at": make.at("2025-09-01")},
        {"user_id": "a", "delta": 1, "created_at": make.at("2025-09-03")},
    ]
    (row,) = find(find_balance_drift, ledger=ledger, balances=[{"user_id": "a", "balance": 9}])
    assert row["created_at"] == make.at("2025-09-03")


@pytest.mark.parametrize(
    ("why", "found"),
    [(None, 3), ("not_read", 0), ("rejected", 0), ("incomplete", 0), ("not_joined", 0)],
)
def test_drift_takes_balances_and_entries_that_were_read(find, make, why, found):
    coverage = make.all_shown(balances=why)
    rows = find(find_balance_drift, ledger=LEDGER, balances=BALANCES, coverage=coverage)
    assert len(rows) == found


@pytest.mark.parametrize(
    ("stored", "drift"),
    [
        # The balance counts what was booked on the account's old id, or it was carried over.
        (80, None),
        (30, None),
        (45, 15),
    ],
)
def test_an_old_id_without_a_balance_counts_for_its_account_or_not(find, make, stored, drift):
    found = find(
        find_balance_drift,
        ledger=[{"user_id": "a", "delta": 30}, {"user_id": "71", "delta": 50}],
        balances=[{"user_id": "a", "balance": stored}],
        user_links=[{"user_id": "a", "linked_user_id": "71", "reason": "alias", "strength": 1.0}],
    )
    assert [(row["credited_user_id"], row["credits"]) for row in found] == (
        [] if drift is None else [("a", drift)]
    )


def test_an_id_with_a_balance_of_its_own_is_compared_by_itself(find, make):
    found = find(
        find_balance_drift,
        ledger=[{"user_id": "a", "delta": 30}, {"user_id": "71", "delta": 50}],
        balances=[{"user_id": "a", "balance": 30}, {"user_id": "71", "balance": 0}],
        user_links=[{"user_id": "a", "linked_user_id": "71", "reason": "alias", "strength": 1.0}],
    )
    assert [(row["credited_user_id"], row["credits"]) for row in found] == [("71", -50)]


def test_unreadable_balances_are_found_once_a_problem(find, make):
    gaps = [
        gap(),
        gap(),
        gap("balances.balance", "missing_column"),
        gap("customers"),
        gap(source="stripe"),
    ]
    found = find(find_balance_unreadable, gaps=gaps)
    assert sorted(row["cause"] for row in found) == ["missing_column", "missing_table"]
    assert {row["severity"] for row in found} == {"high"}
    assert "example.com" not in str(found)


@pytest.mark.parametrize("problem", ["absent", "rejected"])
def test_no_balances_and_rejected_ones_are_a_gap_and_no_finding(find, make, problem):
    assert find(find_balance_unreadable, gaps=[gap(problem=problem)]) == []


def test_readable_balances_are_no_finding(find, make):
    assert find(find_balance_unreadable, ledger=LEDGER, balances=BALANCES) == []
