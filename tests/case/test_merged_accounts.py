"""Accounts that were merged into another one: two are one person, and the surviving one counts."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from test_small_shops import DAY, MARCH, PEOPLE, bought, charge, order, when

from credit_forensics.case.case import Case

# Ben's first account, u2, became a part of u5 on the ninth day.
MERGED = MARCH + 9 * DAY
OURS = ("split_identity", "wrong_user", "unknown_user")


def shop(
    folder: Path,
    entries: list[tuple[Any, ...]],
    merged: dict[str, tuple[str, int | None]],
    column: str = "merged_into",
    ledger_table: str = "credit_transactions",
    **changes: dict[str, Any],
) -> Case:
    """18 orders, one a day; ``merged`` gives the account that another became a part of, and when."""
    sold = [order(number, **changes.get(f"order{number}", {})) for number in range(18)]
    objects = [*sold, *map(charge, sold)]
    (folder / "stripe.jsonl").write_text("".join(json.dumps(one) + "\n" for one in objects))
    with sqlite3.connect(folder / "ledger.db") as ledger:
        ledger.execute(
            "CREATE TABLE users (id TEXT, email TEXT, name TEXT, created_at TEXT,"
            f" {column} TEXT, merged_at TEXT)"
        )
        for user, name in PEOPLE.items():
            into, at = merged.get(user, (None, None))
            row = (user, f"{user}@example.com", name, when(MARCH - DAY), into, at and when(at))
            ledger.execute("INSERT INTO users VALUES (?, ?, ?, ?, ?, ?)", row)
        named = ("amount", "type", "reference")
        if ledger_table == "credit_ledger":
            named = ("delta", "reason", "stripe_event_id")
        ledger.execute(
            f"CREATE TABLE {ledger_table} (id INTEGER PRIMARY KEY, user_id TEXT,"
            f" {named[0]} INTEGER, {named[1]} TEXT, {named[2]} TEXT, created_at TEXT)"
        )
        for entry in entries:
            row = [*entry[:4], when(entry[4])]
            if ledger_table == "credit_ledger":
                row[2:4] = [f"purchase:{entry[3]}", None]
            ledger.execute(f"INSERT INTO {ledger_table} VALUES (NULL, ?, ?, ?, ?, ?)", row)
    ledger.close()
    (folder / "case.toml").write_text(
        '[stripe]\nfiles = "stripe.jsonl"\n[ledger]\nurl = "sqlite:///ledger.db"\n'
    )
    return Case.open(folder / "case.toml", store=False)


def accused(case: Case) -> list[tuple[str, str, str, str]]:
    found = case.findings[case.findings["finding"].isin(OURS)]
    columns = ["finding", "payment_id", "credited_user_id", "rightful_user_id"]
    return sorted(tuple(map(str, row)) for row in found[columns].values.tolist())


def verdict(case: Case, number: int) -> str:
    verdicts = case.verdicts.set_index("payment_id")["verdict"]
    return str(verdicts[order(number)["id"]])


def entries_of(**holders: str) -> list[tuple[Any, ...]]:
    """The entry of each order, on the account that its session names unless told otherwise."""
    return [bought(order(n), holders.get(f"order{n}")) for n in range(18)]


@pytest.mark.parametrize(
    "column",
    ["merged_into", "merged_into_id", "mergedTo", "duplicate_of", "replaced_by_user_id",
     "superseded_by", "canonical_user_id"],
)  # fmt: skip
def test_credits_on_the_surviving_account_are_right(tmp_path, column):
    entries = entries_of(order7="u5", order13="u5")
    case = shop(tmp_path, entries, {"u2": ("u5", MERGED)}, column)
    assert accused(case) == []
    assert verdict(case, 13) == "confirmed"
    # Booked before the accounts were merged, on what was then the account.
    assert verdict(case, 1) == "confirmed"


def test_the_first_layout_reads_the_column_too(tmp_path):
    entries = entries_of(order13="u5")
    case = shop(tmp_path, entries, {"u2": ("u5", MERGED)}, ledger_table="credit_ledger")
    assert accused(case) == []
    assert verdict(case, 13) == "confirmed"


def test_credits_on_an_account_that_was_merged_before_are_split(tmp_path):
    case = shop(tmp_path, entries_of(), {"u2": ("u5", MERGED)})
    assert accused(case) == [("split_identity", order(13)["id"], "u2", "u5")]


def test_without_a_time_of_the_merger_what_the_session_named_is_right(tmp_path):
    case = shop(tmp_path, entries_of(), {"u2": ("u5", None)})
    assert accused(case) == []


def test_what_the_surviving_account_bought_and_the_merged_one_got_is_split(tmp_path):
    case = shop(tmp_path, entries_of(order4="u2"), {"u2": ("u5", MERGED)})
    assert ("split_identity", order(4)["id"], "u2", "u5") in accused(case)


def test_an_account_that_was_merged_twice_leads_to_the_last(tmp_path):
    merged = {"u2": ("u5", MERGED), "u5": ("u6", MERGED + DAY)}
    entries = entries_of(order10="u6", order13="u6", order16="u6")
    assert accused(shop(tmp_path, entries, merged)) == []


def test_accounts_that_name_one_another_in_a_circle_have_no_survivor(tmp_path):
    merged = {"u2": ("u5", MERGED), "u5": ("u2", MERGED)}
    case = shop(tmp_path, entries_of(order13="u1"), merged)
    assert [row[:2] for row in accused(case)] in ([], [("wrong_user", order(13)["id"])])


def test_another_account_than_the_surviving_one_is_still_wrong(tmp_path):
    case = shop(tmp_path, entries_of(order13="u4"), {"u2": ("u5", MERGED)})
    assert verdict(case, 13) != "confirmed"
    assert ("u4", "u5") in [row[2:] for row in accused(case)]
