"""Ledgers that nobody described: each kind of layout is understood, or asked about."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pandas as pd
import psycopg
import pyarrow as pa
import pytest

from credit_forensics.case.doctor import examine_evidence
from credit_forensics.case_file import CaseFile
from credit_forensics.coverage.measure import measure_coverage
from credit_forensics.errors import CaseError
from credit_forensics.evidence.evidence import Evidence
from credit_forensics.evidence.ledgers.load import load_ledgers
from credit_forensics.findings.balance_drift import find_balance_drift
from credit_forensics.tables.catalogue import Tables

SESSIONS = pa.schema(
    [
        ("session_id", pa.string()),
        ("payment_intent_id", pa.string()),
        ("metadata", pa.map_(pa.string(), pa.string())),
    ]
)
USERS = """CREATE TABLE users (id TEXT PRIMARY KEY, email TEXT, name TEXT);
INSERT INTO users VALUES ('u-ada', 'ada@example.com', 'Ada'), ('u-bo', 'bo@example.com', 'Bo');"""


def load(folder: Path, script: str, sold: int = 100, **ledger: Any) -> Evidence:
    """The evidence of a SQLite ledger beside three sessions that sold ``sold`` credits each."""
    connection = sqlite3.connect(folder / "ledger.db")
    connection.executescript(script)
    connection.close()
    case = CaseFile.model_validate(
        {"ledger": {"url": "sqlite:///ledger.db", **ledger}, "folder": folder}
    )
    evidence = Evidence()
    sessions = [
        {
            "session_id": f"cs_{n}",
            "payment_intent_id": f"pi_{n}",
            "metadata": [
                ("user_id", user),
                ("credits", str(sold)),
                ("order_no", f"ORD-00{n}"),
            ],
        }
        for n, user in enumerate(("u-ada", "u-bo", "u-ada"), start=1)
    ]
    evidence.add("stripe_sessions", pa.Table.from_pylist(sessions, SESSIONS))
    load_ledgers(evidence, case)
    return evidence


def moved(evidence: Evidence) -> list[tuple[Any, ...]]:
    """User, credits, kind and payment of each entry, in order of their keys."""
    rows = evidence.ledger.sort_values("entry_id")[["user_id", "delta", "kind", "payment_id"]]
    return [tuple(None if pd.isna(v) else v for v in row) for row in rows.itertuples(index=False)]


BOUGHT_AND_USED = [
    ("u-ada", 100, "purchase", "cs_1"),
    ("u-bo", 100, "purchase", "cs_2"),
    ("u-ada", -30, "usage", None),
]


def entries(columns: str, *rows: str, table: str = "credit_entries") -> str:
    values = ", ".join(f"({row})" for row in rows)
    return f'{USERS} CREATE TABLE "{table}" ({columns}); INSERT INTO "{table}" VALUES {values};'


SIGNED = entries(
    "id INTEGER PRIMARY KEY, user_id TEXT, amount INTEGER, kind TEXT, session TEXT, created_at TEXT",
    "1, 'u-ada', 100, 'purchase', 'cs_1', '2025-09-01 10:00:00'",
    "2, 'u-bo', 100, 'purchase', 'cs_2', '2025-09-01 11:00:00'",
    "3, 'u-ada', -30, 'usage', NULL, '2025-09-02 11:00:00'",
)
LAYOUTS = {
    "signed": SIGNED,
    "quoted camel case": entries(
        '"entryId" INTEGER, "userId" TEXT, "creditDelta" INTEGER, "entryType" TEXT, "ref" TEXT, '
        '"createdAt" TEXT',
        "1, 'u-ada', 100, 'PURCHASE', 'cs_1', '2025-09-01T10:00:00Z'",
        "2, 'u-bo', 100, 'PURCHASE', 'cs_2', '2025-09-01T11:00:00Z'",
        "3, 'u-ada', -30, 'USAGE', NULL, '2025-09-02T11:00:00Z'",
        table="CreditEntry",
    ),
    "sign by type": entries(
        "id INTEGER, account_id TEXT, credits INTEGER, type TEXT, meta TEXT, created_at TEXT",
        "1, 'u-ada', 100, 'purchase', '{\"session\": \"cs_1\"}', '2025-09-01 10:00:00'",
        "2, 'u-bo', 100, 'purchase', '{\"session\": \"cs_2\"}', '2025-09-01 11:00:00'",
        "3, 'u-ada', 30, 'spend', '{}', '2025-09-02 11:00:00'",
        table="app_credit_movements",
    ),
    "debit and credit": entries(
        "id INTEGER, user_id TEXT, debit INTEGER, credit INTEGER, memo TEXT, created_at TEXT",
        "1, 'u-ada', 0, 100, 'purchase cs_1', '2025-09-01 10:00:00'",
        "2, 'u-bo', 0, 100, 'purchase cs_2', '2025-09-01 11:00:00'",
        "3, 'u-ada', 30, 0, 'usage', '2025-09-02 11:00:00'",
        table="ledger_entries",
    ),
    "hundredths": entries(
        "id INTEGER, user_id TEXT, credit_amount INTEGER, kind TEXT, session TEXT, created_at TEXT",
        "1, 'u-ada', 10000, 'purchase', 'cs_1', '2025-09-01 10:00:00'",
        "2, 'u-bo', 10000, 'purchase', 'cs_2', '2025-09-01 11:00:00'",
        "3, 'u-ada', -3000, 'usage', NULL, '2025-09-02 11:00:00'",
    ),
    "deleted, failed and inactive rows": entries(
        "id INTEGER, user_id TEXT, amount INTEGER, kind TEXT, session TEXT, created_at TEXT, "
        "deleted_at TEXT, status TEXT, is_active INTEGER",
        "1, 'u-ada', 100, 'purchase', 'cs_1', '2025-09-01 10:00:00', NULL, 'completed', 1",
        "2, 'u-bo', 100, 'purchase', 'cs_2', '2025-09-01 11:00:00', NULL, 'completed', 1",
        "3, 'u-ada', -30, 'usage', NULL, '2025-09-02 11:00:00', NULL, 'completed', 1",
        "4, 'u-ada', 100, 'purchase', 'cs_3', '2025-09-02 11:00:00', '2025-09-03', 'completed', 1",
        "5, 'u-ada', 100, 'purchase', 'cs_3', '2025-09-02 11:00:00', NULL, 'failed', 1",
        "6, 'u-ada', 100, 'purchase', 'cs_3', '2025-09-02 11:00:00', NULL, 'completed', 0",
    ),
    "by the order's number in the metadata": entries(
        "id INTEGER, user_id TEXT, amount INTEGER, kind TEXT, order_no TEXT, created_at TEXT",
        "1, 'u-ada', 100, 'purchase', 'ORD-001', '2025-09-01 10:00:00'",
        "2, 'u-bo', 100, 'purchase', 'ORD-002', '2025-09-01 11:00:00'",
        "3, 'u-ada', -30, 'usage', NULL, '2025-09-02 11:00:00'",
    ),
    "by a table of orders": entries(
        "id INTEGER, user_id TEXT, amount INTEGER, kind TEXT, order_id INTEGER, created_at TEXT",
        "1, 'u-ada', 100, 'purchase', 71, '2025-09-01 10:00:00'",
        "2, 'u-bo', 100, 'purchase', 72, '2025-09-01 11:00:00'",
        "3, 'u-ada', -30, 'usage', NULL, '2025-09-02 11:00:00'",
    )
    + """CREATE TABLE orders (id INTEGER PRIMARY KEY, user_id TEXT, status TEXT, currency TEXT,
      stripe_session_id TEXT, total INTEGER);
      INSERT INTO orders VALUES (71, 'u-ada', 'paid', 'usd', 'cs_1', 900),
      (72, 'u-bo', 'paid', 'usd', 'cs_2', 900), (73, 'u-bo', 'open', 'usd', NULL, 900);""",
    "by a chain of tables": entries(
        "id INTEGER, user_id TEXT, amount INTEGER, kind TEXT, order_id INTEGER, created_at TEXT",
        "1, 'u-ada', 100, 'purchase', 71, '2025-09-01 10:00:00'",
        "2, 'u-bo', 100, 'purchase', 72, '2025-09-01 11:00:00'",
        "3, 'u-ada', -30, 'usage', NULL, '2025-09-02 11:00:00'",
    )
    + """CREATE TABLE orders (id INTEGER PRIMARY KEY, payment_id TEXT, status TEXT, total INTEGER);
      INSERT INTO orders VALUES (71, 'pay-a', 'paid', 900), (72, 'pay-b', 'paid', 900);
      CREATE TABLE payments (id TEXT PRIMARY KEY, status TEXT, currency TEXT, intent TEXT);
      INSERT INTO payments VALUES ('pay-a', 'paid', 'usd', 'cs_1'), ('pay-b', 'paid', 'usd', 'cs_2');""",
    "by orders whose number the session carries": entries(
        "id INTEGER, user_id TEXT, amount INTEGER, kind TEXT, order_id INTEGER, created_at TEXT",
        "1, 'u-ada', 100, 'purchase', 71, '2025-09-01 10:00:00'",
        "2, 'u-bo', 100, 'purchase', 72, '2025-09-01 11:00:00'",
        "3, 'u-ada', -30, 'usage', NULL, '2025-09-02 11:00:00'",
    )
    + """CREATE TABLE orders (id INTEGER PRIMARY KEY, number TEXT, status TEXT, currency TEXT);
      INSERT INTO orders VALUES (71, 'ORD-001', 'paid', 'usd'), (72, 'ORD-002', 'paid', 'usd');""",
    "by orders that name their entry": entries(
        "id INTEGER, user_id TEXT, amount INTEGER, kind TEXT, created_at TEXT",
        "1, 'u-ada', 100, 'purchase', '2025-09-01 10:00:00'",
        "2, 'u-bo', 100, 'purchase', '2025-09-01 11:00:00'",
        "3, 'u-ada', -30, 'usage', '2025-09-02 11:00:00'",
    )
    + """CREATE TABLE orders (id INTEGER PRIMARY KEY, credit_entry_id INTEGER, status TEXT,
      currency TEXT, stripe_session_id TEXT);
      INSERT INTO orders VALUES (71, 1, 'paid', 'usd', 'cs_1'), (72, 2, 'paid', 'usd', 'cs_2');""",
    "by an invoice beside its session": entries(
        "id INTEGER, user_id TEXT, amount INTEGER, kind TEXT, payment_id TEXT, created_at TEXT",
        "1, 'u-ada', 100, 'purchase', 'in_00000001', '2025-09-01 10:00:00'",
        "2, 'u-bo', 100, 'purchase', 'in_00000002', '2025-09-01 11:00:00'",
        "3, 'u-ada', -30, 'usage', NULL, '2025-09-02 11:00:00'",
    )
    + """CREATE TABLE payment (id INTEGER PRIMARY KEY, invoice_id TEXT, status TEXT, currency TEXT,
      session_id TEXT);
      INSERT INTO payment VALUES (71, 'in_00000001', 'paid', 'usd', 'cs_1'),
      (72, 'in_00000002', 'paid', 'usd', 'cs_2');""",
    "through a wallet": entries(
        "id INTEGER, wallet_id TEXT, amount INTEGER, kind TEXT, session TEXT, created_at TEXT",
        "1, 'w-1', 100, 'purchase', 'cs_1', '2025-09-01 10:00:00'",
        "2, 'w-2', 100, 'purchase', 'cs_2', '2025-09-01 11:00:00'",
        "3, 'w-1', -30, 'usage', NULL, '2025-09-02 11:00:00'",
    )
    + """CREATE TABLE wallets (id TEXT PRIMARY KEY, owner_id TEXT, balance INTEGER);
      INSERT INTO wallets VALUES ('w-1', 'u-ada', 70), ('w-2', 'u-bo', 100);""",
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_layout_is_understood_without_a_word_about_it(tmp_path: Path, name: str) -> None:
    evidence = load(tmp_path, LAYOUTS[name])
    assert moved(evidence) == BOUGHT_AND_USED
    assert evidence.users["user_id"].tolist() == ["u-ada", "u-bo"]


NUMBERED = (
    "id INTEGER, user_id TEXT, amount INTEGER, kind INTEGER, created_at TEXT",
    "1, 'u-ada', 100, 1, '2025-09-01 10:00:00'",
    "2, 'u-bo', 100, 1, '2025-09-01 11:00:00'",
    "3, 'u-ada', 30, 2, '2025-09-02 11:00:00'",
    "4, 'u-bo', 20, 2, '2025-09-02 12:00:00'",
)


def test_numbered_kinds_get_the_signs_that_make_the_balances_come_out(tmp_path: Path) -> None:
    balances = """CREATE TABLE balances (user_id TEXT, balance INTEGER);
        INSERT INTO balances VALUES ('u-ada', 70), ('u-bo', 80);"""
    evidence = load(tmp_path, entries(*NUMBERED) + balances)
    assert sorted(evidence.ledger["delta"]) == [-30, -20, 100, 100]
    assert evidence.balances[["user_id", "balance"]].values.tolist() == [
        ["u-ada", 70],
        ["u-bo", 80],
    ]


def test_numbered_kinds_are_called_what_their_table_says(tmp_path: Path) -> None:
    script = entries(*NUMBERED).replace("kind INTEGER", "kind_id INTEGER")
    kinds = """CREATE TABLE entry_kinds (id INTEGER PRIMARY KEY, name TEXT);
        INSERT INTO entry_kinds VALUES (1, 'Top-up'), (2, 'Consumption'), (3, 'Gift');"""
    evidence = load(tmp_path, script + kinds)
    assert [row[1:3] for row in moved(evidence)] == [
        (100, "purchase"), (100, "purchase"), (-30, "usage"), (-20, "usage"),
    ]  # fmt: skip


def test_numbered_kinds_without_balances_are_asked_about(tmp_path: Path) -> None:
    with pytest.raises(CaseError, match=r"neither words nor the stored balances") as caught:
        load(tmp_path, entries(*NUMBERED))
    assert "[ledger.entries]" in str(caught.value)


@pytest.mark.parametrize(
    ("table", "kind", "asked"),
    [
        ("credit_grants", "trial", False),
        ("credit_grants", "refund", True),
        ("credit_grants", "4", True),
        ("credit_entries", "trial", True),
    ],
)
def test_a_table_of_grants_adds_what_no_word_takes(
    tmp_path: Path, table: str, kind: str, asked: bool
) -> None:
    script = entries(
        "id INTEGER, user_id TEXT, amount INTEGER, source TEXT, created_at TEXT",
        "1, 'u-ada', 100, 'purchase', '2025-09-01 10:00:00'",
        f"2, 'u-bo', 20, '{kind}', '2025-09-01 11:00:00'",
        table=table,
    )
    if asked:
        with pytest.raises(CaseError, match="whether they add credits"):
            load(tmp_path, script)
    else:
        assert [row[:2] for row in moved(load(tmp_path, script))] == [("u-ada", 100), ("u-bo", 20)]


def test_the_answer_settles_what_was_asked(tmp_path: Path) -> None:
    evidence = load(tmp_path, entries(*NUMBERED), entries={"sign": {"2": -1}})
    assert sorted(evidence.ledger["delta"]) == [-30, -20, 100, 100]


def test_where_sign_and_scale_in_a_mapping_of_ones_own(tmp_path: Path) -> None:
    script = entries(
        "id INTEGER, who TEXT, cents INTEGER, what TEXT, ok INTEGER",
        "1, 'u-ada', 10000, 'in', 1",
        "2, 'u-ada', 3000, 'out', 1",
        "3, 'u-ada', 9900, 'out', 0",
        table="odd",
    )
    mapping = {
        "table": "odd",
        "columns": {"entry_id": "id", "user_id": "who", "delta": "cents", "type": "what"},
        "where": "ok = 1",
        "sign": {"out": -1},
        "scale": 100,
    }
    evidence = load(tmp_path, script, entries=mapping)
    assert [row[:2] for row in moved(evidence)] == [("u-ada", 100), ("u-ada", -30)]


def test_a_sign_needs_the_column_it_goes_by(tmp_path: Path) -> None:
    mapping = {"columns": {"user_id": "user_id", "delta": "amount"}, "sign": {"usage": -1}}
    mapping["table"] = "credit_entries"
    with pytest.raises(CaseError, match=r"sign needs columns\.type"):
        load(tmp_path, SIGNED, entries=mapping)


def test_two_tables_that_might_be_the_ledger_are_asked_about(tmp_path: Path) -> None:
    other = SIGNED.split(";", 2)[2].replace("credit_entries", "token_entries")
    other = other.replace("-30", "-31")
    with pytest.raises(CaseError, match="each may hold a part of the ledger"):
        load(tmp_path, SIGNED + other)
    evidence = load_again(tmp_path, entries={"table": "token_entries"})
    assert sorted(evidence.ledger["delta"]) == [-31, 100, 100]


def load_again(folder: Path, **ledger: Any) -> Evidence:
    return load(folder, "SELECT 1;", **ledger)


def test_entries_of_two_tables_are_one_ledger(tmp_path: Path) -> None:
    script = (
        USERS
        + """
    CREATE TABLE credit_purchases (id INTEGER, user_id TEXT, credits INTEGER, created_at TEXT);
    INSERT INTO credit_purchases VALUES (1, 'u-ada', 100, '2025-09-01'), (2, 'u-bo', 100, '2025-09-02');
    CREATE TABLE credit_usages (id INTEGER, user_id TEXT, credits INTEGER, created_at TEXT);
    INSERT INTO credit_usages VALUES (1, 'u-ada', 30, '2025-09-02'), (2, 'u-bo', 4, '2025-09-02');
    """
    )
    evidence = load(tmp_path, script)
    assert sorted((row[0], row[1], row[2]) for row in moved(evidence)) == [
        ("u-ada", -30, "usage"),
        ("u-ada", 100, "purchase"),
        ("u-bo", -4, "usage"),
        ("u-bo", 100, "purchase"),
    ]
    assert evidence.ledger["entry_id"].is_unique


def test_fractions_of_a_credit_are_kept_exactly(tmp_path: Path) -> None:
    script = SIGNED.replace("-30,", "-0.1,").replace("amount INTEGER", "amount NUMERIC")
    balances = """CREATE TABLE balances (user_id TEXT, balance NUMERIC);
        INSERT INTO balances VALUES ('u-ada', 99.9), ('u-bo', 100);"""
    evidence = load(tmp_path, script + balances)
    ledger = evidence.ledger.sort_values("entry_id")
    assert ledger["delta"].tolist() == [100, 100, 0]
    assert ledger["fraction"].fillna(0).tolist() == [0, 0, -100_000_000]
    assert evidence.balances.fillna(0).values.tolist() == [
        ["u-ada", 99, 9 * 10**8],
        ["u-bo", 100, 0],
    ]
    evidence.engine.register("coverage", measure_coverage(evidence.engine).coverage)
    assert evidence.engine.frame(find_balance_drift(Tables())).empty


def test_a_shop_without_entries_is_said_to_be_unknowable(tmp_path: Path) -> None:
    script = USERS.replace("name TEXT", "name TEXT, credits INTEGER")
    script = script.replace("'Ada')", "'Ada', 70)").replace("'Bo')", "'Bo', 100)")
    evidence = load(tmp_path, script)
    assert evidence.count("ledger") == 0
    assert evidence.users["user_id"].tolist() == ["u-ada", "u-bo"]
    assert "absent" in evidence.custody.gaps()["problem"].tolist()


def test_no_table_at_all_is_one_question(tmp_path: Path) -> None:
    with pytest.raises(CaseError, match="no table looks like entries of credits"):
        load(tmp_path, "CREATE TABLE notes (id INTEGER, body TEXT);")


def test_the_doctor_shows_what_was_decided(tmp_path: Path) -> None:
    shown = str(examine_evidence(load(tmp_path, LAYOUTS["sign by type"])))
    assert "Ledger as inferred" in shown
    assert "entries from app_credit_movements (certainty" in shown
    assert "takes credits: spend" in shown


def test_names_and_values_are_never_run(tmp_path: Path) -> None:
    evil = "'); DROP TABLE users; --"
    script = entries(
        'id INTEGER, user_id TEXT, "amount""; DROP TABLE users; --" INTEGER, kind TEXT, '
        "status TEXT, session TEXT, created_at TEXT",
        "1, 'u-ada', 100, 'purchase', 'completed', 'cs_1', '2025-09-01'",
        f"2, 'u-bo', 100, '{evil.replace(chr(39), chr(39) * 2)} purchase', 'completed', 'cs_2', "
        "'2025-09-01'",
        f"3, 'u-ada', 9, 'purchase', '{evil.replace(chr(39), chr(39) * 2)} failed', 'cs_3', "
        "'2025-09-01'",
    )
    evidence = load(tmp_path, script)
    assert [row[:2] for row in moved(evidence)] == [("u-ada", 100), ("u-bo", 100)]
    with sqlite3.connect(tmp_path / "ledger.db") as connection:
        assert connection.execute("SELECT count(*) FROM users").fetchone() == (2,)


def test_row_security_that_hides_every_row_is_refused(postgres_database: str) -> None:
    with psycopg.connect(postgres_database, autocommit=True) as connection:
        connection.execute(
            """CREATE TABLE credit_ledger (id int, user_id text, delta int, reason text,
                stripe_event_id text, created_at timestamptz);
            INSERT INTO credit_ledger VALUES (1, 'u-ada', 100, 'purchase', 'evt_1', now());
            CREATE POLICY own ON credit_ledger USING (user_id = current_user);
            ALTER TABLE credit_ledger ENABLE ROW LEVEL SECURITY;
            ALTER TABLE credit_ledger FORCE ROW LEVEL SECURITY;
            DROP ROLE IF EXISTS looks_only; CREATE ROLE looks_only LOGIN;
            GRANT SELECT ON credit_ledger TO looks_only"""
        )
    url = postgres_database.replace("postgres:@", "looks_only@")
    assert "looks_only" in url
    case = CaseFile.model_validate({"ledger": {"url": url}})
    with pytest.raises(CaseError, match="Row security shows 0 rows"):
        load_ledgers(Evidence(), case)


ORGANISATIONS = """
CREATE TABLE profiles (id TEXT PRIMARY KEY, email TEXT, name TEXT);
INSERT INTO profiles VALUES ('u-ada', 'ada@example.com', 'Ada'), ('u-bo', 'bo@example.com', 'Bo');
CREATE TABLE organizations (id TEXT PRIMARY KEY, name TEXT, owner_id TEXT, stripe_customer_id TEXT);
INSERT INTO organizations VALUES ('o-1', 'One', 'u-ada', 'cus_1'), ('o-2', 'Two', 'u-bo', 'cus_2');
CREATE TABLE organization_members (organization_id TEXT, user_id TEXT, role TEXT, joined_at TEXT,
  removed_at TEXT);
INSERT INTO organization_members VALUES ('o-1', 'u-bo', 'editor', '2025-08-01', '2025-09-01'),
  ('o-2', 'u-ada', 'viewer', '2025-08-02', NULL);
CREATE TABLE credit_transactions (id TEXT, organization_id TEXT, actor_user_id TEXT, delta INTEGER,
  type TEXT, stripe_session_id TEXT, created_at TEXT);
INSERT INTO credit_transactions VALUES
  ('1', 'o-1', 'u-ada', 100, 'purchase', 'cs_1', '2025-09-01 10:00:00'),
  ('2', 'o-2', 'u-bo', 100, 'purchase', 'cs_2', '2025-09-01 10:00:00'),
  ('3', 'o-1', 'u-bo', -30, 'usage', NULL, '2025-09-02 10:00:00');
"""


def test_organisations_own_credits_and_have_members(tmp_path: Path) -> None:
    evidence = load(tmp_path, ORGANISATIONS)
    assert [row[:2] for row in moved(evidence)] == [("o-1", 100), ("o-2", 100), ("o-1", -30)]
    members = evidence.engine.frame(Tables().memberships).astype(str)
    assert sorted(map(tuple, members[["account_id", "user_id", "role"]].to_numpy())) == [
        ("o-1", "u-ada", "owner"), ("o-1", "u-bo", "editor"),
        ("o-2", "u-ada", "viewer"), ("o-2", "u-bo", "owner"),
    ]  # fmt: skip
    assert members.loc[members["role"] == "editor", "until"].item().startswith("2025-09-01")
    assert set(members["email"]) == {"ada@example.com", "bo@example.com"}


def test_persons_say_themselves_which_organisation_they_are_of(tmp_path: Path) -> None:
    script = """CREATE TABLE companies (id TEXT, title TEXT, billing_email TEXT, created_at TEXT);
    INSERT INTO companies VALUES ('c1', 'One', 'pay@one.example', '2025-01-01'),
      ('c2', 'Two', 'pay@two.example', '2025-01-01');
    CREATE TABLE users (id TEXT, email TEXT, name TEXT, company_id TEXT);
    INSERT INTO users VALUES ('u-ada', 'ada@example.com', 'Ada', 'c1'),
      ('u-bo', 'bo@example.com', 'Bo', 'c2'), ('u-cy', 'cy@example.com', 'Cy', 'c1');
    CREATE TABLE credit_entries (id INTEGER, company_id TEXT, amount INTEGER, kind TEXT,
      session TEXT, created_at TEXT);
    INSERT INTO credit_entries VALUES (1, 'c1', 100, 'purchase', 'cs_1', '2025-09-01 10:00:00'),
      (2, 'c2', 100, 'purchase', 'cs_2', '2025-09-01 10:00:00');"""
    evidence = load(tmp_path, script)
    members = evidence.engine.frame(Tables().memberships)[["user_id", "account_id", "email"]]
    assert sorted(map(tuple, members.to_numpy())) == [
        ("u-ada", "c1", "ada@example.com"), ("u-bo", "c2", "bo@example.com"),
        ("u-cy", "c1", "cy@example.com"),
    ]  # fmt: skip


def test_persons_who_own_their_credits_are_members_of_nothing(tmp_path: Path) -> None:
    assert load(tmp_path, LAYOUTS["through a wallet"]).count("memberships") == 0


def test_a_table_without_rights_that_may_be_the_ledger_is_asked_about(
    postgres_database: str,
) -> None:
    with psycopg.connect(postgres_database, autocommit=True) as connection:
        connection.execute(
            """CREATE TABLE people (id text PRIMARY KEY, email text);
            CREATE TABLE credit_movements (id int, person_id text, amount int, made_at timestamptz);
            DROP ROLE IF EXISTS half_reader; CREATE ROLE half_reader LOGIN;
            GRANT SELECT ON people TO half_reader"""
        )
    case = CaseFile.model_validate(
        {"ledger": {"url": postgres_database.replace("postgres:@", "half_reader@")}}
    )
    with pytest.raises(CaseError, match="credit_movements cannot be read by this role"):
        load_ledgers(Evidence(), case)


def test_accounts_in_a_schema_of_their_own_are_joined_with_their_profiles(
    postgres_database: str,
) -> None:
    with psycopg.connect(postgres_database, autocommit=True) as connection:
        connection.execute(
            """CREATE SCHEMA auth;
            CREATE TABLE auth.users (id uuid PRIMARY KEY, email text, created_at timestamptz);
            CREATE TABLE profiles (id uuid PRIMARY KEY, full_name text, stripe_customer_id text);
            CREATE TABLE credit_entries (id int, user_id uuid, amount numeric(12, 4), type text,
                session_id text, created_at timestamptz);
            INSERT INTO auth.users SELECT ('00000000-0000-4000-8000-00000000000' || n)::uuid,
                'person' || n || '@example.com', '2025-08-01' FROM generate_series(1, 3) AS n;
            INSERT INTO profiles SELECT id, 'Person ' || right(id::text, 1),
                'cus_' || right(id::text, 1) FROM auth.users WHERE id::text NOT LIKE '%3';
            INSERT INTO credit_entries SELECT row_number() OVER (), id, 12.5, 'purchase',
                'cs_' || right(id::text, 1), '2025-09-01' FROM auth.users"""
        )
    evidence = Evidence()
    load_ledgers(evidence, CaseFile.model_validate({"ledger": {"url": postgres_database}}))
    assert evidence.users[["email", "name"]].fillna("").values.tolist() == [
        ["person1@example.com", "Person 1"],
        ["person2@example.com", "Person 2"],
        ["person3@example.com", ""],
    ]
    assert evidence.ledger[["delta", "fraction"]].values.tolist() == [[12, 5 * 10**8]] * 3
    assert evidence.ledger["payment_id"].tolist() == ["cs_1", "cs_2", "cs_3"]
    assert evidence.customers["customer_id"].tolist() == ["cus_1", "cus_2"]


OTHERS = {
    "the account by its e-mail address": entries(
        "id INTEGER, email TEXT, credits INTEGER, kind TEXT, session TEXT, created_at TEXT",
        "1, 'Ada@example.com', 100, 'purchase', 'cs_1', '2025-09-01 10:00:00'",
        "2, 'bo@example.com', 100, 'purchase', 'cs_2', '2025-09-01 11:00:00'",
        "3, 'ada@example.com', -30, 'usage', NULL, '2025-09-02 11:00:00'",
    ),
    "the account by its Stripe customer": entries(
        "id INTEGER, customer TEXT, credits INTEGER, kind TEXT, session TEXT, created_at TEXT",
        "1, 'cus_A1', 100, 'purchase', 'cs_1', '2025-09-01 10:00:00'",
        "2, 'cus_B2', 100, 'purchase', 'cs_2', '2025-09-01 11:00:00'",
        "3, 'cus_A1', -30, 'usage', NULL, '2025-09-02 11:00:00'",
    )
    .replace("name TEXT", "name TEXT, stripe_customer_id TEXT", 1)
    .replace("'Ada')", "'Ada', 'cus_A1')")
    .replace("'Bo')", "'Bo', 'cus_B2')"),
    "the balance before and after": entries(
        "id INTEGER, user_id TEXT, balance_before INTEGER, balance_after INTEGER, kind TEXT, "
        "session TEXT, created_at TEXT",
        "1, 'u-ada', 0, 100, 'purchase', 'cs_1', '2025-09-01 10:00:00'",
        "2, 'u-bo', 5, 105, 'purchase', 'cs_2', '2025-09-01 11:00:00'",
        "3, 'u-ada', 100, 70, 'usage', NULL, '2025-09-02 11:00:00'",
        table="credit_history",
    ),
    "the credits inside a payload": entries(
        "id INTEGER, user_id TEXT, kind TEXT, payload TEXT, created_at TEXT",
        "1, 'u-ada', 'purchase', '{\"credits\": 100, \"session\": \"cs_1\"}', '2025-09-01 10:00:00'",
        "2, 'u-bo', 'purchase', '{\"credits\": 100, \"session\": \"cs_2\"}', '2025-09-01 11:00:00'",
        "3, 'u-ada', 'usage', '{\"credits\": -30}', '2025-09-02 11:00:00'",
        table="credit_events",
    ),
    "the amount as text with a sign": entries(
        "id INTEGER, user_id TEXT, amount TEXT, kind TEXT, session TEXT, created_at TEXT",
        "1, 'u-ada', '+100', 'purchase', 'cs_1', '2025-09-01 10:00:00'",
        "2, 'u-bo', '+100', 'purchase', 'cs_2', '2025-09-01 11:00:00'",
        "3, 'u-ada', '-30', 'usage', NULL, '2025-09-02 11:00:00'",
    ),
    "a source of several kinds": entries(
        "id INTEGER, user_id TEXT, amount INTEGER, kind TEXT, source_type TEXT, source_id INTEGER, "
        "created_at TEXT",
        r"1, 'u-ada', 100, 'purchase', 'App\Models\Payment', 7, '2025-09-01 10:00:00'",
        r"2, 'u-bo', 100, 'purchase', 'App\Models\Payment', 8, '2025-09-01 11:00:00'",
        r"3, 'u-ada', -30, 'usage', 'App\Models\Image', 7, '2025-09-02 11:00:00'",
    )
    + """CREATE TABLE payments (id INTEGER PRIMARY KEY, status TEXT, currency TEXT, session TEXT);
      INSERT INTO payments VALUES (7, 'paid', 'usd', 'cs_1'), (8, 'paid', 'usd', 'cs_2');""",
}


@pytest.mark.parametrize("name", OTHERS)
def test_a_layout_out_of_the_ordinary_is_understood(tmp_path: Path, name: str) -> None:
    assert moved(load(tmp_path, OTHERS[name])) == BOUGHT_AND_USED


def test_text_payloads_and_kinds_of_a_source_on_postgresql(postgres_database: str) -> None:
    with psycopg.connect(postgres_database, autocommit=True) as connection:
        connection.execute(
            r"""CREATE TABLE users (id bigint PRIMARY KEY, email text);
            INSERT INTO users VALUES (1, 'ada@example.com'), (2, 'bo@example.com');
            CREATE TYPE movement AS ENUM ('topup', 'spend');
            CREATE TABLE credit_entries (id bigint, user_email text, amount text, kind movement,
                source_type text, source_id bigint, made_at timestamptz);
            INSERT INTO credit_entries VALUES
                (1, 'Ada@example.com', '100', 'topup', 'Payment', 7, '2025-09-01 10:00Z'),
                (2, 'bo@example.com', '100', 'topup', 'Payment', 8, '2025-09-01 11:00Z'),
                (3, 'ada@example.com', '2.5', 'spend', 'Image', 7, '2025-09-02 10:00Z');
            CREATE TABLE payments (id bigint PRIMARY KEY, status text, currency text, data jsonb);
            INSERT INTO payments VALUES (7, 'paid', 'usd', '{"session": "cs_1"}'),
                (8, 'paid', 'usd', '{"session": "cs_2"}')"""
        )
    evidence = Evidence()
    load_ledgers(evidence, CaseFile.model_validate({"ledger": {"url": postgres_database}}))
    assert moved(evidence) == [
        ("1", 100, "purchase", "cs_1"), ("2", 100, "purchase", "cs_2"), ("1", -2, "usage", None),
    ]  # fmt: skip
    assert evidence.ledger["fraction"].fillna(0).tolist() == [0, 0, -5 * 10**8]
