"""Purchases whose row is set to ``refunded``, and nothing else says where the credits are."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest
from test_small_shops import DAY, MARCH, PEOPLE, charge, order, when

from credit_forensics.case.case import Case
from credit_forensics.errors import CaseError


def shop(folder: Path, column: str, values: dict[int, str], money: dict[int, int]) -> Case:
    """18 purchases; ``values`` are the states that are not the usual one, ``money`` sent back."""
    sold = [order(number) for number in range(18)]
    charges = [charge(one) | {"amount_refunded": money.get(n, 0)} for n, one in enumerate(sold)]
    lines = [json.dumps(one) + "\n" for one in [*sold, *charges]]
    (folder / "stripe.jsonl").write_text("".join(lines))
    with sqlite3.connect(folder / "ledger.db") as ledger:
        ledger.execute("CREATE TABLE users (id TEXT, email TEXT, name TEXT, created_at TEXT)")
        for user, name in PEOPLE.items():
            row = (user, f"{user}@example.com", name, when(MARCH - DAY))
            ledger.execute("INSERT INTO users VALUES (?, ?, ?, ?)", row)
        ledger.execute(
            "CREATE TABLE purchases (id INTEGER PRIMARY KEY, user_id TEXT, credits INTEGER,"
            f" {column} TEXT, stripe_session_id TEXT, created_at TEXT, refunded_at TEXT)"
        )
        for n, one in enumerate(sold):
            state = values.get(n, "purchase" if column == "kind" else "completed")
            at = when(one["created"] + 90)
            back = when(one["created"] + DAY) if n in values else None
            row = (one["metadata"]["user_id"], 50, state, one["id"], at, back)
            ledger.execute("INSERT INTO purchases VALUES (NULL, ?, ?, ?, ?, ?, ?)", row)
    ledger.close()
    (folder / "case.toml").write_text(
        '[stripe]\nfiles = "stripe.jsonl"\n[ledger]\nurl = "sqlite:///ledger.db"\n'
    )
    return Case.open(folder / "case.toml", store=False)


def found(case: Case) -> list[tuple[str, str]]:
    rows = case.findings[case.findings["finding"] != "balance_unreadable"]
    return sorted(zip(rows["finding"], rows["payment_id"], strict=True))


@pytest.mark.parametrize("column", ["status", "payment_status", "state", "kind"])
@pytest.mark.parametrize("word", ["refunded", "CHARGED_BACK"])
def test_the_credits_were_given_and_taken_back(tmp_path, column, word):
    case = shop(tmp_path, column, {3: word, 9: word}, {3: 500, 9: 500})
    assert found(case) == []
    assert set(case.verdicts["verdict"]) == {"confirmed"}
    entries = case.evidence.ledger
    back = entries[entries["payment_id"] == order(3)["id"]].sort_values("created_at")
    assert back[["delta", "kind"]].values.tolist() == [[50, "purchase"], [-50, "refund"]]
    assert back["entry_id"].tolist() == ["4", "4:taken_back"]
    assert (back["created_at"].diff().dt.total_seconds().iloc[1]) == DAY - 90


def test_a_refund_whose_purchase_still_counts_is_found(tmp_path):
    case = shop(tmp_path, "status", {3: "refunded"}, {3: 500, 9: 500})
    assert found(case) == [("refund_not_reversed", order(9)["id"])]


@pytest.mark.parametrize(
    ("values", "money"),
    [
        # No money went back, or a part of it: nothing shows what became of the credits.
        ({3: "refunded", 9: "refunded"}, {3: 500}),
        ({3: "refunded"}, {3: 499}),
        ({3: "partially_refunded"}, {3: 500}),
        ({3: "refund_pending"}, {3: 500}),
    ],
)
def test_what_nothing_shows_is_a_question(tmp_path, values, money):
    with pytest.raises(CaseError, match="neither words nor the stored balances say"):
        _ = shop(tmp_path, "status", values, money).findings
