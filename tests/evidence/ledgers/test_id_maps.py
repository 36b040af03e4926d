"""A table that a migration of ids left behind links the old ids to the accounts."""

from __future__ import annotations

import pytest
from small_ledgers import load, moved, table

ACCOUNTS = table(
    "users",
    "id TEXT, email TEXT, name TEXT",
    *(f"'usr_{who}', '{who}@example.com', '{who}'" for who in "abcd"),
)
ENTRIES = table(
    "credit_entries",
    "id INTEGER, user_id TEXT, amount INTEGER, kind TEXT, session TEXT",
    "1, '71', 100, 'purchase', 'cs_1'",
    "2, '72', 100, 'purchase', 'cs_2'",
    "3, 'usr_a', -30, 'usage', NULL",
    "4, 'usr_c', 100, 'purchase', 'cs_9'",
)
PAIRS = [("71", "usr_a"), ("72", "usr_b"), ("73", "usr_c"), ("74", "usr_d")]


def links(tmp_path, columns: str, pairs, name: str = "user_id_migration") -> set[tuple[str, str]]:
    rows = (f"{n}, '{old}', '{new}'" for n, (old, new) in enumerate(pairs, start=1))
    script = ENTRIES + table(name, f"id INTEGER, {columns}", *rows)
    evidence = load(tmp_path, script, ACCOUNTS, ("71", "usr_b"))
    assert moved(evidence) >= {("71", 100, "cs_1"), ("usr_a", -30, None)}
    found = evidence.frame("user_links")
    return set(zip(found["user_id"], found["linked_user_id"], strict=True))


@pytest.mark.parametrize(
    ("columns", "name"),
    [
        ("old_id TEXT, new_id TEXT", "user_id_migration"),
        ("legacy_user_id TEXT, user_id TEXT", "id_map"),
        ("previous_id TEXT, account TEXT", "renumbered"),
    ],
)
def test_each_old_id_is_its_accounts(tmp_path, columns, name):
    assert links(tmp_path, columns, PAIRS, name) == {(new, old) for old, new in PAIRS}


@pytest.mark.parametrize(
    ("columns", "pairs"),
    [
        # Not called old: a team, a sponsor, a referrer.
        ("team_id TEXT, user_id TEXT", PAIRS),
        # Several of one, so no pairs.
        ("old_id TEXT, user_id TEXT", [*PAIRS[:3], ("73", "usr_d")]),
        # An id that entries and sessions never use says nothing.
        ("old_id TEXT, user_id TEXT", [("91", "usr_a"), ("92", "usr_b"), ("93", "usr_c")]),
        # Other people's ids.
        ("old_id TEXT, user_id TEXT", [("71", "p_1"), ("72", "p_2"), ("73", "p_3")]),
    ],
    ids=["not called old", "twice", "not used", "no accounts"],
)
def test_what_only_looks_like_it_links_nobody(tmp_path, columns, pairs):
    assert links(tmp_path, columns, pairs) == set()


def test_an_old_id_that_an_account_has_today_leads_to_nobody(tmp_path):
    pairs = [*PAIRS[:3], ("usr_a", "usr_d")]
    found = links(tmp_path, "old_id TEXT, new_id TEXT", pairs)
    assert found == {("usr_a", "71"), ("usr_b", "72"), ("usr_c", "73")}
