"""Ledgers in other languages and of other shapes: read as they are, or asked about, never guessed."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pandas as pd
import psycopg
import pyarrow as pa
import pytest

from credit_forensics.case_file import CaseFile
from credit_forensics.errors import CaseError
from credit_forensics.evidence.evidence import Evidence
from credit_forensics.evidence.ledgers.inference.languages import in_english
from credit_forensics.evidence.ledgers.load import link_ledger, load_ledgers

SESSIONS = pa.schema([("session_id", pa.string()), ("metadata", pa.map_(pa.string(), pa.string()))])


def sold(*users: str) -> Evidence:
    """Evidence of a session of 100 credits for each user: cs_1, cs_2, …"""
    evidence = Evidence()
    rows = [
        {"session_id": f"cs_{n}", "metadata": [("user_id", user), ("credits", "100")]}
        for n, user in enumerate(users, start=1)
    ]
    evidence.add("stripe_sessions", pa.Table.from_pylist(rows, SESSIONS))
    return evidence


def load(
    folder: Path, script: str, users: tuple[str, ...] = ("a1", "b2"), **ledger: Any
) -> Evidence:
    connection = sqlite3.connect(folder / "ledger.db")
    connection.executescript(script)
    connection.close()
    evidence = sold(*users)
    section = {"url": "sqlite:///ledger.db", **ledger}
    load_ledgers(evidence, CaseFile.model_validate({"ledger": section, "folder": folder}))
    return evidence


def moved(evidence: Evidence) -> list[tuple[Any, ...]]:
    """User, credits, kind and payment of each entry, in order of their keys."""
    rows = evidence.ledger.sort_values("entry_id")[["user_id", "delta", "kind", "payment_id"]]
    return [tuple(None if pd.isna(v) else v for v in row) for row in rows.itertuples(index=False)]


WANTED = [
    ("a1", 100, "purchase", "cs_1"),
    ("b2", 100, "purchase", "cs_2"),
    ("a1", -30, "usage", None),
]
USERS = """CREATE TABLE users (id TEXT PRIMARY KEY, email TEXT, name TEXT);
INSERT INTO users VALUES ('a1', 'ada@example.com', 'Ada'), ('b2', 'bo@example.com', 'Bo');"""
LANGUAGES = {
    "German": """
        CREATE TABLE kunden (kunden_id TEXT PRIMARY KEY, mail TEXT, vorname TEXT, nachname TEXT);
        INSERT INTO kunden VALUES ('a1', 'ada@x.de', 'Ada', 'Lo'), ('b2', 'bo@x.de', 'Bo', 'Sto');
        CREATE TABLE guthabenbuchungen (buchungs_id INTEGER PRIMARY KEY, kunden_id TEXT,
          betrag INTEGER, buchungsart TEXT, verwendungszweck TEXT, gebucht_am TEXT);
        INSERT INTO guthabenbuchungen VALUES
          (1, 'a1', 100, 'KAUF', 'Stripe cs_1', '2025-09-01 10:00:00'),
          (2, 'b2', 100, 'KAUF', 'Stripe cs_2', '2025-09-01 11:00:00'),
          (3, 'a1', 30, 'VERBRAUCH', '-', '2025-09-02 10:00:00');""",
    "French": """
        CREATE TABLE utilisateurs (id TEXT PRIMARY KEY, courriel TEXT, prenom TEXT, nom TEXT);
        INSERT INTO utilisateurs VALUES ('a1', 'ada@x.fr', 'Ada', 'Lo'), ('b2', 'b@x.fr', 'Bo', 'Sto');
        CREATE TABLE mouvements_credits (id INTEGER PRIMARY KEY, utilisateur_id TEXT,
          montant INTEGER, sens TEXT, motif TEXT, reference TEXT, date_mouvement TEXT);
        INSERT INTO mouvements_credits VALUES
          (1, 'a1', 100, 'credit', 'Achat de crédits', 'cs_1', '2025-09-01 10:00:00'),
          (2, 'b2', 100, 'credit', 'Achat de crédits', 'cs_2', '2025-09-01 11:00:00'),
          (3, 'a1', 30, 'debit', 'Utilisation', NULL, '2025-09-02 10:00:00');""",
    "Spanish": """
        CREATE TABLE usuarios (id TEXT PRIMARY KEY, correo TEXT, nombre TEXT);
        INSERT INTO usuarios VALUES ('a1', 'ada@x.es', 'Ada'), ('b2', 'bo@x.es', 'Bo');
        CREATE TABLE movimientos (id INTEGER PRIMARY KEY, usuario_id TEXT, cantidad INTEGER,
          tipo TEXT, referencia TEXT, fecha TEXT);
        INSERT INTO movimientos VALUES (1, 'a1', 100, 'compra', 'cs_1', '2025-09-01 10:00:00'),
          (2, 'b2', 100, 'compra', 'cs_2', '2025-09-01 11:00:00'),
          (3, 'a1', 30, 'consumo', NULL, '2025-09-02 10:00:00');""",
    "Portuguese, by accounts": """
        CREATE TABLE usuarios (id TEXT PRIMARY KEY, email TEXT, nome TEXT);
        INSERT INTO usuarios VALUES ('a1', 'ada@x.br', 'Ada'), ('b2', 'bo@x.br', 'Bo');
        CREATE TABLE contas (id INTEGER PRIMARY KEY, usuario_id TEXT, cliente_stripe TEXT);
        INSERT INTO contas VALUES (901, 'a1', 'cus_1'), (902, 'b2', 'cus_2');
        CREATE TABLE lancamentos (id INTEGER PRIMARY KEY, conta_id INTEGER, valor INTEGER,
          natureza TEXT, historico TEXT, id_externo TEXT, criado_em TEXT);
        INSERT INTO lancamentos VALUES
          (1, 901, 100, 'C', 'Compra de créditos', 'cs_1', '2025-09-01 10:00:00'),
          (2, 902, 100, 'C', 'Compra de créditos', 'cs_2', '2025-09-01 11:00:00'),
          (3, 901, 30, 'D', 'Uso', NULL, '2025-09-02 10:00:00');""",
    "pinyin": """
        CREATE TABLE yonghu (yonghu_id TEXT PRIMARY KEY, youxiang TEXT, nicheng TEXT);
        INSERT INTO yonghu VALUES ('a1', 'ada@x.cn', 'Ada'), ('b2', 'bo@x.cn', 'Bo');
        CREATE TABLE dingdan (dingdan_hao TEXT PRIMARY KEY, zhuangtai TEXT, stripe_session TEXT);
        INSERT INTO dingdan VALUES ('DD01', 'yizhifu', 'cs_1'), ('DD02', 'yizhifu', 'cs_2');
        CREATE TABLE jifen_mingxi (id INTEGER PRIMARY KEY, yonghu_id TEXT, jifen INTEGER,
          leixing TEXT, dingdan_hao TEXT, chuangjian_shijian TEXT);
        INSERT INTO jifen_mingxi VALUES (1, 'a1', 100, 'chongzhi', 'DD01', '2025-09-01 10:00:00'),
          (2, 'b2', 100, 'chongzhi', 'DD02', '2025-09-01 11:00:00'),
          (3, 'a1', -30, 'xiaofei', NULL, '2025-09-02 10:00:00');""",
}


@pytest.mark.parametrize("language", LANGUAGES)
def test_names_and_kinds_in_other_languages(tmp_path: Path, language: str) -> None:
    evidence = load(tmp_path, LANGUAGES[language])
    assert moved(evidence) == WANTED
    assert len(evidence.users) == 2
    assert evidence.users["email"].notna().all()


@pytest.mark.parametrize(
    ("word", "english"),
    [
        ("kontostand", ("balance",)),
        ("guthabenkauf", ("credit", "purchase")),
        ("kundennummer", ("customer", "number")),
        # English words that look like joined German ones stay what they are.
        ("standard", ("standard",)),
        ("transport", ("transport",)),
        ("credit", ("credit",)),
    ],
)
def test_words_in_english(word: str, english: tuple[str, ...]) -> None:
    assert in_english(word) == english


def entries(columns: str, *rows: str, table: str = "credit_entries") -> str:
    values = ", ".join(f"({row})" for row in rows)
    return f"{USERS} CREATE TABLE {table} ({columns}); INSERT INTO {table} VALUES {values};"


SHAPES = {
    "an owner in a table of links": """CREATE TABLE up_users (id TEXT, email TEXT, username TEXT);
INSERT INTO up_users VALUES ('a1', 'ada@example.com', 'ada'), ('b2', 'bo@example.com', 'bo');
CREATE TABLE credit_transactions (id INTEGER, amount INTEGER, type TEXT, session TEXT, created_at TEXT);
INSERT INTO credit_transactions VALUES (11, 100, 'purchase', 'cs_1', '2025-09-01'),
  (12, 100, 'purchase', 'cs_2', '2025-09-01'), (13, -30, 'usage', NULL, '2025-09-02');
CREATE TABLE credit_transactions_user_lnk
  (id INTEGER, credit_transaction_id INTEGER, user_id TEXT, credit_transaction_ord INTEGER);
INSERT INTO credit_transactions_user_lnk VALUES (1, 11, 'a1', 1), (2, 12, 'b2', 1), (3, 13, 'a1', 2);""",
    "a log of points in WordPress": """
CREATE TABLE wp_users (ID TEXT, user_login TEXT, user_email TEXT, display_name TEXT);
INSERT INTO wp_users VALUES ('a1', 'ada', 'ada@example.com', 'Ada'), ('b2', 'bo', 'bo@example.com', 'Bo');
CREATE TABLE wp_myCRED_log (id INTEGER, ref TEXT, ref_id INTEGER, user_id TEXT, creds INTEGER,
  ctype TEXT, time INTEGER, entry TEXT, data TEXT);
INSERT INTO wp_myCRED_log VALUES
  (1, 'buy_creds', 0, 'a1', 100, 'mycred_default', 1756720000, 'Purchase', 'cs_1'),
  (2, 'buy_creds', 0, 'b2', 100, 'mycred_default', 1756720100, 'Purchase', 'cs_2'),
  (3, 'comment', 9, 'a1', -30, 'mycred_default', 1756720200, 'usage', '');""",
    "the entry's own id and kind": entries(
        "entry_id INTEGER, user_id TEXT, tokens INTEGER, entry_type TEXT, ref TEXT, created_at TEXT",
        "1, 'a1', 100, 'pack_purchase', 'cs_1', '2025-09-01 10:00:00'",
        "2, 'b2', 100, 'pack_purchase', 'cs_2', '2025-09-01 11:00:00'",
        "3, 'a1', 30, 'consumption', NULL, '2025-09-02 10:00:00'",
    ),
    "a kind by what it holds": entries(
        "id INTEGER, user_id TEXT, points INTEGER, event TEXT, details TEXT, at TEXT",
        "1, 'a1', 100, 'purchase', '{\"s\": \"cs_1\"}', '2025-09-01 10:00:00'",
        "2, 'b2', 100, 'purchase', '{\"s\": \"cs_2\"}', '2025-09-01 11:00:00'",
        "3, 'a1', 30, 'used', '{}', '2025-09-02 10:00:00'",
    ),
    "an account by what it holds": entries(
        "n INTEGER, who TEXT, amt TEXT, memo TEXT, at REAL",
        "1, 'a1', '+100', 'bought cs_1', 1756720800.0",
        "2, 'b2', '+100', 'bought cs_2', 1756724400.0",
        "3, 'a1', '-30', 'used', 1756807200.0",
        table="ledger",
    ),
    "a journal and its postings": f"""{USERS}
        CREATE TABLE accounts (id INTEGER PRIMARY KEY, code TEXT, user_id TEXT);
        INSERT INTO accounts VALUES (1, 'house', NULL), (2, 'user:a1', 'a1'), (3, 'user:b2', 'b2');
        CREATE TABLE journals (id INTEGER PRIMARY KEY, description TEXT, session TEXT, posted_at TEXT);
        INSERT INTO journals VALUES (7, 'Credit purchase', 'cs_1', '2025-09-01 10:00:00'),
          (8, 'Credit purchase', 'cs_2', '2025-09-01 11:00:00'),
          (9, 'Usage', NULL, '2025-09-02 10:00:00');
        CREATE TABLE postings (id INTEGER PRIMARY KEY, journal_id INTEGER, account_id INTEGER,
          amount INTEGER);
        INSERT INTO postings VALUES (1, 7, 2, 100), (2, 8, 3, 100), (3, 9, 2, -30),
          (11, 7, 1, -100), (12, 8, 1, -100), (13, 9, 1, 30);""",
    "a kind of which the balance beside it tells": entries(
        "id INTEGER, user_id TEXT, amount INTEGER, what TEXT, balance_after INTEGER, ref TEXT, "
        "created_at TEXT",
        "1, 'a1', 100, 'purchase', 100, 'cs_1', '2025-09-01 10:00:00'",
        "2, 'b2', 100, 'purchase', 100, 'cs_2', '2025-09-01 11:00:00'",
        "3, 'a1', 30, 'generation', 70, NULL, '2025-09-02 10:00:00'",
        table="credit_log",
    ).replace("what TEXT", "type TEXT"),
    "times by the words of other systems": entries(
        "id INTEGER, uid TEXT, points INTEGER, biz_type TEXT, biz_id TEXT, gmt_create INTEGER",
        "1, 'a1', 100, 'purchase', 'cs_1', 1756720800000",
        "2, 'b2', 100, 'purchase', 'cs_2', 1756724400000",
        "3, 'a1', -30, 'usage', NULL, 1756807200000",
        table="point_ledger",
    ),
    "drafts and cancelled documents of Frappe": entries(
        "name TEXT, creation TEXT, docstatus INTEGER, user TEXT, credits INTEGER, entry_type TEXT, "
        "payment TEXT",
        "'CRE-1', '2025-09-01 10:00:00', 1, 'a1', 100, 'Purchase', 'cs_1'",
        "'CRE-2', '2025-09-01 11:00:00', 1, 'b2', 100, 'Purchase', 'cs_2'",
        "'CRE-3', '2025-09-02 10:00:00', 1, 'a1', -30, 'Usage', NULL",
        "'CRE-4', '2025-09-02 10:00:00', 0, 'b2', 100, 'Purchase', 'cs_3'",
        "'CRE-5', '2025-09-02 10:00:00', 2, 'b2', 100, 'Purchase', 'cs_3'",
        table='"tabCredit Ledger Entry"',
    ),
    "lots of which one was bought": entries(
        "id INTEGER, user_id TEXT, granted INTEGER, remaining INTEGER, source TEXT, source_ref TEXT, "
        "granted_at TEXT",
        "1, 'a1', 100, 70, 'buy', 'cs_1', '2025-09-01 10:00:00'",
        "2, 'b2', 100, 100, 'buy', 'cs_2', '2025-09-01 11:00:00'",
        table="credit_grants",
    )
    + """CREATE TABLE credit_deductions (id INTEGER, grant_id INTEGER, user_id TEXT, amount INTEGER,
          reason TEXT, created_at TEXT);
        INSERT INTO credit_deductions VALUES (3, 1, 'a1', 30, 'use', '2025-09-02 10:00:00');""",
}  # fmt: skip


@pytest.mark.parametrize("shape", SHAPES)
def test_shapes_that_are_read(tmp_path: Path, shape: str) -> None:
    evidence = load(tmp_path, SHAPES[shape])
    assert sorted(moved(evidence), key=repr) == sorted(WANTED, key=repr)
    assert evidence.ledger["created_at"].notna().all()
    assert len(evidence.custody.rejects()) == 0


TWO_OWNERS = entries(
    "id INTEGER, owner_type TEXT, owner_id INTEGER, amount INTEGER, kind TEXT, ref TEXT, created_at TEXT",
    "1, 'User', 2, 100, 'purchase', 'cs_1', '2025-09-01'",
    "2, 'Team', 2, 100, 'purchase', 'cs_2', '2025-09-01'",
).replace("'a1'", "2")
TENANTS = "".join(
    entries(
        "id INTEGER, user_id TEXT, amount INTEGER, kind TEXT, ref TEXT, created_at TEXT",
        f"{n}, '{user}', 100, 'purchase', 'cs_{n}', '2025-09-01'",
        table=f"credit_ledger_{name}",
    ).replace(USERS, USERS * (n == 1))
    for n, (name, user) in enumerate((("acme", "a1"), ("beta", "b2")), start=1)
)
QUESTIONS = {
    "user 2 and team 2": (TWO_OWNERS, "belong to Team and User|belong to User and Team"),
    "a ledger for each tenant": (TENANTS, "each may hold a part of the ledger"),
    "paid and free credits": (
        entries(
            "id INTEGER, user_id TEXT, paid_credits INTEGER, free_credits INTEGER, kind TEXT, ref TEXT, "
            "created_at TEXT",
            "1, 'a1', 100, 0, 'purchase', 'cs_1', '2025-09-01'",
            "2, 'b2', 0, 5, 'bonus', NULL, '2025-09-01'",
        ),
        "several columns that may be the credits",
    ),
    "only the running balance falls": (
        entries(
            "id INTEGER, user_id TEXT, amount INTEGER, balance_after INTEGER, label TEXT, ref TEXT, "
            "created_at TEXT",
            "1, 'a1', 100, 100, 'Pack', 'cs_1', '2025-09-01'",
            "2, 'a1', 30, 70, 'Video 17', NULL, '2025-09-02'",
        ),
        "its running balance falls",
    ),
}  # fmt: skip


@pytest.mark.parametrize("shape", QUESTIONS)
def test_shapes_that_are_asked_about(tmp_path: Path, shape: str) -> None:
    script, question = QUESTIONS[shape]
    with pytest.raises(CaseError, match=question):
        load(tmp_path, script)


def test_one_kind_of_owner_is_no_question(tmp_path: Path) -> None:
    one = TWO_OWNERS.replace("'Team', 2", "'User', 3")
    assert [row[:2] for row in moved(load(tmp_path, one, ("2", "3")))] == [("2", 100), ("3", 100)]


@pytest.mark.parametrize(("held", "counts"), [(100, False), (200, True)])
def test_states_by_number_are_settled_by_the_balances(
    tmp_path: Path, held: int, counts: bool
) -> None:
    script = entries(
        "id INTEGER, user_id TEXT, amount INTEGER, kind TEXT, state INTEGER, ref TEXT, created_at TEXT",
        "1, 'a1', 100, 'purchase', 2, 'cs_1', '2025-09-01'",
        "2, 'b2', 100, 'purchase', 2, 'cs_2', '2025-09-01'",
        "3, 'a1', 100, 'purchase', 0, NULL, '2025-09-01'",
    )
    script += f"""CREATE TABLE balances (user_id TEXT, balance INTEGER);
        INSERT INTO balances VALUES ('a1', {held}), ('b2', 100);"""
    if counts:
        # Every row counts: nothing says so but that all of them together are the balance.
        assert len(moved(load(tmp_path, script))) == 3
    else:
        assert [row[:2] for row in moved(load(tmp_path, script))] == [("a1", 100), ("b2", 100)]


def test_what_bonuses_added_is_no_stored_balance(tmp_path: Path) -> None:
    script = entries(
        "id INTEGER, user_id TEXT, amount INTEGER, kind TEXT, ref TEXT, created_at TEXT",
        "1, 'a1', 100, 'purchase', 'cs_1', '2025-09-01'",
        "2, 'b2', 20, 'bonus', NULL, '2025-09-01'",
    )
    script += """CREATE TABLE bonuses (id INTEGER, user_id TEXT, credits INTEGER, created_at TEXT);
        INSERT INTO bonuses VALUES (1, 'b2', 20, '2025-09-01'), (2, 'a1', 7, '2025-09-01');"""
    assert load(tmp_path, script).count("balances") == 0


def test_a_journal_that_names_the_event_ties_by_it(tmp_path: Path) -> None:
    script = SHAPES["a journal and its postings"].replace("cs_1", "evt_1").replace("cs_2", "evt_2")
    evidence = load(tmp_path, script)
    evidence.add("payments", pd.DataFrame({"payment_id": ["cs_1", "cs_2"]}))
    evidence.add(
        "events", pd.DataFrame({"event_id": ["evt_1", "evt_2"], "payment_id": ["cs_1", "cs_2"]})
    )
    link_ledger(evidence)
    assert [row[3] for row in moved(evidence)] == ["cs_1", "cs_2", None]


def test_parts_of_a_partitioned_table_are_not_its_rivals(postgres_database: str) -> None:
    with psycopg.connect(postgres_database, autocommit=True) as connection:
        connection.execute(USERS)
        connection.execute(
            """CREATE TABLE credit_events (id bigint, user_id text, delta integer, kind text, ref text,
              occurred_at timestamptz NOT NULL) PARTITION BY RANGE (occurred_at);
            CREATE TABLE credit_events_a PARTITION OF credit_events
              FOR VALUES FROM ('2025-09-01') TO ('2025-09-02');
            CREATE TABLE credit_events_b PARTITION OF credit_events
              FOR VALUES FROM ('2025-09-02') TO ('2025-09-03');
            INSERT INTO credit_events VALUES
              (1, 'a1', 100, 'purchase', 'cs_1', '2025-09-01 10:00Z'),
              (2, 'b2', 100, 'purchase', 'cs_2', '2025-09-01 11:00Z'),
              (3, 'a1', -30, 'usage', NULL, '2025-09-02 10:00Z')"""
        )
    evidence = sold("a1", "b2")
    load_ledgers(evidence, CaseFile.model_validate({"ledger": {"url": postgres_database}}))
    assert moved(evidence) == WANTED


def test_ids_of_bytes_are_the_ids_that_they_are(postgres_database: str) -> None:
    ids = ("a3c1b6f2-0d1e-4b7a-9c55-1f2e3d4c5b6a", "b7d2c8e4-1f3a-4c6b-8d99-2a3b4c5d6e7f")
    ada, bo = (f"'\\x{one.replace('-', '')}'" for one in ids)
    with psycopg.connect(postgres_database, autocommit=True) as connection:
        connection.execute(
            f"""CREATE TABLE users (id bytea PRIMARY KEY, email text, name text);
            INSERT INTO users VALUES ({ada}, 'ada@example.com', 'Ada'), ({bo}, 'bo@x.com', 'Bo');
            CREATE TABLE credit_ledger (id bytea PRIMARY KEY, user_id bytea, delta integer, kind text,
              ref text, created_at timestamptz);
            INSERT INTO credit_ledger VALUES
              ('\\x01', {ada}, 100, 'purchase', 'cs_1', '2025-09-01 10:00Z'),
              ('\\x02', {bo}, 100, 'purchase', 'cs_2', '2025-09-01 11:00Z')"""
        )
    evidence = sold(*ids)
    load_ledgers(evidence, CaseFile.model_validate({"ledger": {"url": postgres_database}}))
    assert [row[0] for row in moved(evidence)] == list(ids)


@pytest.mark.parametrize("time", ["ts", "txn_ts"])
def test_the_only_time_of_entries_tells_no_versions(tmp_path: Path, time: str) -> None:
    """A payment that was booked twice is two entries, and a kind's code is nobody's key."""
    script = entries(
        f"txn_no INTEGER PRIMARY KEY, user_id TEXT, credits INTEGER, txn_cd TEXT, ref TEXT, {time} TEXT",
        "1, 'a1', 100, 'PURCHASE', 'cs_1', '2025-09-01 10:00:00'",
        "2, 'a1', 100, 'PURCHASE', 'cs_1', '2025-09-01 10:01:00'",
        "3, 'b2', 100, 'PURCHASE', 'cs_2', '2025-09-01 11:00:00'",
        "4, 'a1', -30, 'USAGE', NULL, '2025-09-02 10:00:00'",
    )
    evidence = load(tmp_path, script)
    assert moved(evidence) == [WANTED[0], WANTED[0], *WANTED[1:]]
    assert evidence.ledger["created_at"].dt.month.tolist() == [9] * 4


def test_the_version_of_an_event_is_its_streams(tmp_path: Path) -> None:
    script = f"""{USERS} CREATE TABLE event_store (position INTEGER PRIMARY KEY, stream_id TEXT,
          version INTEGER, event_type TEXT, data TEXT, recorded_at TEXT);
        INSERT INTO event_store VALUES
          (1, 'wallet-a1', 1, 'CreditsPurchased', '{{"userId": "a1", "credits": 100, "ref": "cs_1"}}',
            '2025-09-01T10:00:00Z'),
          (2, 'wallet-a1', 2, 'CreditsPurchased', '{{"userId": "a1", "credits": 100, "ref": "cs_1"}}',
            '2025-09-01T10:01:00Z'),
          (3, 'wallet-b2', 1, 'CreditsPurchased', '{{"userId": "b2", "credits": 100, "ref": "cs_2"}}',
            '2025-09-01T11:00:00Z'),
          (4, 'wallet-b2', 2, 'CreditsGrantedByStaff', '{{"userId": "b2", "credits": 5}}',
            '2025-09-02T11:00:00Z');"""
    assert [row[:2] for row in moved(load(tmp_path, script))] == [
        ("a1", 100), ("a1", 100), ("b2", 100), ("b2", 5),
    ]  # fmt: skip


def test_the_customers_name_is_found_behind_other_words(tmp_path: Path) -> None:
    script = entries(
        "id INTEGER, cust_no TEXT, credits INTEGER, txn_cd TEXT, pay_ref TEXT, txn_ts TEXT",
        "1, 'a1', 100, 'PURCHASE', 'cs_1', '2025-09-01 10:00:00'",
        "2, 'b2', 100, 'PURCHASE', 'cs_2', '2025-09-01 11:00:00'",
    )
    columns = "(cust_no TEXT PRIMARY KEY, email_addr TEXT, company_name TEXT, cust_nm TEXT)"
    script = script.replace(
        "users (id TEXT PRIMARY KEY, email TEXT, name TEXT)", f"t_cust {columns}"
    )
    script = script.replace("INTO users", "INTO t_cust").replace(".com', '", ".com', 'Acme', '")
    assert sorted(load(tmp_path, script).frame("users")["name"]) == ["Ada", "Bo"]


def test_a_wallets_number_is_no_users_though_users_have_it_too(tmp_path: Path) -> None:
    """Each user has a wallet of paid credits and one of free ones; numbers count from one."""
    script = """CREATE TABLE users (id INTEGER, email TEXT, name TEXT);
        INSERT INTO users VALUES (2, 'ada@example.com', 'Ada'), (3, 'bo@example.com', 'Bo');
        CREATE TABLE wallets (id INTEGER, user_id INTEGER, kind TEXT);
        INSERT INTO wallets VALUES (1, 2, 'paid'), (2, 2, 'free'), (3, 3, 'paid'), (4, 3, 'free');
        CREATE TABLE wallet_entries (id INTEGER, wallet_id INTEGER, amount INTEGER, type TEXT,
            ref TEXT, created_at TEXT);
        INSERT INTO wallet_entries VALUES (1, 1, 100, 'purchase', 'cs_1', '2025-09-01'),
            (2, 3, 100, 'purchase', 'cs_2', '2025-09-01'), (3, 2, 5, 'welcome', NULL, '2025-09-01'),
            (4, 4, 5, 'welcome', NULL, '2025-09-01');"""
    assert [row[0] for row in moved(load(tmp_path, script, ("2", "3")))] == ["2", "3", "2", "3"]
