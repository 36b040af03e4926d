"""The other built-in layouts, mappings of one's own, auto-recognition and several ledgers."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pandas as pd
import psycopg
import pytest

from credit_forensics.case_file import CaseFile
from credit_forensics.errors import CaseError
from credit_forensics.evidence.evidence import Evidence
from credit_forensics.evidence.ledgers.load import load_ledgers

TRANSACTIONS = """
CREATE TABLE users (id {id}, email TEXT, full_name TEXT, stripe_customer_id TEXT,
  credits INTEGER, created_at TIMESTAMP);
INSERT INTO users VALUES
  (1, 'ada@example.com', 'Ada Example', 'cus_1', 100, '2025-08-01'),
  (2, 'bo@example.com', 'Bo Example', NULL, 30, '2025-08-01');
CREATE TABLE payments (id INTEGER PRIMARY KEY, user_id {id}, provider TEXT,
  provider_payment_intent_id TEXT, provider_checkout_session_id TEXT, status TEXT);
INSERT INTO payments VALUES
  (11, 1, 'stripe', 'pi_11', 'cs_11', 'paid'), (12, 2, 'stripe', 'pi_12', NULL, 'paid');
CREATE TABLE processed_events (id INTEGER PRIMARY KEY, provider_event_id TEXT, payment_id INTEGER);
INSERT INTO processed_events VALUES (1, 'evt_11', 11);
CREATE TABLE admin_actions (id INTEGER PRIMARY KEY, admin_id {id}, target_user_id {id},
  action TEXT, delta_credits INTEGER, created_at TIMESTAMP);
INSERT INTO admin_actions VALUES (1, 9, 2, 'credit', 25, '2025-08-05 10:00:30');
CREATE TABLE credit_transactions (id INTEGER PRIMARY KEY, user_id {id}, delta_credits INTEGER,
  type {type}, payment_id INTEGER, meta {json}, created_at TIMESTAMP);
INSERT INTO credit_transactions VALUES
  (101, 1, 50, 'purchase', 11, NULL, '2025-08-02 10:00:00'),
  (102, 2, 50, 'purchase', 12, NULL, '2025-08-02 11:00:00'),
  (103, 1, 50, 'purchase', NULL, '{{"checkout": {{"session": "cs_13"}}, "event": "evt_13"}}',
   '2025-08-03 10:00:00'),
  (104, 2, -20, 'consumption', NULL, NULL, '2025-08-04 10:00:00'),
  (105, 2, 25, 'sonstiges', NULL, NULL, '2025-08-05 10:00:00'),
  (106, 1, 25, 'sonstiges', NULL, NULL, '2025-08-05 10:00:00');
"""

PRISMA = """
CREATE TABLE "User" ("id" TEXT PRIMARY KEY, "email" TEXT, "name" TEXT, "credits" INTEGER,
  "stripeCustomerId" TEXT, "createdAt" {time});
INSERT INTO "User" VALUES ('clx1', 'ada@example.com', 'Ada Example', 55, 'cus_1', {when});
CREATE TABLE "CreditTransaction" ("id" TEXT PRIMARY KEY, "userId" TEXT, "amount" INTEGER,
  "type" {type}, "description" TEXT, "stripeSessionId" TEXT, "stripePaymentIntentId" TEXT,
  "createdAt" {time});
INSERT INTO "CreditTransaction" VALUES
  ('t1', 'clx1', 50, 'PURCHASE', '50 credits', 'cs_1', 'pi_1', {when}),
  ('t2', 'clx1', 5, 'ADJUSTMENT', NULL, NULL, 'pi_2', {when});
"""


def sqlite_case(folder: Path, script: str, name: str = "ledger.db", **ledger: Any) -> CaseFile:
    connection = sqlite3.connect(folder / name)
    connection.executescript(script)
    connection.close()
    section = {"url": f"sqlite:///{name}", **ledger}
    return CaseFile.model_validate({"ledger": section, "folder": folder})


def postgres_case(url: str, script: str, **ledger: Any) -> CaseFile:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(script)
    return CaseFile.model_validate({"ledger": {"url": url, **ledger}})


def load(case: CaseFile) -> Evidence:
    evidence = Evidence()
    load_ledgers(evidence, case)
    return evidence


def rows(frame: pd.DataFrame, *columns: str) -> list[tuple[Any, ...]]:
    picked = frame[list(columns)].astype(object)
    return list(picked.where(picked.notna(), None).itertuples(index=False, name=None))


@pytest.mark.parametrize("schema", ["credit_transactions", "auto"])
@pytest.mark.parametrize("ids", ["INTEGER", "TEXT"])
@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_transactions_beside_payments(
    request: pytest.FixtureRequest, tmp_path: Path, engine: str, ids: str, schema: str
) -> None:
    if engine == "sqlite":
        script = TRANSACTIONS.format(id=ids, type="TEXT", json="TEXT")
        case = sqlite_case(tmp_path, script, schema=schema)
    else:
        enum = "CREATE TYPE tx_kind AS ENUM ('purchase', 'consumption', 'sonstiges');"
        script = enum + TRANSACTIONS.format(id=ids, type="tx_kind", json="JSONB")
        url = request.getfixturevalue("postgres_database")
        case = postgres_case(url, script, schema=schema)
    evidence = load(case)
    columns = ("entry_id", "user_id", "delta", "kind", "event_id", "payment_id")
    assert rows(evidence.ledger, *columns) == [
        ("101", "1", 50, "purchase", "evt_11", "cs_11"),
        ("102", "2", 50, "purchase", None, "pi_12"),
        ("103", "1", 50, "purchase", "evt_13", "cs_13"),
        ("104", "2", -20, "usage", None, None),
        # The admins' journal has the same credits half a minute later.
        ("105", "2", 25, "grant", None, None),
        ("106", "1", 25, "other", None, None),
    ]
    assert rows(evidence.users, "user_id", "name") == [("1", "Ada Example"), ("2", "Bo Example")]
    assert rows(evidence.customers, "customer_id", "user_id") == [("cus_1", "1")]
    # The users' table does not say when a customer was bound to them.
    gaps = ["customers.bound_at"]
    balances = [("1", 100), ("2", 30)]
    if schema == "auto":
        # Nobody's balance is the sum of the entries, so inference does not believe that it is one.
        gaps, balances = ["balances", "customers.bound_at"], []
    assert rows(evidence.balances, "user_id", "balance") == balances
    assert sorted(evidence.custody.gaps()["object"]) == gaps


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_prisma_quotes_its_names(
    request: pytest.FixtureRequest, tmp_path: Path, engine: str
) -> None:
    if engine == "sqlite":
        # Prisma writes times into SQLite as milliseconds.
        script = PRISMA.format(time="DATETIME", when="1756737547250", type="TEXT")
        case = sqlite_case(tmp_path, script, schema="auto")
    else:
        enum = """CREATE TYPE "TxType" AS ENUM ('PURCHASE', 'ADJUSTMENT');"""
        script = enum + PRISMA.format(
            time="TIMESTAMP(3)", when="'2025-09-01 14:39:07.250'", type='"TxType"'
        )
        url = request.getfixturevalue("postgres_database") + "&schema=public&connection_limit=5"
        case = postgres_case(url.split("&schema")[0], script, schema="auto")
        assert case.ledger
        case = CaseFile.model_validate({"ledger": {"url": url, "schema": "auto"}})
    evidence = load(case)
    assert rows(
        evidence.ledger, "entry_id", "user_id", "delta", "reason", "kind", "payment_id"
    ) == [
        ("t1", "clx1", 50, "PURCHASE:50 credits", "purchase", "cs_1"),
        ("t2", "clx1", 5, "ADJUSTMENT", "correction", "pi_2"),
    ]
    assert evidence.ledger["created_at"][0] == pd.Timestamp("2025-09-01 14:39:07.25", tz="UTC")
    # What an adjustment of 5 does, only the balance says.
    assert rows(evidence.balances, "user_id", "balance") == [("clx1", 55)]
    assert rows(evidence.customers, "customer_id", "user_id") == [("cus_1", "clx1")]
    assert evidence.custody.inputs[0].taken_for == "ledger (inferred)"


OWN = """
CREATE TABLE "Buchungen" ("Konto Nr" TEXT, haben INTEGER, soll INTEGER, text TEXT, am TEXT);
INSERT INTO "Buchungen" VALUES ('00123', 50, 0, 'Kauf cs_1', '2025-08-02T10:00:00Z'),
  ('00123', 0, 7, 'Verbrauch', '2025-08-03');
CREATE TABLE konten (nr TEXT, mail TEXT, stand INTEGER);
INSERT INTO konten VALUES ('00123', 'ADA@example.com', 43);
"""


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_a_mapping_of_ones_own_by_names_and_expressions(
    request: pytest.FixtureRequest, tmp_path: Path, engine: str
) -> None:
    mapping: dict[str, Any] = {
        "entries": {
            "table": "Buchungen",
            "columns": {
                "user_id": "Konto Nr",
                "delta": "haben - soll",
                "reason": '"text"',
                "kind": "CASE WHEN text LIKE 'Kauf%' THEN 'purchase' ELSE 'usage' END -- so",
                "created_at": "am",
            },
        },
        "users": {"table": "konten", "columns": {"user_id": "nr", "email": "lower(mail)"}},
        "balances": {
            "query": "SELECT nr AS user_id, stand AS balance FROM konten;",
        },
    }
    if engine == "sqlite":
        case = sqlite_case(tmp_path, OWN, **mapping)
    else:
        case = postgres_case(request.getfixturevalue("postgres_database"), OWN, **mapping)
    evidence = load(case)
    assert rows(evidence.ledger, "entry_id", "user_id", "delta", "kind", "payment_id") == [
        ("row1", "00123", 50, "purchase", "cs_1"),
        ("row2", "00123", -7, "usage", None),
    ]
    assert evidence.ledger["created_at"][0] == pd.Timestamp("2025-08-02 10:00:00", tz="UTC")
    assert rows(evidence.users, "user_id", "email") == [("00123", "ada@example.com")]
    assert rows(evidence.balances, "user_id", "balance") == [("00123", 43)]
    assert evidence.custody.gaps()["object"].tolist() == ["customers"]


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
@pytest.mark.parametrize(
    ("mapping", "words"),
    [
        (
            {"entries": {"table": "nope", "columns": {}}},
            "no table 'nope'.*it holds Buchungen, konten",
        ),
        (
            {"entries": {"table": "konten", "columns": {"user_id": "nr", "delta": "mnge"}}},
            "the column 'mnge' is not in konten, which has nr, mail, stand",
        ),
        ({"entries": {"table": "konten", "columns": {"user_id": "nr"}}}, "no delta is mapped"),
        ({"entries": {"table": "konten", "columns": {"userid": "nr"}}}, "did you mean 'user_id'"),
        ({"entries": {"query": "SELEC 1"}}, "query cannot be run"),
        ({"entries": {"query": "SELECT 1; DROP TABLE konten"}}, "query cannot be run"),
        ({"entries": {"query": "DELETE FROM konten"}}, "query cannot be run"),
        ({"entries": {"table": "konten", "query": "SELECT 1"}}, "either a table or a query"),
        (
            {"entries": {"table": "konten", "columns": {"user_id": "nr", "delta": "1/"}}},
            "cannot be read",
        ),
        (
            {
                "entries": {
                    "table": "konten",
                    "columns": {"user_id": "nr", "delta": "1) FROM konten; DROP TABLE konten; --"},
                }
            },
            "cannot be read",
        ),
        ({"schema": "credit_leger"}, "did you mean 'credit_ledger'"),
        ({"kinds": {"x": "grnt"}}, "did you mean 'grant'"),
    ],
)
def test_mappings_that_do_not_fit_are_one_sentence(
    request: pytest.FixtureRequest, tmp_path: Path, engine: str, mapping: dict[str, Any], words: str
) -> None:
    if engine == "sqlite":
        case = sqlite_case(tmp_path, OWN, **mapping)
    else:
        case = postgres_case(request.getfixturevalue("postgres_database"), OWN, **mapping)
    with pytest.raises(CaseError, match=words) as error:
        load(case)
    assert "\n" not in str(error.value)
    if engine == "sqlite":
        with sqlite3.connect(tmp_path / "ledger.db") as connection:
            names = {row[0] for row in connection.execute("SELECT name FROM sqlite_master")}
        connection.close()
    else:
        assert case.ledger
        with psycopg.connect(case.ledger.url) as session:
            names = {
                row[0]
                for row in session.execute(
                    "SELECT tablename FROM pg_tables WHERE schemaname='public'"
                )
            }
    assert names == {"Buchungen", "konten"}


def test_a_mapped_column_that_is_not_there_is_a_gap(tmp_path: Path) -> None:
    columns = {"user_id": "nr", "delta": "stand", "created_at": "wann"}
    case = sqlite_case(tmp_path, OWN, entries={"table": "konten", "columns": columns})
    gaps = load(case).custody.gaps().set_index("object")
    assert gaps.loc["entries.created_at", "problem"] == "missing_column"
    assert "konten has no column wann" in gaps.loc["entries.created_at", "consequence"]


def test_the_wrong_layout_is_told_with_the_right_one(tmp_path: Path) -> None:
    script = TRANSACTIONS.format(id="TEXT", type="TEXT", json="TEXT")
    case = sqlite_case(tmp_path, script, schema="credit_ledger")
    with pytest.raises(CaseError, match="schema = 'credit_transactions' would fit"):
        load(case)


def test_a_schema_of_the_database_can_be_named(postgres_database: str) -> None:
    script = """CREATE SCHEMA shop; CREATE TABLE shop.credit_ledger (id INT, user_id TEXT, delta INT);
    INSERT INTO shop.credit_ledger VALUES (1, 'a', 5);
    CREATE TABLE public.credit_ledger (id INT, user_id TEXT, delta INT);"""
    assert load(postgres_case(postgres_database, script)).count("ledger") == 0
    case = CaseFile.model_validate(
        {"ledger": {"url": postgres_database, "database_schema": "shop"}}
    )
    assert load(case).ledger["entry_id"].tolist() == ["1"]


SMALL = """
CREATE TABLE credit_ledger (id INTEGER, user_id TEXT, delta INTEGER, reason TEXT);
INSERT INTO credit_ledger VALUES (1, 'a', 5, 'bonus'), (2, '{user}', 5, '{reason}');
CREATE TABLE users (id TEXT, email TEXT);
INSERT INTO users VALUES ('a', 'a@example.com'), ('{user}', '{user}@example.com');
CREATE TABLE stripe_customers (user_id TEXT, stripe_customer_id TEXT);
INSERT INTO stripe_customers VALUES ('a', 'cus_1');
CREATE TABLE user_credits (user_id TEXT, total_credits INTEGER);
INSERT INTO user_credits VALUES ('a', 5), ('{user}', 5);
"""


def test_two_ledgers_at_once(tmp_path: Path) -> None:
    sqlite_case(tmp_path, SMALL.format(user="b", reason="demo"), "one.db")
    sqlite_case(tmp_path, SMALL.format(user="c", reason="demo"), "two.db")
    case = CaseFile.model_validate(
        {
            "ledger": {"url": "sqlite:///one.db", "kinds": {"demo": "purchase"}},
            "ledgers": [{"url": "sqlite:///two.db", "schema": "auto"}],
            "folder": tmp_path,
        }
    )
    evidence = load(case)
    assert rows(evidence.ledger, "entry_id", "user_id", "kind") == [
        ("ledger1:1", "a", "grant"),
        ("ledger1:2", "b", "purchase"),
        ("ledger2:1", "a", "grant"),
        ("ledger2:2", "c", "other"),
    ]
    assert evidence.users["user_id"].tolist() == ["a", "b", "c"]
    assert rows(evidence.balances, "user_id", "balance") == [("a", 10), ("b", 5), ("c", 5)]
    assert rows(evidence.customers, "customer_id", "user_id") == [("cus_1", "a")]
    assert evidence.spans["row_count"].tolist() == [4]
    assert [source.name for source in evidence.custody.inputs] == [
        "sqlite:///one.db",
        "sqlite:///two.db",
    ]


def test_the_url_may_stand_in_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sqlite_case(tmp_path, SMALL.format(user="b", reason="x"))
    monkeypatch.setenv("SHOP_LEDGER", "sqlite:///ledger.db")
    case = CaseFile.model_validate({"ledger": {"url": "env:SHOP_LEDGER"}, "folder": tmp_path})
    assert load(case).count("ledger") == 2
    monkeypatch.delenv("SHOP_LEDGER")
    with pytest.raises(CaseError, match="SHOP_LEDGER, which is not set"):
        load(case)


def test_aliases_link_ids(tmp_path: Path) -> None:
    script = SMALL.format(user="b", reason="x") + (
        "CREATE TABLE user_aliases (user_id TEXT, old_user_id TEXT);"
        "INSERT INTO user_aliases VALUES ('a', 'old-a'), ('b', NULL), ('b', 'b');"
    )
    links = load(sqlite_case(tmp_path, script)).user_links
    assert rows(links, "user_id", "linked_user_id", "reason", "strength") == [
        ("a", "old-a", "alias", 1.0)
    ]


def test_blobs_reals_and_broken_text_in_sqlite(tmp_path: Path) -> None:
    script = """
    CREATE TABLE credit_ledger (id, user_id, delta, reason, stripe_event_id, created_at);
    INSERT INTO credit_ledger VALUES
      (1, x'0b1e6b9a0f7c4f419a535f6a2a1c9d10', 5.0, 'bonus', NULL, 1756737547),
      (2, 123.0, '6', CAST(x'ff41' AS TEXT), NULL, 1756737547.5),
      (3, '  007', 7, NULL, NULL, 'gestern');
    """
    evidence = load(sqlite_case(tmp_path, script))
    assert rows(evidence.ledger, "user_id", "delta") == [
        ("0b1e6b9a-0f7c-4f41-9a53-5f6a2a1c9d10", 5),
        ("123", 6),
        ("  007", 7),
    ]
    assert evidence.ledger["created_at"][0] == pd.Timestamp(1756737547, unit="s", tz="UTC")
    assert evidence.ledger["created_at"][1] == pd.Timestamp(1756737547.5, unit="s", tz="UTC")
    assert pd.isna(evidence.ledger["created_at"][2])
    assert evidence.custody.inputs[0].notes[0] == (
        "1 entries of credit_ledger have a time that cannot be read"
    )


def test_a_table_that_may_not_be_read_is_a_gap(postgres_database: str) -> None:
    script = """
    CREATE TABLE credit_ledger (id INT, user_id TEXT, delta INT);
    CREATE TABLE user_credits (user_id TEXT, total_credits INT);
    CREATE ROLE small_reader LOGIN;
    GRANT SELECT ON credit_ledger TO small_reader;
    """
    try:
        postgres_case(postgres_database, script)
        url = postgres_database.replace("postgres:@", "small_reader@")
        case = CaseFile.model_validate({"ledger": {"url": url}})
        gaps = load(case).custody.gaps().set_index("object")
    finally:
        with psycopg.connect(postgres_database, autocommit=True) as connection:
            connection.execute("DROP OWNED BY small_reader; DROP ROLE small_reader")
    assert gaps.loc["balances", "problem"] == "unreadable"
    assert "permission denied" in gaps.loc["balances", "consequence"]
