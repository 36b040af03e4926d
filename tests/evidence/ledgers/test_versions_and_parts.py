"""Rows of which versions are stored, and tables of which each holds a part: read, or asked."""

from __future__ import annotations

import json
from pathlib import Path

import psycopg
import pytest
from small_ledgers import WANTED, load, moved, table

from credit_forensics.case_file import CaseFile
from credit_forensics.errors import CaseError
from credit_forensics.evidence.evidence import Evidence
from credit_forensics.evidence.ledgers.load import load_ledgers

ENTRY = "id, user_id, amount, type, ref, created_at"
FIRST = "1, 7, 100, 'purchase', 'cs_1', '2025-09-01'"
SECOND = "2, 8, 100, 'purchase', 'cs_2', '2025-09-01'"
SPENT = "3, 7, -30, 'usage', NULL, '2025-09-02'"
WRONG = "2, 7, 100, 'purchase', 'cs_2', '2025-09-01'"  # what stood there before it was put right
OLD = "2025-09-01"


def change(op: str, before: str | None, after: str | None, at: int, blank: str = "_") -> str:
    """A change as capture of changes writes it: the row before and after, as JSON.

    ``blank`` stands between the words of a key.
    """

    def image(row: str | None) -> str:
        if row is None:
            return "NULL"
        values = [v.strip().strip("'") for v in row.split(",")]
        names = ENTRY.split(", ")
        names = [name.replace("_", blank) for name in names]
        found = {n: None if v == "NULL" else v for n, v in zip(names, values, strict=True)}
        return f"'{json.dumps(found | {'amount': int(found['amount'] or 0)})}'"

    return f"'{op}', {image(before)}, {image(after)}, {at}"


VERSIONS = {
    "the end of a row that was replaced": table(
        "credit_entries", f"{ENTRY}, valid_from, valid_to",
        f"{FIRST}, '2025-09-01', NULL", f"{WRONG}, '2025-09-01', '2025-09-03'",
        f"{SECOND}, '2025-09-03', NULL", f"{SPENT}, '2025-09-02', NULL",
    ),
    "an end that never comes": table(
        "credit_entries", f"{ENTRY}, sys_start, sys_end",
        f"{FIRST}, '2025-09-01', '9999-12-31 23:59:59'", f"{WRONG}, '2025-09-01', '2025-09-03'",
        f"{SECOND}, '2025-09-03', '9999-12-31 23:59:59'",
        f"{SPENT}, '2025-09-02', '9999-12-31 23:59:59'",
    ),
    "a period": table(
        "credit_entries", f"{ENTRY}, sys_period",
        f"""{FIRST}, '["2025-09-01 00:00:00+00",)'""",
        f"""{WRONG}, '["2025-09-01 00:00:00+00","2025-09-03 00:00:00+00")'""",
        f"""{SECOND}, '["2025-09-03 00:00:00+00",)'""",
        f"""{SPENT}, '["2025-09-02 00:00:00+00",)'""",
    ),
    "a flag": table(
        "credit_entries", f"{ENTRY}, is_current",
        f"{FIRST}, 1", f"{WRONG}, 0", f"{SECOND}, 1", f"{SPENT}, 1",
    ),
    "a number of the version, as text": table(
        "credit_entries", f"{ENTRY}, version TEXT",
        f"{FIRST}, '1'", f"{WRONG}, '9'", f"{SECOND}, '10'", f"{SPENT}, '1'",
    ),
    "what takes its place": table(
        "credit_entries", f"{ENTRY}, superseded_by",
        f"{FIRST}, NULL", "9, 7, 100, 'purchase', 'cs_2', '2025-09-01', 2", f"{SECOND}, NULL",
        f"{SPENT}, NULL",
    ),
    "what it takes the place of": table(
        "credit_entries", f"{ENTRY}, supersedes_id",
        f"{FIRST}, NULL", "9, 7, 100, 'purchase', 'cs_2', '2025-09-01', NULL", f"{SECOND}, 9",
        f"{SPENT}, NULL",
    ),
    "a table of versions beside": table("credit_ledger", ENTRY, FIRST, SECOND, SPENT) + table(
        "credit_ledger_history", f"history_id, {ENTRY}, operation, changed_at",
        f"1, {FIRST}, 'INSERT', '2025-09-01'", f"2, {WRONG}, 'INSERT', '2025-09-01'",
        f"3, {WRONG}, 'UPDATE', '2025-09-03'",
    ),
    "a table of audit alone": table(
        "credit_ledger_audit", f"audit_id, {ENTRY}, operation, changed_at",
        f"1, {FIRST}, 'INSERT', '2025-09-01'", f"2, {WRONG}, 'INSERT', '2025-09-01'",
        f"3, {SECOND}, 'UPDATE', '2025-09-03'", f"4, {SPENT}, 'INSERT', '2025-09-02'",
        "5, 4, 7, 500, 'bonus', NULL, '2025-09-02', 'INSERT', '2025-09-02'",
        "6, 4, 7, 500, 'bonus', NULL, '2025-09-02', 'DELETE', '2025-09-03'",
    ),
    "a framework's history": table(
        "billing_historicalcredittransaction",
        f"{ENTRY}, history_id, history_date, history_type",
        f"{FIRST}, 1, '2025-09-01', '+'", f"{WRONG}, 2, '2025-09-01', '+'",
        f"{SECOND}, 3, '2025-09-03', '~'", f"{SPENT}, 4, '2025-09-02', '+'",
    ),
    "changes with the row before and after": table(
        "credit_ledger_changes", "op, before, after, ts_ms",
        change("c", None, FIRST, 1), change("c", None, WRONG, 2), change("u", WRONG, SECOND, 3),
        change("c", None, SPENT, 4), change("c", None, SPENT.replace("3", "5", 1), 5),
        change("d", SPENT.replace("3", "5", 1), None, 6),
    ),
    "changes whose keys are headings with blanks": table(
        "credit_ledger_changes", "op, before, after, ts_ms",
        change("c", None, FIRST, 1, " "), change("c", None, WRONG, 2, " "),
        change("u", WRONG, SECOND, 3, " "), change("c", None, SPENT, 4, " "),
    ),
    "changes unwrapped": table(
        "credit_ledger", f"{ENTRY}, __op, __ts_ms, __deleted",
        f"{FIRST}, 'r', 1, 'false'", f"{WRONG}, 'r', 1, 'false'", f"{SECOND}, 'u', 3, 'false'",
        f"{SPENT}, 'c', 4, 'false'", f"{SPENT.replace('3', '5', 1)}, 'c', 5, 'false'",
        f"{SPENT.replace('3', '5', 1)}, 'd', 6, 'true'",
    ),
    "a connector's changes, with the moment a row was deleted": table(
        "credit_ledger", f"{ENTRY}, _ab_cdc_lsn, _ab_cdc_deleted_at",
        f"{FIRST}, 1, NULL", f"{WRONG}, 2, NULL", f"{SECOND}, 3, NULL", f"{SPENT}, 4, NULL",
        "4, 7, 500, 'bonus', NULL, '2025-09-02', 5, NULL",
        "4, 7, 500, 'bonus', NULL, '2025-09-02', 6, '2025-09-05'",
    ),
    "a connector's history": table(
        "credit_ledger", f"{ENTRY}, _fivetran_start, _fivetran_end, _fivetran_active",
        f"{FIRST}, '2025-09-01', '9999-12-31', 1", f"{WRONG}, '2025-09-01', '2025-09-03', 0",
        f"{SECOND}, '2025-09-03', '9999-12-31', 1", f"{SPENT}, '2025-09-02', '9999-12-31', 1",
    ),
}  # fmt: skip


@pytest.mark.parametrize("layout", VERSIONS)
def test_only_the_current_version_counts(tmp_path: Path, layout: str) -> None:
    evidence = load(tmp_path, VERSIONS[layout])
    assert moved(evidence) == WANTED
    assert evidence.count("ledger") == 3


ALL_COUNT = {
    "a counter that guards against writing at once": table(
        "credit_entries", f"{ENTRY}, lock_version", f"{FIRST}, 1", f"{SECOND}, 2", f"{SPENT}, 1",
    ),
    "lots that expire": table(
        "credit_entries", f"{ENTRY}, valid_from, valid_until",
        f"{FIRST}, '2025-09-01', '2025-12-01'", f"{SECOND}, '2025-09-01', '2025-12-01'",
        f"{SPENT}, '2025-09-02', NULL",
    ),
    "a double entry's number that stands twice": table(
        "credit_entries", "id, transaction_id, user_id, amount, type, ref, created_at, updated_at",
        "1, 90, 7, 100, 'purchase', 'cs_1', '2025-09-01', '2025-09-01'",
        "2, 91, 8, 100, 'purchase', 'cs_2', '2025-09-01', '2025-09-01'",
        "3, 91, 7, -30, 'usage', NULL, '2025-09-02', '2025-09-02'",
    ),
}  # fmt: skip


@pytest.mark.parametrize("layout", ALL_COUNT)
def test_what_only_looks_like_versions_counts(tmp_path: Path, layout: str) -> None:
    evidence = load(tmp_path, ALL_COUNT[layout])
    assert moved(evidence) == WANTED


NO_KEY = "user_id, amount, type, ref, created_at"
PARTS = {
    "a table a month": table("credit_entries_2025_09", ENTRY, FIRST, SECOND)
    + table("credit_entries_2025_10", ENTRY, SPENT),
    "a table a year whose numbers start anew": table("ledger_2024", ENTRY, FIRST)
    + table("ledger_2025", ENTRY, SECOND.replace("2", "1", 1).replace("09-01", "09-05"),
            SPENT.replace("3", "2", 1).replace("09-02", "09-06")),
    "months by name": table("credits_aug", ENTRY, FIRST) + table("credits_sep", ENTRY, SECOND, SPENT),
    "shards": table("credit_tx_0", ENTRY, FIRST, SPENT) + table("credit_tx_1", ENTRY, SECOND),
    "an archive": table("credit_ledger", ENTRY, SECOND, SPENT)
    + table("credit_ledger_archive", f"{ENTRY}, archived_at", f"{FIRST}, '2025-10-01'"),
    "an archive of what still stands in the ledger": table("credit_ledger", ENTRY, SECOND, SPENT)
    + table("credit_ledger_archive", ENTRY, FIRST, SECOND),
    "a month that lacks a column": table(
        "credit_entries_2025_09", "id, user_id, amount, type, ref, created_at, note",
        f"{FIRST}, 'x'", f"{SECOND}, 'y'",
    ) + table("credit_entries_2025_08", ENTRY, SPENT),
    "a view over all": table("credit_entries_2025_09", ENTRY, FIRST, SECOND)
    + table("credit_entries_2025_10", ENTRY, SPENT)
    + "CREATE VIEW credit_entries AS SELECT * FROM credit_entries_2025_09 "
    "UNION ALL SELECT * FROM credit_entries_2025_10;",
    "an old copy that holds no more": table("credit_ledger", ENTRY, FIRST, SECOND, SPENT)
    + table("credit_ledger_backup", ENTRY, FIRST, SECOND),
    "months of versions": table(
        "credit_entries_2025_09", f"{ENTRY}, version",
        f"{FIRST}, 1", f"{WRONG}, 1", f"{SECOND}, 2",
    ) + table("credit_entries_2025_10", f"{ENTRY}, version", f"{SPENT}, 1"),
}  # fmt: skip


@pytest.mark.parametrize("layout", PARTS)
def test_parts_are_read_as_one_ledger(tmp_path: Path, layout: str) -> None:
    evidence = load(tmp_path, PARTS[layout])
    found = {(user, credits, ref) for user, credits, ref in moved(evidence)}
    assert found == WANTED
    assert evidence.count("ledger") == 3
    assert evidence.frame("ledger")["entry_id"].is_unique


ASKED = {
    "a row that the archive has otherwise": table("credit_ledger", ENTRY, SECOND, SPENT)
    + table("credit_ledger_archive", ENTRY, FIRST, WRONG),
    "numbers that are in two shards": table("credit_tx_1", ENTRY, FIRST, SPENT)
    + table("credit_tx_2", ENTRY, SECOND.replace("2", "1", 1)),
    "a copy that holds more": table("credit_ledger", ENTRY, SECOND, SPENT)
    + table("credit_ledger_backup", ENTRY, FIRST, SECOND),
    "equal rows without a number of their own": table(
        "credit_entries_2025_09", NO_KEY, *(row.split(", ", 1)[1] for row in (FIRST, SECOND))
    ) + table("credit_entries_2025_10", NO_KEY, *(r.split(", ", 1)[1] for r in (SECOND, SPENT))),
}  # fmt: skip


@pytest.mark.parametrize("layout", ASKED)
def test_parts_that_may_be_copies_are_asked_about(tmp_path: Path, layout: str) -> None:
    with pytest.raises(CaseError, match="part of the ledger, or be an old copy"):
        load(tmp_path, ASKED[layout])


@pytest.mark.parametrize("extra", ["valid_to", "version"])
def test_versions_that_no_number_holds_together_are_asked_about(tmp_path: Path, extra: str) -> None:
    older, newer = ("'2025-09-03'", "NULL") if extra == "valid_to" else ("1", "2")
    rows = [f"{FIRST}, {newer}", f"{WRONG}, {older}".replace("2", "9", 1), f"{SECOND}, {newer}"]
    with pytest.raises(CaseError, match="versions of one entry, or entries of their own"):
        load(tmp_path, table("credit_entries", f"{ENTRY}, {extra}", *rows, f"{SPENT}, {newer}"))


@pytest.mark.parametrize(
    "stored",
    [
        table("credit_balances", "user_id, balance, valid_from, valid_to",
              f"7, 100, '{OLD}', '2025-09-02'", "7, 70, '2025-09-02', NULL", f"8, 100, '{OLD}', NULL"),
        table("balance_snapshots", "user_id, balance, snapshot_date",
              f"7, 100, '{OLD}'", "7, 70, '2025-09-02'", f"8, 100, '{OLD}'"),
        table("wallets", "id, user_id, balance, version", "1, 7, 100, 1", "1, 7, 70, 2", "2, 8, 100, 1"),
    ],
)  # fmt: skip
def test_of_a_balances_history_the_last_is_compared(tmp_path: Path, stored: str) -> None:
    evidence = load(tmp_path, table("credit_entries", ENTRY, FIRST, SECOND, SPENT) + stored)
    balances = evidence.balances
    assert dict(zip(balances["user_id"], balances["balance"], strict=True)) == {"7": 70, "8": 100}


HEAD = "id,user_id,amount,type,ref,created_at\n"
FILES = {
    "a file a month": ["1,7,100,purchase,cs_1,2025-08-01", "2,8,100,purchase,cs_2,2025-09-01"],
    "numbers that start anew": ["1,7,100,purchase,cs_1,2025-08-01",
                                "1,8,100,purchase,cs_2,2025-09-01"],
    "exports that overlap": ["1,7,100,purchase,cs_1,2025-08-01\n2,8,100,purchase,cs_2,2025-09-01",
                             "2,8,100,purchase,cs_2,2025-09-01"],
}  # fmt: skip


@pytest.mark.parametrize("names", [("ledger-2025-08", "ledger-2025-09"), ("first", "second")])
@pytest.mark.parametrize("kind", FILES)
def test_several_files_of_one_table_count_each_entry_once(
    tmp_path: Path, kind: str, names: tuple[str, str]
) -> None:
    for name, rows in zip(names, FILES[kind], strict=True):
        (tmp_path / f"{name}.csv").write_text(f"{HEAD}{rows}\n", encoding="utf-8")
    (tmp_path / "users.csv").write_text("id,email\n7,a@example.com\n8,b@example.com\n", "utf-8")
    files = {"entries": [f"{name}.csv" for name in names], "users": "users.csv"}
    section = {"ledger": {"files": files}, "folder": tmp_path}
    evidence = Evidence()
    if kind == "numbers that start anew" and names[0] == "first":
        with pytest.raises(CaseError, match="part of the ledger, or be an old copy"):
            load_ledgers(evidence, CaseFile.model_validate(section))
        return
    load_ledgers(evidence, CaseFile.model_validate(section))
    assert sorted(evidence.ledger["user_id"]) == ["7", "8"]
    assert evidence.ledger["entry_id"].is_unique


ON_A_SERVER = {
    "versions": """CREATE TABLE credit_entries (id int, user_id int, amount int, type text, ref text,
        created_at timestamptz, sys_period tstzrange, doc jsonb);
        INSERT INTO credit_entries VALUES
        (1, 7, 100, 'purchase', 'cs_1', '2025-09-01', '[2025-09-01,)', '{}'),
        (2, 7, 100, 'purchase', 'cs_2', '2025-09-01', '[2025-09-01,2025-09-03)', '{}'),
        (2, 8, 100, 'purchase', 'cs_2', '2025-09-01', '[2025-09-03,)', '{}'),
        (3, 7, -30, 'usage', NULL, '2025-09-02', '[2025-09-02,infinity)', '{}')""",
    "images": """CREATE TABLE credit_audit (audit_id serial, op text, old_record jsonb,
        record jsonb, ts timestamptz);
        INSERT INTO credit_audit (op, old_record, record, ts) VALUES
        ('INSERT', NULL, '{"id": 1, "user_id": 7, "amount": 100, "type": "purchase",
          "ref": "cs_1", "created_at": "2025-09-01"}', '2025-09-01'),
        ('INSERT', NULL, '{"id": 2, "user_id": 7, "amount": 100, "type": "purchase",
          "ref": "cs_2", "created_at": "2025-09-01"}', '2025-09-02'),
        ('UPDATE', '{"id": 2}', '{"id": 2, "user_id": 8, "amount": 100, "type": "purchase",
          "ref": "cs_2", "created_at": "2025-09-01"}', '2025-09-03'),
        ('INSERT', NULL, '{"id": 3, "user_id": 7, "amount": -30, "type": "usage", "ref": null,
          "created_at": "2025-09-02"}', '2025-09-04')""",
    "parts": """CREATE TABLE credit_entries_2025_08 (id uuid, user_id int, amount int, type text,
        ref text, created_at timestamptz, meta jsonb);
        CREATE TABLE credit_entries_2025_09 (id uuid, user_id bigint, amount bigint, type text,
        ref text, created_at timestamptz, meta jsonb);
        INSERT INTO credit_entries_2025_08 VALUES (gen_random_uuid(), 7, 100, 'purchase', 'cs_1',
        '2025-08-01', '{}'), (gen_random_uuid(), 8, 100, 'purchase', 'cs_2', '2025-08-02', '{}');
        INSERT INTO credit_entries_2025_09 VALUES
        (gen_random_uuid(), 7, -30, 'usage', NULL, '2025-09-02', '{}');
        INSERT INTO credit_entries_2025_09 SELECT * FROM credit_entries_2025_08 WHERE user_id = 8""",
}


@pytest.mark.parametrize("layout", ON_A_SERVER)
def test_a_server_reads_the_same(tmp_path: Path, postgres_database: str, layout: str) -> None:
    with psycopg.connect(postgres_database, autocommit=True) as connection:
        connection.execute(ON_A_SERVER[layout])
        connection.execute(
            "CREATE TABLE users (id int PRIMARY KEY, email text); "
            "INSERT INTO users VALUES (7, 'a@example.com'), (8, 'b@example.com')"
        )
    evidence = Evidence()
    load_ledgers(evidence, CaseFile.model_validate({"ledger": {"url": postgres_database}}))
    assert moved(evidence) == WANTED
    assert evidence.count("ledger") == 3


BEFORE_AND_AFTER = [
    "1, 7, 0, 100, 'stripe', 'cs_1', '2025-09-01'",
    "2, 8, 0, 100, 'stripe', 'cs_2', '2025-09-01'",
    "3, 7, 100, 70, 'usage', NULL, '2025-09-02'",
]


@pytest.mark.parametrize(
    "columns",
    ["old_balance INTEGER, new_balance INTEGER", "balance_before INTEGER, balance_after INTEGER"],
)
@pytest.mark.parametrize("name", ["balance_audit", "balance_history", "wallet_history"])
def test_a_history_of_balances_with_both_sides_of_each_change_is_one_of_movements(
    tmp_path, columns, name
):
    header = f"id INTEGER, user_id INTEGER, {columns}, source TEXT, ref TEXT, changed_at TEXT"
    evidence = load(tmp_path, table(name, header, *BEFORE_AND_AFTER))
    assert moved(evidence) == WANTED


def test_beside_entries_such_a_history_is_left_out(tmp_path):
    columns = "id INTEGER, user_id INTEGER, amount INTEGER, kind TEXT, ref TEXT, created_at TEXT"
    entries = table(
        "credit_entries",
        columns,
        "1, 7, 100, 'purchase', 'cs_1', '2025-09-01'",
        "2, 8, 100, 'purchase', 'cs_2', '2025-09-01'",
        "3, 7, -30, 'usage', NULL, '2025-09-02'",
    )
    header = (
        "id INTEGER, user_id INTEGER, old_balance INTEGER, new_balance INTEGER, changed_at TEXT"
    )
    audit = table("balance_audit", header, *(
        f"{n}, {user}, {before}, {after}, '2025-09-01'"
        for n, user, before, after in ((1, 7, 0, 100), (2, 8, 0, 100), (3, 7, 100, 70))
    ))  # fmt: skip
    assert moved(load(tmp_path, entries + audit)) == WANTED
