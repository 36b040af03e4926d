"""The built-in ledger on real SQLite and PostgreSQL, and the linking of entries to payments."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import psycopg
import pytest

from credit_forensics.case_file import CaseFile
from credit_forensics.errors import CaseError
from credit_forensics.evidence.evidence import Evidence
from credit_forensics.evidence.ledgers.load import link_ledger, load_ledgers

USERS = """
CREATE TABLE users (id TEXT PRIMARY KEY, email TEXT, name TEXT, created_at TIMESTAMP);
INSERT INTO users VALUES
  ('00123', 'ada@example.com', 'Ada Example', '2025-08-01 10:00:00'),
  ('123', 'bo@example.com', 'Bo Example', '2025-08-01 11:00:00');
"""
CUSTOMERS = """
CREATE TABLE stripe_customers (user_id TEXT, stripe_customer_id TEXT, created_at TIMESTAMP);
INSERT INTO stripe_customers VALUES ('00123', 'cus_1', '2025-08-02 10:00:00');
"""
ENTRIES = """
CREATE TABLE credit_ledger (
  id INTEGER PRIMARY KEY, user_id TEXT, delta NUMERIC, reason TEXT, stripe_event_id TEXT,
  created_at TIMESTAMP);
INSERT INTO credit_ledger VALUES
  (1, '00123', 50, 'stripe_purchase:method_primary_metadata:event_evt_1', 'evt_1',
   '2025-08-02 10:00:00'),
  (2, '00123', -50, 'reversal:wrong_user:payment_cs_test_1', NULL, '2025-08-03 10:00:00'),
  (3, '123', 50, 'correction:wrong_user:payment_cs_test_1', '', '2025-08-03 10:00:01'),
  (4, '123', -7, NULL, NULL, NULL);
"""
BALANCES = """
CREATE TABLE user_credits (user_id TEXT PRIMARY KEY, total_credits INTEGER);
INSERT INTO user_credits VALUES ('00123', 0), ('123', 43);
"""

Make = Callable[..., CaseFile]


@pytest.fixture(params=["sqlite", "postgresql"])
def make_case(request: pytest.FixtureRequest, tmp_path: Path) -> Make:
    """Runs a script in an empty database and gives a case file whose ledger it is."""

    def make(script: str, **settings: Any) -> CaseFile:
        if request.param == "sqlite":
            with sqlite3.connect(tmp_path / "ledger.db") as connection:
                connection.executescript(script)
            connection.close()
            url = "sqlite:///ledger.db"
        else:
            url = request.getfixturevalue("postgres_database")
            with psycopg.connect(url, autocommit=True) as session:
                session.execute(script)
        ledger = {"url": url, **settings}
        return CaseFile.model_validate({"ledger": ledger, "folder": tmp_path})

    return make


def load(case: CaseFile) -> Evidence:
    evidence = Evidence()
    load_ledgers(evidence, case)
    return evidence


def rows(frame: pd.DataFrame, *columns: str) -> list[tuple[Any, ...]]:
    picked = frame[list(columns)].astype(object)
    return list(picked.where(picked.notna(), None).itertuples(index=False, name=None))


def test_the_built_in_ledger_fills_the_evidence_tables(make_case: Make) -> None:
    evidence = load(make_case(USERS + CUSTOMERS + ENTRIES + BALANCES))
    assert rows(
        evidence.ledger, "entry_id", "user_id", "delta", "kind", "event_id", "payment_id"
    ) == [
        ("1", "00123", 50, "purchase", "evt_1", None),
        ("2", "00123", -50, "reversal", None, "cs_test_1"),
        ("3", "123", 50, "correction", None, "cs_test_1"),
        ("4", "123", -7, "usage", None, None),
    ]
    assert evidence.ledger["created_at"].dt.tz is not None
    assert evidence.ledger["created_at"][0] == pd.Timestamp("2025-08-02 10:00:00", tz="UTC")
    assert rows(evidence.users, "user_id", "email", "name") == [
        ("00123", "ada@example.com", "Ada Example"),
        ("123", "bo@example.com", "Bo Example"),
    ]
    assert rows(evidence.customers, "customer_id", "user_id") == [("cus_1", "00123")]
    assert rows(evidence.balances, "user_id", "balance") == [("00123", 0), ("123", 43)]
    assert evidence.custody.gaps().empty
    assert evidence.custody.rejects().empty


def test_spans_spans_the_entries(make_case: Make) -> None:
    evidence = load(make_case(ENTRIES))
    spans = evidence.spans
    assert rows(spans, "source", "row_count") == [("ledger", 4)]
    assert spans["first_at"][0] == pd.Timestamp("2025-08-02 10:00:00", tz="UTC")
    last = pd.Timestamp("2025-08-03 10:00:01", tz="UTC")
    # A server knows until when it was read; a file only what it holds.
    served = evidence.custody.inputs[0].name.startswith("postgresql")
    assert spans["last_at"][0] > last if served else spans["last_at"][0] == last


def test_absent_tables_are_gaps_and_no_errors(make_case: Make) -> None:
    evidence = load(make_case(ENTRIES))
    gaps = evidence.custody.gaps()
    assert set(zip(gaps["source"], gaps["object"], gaps["problem"], strict=True)) == {
        ("ledger", "users", "missing_table"),
        ("ledger", "customers", "missing_table"),
        ("ledger", "balances", "missing_table"),
    }
    assert evidence.count("ledger") == 4


@pytest.mark.parametrize(
    ("balances", "problem"),
    [
        ("CREATE TABLE user_credits (user_id TEXT, credits INTEGER)", "missing_column"),
        (
            "CREATE TABLE gone (a INTEGER); CREATE VIEW user_credits AS SELECT a AS user_id, "
            "1 / (a - a) AS total_credits FROM gone; INSERT INTO gone VALUES (1);",
            "unreadable",
        ),
    ],
)
def test_a_balance_that_cannot_be_read_is_a_gap(
    make_case: Make, balances: str, problem: str
) -> None:
    case = make_case(ENTRIES + balances)
    if problem == "unreadable" and case.ledger and case.ledger.url.startswith("sqlite"):
        # SQLite divides by zero without complaint; there the view's table goes instead.
        with sqlite3.connect(case.folder / "ledger.db") as connection:
            connection.execute("DROP TABLE gone")
        connection.close()
    evidence = load(case)
    gaps = evidence.custody.gaps().set_index("object")
    assert gaps.loc["balances", "problem"] == problem
    assert "balance_drift cannot be had" in gaps.loc["balances", "consequence"]
    assert evidence.count("balances") == 0
    assert evidence.count("ledger") == 4


def test_no_ledger_at_all_is_one_sentence_that_says_what_is_there(make_case: Make) -> None:
    with pytest.raises(CaseError, match=r"no table looks like entries.*holds .*users") as error:
        load(make_case(USERS))
    assert "\n" not in str(error.value)


def test_a_ledger_without_its_credits_says_which_columns_there_are(make_case: Make) -> None:
    with pytest.raises(CaseError, match="credit_ledger has id, user_id, day"):
        load(make_case("CREATE TABLE credit_ledger (id INTEGER, user_id TEXT, day TEXT)"))


def test_integer_ids_become_their_text(make_case: Make) -> None:
    script = """
    CREATE TABLE credit_ledger (id BIGINT, user_id BIGINT, delta BIGINT);
    INSERT INTO credit_ledger VALUES (1, 9007199254740993, 5);
    CREATE TABLE users (id BIGINT);
    INSERT INTO users VALUES (9007199254740993);
    """
    evidence = load(make_case(script))
    assert evidence.ledger["user_id"].tolist() == ["9007199254740993"]
    assert evidence.users["user_id"].tolist() == ["9007199254740993"]
    assert {"entries.reason", "entries.event_id", "entries.created_at", "users.email"} <= set(
        evidence.custody.gaps()["object"]
    )


def test_rows_that_cannot_be_used_are_rejects(make_case: Make) -> None:
    script = """
    CREATE TABLE credit_ledger (id INTEGER, user_id TEXT, delta NUMERIC(30, 6), reason TEXT);
    INSERT INTO credit_ledger VALUES
      (1, 'a', 2.5, 'purchase'), (2, NULL, 1, 'purchase'), (3, 'a', NULL, 'purchase'),
      (4, 'a', 3.000000, 'purchase'), (5, 'a', 123456789012345678901, 'purchase');
    CREATE TABLE users (id TEXT, email TEXT, name TEXT);
    INSERT INTO users VALUES ('a', 'a@example.com', NULL), ('a', 'b@example.com', NULL),
      (NULL, 'c@example.com', NULL);
    CREATE TABLE user_credits (user_id TEXT, total_credits NUMERIC(30, 6));
    INSERT INTO user_credits VALUES ('a', 1.5), (NULL, 3), ('b', NULL), ('c', 4);
    """
    evidence = load(make_case(script))
    assert rows(evidence.ledger, "delta", "fraction") == [(2, 5 * 10**8), (3, None)]
    assert evidence.users["email"].tolist() == ["a@example.com"]
    assert rows(evidence.balances, "user_id", "balance") == [("a", 1), ("c", 4)]
    assert evidence.custody.rejects()["reason"].tolist() == [
        "credit_ledger 2: the user is empty",
        "credit_ledger 3: the credits are empty",
        "credit_ledger 5: the credits are not a number",
        "user_credits b: the balance is empty",
        "user_credits: the user is empty",
        "users a: a second row of this id",
        "users: the id is empty",
    ]
    assert evidence.custody.inputs[0].rejects == 7


def test_custody_names_the_database_and_hashes_what_was_read(make_case: Make) -> None:
    case = make_case(USERS + ENTRIES)
    first, second = load(case).custody.inputs[0], load(case).custody.inputs[0]
    assert first == second
    assert len(first.sha256) == 64
    assert first.rows == 6
    assert first.taken_for == "ledger (credit_ledger)"


def test_progress_is_told_per_table(make_case: Make) -> None:
    told: list[tuple[str, int]] = []
    load_ledgers(Evidence(), make_case(USERS + ENTRIES), lambda name, n: told.append((name, n)))
    assert told == [("credit_ledger", 4), ("users", 2)]


def _linked(**tables: dict[str, list[Any]]) -> Evidence:
    evidence = Evidence()
    for name, columns in tables.items():
        evidence.add(name, pd.DataFrame(columns))
    link_ledger(evidence)
    return evidence


def test_an_event_gives_its_payment() -> None:
    evidence = _linked(
        events={"event_id": ["evt_1"], "payment_id": ["cs_1"]},
        ledger={"entry_id": ["1", "2"], "event_id": ["evt_1", "evt_2"]},
    )
    assert rows(evidence.ledger, "entry_id", "payment_id") == [("1", "cs_1"), ("2", None)]


def test_a_payment_intent_becomes_its_session() -> None:
    evidence = _linked(
        payments={"payment_id": ["cs_1", "pi_9"], "payment_intent_id": ["pi_1", "pi_9"]},
        ledger={"entry_id": ["1", "2"], "payment_id": ["pi_1", "pi_9"]},
        events={"event_id": ["evt_1"], "payment_id": ["pi_1"]},
        deliveries={"event_id": ["evt_1"], "source_line": [1]},
    )
    assert rows(evidence.ledger, "entry_id", "payment_id") == [("1", "cs_1"), ("2", "pi_9")]
    assert evidence.deliveries["payment_id"].tolist() == ["cs_1"]


def test_what_an_entry_says_itself_goes_before_its_event_if_that_payment_is_there() -> None:
    evidence = _linked(
        payments={"payment_id": ["cs_1", "cs_2"]},
        events={"event_id": ["evt_1"], "payment_id": ["cs_1"]},
        ledger={
            "entry_id": ["1", "2"],
            "event_id": ["evt_1", "evt_1"],
            "payment_id": ["cs_2", "cs_unknown"],
        },
    )
    assert rows(evidence.ledger, "entry_id", "payment_id") == [("1", "cs_2"), ("2", "cs_1")]


def test_the_log_tells_the_payment_of_an_event_that_stripe_no_longer_keeps() -> None:
    evidence = _linked(
        deliveries={"event_id": ["evt_1"], "payment_id": ["cs_1"], "source_line": [1]},
        ledger={"entry_id": ["1"], "event_id": ["evt_1"]},
    )
    assert evidence.ledger["payment_id"].tolist() == ["cs_1"]


def test_a_refund_that_names_its_charge_finds_the_payment() -> None:
    evidence = _linked(
        payments={"payment_id": ["cs_1"], "payment_intent_id": ["pi_1"]},
        stripe_charges={"charge_id": ["ch_1"], "payment_intent_id": ["pi_1"]},
        ledger={"entry_id": ["1", "2"], "reason": ["refund:ch_1", "refund:ch_2"]},
    )
    assert rows(evidence.ledger, "entry_id", "payment_id") == [("1", "cs_1"), ("2", None)]


def test_linking_twice_changes_nothing() -> None:
    evidence = _linked(
        payments={"payment_id": ["cs_1"], "payment_intent_id": ["pi_1"]},
        events={"event_id": ["evt_1"], "payment_id": ["cs_1"]},
        ledger={"entry_id": ["1", "2"], "event_id": ["evt_1", None], "payment_id": [None, "pi_1"]},
    )
    before = evidence.ledger
    link_ledger(evidence)
    pd.testing.assert_frame_equal(before, evidence.ledger)
