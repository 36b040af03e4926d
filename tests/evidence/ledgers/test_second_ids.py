"""Accounts with a second id: where the sessions name it, it is an alias of the account's own."""

from __future__ import annotations

from pathlib import Path

import pytest
from small_ledgers import load, table

ENTRIES = table(
    "credit_entries",
    "id INTEGER, user_id TEXT, amount INTEGER, kind TEXT, session TEXT",
    *(f"{n}, 'usr_{who}', 100, 'purchase', 'cs_{n}'" for n, who in enumerate("abcd", start=1)),
)
FIRST_LAYOUT = table(
    "credit_ledger",
    "id INTEGER, user_id TEXT, delta INTEGER, reason TEXT, stripe_event_id TEXT, created_at TEXT",
    *(f"{n}, 'usr_{who}', 100, 'purchase:cs_{n}', NULL, '2025-09-01 10:00:00'"
      for n, who in enumerate("abcd", start=1)),
)  # fmt: skip


def accounts(column: str, ids: list[str]) -> str:
    rows = [
        f"'usr_{who}', '{who}@example.com', '{who}', {own}"
        for who, own in zip("abcd", ids, strict=True)
    ]
    return table("users", f"id TEXT, email TEXT, name TEXT, {column} TEXT", *rows)


def linked(folder: Path, script: str, users: str, named: tuple[str, ...]) -> set[tuple[str, str]]:
    links = load(folder, script, users, named).frame("user_links")
    assert set(links["reason"]) <= {"alias"}
    return set(zip(links["user_id"], links["linked_user_id"], strict=True))


@pytest.mark.parametrize("script", [ENTRIES, FIRST_LAYOUT], ids=["inferred", "the first layout"])
@pytest.mark.parametrize("column", ["legacy_id", "old_user_id", "external_id", "uuid", "auth_uid"])
def test_numbers_that_the_sessions_name_are_aliases(tmp_path, script, column):
    users = accounts(column, ["'71'", "'72'", "'73'", "NULL"])
    found = linked(tmp_path, script, users, ("71", "72", "73", "73"))
    assert found == {("usr_a", "71"), ("usr_b", "72"), ("usr_c", "73")}


@pytest.mark.parametrize("script", [ENTRIES, FIRST_LAYOUT], ids=["inferred", "the first layout"])
def test_some_sessions_name_the_old_ids_and_some_the_new(tmp_path, script):
    users = accounts("legacy_id", ["'71'", "'72'", "'73'", "'74'"])
    assert ("usr_b", "72") in linked(tmp_path, script, users, ("71", "72", "usr_c", "usr_d"))


def test_numbers_in_a_column_of_another_name_are_no_ids(tmp_path):
    users = accounts("seats", ["'71'", "'72'", "'73'", "'74'"])
    assert linked(tmp_path, ENTRIES, users, ("71", "72", "usr_c", "usr_d")) == set()


def test_one_session_alone_makes_no_column_one_of_ids(tmp_path):
    users = accounts("legacy_id", ["'71'", "'72'", "'73'", "'74'"])
    assert linked(tmp_path, ENTRIES, users, ("71", "usr_b", "usr_c", "usr_d")) == set()


def test_an_id_that_two_accounts_have_links_neither(tmp_path):
    users = accounts("legacy_id", ["'71'", "'71'", "'73'", "'74'"])
    found = linked(tmp_path, ENTRIES, users, ("71", "73", "74", "74"))
    assert not {one for one in found if one[1] == "71"}


def test_old_numbers_that_are_new_numbers_of_others_link_nobody(tmp_path):
    users = table(
        "users",
        "id INTEGER, email TEXT, name TEXT, legacy_id INTEGER",
        *(f"{n}, '{n}@example.com', 'Name {n}', {n + 2}" for n in range(1, 5)),
    )
    script = table(
        "credit_entries",
        "id INTEGER, user_id INTEGER, amount INTEGER, kind TEXT, session TEXT",
        *(f"{n + 100}, {n}, 100, 'purchase', 'cs_{n}'" for n in range(1, 5)),
    )
    assert linked(tmp_path, script, users, ("3", "4", "5", "6")) == set()
