"""What is stored of inputs that grow, change, vanish, or break off."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

from credit_forensics.case_file import CaseFile
from credit_forensics.errors import CaseError
from credit_forensics.evidence.files import file_growth
from credit_forensics.evidence.ledgers.only_newer import Since, narrow_read
from credit_forensics.evidence.stored.refresh import refresh, refresh_quickly
from credit_forensics.evidence.stored.refresh_ledgers import refresh_balances
from credit_forensics.evidence.stored.rows import StoredRows
from credit_forensics.tables.catalogue import spec

LINE = "[2025-09-01T{at}+0000 - app.base - {level}] {text}\n"


def session(n: int, **more: object) -> str:
    made = {
        "id": f"cs_test_{n}",
        "object": "checkout.session",
        "created": 1_756_700_000 + n,
        "payment_status": "paid",
        "status": "complete",
        "mode": "payment",
        "amount_total": 399,
        "currency": "eur",
        "livemode": True,
        "metadata": {"user_id": f"u{n}"},
        **more,
    }
    return json.dumps(made) + "\n"


def delivery(n: int, minute: int, *, ends: bool = True) -> str:
    at = f"{10 + minute // 60:02d}:{minute % 60:02d}"

    def say(second: int, text: str, level: str = "INFO") -> str:
        return LINE.format(at=f"{at}:{second:02d}", level=level, text=text)

    text = (
        say(1, f"\U0001f50d WEBHOOK REQUEST ANALYSIS [ID: webhook-{n}]")
        + say(2, f"✅ Stripe signature verified [Event: evt_{n:06d}]")
        + say(3, f"\U0001f50d FORENSIC EVENT ANALYSIS [Event: evt_{n:06d}]")
        + say(3, f"   Session ID: cs_test_{n}")
        + say(4, f"✅ RESOLUTION METHOD 1: user_id from metadata = u{n}")
    )
    if ends:
        text += say(5, f"\U0001f389 PERFECT SUCCESS: 50 credits added to user u{n}")
        text += say(5, f"   Event: evt_{n:06d}") + say(5, f"   Session: cs_test_{n}")
    return text


def case_at(folder: Path, **sections: object) -> CaseFile:
    return CaseFile.model_validate({"folder": folder, **sections})


def refreshed(case: CaseFile) -> dict[str, pd.DataFrame]:
    """Refresh as a tick does, and what is stored then."""
    with StoredRows(case.folder / "rows.duckdb", case) as stored:
        refresh_quickly(stored)
        return {
            name: stored.connection.sql(f"SELECT * FROM stored.{name}").df()
            for name in ("stripe_sessions", "deliveries", "ledger", "users", "touched", "inputs")
        }


def judged(case: CaseFile) -> None:
    """As after a first judgement: from here on news is noted."""
    with StoredRows(case.folder / "rows.duckdb", case) as stored:
        refresh(stored)
        stored.put("basis", "{}")


def test_lines_at_the_end_are_taken_and_a_half_line_waits_for_its_rest(tmp_path):
    path = tmp_path / "sessions.jsonl"
    path.write_text(session(1) + session(2))
    case = case_at(tmp_path, stripe={"sessions": "sessions.jsonl"})
    judged(case)
    third = session(3)
    with path.open("a") as file:
        file.write(third[:20])
    assert sorted(refreshed(case)["stripe_sessions"]["session_id"]) == ["cs_test_1", "cs_test_2"]
    with path.open("a") as file:
        file.write(third[20:] + session(4))
    stored = refreshed(case)
    assert sorted(stored["stripe_sessions"]["session_id"]) == [f"cs_test_{n}" for n in (1, 2, 3, 4)]
    assert len(stored["touched"]) == 2


def test_a_file_written_anew_replaces_what_was_kept_of_it(tmp_path):
    path = tmp_path / "sessions.jsonl"
    path.write_text(session(1) + session(2))
    case = case_at(tmp_path, stripe={"sessions": "*.jsonl"})
    judged(case)
    path.write_text(session(5) + session(2) + session(6))
    stored = refreshed(case)
    assert sorted(stored["stripe_sessions"]["session_id"]) == [
        "cs_test_2",
        "cs_test_5",
        "cs_test_6",
    ]
    assert stored["touched"]["h"].nunique() == 4
    (tmp_path / "more.jsonl").write_text(session(7))
    path.unlink()
    assert refreshed(case)["stripe_sessions"]["session_id"].tolist() == ["cs_test_7"]


def test_an_archive_or_an_array_that_changed_is_read_whole(tmp_path):
    path = tmp_path / "sessions.json"
    path.write_text("[" + session(1) + "]")
    case = case_at(tmp_path, stripe={"sessions": "sessions.json"})
    judged(case)
    path.write_text("[" + session(1) + "," + session(2) + "]")
    assert sorted(refreshed(case)["stripe_sessions"]["session_id"]) == ["cs_test_1", "cs_test_2"]


def test_a_log_grows_in_the_middle_of_a_delivery_and_keeps_its_line_numbers(tmp_path, monkeypatch):
    monkeypatch.setattr("credit_forensics.evidence.stored.refresh_files.LOG_OVERLAP", 1500)
    path = tmp_path / "w.log"
    whole = "".join(delivery(n, n) for n in range(60))
    case = case_at(tmp_path, webhook_log={"files": "w.log"})
    data = whole.encode()
    path.write_bytes(data[:9_000])
    judged(case)
    for end in (9_100, 15_000, 15_001, 22_000, len(data)):
        with path.open("ab") as file:
            file.write(data[path.stat().st_size : end])
        stored = refreshed(case)["deliveries"]
        assert stored["source_line"].is_unique
    expected = load_evidence_of(case)
    columns = ["event_id", "payment_id", "received_at", "outcome", "source_file", "source_line"]
    order = ["source_line"]
    pd.testing.assert_frame_equal(
        stored[columns].sort_values(order).reset_index(drop=True),
        expected[columns].sort_values(order).reset_index(drop=True),
        check_dtype=False,
    )
    assert len(stored) == 60


def load_evidence_of(case: CaseFile) -> pd.DataFrame:
    from credit_forensics.evidence.evidence import Evidence
    from credit_forensics.evidence.logs.load import load_webhook_logs

    evidence = Evidence()
    load_webhook_logs(evidence, case)
    return evidence.connection.sql("SELECT * FROM deliveries").df()


def test_a_rotated_log_is_told_from_one_that_grew(tmp_path):
    path = tmp_path / "w.log"
    path.write_text(delivery(1, 1) + delivery(2, 2))
    case = case_at(tmp_path, webhook_log={"files": "w.log*"})
    judged(case)
    path.rename(tmp_path / "w.log.1")
    path.write_text(delivery(3, 3) + delivery(4, 4) + delivery(5, 5))
    stored = refreshed(case)["deliveries"]
    assert sorted(stored["event_id"]) == [f"evt_{n:06d}" for n in (1, 2, 3, 4, 5)]
    assert stored["source_file"].value_counts().to_dict() == {"w.log": 3, "w.log.1": 2}


def ledger_at(folder: Path) -> sqlite3.Connection:
    db = sqlite3.connect(folder / "ledger.db")
    db.executescript(
        """CREATE TABLE users (id TEXT PRIMARY KEY, email TEXT, name TEXT, created_at TEXT);
        CREATE TABLE credit_ledger (id INTEGER PRIMARY KEY, user_id TEXT, delta INTEGER,
            reason TEXT, stripe_event_id TEXT, created_at TEXT);
        CREATE TABLE user_credits (user_id TEXT PRIMARY KEY, total_credits INTEGER);"""
    )
    return db


def test_a_ledger_is_read_from_its_last_entries_on_late_ones_included(tmp_path):
    db = ledger_at(tmp_path)
    rows = [(n, "00123", 1, "usage", None, f"2025-09-01 10:{n % 60:02d}:00") for n in range(1, 50)]
    insert = "INSERT INTO credit_ledger VALUES (?, ?, ?, ?, ?, ?)"
    late, other = rows.pop(20), rows.pop(30)
    with db:
        db.executemany(insert, rows)
        db.execute("INSERT INTO users VALUES ('00123', 'a@example.com', 'Ada', '2025-08-01')")
    case = case_at(tmp_path, ledger={"url": "sqlite:///ledger.db"})
    judged(case)
    with db:
        db.execute(insert, late)
        db.execute(insert, (60, "00124", 50, "stripe_purchase", "evt_9", "2025-09-03 10:00:00"))
        db.execute("UPDATE credit_ledger SET delta = 7 WHERE id = 5")
        db.execute("INSERT INTO users VALUES ('00124', 'b@example.com', 'Bo', '2025-09-02')")
    stored = refreshed(case)
    assert len(stored["ledger"]) == 49
    assert stored["ledger"]["entry_id"].is_unique
    assert stored["ledger"].set_index("entry_id")["delta"]["5"] == 7
    assert sorted(stored["users"]["user_id"]) == ["00123", "00124"]
    touched = stored["touched"]
    assert touched["is_user"].sum() == 2
    assert other[0] not in stored["ledger"]["entry_id"].astype(int).tolist()
    # Nothing new, nothing touched.
    with StoredRows(tmp_path / "rows.duckdb", case) as opened:
        opened.connection.execute("DELETE FROM stored.touched")
        refresh_quickly(opened)
        assert opened.connection.sql("SELECT * FROM stored.touched").fetchall() == []


def test_what_changed_in_place_is_seen_when_everything_is_read(tmp_path):
    db = ledger_at(tmp_path)
    with db:
        db.execute("INSERT INTO users VALUES ('u1', 'a@example.com', 'Ada', '2025-01-01')")
        db.execute("INSERT INTO users VALUES ('u2', 'b@example.com', 'Bo', '2025-09-01')")
    case = case_at(tmp_path, ledger={"url": "sqlite:///ledger.db"})
    judged(case)
    with db:
        db.execute("UPDATE users SET email = 'new@example.com' WHERE id = 'u1'")
        db.execute("DELETE FROM users WHERE id = 'u2'")
    with StoredRows(tmp_path / "rows.duckdb", case) as stored:
        refresh(stored)
        assert stored.connection.sql("SELECT user_id, email FROM stored.users").fetchall() == [
            ("u1", "new@example.com")
        ]


def test_another_case_file_or_a_damaged_store_begins_anew(tmp_path):
    (tmp_path / "sessions.jsonl").write_text(session(1))
    case = case_at(tmp_path, stripe={"sessions": "sessions.jsonl"})
    judged(case)
    priced = case_at(tmp_path, stripe={"sessions": "sessions.jsonl"}, prices={"p": 50})
    with StoredRows(tmp_path / "rows.duckdb", priced) as stored:
        assert stored.judged, "rows as they are read depend on no price"
    changed = case_at(tmp_path, stripe={"files": "sessions.jsonl"})
    with StoredRows(tmp_path / "rows.duckdb", changed) as stored:
        assert not stored.judged
    judged(case)
    (tmp_path / "rows.duckdb").write_bytes(b"no database" * 1000)
    stored = refreshed(case)
    assert stored["stripe_sessions"]["session_id"].tolist() == ["cs_test_1"]


def test_an_input_that_is_gone_or_unreadable_is_said(tmp_path):
    case = case_at(tmp_path, stripe={"sessions": "sessions.jsonl"})
    with pytest.raises(CaseError, match=r"stripe\.sessions"):
        refreshed(case)


def test_a_store_in_use_is_refused(tmp_path):
    case = case_at(tmp_path)
    judged(case)
    script = (
        "import sys, time, duckdb\n"
        "held = duckdb.connect(sys.argv[1])\n"
        "print('open', flush=True)\n"
        "time.sleep(60)\n"
    )
    store = str(tmp_path / "rows.duckdb")
    process = subprocess.Popen([sys.executable, "-c", script, store], stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        process.stdout.readline()
        with pytest.raises(CaseError, match="in use"):
            StoredRows(Path(store), case)
    finally:
        process.kill()
        process.communicate()


def test_killed_while_reading_it_reads_again_and_nothing_twice(tmp_path):
    for name in ("a", "b", "c"):
        lines = "".join(session(ord(name) * 100_000 + n) for n in range(4_000))
        (tmp_path / f"{name}.jsonl").write_text(lines)
    (tmp_path / "case.toml").write_text('[stripe]\nsessions = "*.jsonl"\n')
    script = (
        "import sys\n"
        "from pathlib import Path\n"
        "from credit_forensics.case_file import read_case_file\n"
        "from credit_forensics.evidence.stored.refresh import refresh_quickly\n"
        "from credit_forensics.evidence.stored.rows import StoredRows\n"
        "case = read_case_file(sys.argv[1])\n"
        "with StoredRows(Path(sys.argv[1], 'rows.duckdb'), case) as stored:\n"
        "    print('open', flush=True)\n"
        "    refresh_quickly(stored)\n"
    )
    for pause in (0.0, 0.15, 0.4):
        process = subprocess.Popen(
            [sys.executable, "-c", script, str(tmp_path)], stdout=subprocess.PIPE
        )
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(pause)
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
    subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=True, capture_output=True)
    import duckdb

    with duckdb.connect(str(tmp_path / "rows.duckdb"), read_only=True) as db:
        found = db.execute(
            "SELECT count(*), count(DISTINCT session_id) FROM stripe_sessions"
        ).fetchall()
    assert found == [(12_000, 12_000)]


def test_growth_is_told_by_content_not_by_name(tmp_path):
    path = tmp_path / "x"
    path.write_text("one\ntwo\n")
    seen = file_growth.look(path)
    assert (seen.offset, seen.lines) == (8, 2)
    assert file_growth.from_json(seen.to_json()) == seen
    assert file_growth.compare(path, seen) == "same"
    with path.open("a") as file:
        file.write("three\nfo")
    assert file_growth.compare(path, seen) == "grown"
    after = file_growth.look(path, seen)
    assert (after.offset, after.lines) == (14, 3)
    for other in ("one\n", "One\ntwo\nthree\n", "one\ntwO\nthree\n", ""):
        path.write_text(other)
        assert file_growth.compare(path, seen) == "other"


class Columns:
    """Stands for a database of which only the dialect and a query's columns are asked."""

    def __init__(self, dialect: str, **columns: str) -> None:
        self.dialect, self._columns = dialect, columns

    def describe(self, _query: str) -> list[tuple[str, str]]:
        return list(self._columns.items())


@pytest.mark.parametrize(
    ("database", "part", "since", "expected"),
    [
        (Columns("postgresql", entry_id="int8"), "entries", Since(50_000, {}), "entry_id > 48000"),
        (Columns("postgresql", entry_id="uuid"), "entries", Since(None, {}), ""),
        (Columns("postgresql", user_id="uuid"), "balances", Since(None, {}), "1 = 0"),
        (Columns("postgresql", user_id="int8"), "balances", Since(None, {}), "user_id IN ('7')"),
        (
            Columns("postgresql", user_id="text"),
            "balances",
            Since(None, {}),
            "user_id IN ('7', 'o''b')",
        ),
        (Columns("sqlite", entry_id=""), "entries", Since(20_000, {}), "entry_id > 18000"),
    ],
)
def test_reads_are_narrowed_as_far_as_the_columns_allow(database, part, since, expected):
    from credit_forensics.evidence.ledgers.read_plan import Read

    read = Read(part, part, "SELECT 1")
    narrowed = narrow_read(database, read, since, ["7", "o'b"])
    assert narrowed is not None
    assert narrowed.query.endswith(f"WHERE {expected}") if expected else narrowed == read


@pytest.mark.parametrize("counting", [True, False])
def test_postgresql_is_asked_for_what_is_new_only(tmp_path, postgres_database, counting):
    import psycopg

    key = "bigint" if counting else "uuid DEFAULT gen_random_uuid()"
    case = case_at(tmp_path, ledger={"url": postgres_database})
    with psycopg.connect(postgres_database, autocommit=True) as db:
        db.execute(
            f"""CREATE TABLE users (id uuid PRIMARY KEY, email text, name text,
                created_at timestamptz);
            CREATE TABLE credit_ledger (id {key} PRIMARY KEY, user_id uuid, delta int,
                reason text, stripe_event_id text, created_at timestamptz);
            CREATE TABLE user_credits (user_id uuid PRIMARY KEY, total_credits int);
            INSERT INTO users SELECT md5(n::text)::uuid, n || '@example.com', 'Ada', '2025-01-01'
                FROM generate_series(1, 3) n;
            INSERT INTO user_credits SELECT id, 10 FROM users"""
        )
        number = "n," if counting else ""
        columns = ("id, " if counting else "") + "user_id, delta, reason, created_at"
        fill = f"""INSERT INTO credit_ledger ({columns})
            SELECT {number} md5((n %% 3 + 1)::text)::uuid, 1, 'usage',
                '2025-09-01'::timestamptz + n * interval '1 minute'
            FROM generate_series(%s::int, %s::int) n"""
        db.execute(fill, [1, 30_000])
        judged(case)
        db.execute(fill, [30_001, 30_005])
        db.execute("UPDATE user_credits SET total_credits = 77")
        with StoredRows(tmp_path / "rows.duckdb", case) as stored:
            refresh_quickly(stored)
            read = stored.connection.sql("SELECT count(*) FROM main.ledger").fetchall()[0][0]
            assert 5 <= read < 12_000
            assert stored.connection.sql("SELECT count(*) FROM stored.ledger").fetchall() == [
                (30_005,)
            ]
            user = stored.connection.sql("SELECT min(user_id) FROM stored.ledger").fetchall()[0][0]
            refresh_balances(stored, [user, "no-uuid", "o'b"])
            balances = stored.connection.sql(
                "SELECT balance, count(*) FROM stored.balances GROUP BY 1 ORDER BY 1"
            ).fetchall()
            assert balances == [(10, 2), (77, 1)]


def test_what_was_put_into_memory_is_gone_for_the_next_file(tmp_path):
    with StoredRows(tmp_path / "rows.duckdb", CaseFile(folder=tmp_path)) as rows:
        run = rows.clear().connection.execute
        run("INSERT INTO ledger BY NAME SELECT 'e1' AS entry_id")
        run("CREATE OR REPLACE TABLE users AS SELECT 'u1' AS user_id WHERE false")
        assert rows.filled(["ledger", "users"]) == ["ledger"]
        rows.clear()
        assert rows.filled(["ledger", "users"]) == []
        assert rows.count("main.ledger") == 0
        columns = run("SELECT * FROM users").description
        assert [column[0] for column in columns] == spec("users").column_names
