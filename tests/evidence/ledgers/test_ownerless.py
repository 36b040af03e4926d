"""An entry whose account was emptied shows that its payment was booked."""

from __future__ import annotations

from small_ledgers import USERS, load, table

from credit_forensics.evidence.ledgers.ownerless import drop_ownerless


def entries(*rows: str) -> str:
    columns = "id INTEGER, user_id INTEGER, amount INTEGER, kind TEXT, session TEXT"
    return table("credit_entries", columns, *rows)


def test_what_adds_credits_and_names_a_payment_stays_and_is_counted_as_a_reject(tmp_path):
    script = entries(
        "1, 7, 100, 'purchase', 'cs_1'",
        "2, NULL, 100, 'purchase', 'cs_2'",
        "3, NULL, -30, 'usage', NULL",
        "4, 7, -30, 'usage', NULL",
    )
    evidence = load(tmp_path, script)
    assert sorted(evidence.ledger["entry_id"]) == ["1", "2", "4"]
    assert len(evidence.custody.rejects()) == 2


def test_the_other_side_of_an_entry_with_an_account_is_dropped(tmp_path):
    script = entries("1, 7, 100, 'purchase', 'cs_1'", "2, NULL, 100, 'purchase', 'cs_1'")
    evidence = load(tmp_path, script, USERS)
    evidence.connection.execute("INSERT INTO payments BY NAME SELECT 'cs_1' AS payment_id")
    drop_ownerless(evidence)
    assert evidence.ledger["entry_id"].tolist() == ["1"]
