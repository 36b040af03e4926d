"""Layouts that are easily read as something else: read rightly, or asked about, never in silence."""

from __future__ import annotations

from pathlib import Path

import pytest
from small_ledgers import WANTED, load, moved, table

from credit_forensics.errors import CaseError

READ = {
    "what no list of words has": table(
        "lesson_book", "id, student_id, lessons, price_cents, kind, ref, at",
        "1, 7, 100, 990, 'purchase', 'cs_1', '2025-09-01'",
        "2, 8, 100, 990, 'purchase', 'cs_2', '2025-09-01'",
        "3, 7, -30, 0, 'usage', NULL, '2025-09-02'",
    ),
    "a flag that says which way": table(
        "credit_records", "id, user_id, amount, is_credit, session, created_at",
        "1, 7, 100, 1, 'cs_1', '2025-09-01'", "2, 8, 100, 1, 'cs_2', '2025-09-01'",
        "3, 7, 30, 0, NULL, '2025-09-02'",
    ),
    "what was granted of a lot, and what was used": table(
        "credit_lots", "id, user_id, granted, remaining, source, session, created_at",
        "1, 7, 100, 70, 'purchase', 'cs_1', '2025-09-01'",
        "2, 8, 100, 100, 'purchase', 'cs_2', '2025-09-01'",
    ) + table(
        "credit_lot_usages", "id, lot_id, user_id, amount, created_at",
        "1, 1, 7, 30, '2025-09-02'",
    ),
    "called like a state of each": table(
        "member_credits", "id, member_id, amount, kind, ref, created_at",
        "1, 7, 100, 'purchase', 'cs_1', '2025-09-01'",
        "2, 8, 100, 'purchase', 'cs_2', '2025-09-01'",
        "3, 7, -30, 'usage', NULL, '2025-09-02'",
    ),
    "sellers who buy credits": table(
        "seller_credits", "id, seller_id, credits, reason, ref, created_at",
        "1, 7, 100, 'purchase', 'cs_1', '2025-09-01'",
        "2, 8, 100, 'purchase', 'cs_2', '2025-09-01'",
        "3, 7, -30, 'usage', NULL, '2025-09-02'",
    ),
    "one that was booked by hand": table(
        "credit_entries", "id, user_id, amount, kind, ref, created_at",
        "1, 7, 100, 'purchase', 'cs_1', '2025-09-01'",
        "2, 8, 100, 'manual_credit', 'cs_2', '2025-09-01'",
        "3, 7, 30, 'usage', NULL, '2025-09-02'",
    ),
    "states in German": table(
        "buchungen", "id, benutzer, punkte, art, status, sitzung, gebucht_am",
        "1, 7, 100, 'kauf', 'gebucht', 'cs_1', '2025-09-01'",
        "2, 8, 100, 'kauf', 'gebucht', 'cs_2', '2025-09-01'",
        "3, 8, 100, 'kauf', 'storniert', 'cs_2', '2025-09-01'",
        "4, 8, 100, 'kauf', 'offen', 'cs_3', '2025-09-01'",
        "5, 7, -30, 'verbrauch', 'gebucht', NULL, '2025-09-02'",
    ),
    "a handle for the account": table(
        "coin_moves", "id, handle, coins, what, ref, created_at",
        "1, 7, 100, 'bought', 'cs_1', '2025-09-01'", "2, 8, 100, 'bought', 'cs_2', '2025-09-01'",
        "3, 7, -30, 'spent', NULL, '2025-09-02'",
    ),
    "books of what is owed": table(
        "ledger_entries", "id, user_id, amount, type, ref, created_at",
        "1, 7, -100, 'purchase', 'cs_1', '2025-09-01'",
        "2, 8, -100, 'purchase', 'cs_2', '2025-09-01'", "3, 7, 30, 'usage', NULL, '2025-09-02'",
    ),
    "points of another kind in the same table": table(
        "wallet_transactions", "id, user_id, asset, amount, type, ref, created_at",
        "1, 7, 'credits', 100, 'purchase', 'cs_1', '2025-09-01'",
        "2, 8, 'credits', 100, 'purchase', 'cs_2', '2025-09-01'",
        "3, 7, 'credits', -30, 'usage', NULL, '2025-09-02'",
        "4, 7, 'xp', 250, 'quest', NULL, '2025-09-02'", "5, 8, 'xp', 9, 'quest', NULL, '2025-09-02'",
    ),
    "points of another kind beside a column called credits": table(
        "wallet_transactions", "id, user_id, asset, credits, type, ref, created_at",
        "1, 7, 'credits', 100, 'purchase', 'cs_1', '2025-09-01'",
        "2, 8, 'credits', 100, 'purchase', 'cs_2', '2025-09-01'",
        "3, 7, 'credits', -30, 'usage', NULL, '2025-09-02'",
        "4, 7, 'xp', 250, 'quest', NULL, '2025-09-02'",
    ),
    "money in the same table": table(
        "transactions", "id, user_id, amount, currency, type, ref, created_at",
        "1, 7, 100, 'CREDIT', 'purchase', 'cs_1', '2025-09-01'",
        "2, 8, 100, 'CREDIT', 'purchase', 'cs_2', '2025-09-01'",
        "3, 7, -30, 'CREDIT', 'usage', NULL, '2025-09-02'",
        "4, 7, 999, 'USD', 'payment', 'cs_1', '2025-09-01'",
    ),
    "a refund that takes back what was bought": table(
        "credit_transactions", "id, user_id, amount, type, ref, created_at",
        "1, 7, 100, 'purchase', 'cs_1', '2025-09-01'", "2, 8, 100, 'purchase', 'cs_2', '2025-09-01'",
        "3, 7, 30, 'usage', NULL, '2025-09-02'", "4, 8, 100, 'REFUND', 'cs_2', '2025-09-03'",
    ),
    "tokens of messages beside": table(
        "credits", "id, user_id, amount, type, ref, created_at",
        "1, 7, 100, 'purchase', 'cs_1', '2025-09-01'", "2, 8, 100, 'purchase', 'cs_2', '2025-09-01'",
        "3, 7, -30, 'usage', NULL, '2025-09-02'",
    ) + table(
        "usage_events", "id, user_id, model, input_tokens, output_tokens, created_at",
        "1, 7, 'm', 100, 20, '2025-09-01'", "2, 8, 'm', 300, 20, '2025-09-01'",
    ),
    "ids of two tables that only count from one": table(
        "credit_purchases", "id, user_id, amount, credits, currency, session, created_at",
        "1, 7, 999, 100, 'usd', 'cs_1', '2025-09-01'", "2, 8, 999, 100, 'usd', 'cs_2', '2025-09-01'",
    ) + table("credit_usage", "id, user_id, credits_used, created_at", "1, 7, 30, '2025-09-02'"),
}  # fmt: skip


@pytest.mark.parametrize("layout", READ)
def test_it_is_read_as_what_it_is(tmp_path: Path, layout: str) -> None:
    extra = {("8", -100, "cs_2")} if "refund" in layout else set()
    assert moved(load(tmp_path, READ[layout])) == WANTED | extra


ASKED = {
    "credits that go from one to another": (
        "move credits between from_user_id and to_user_id",
        table(
            "token_transfers", "id, from_user_id, to_user_id, tokens, kind, ref, created_at",
            "1, NULL, 7, 100, 'purchase', 'cs_1', '2025-09-01'",
            "2, NULL, 8, 100, 'purchase', 'cs_2', '2025-09-01'",
            "3, 7, NULL, 30, 'usage', NULL, '2025-09-02'",
        ),
    ),
    "nothing but usage": (
        "no table is found that adds them",
        table(
            "credit_usage", "id, user_id, credits, feature, created_at",
            "1, 7, 30, 'chat', '2025-09-02'", "2, 8, 10, 'chat', '2025-09-02'",
        ),
    ),
    "purchases in a list of payments": (
        "payments holds credits beside Stripe's ids",
        table(
            "payments", "id, user_id, amount, currency, credits, status, session, created_at",
            "1, 7, 999, 'usd', 100, 'succeeded', 'cs_1', '2025-09-01'",
            "2, 8, 999, 'usd', 100, 'succeeded', 'cs_2', '2025-09-01'",
        ) + table(
            "credit_transactions", "id, user_id, amount, type, description, created_at",
            "1, 7, -30, 'usage', 'x', '2025-09-02'", "2, 8, 5, 'bonus', 'y', '2025-09-02'",
        ),
    ),
    "two kinds of credits in one table": (
        "asset 'bonus_credits'",
        table(
            "credit_entries", "id, user_id, credits, asset, ref, created_at",
            "1, 7, 100, 'credits', 'cs_1', '2025-09-01'", "2, 8, 100, 'credits', 'cs_2', '2025-09-01'",
            "3, 7, 30, 'bonus_credits', NULL, '2025-09-02'",
        ),
    ),
    "a column for each kind of movement": (
        "several columns that may be the credits",
        table(
            "credit_movements", "id, user_id, purchased_credits, bonus_credits, ref, created_at",
            "1, 7, 100, 0, 'cs_1', '2025-09-01'", "2, 8, 100, 0, 'cs_2', '2025-09-01'",
            "3, 7, 0, 30, NULL, '2025-09-02'",
        ),
    ),
    "states of which none counts": (
        "no row would count by status, which says 'created', 'pending' alone",
        table(
            "credit_entries", "id, user_id, credits, status, ref, created_at",
            "1, 7, 100, 'created', 'cs_1', '2025-09-01'",
            "2, 8, 100, 'pending', 'cs_2', '2025-09-01'",
        ),
    ),
    "kinds that are numbered like the entries": (
        "whether they add credits",
        table(
            "credit_transactions", "id, user_id, amount, transaction_kind, description, created_at",
            "1, 7, 100, 1, 'checkout cs_1', '2025-09-01'",
            "2, 8, 100, 1, 'checkout cs_2', '2025-09-01'",
            "3, 7, 30, 2, 'see above', '2025-09-02'",
        ),
    ),
    "codes without names": (
        "whether they add credits",
        table(
            "credit_txns", "id, user_id, amount, txn_code, ref, created_at",
            "1, 7, 100, 'P1', 'cs_1', '2025-09-01'", "2, 8, 100, 'P1', 'cs_2', '2025-09-01'",
            "3, 7, 30, 'U1', NULL, '2025-09-02'",
        ),
    ),
}  # fmt: skip


@pytest.mark.parametrize("layout", ASKED)
def test_it_is_asked_about(tmp_path: Path, layout: str) -> None:
    question, script = ASKED[layout]
    with pytest.raises(CaseError, match=question):
        load(tmp_path, script)


@pytest.mark.parametrize(
    "counted",
    [
        table("messages", "id, user_id, role, tokens, created_at", "1, 7, 'user', 12, '2025-09-01'",
              "2, 8, 'user', 9, '2025-09-01'"),
        table("images", "id, user_id, url, credits, created_at", "1, 7, 'a', 12, '2025-09-01'",
              "2, 8, 'b', 9, '2025-09-01'"),
    ],
)  # fmt: skip
def test_what_only_counts_is_no_ledger(tmp_path: Path, counted: str) -> None:
    """A shop with a number of credits on the account and no entries has none in other tables."""
    users = """CREATE TABLE users (id INTEGER, email TEXT, name TEXT, credits INTEGER);
        INSERT INTO users VALUES (7, 'a@example.com', 'A', 90), (8, 'b@example.com', 'B', 0);"""
    evidence = load(tmp_path, counted, users)
    assert evidence.count("ledger") == 0
    assert evidence.count("users") == 2


@pytest.mark.parametrize(
    ("others", "links"),
    [
        (("user_a1", "user_b2"), {("71", "user_a1"), ("82", "user_b2")}),
        # One alone may be chance, and numbers that count from one are anybody's.
        (("user_a1", "user_z9"), set()),
        (("7", "8"), set()),
    ],
)
def test_an_account_is_known_by_the_id_that_the_sessions_give_it(
    tmp_path: Path, others: tuple[str, str], links: set[tuple[str, str]]
) -> None:
    users = f"""CREATE TABLE users (id INTEGER, email TEXT, auth_id TEXT);
        INSERT INTO users VALUES (71, 'a@example.com', '{others[0]}'),
            (82, 'b@example.com', '{others[1]}');"""
    entries = table(
        "credit_entries", "id, user_id, amount, type, ref, created_at",
        "1, 71, 100, 'purchase', 'cs_1', '2025-09-01'",
        "2, 82, 100, 'purchase', 'cs_2', '2025-09-01'",
    )  # fmt: skip
    named = ("7", "8") if others[0] == "7" else ("user_a1", "user_b2")
    evidence = load(tmp_path, entries, users, named)
    found = evidence.frame("user_links")[["user_id", "linked_user_id"]]
    assert set(map(tuple, found.to_numpy())) == links


def test_teams_that_own_the_credits_are_not_the_users_of_the_same_numbers(tmp_path: Path) -> None:
    users = """CREATE TABLE users (id INTEGER, email TEXT, name TEXT);
        INSERT INTO users VALUES (7, 'a@example.com', 'A'), (8, 'b@example.com', 'B');
        CREATE TABLE teams (id INTEGER, name TEXT);
        INSERT INTO teams VALUES (7, 'Red'), (8, 'Blue');
        CREATE TABLE team_members (team_id INTEGER, user_id INTEGER, role TEXT);
        INSERT INTO team_members VALUES (7, 8, 'owner'), (8, 7, 'owner'), (7, 7, 'member');"""
    entries = table(
        "team_credits", "id, team_id, amount, type, ref, created_at",
        "1, 7, 100, 'purchase', 'cs_1', '2025-09-01'", "2, 8, 100, 'purchase', 'cs_2', '2025-09-01'",
        "3, 7, -30, 'usage', NULL, '2025-09-02'",
    )  # fmt: skip
    evidence = load(tmp_path, entries, users)
    assert sorted(evidence.users["name"]) == ["Blue", "Red"]
    members = evidence.frame("memberships")[["user_id", "account_id"]]
    assert sorted(map(tuple, members.to_numpy())) == [("7", "7"), ("7", "8"), ("8", "7")]


@pytest.mark.parametrize("key", ["id", "_id"])
def test_a_known_ledger_has_its_accounts_by_whatever_key(tmp_path: Path, key: str) -> None:
    users = f"""CREATE TABLE users ({key} TEXT, email TEXT, name TEXT);
        INSERT INTO users VALUES ('7', 'a@example.com', 'A'), ('8', 'b@example.com', 'B');"""
    ledger = table(
        "credit_ledger", "id, user_id, delta, reason, stripe_event_id, created_at",
        "1, '7', 100, 'purchase cs_1', 'evt_1', '2025-09-01'",
        "2, '8', 100, 'purchase cs_2', 'evt_2', '2025-09-01'",
    )  # fmt: skip
    evidence = load(tmp_path, ledger, users)
    assert evidence.count("ledger") == 2
    assert evidence.users["email"].tolist() == ["a@example.com", "b@example.com"]
