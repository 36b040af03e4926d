"""A ledger as exported files: CSV, JSON of several makes, Parquet, a DuckDB file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import duckdb
import pytest

from credit_forensics.case_file import CaseFile
from credit_forensics.databases.urls import parse_url
from credit_forensics.errors import CaseError
from credit_forensics.evidence.evidence import Evidence
from credit_forensics.evidence.ledgers.load import load_ledgers
from credit_forensics.evidence.stored.refresh import refresh
from credit_forensics.evidence.stored.rows import StoredRows

CSV = """id,user_id,amount,type,session,created_at
1,007,100,purchase,cs_1,2025-09-01 10:00:00
2,008,100,purchase,cs_2,2025-09-01 11:00:00
3,007,-0.25,usage,,2025-09-02 11:00:00
"""
USERS = "id,email\n007,ada@example.com\n008,bo@example.com\n"


def load(folder: Path, **files: Any) -> Evidence:
    evidence = Evidence()
    load_ledgers(evidence, CaseFile.model_validate({"ledger": {"files": files}, "folder": folder}))
    return evidence


def moved(evidence: Evidence) -> list[tuple[Any, ...]]:
    rows = evidence.ledger.sort_values("entry_id")
    whole = rows["delta"].astype("float") + rows["fraction"].fillna(0).astype("float") / 10**9
    return list(zip(rows["user_id"], whole, rows["payment_id"].fillna(""), strict=True))


WANTED = [("007", 100.0, "cs_1"), ("008", 100.0, "cs_2"), ("007", -0.25, "")]


def written_as(folder: Path, kind: str) -> dict[str, str]:
    (folder / "entries.csv").write_text(CSV)
    (folder / "users.csv").write_text(USERS)
    rows = [
        dict(zip(CSV.split("\n", maxsplit=1)[0].split(","), line.split(","), strict=True))
        for line in CSV.strip().split("\n")[1:]
    ]
    people = [dict(zip(("id", "email"), r.split(","), strict=True)) for r in USERS.split()[1:]]
    if kind == "csv":
        return {"entries": "entries.csv", "users": "users.csv"}
    if kind in ("parquet", "duckdb"):
        with duckdb.connect(str(folder / "ledger.duckdb")) as connection:
            for name in ("entries", "users"):
                connection.execute(
                    f"CREATE TABLE {name} AS FROM read_csv('{folder}/{name}.csv', all_varchar = true)"
                )
                connection.execute(f"COPY {name} TO '{folder}/{name}.parquet'")
        if kind == "duckdb":
            return {"ledger": "ledger.duckdb"}
        return {"entries": "entries.parquet", "users": "users.parquet"}
    if kind == "mongoexport":
        lines = [
            {
                "_id": {"$oid": f"{n:024x}"},
                "userId": row["user_id"],
                "amount": {"$numberDecimal": row["amount"]},
                "type": row["type"],
                "stripe": {"session": row["session"]},
                "createdAt": {"$date": row["created_at"].replace(" ", "T") + "Z"},
            }
            for n, row in enumerate(rows, start=1)
        ]
        users = [{"_id": one["id"], "email": one["email"]} for one in people]
    elif kind == "firestore":
        lines = [
            {
                "name": f"projects/p/databases/(default)/documents/creditEntries/e{n}",
                "fields": {
                    "userId": {"stringValue": row["user_id"]},
                    "amount": {"doubleValue": float(row["amount"])},
                    "type": {"stringValue": row["type"]},
                    "stripe": {"mapValue": {"fields": {"s": {"stringValue": row["session"]}}}},
                    "createdAt": {"timestampValue": row["created_at"].replace(" ", "T") + "Z"},
                },
            }
            for n, row in enumerate(rows, start=1)
        ]
        users = [
            {"name": f"…/users/{one['id']}", "fields": {"email": {"stringValue": one["email"]}}}
            for one in people
        ]
        for name, listed in (("entries", lines), ("users", users)):
            (folder / f"{name}.json").write_text(json.dumps({"documents": listed}, indent=1))
        return {"entries": "entries.json", "users": "users.json"}
    else:
        lines = [{**row, "amount": float(row["amount"])} for row in rows]
        users = people
    for name, listed in (("entries", lines), ("users", users)):
        text = json.dumps(listed) if kind == "json list" else "\n".join(map(json.dumps, listed))
        (folder / f"{name}.json").write_text(text + "\n")
    return {"entries": "entries.json", "users": "users.json"}


@pytest.mark.parametrize(
    "kind", ["csv", "json lines", "json list", "parquet", "duckdb", "mongoexport", "firestore"]
)
def test_each_kind_of_file_is_the_same_ledger(tmp_path: Path, kind: str) -> None:
    evidence = load(tmp_path, **written_as(tmp_path, kind))
    assert moved(evidence) == WANTED
    assert evidence.users["user_id"].tolist() == ["007", "008"]
    assert evidence.ledger["created_at"].notna().all()


def test_tables_of_a_german_office(tmp_path: Path) -> None:
    (tmp_path / "buchungen.csv").write_text(
        "Nr;Benutzer-ID;Betrag;Art;Referenz;Datum\n"
        "1;007;100,00;KAUF;cs_1;01.09.2025 10:00:00\n"
        "2;008;100,00;KAUF;cs_2;01.09.2025 11:00:00\n"
        "3;007;-0,25;VERBRAUCH;;02.09.2025 11:00:00\n"
    )
    (tmp_path / "benutzer.csv").write_text("ID;E-Mail\n007;ada@example.com\n008;bo@example.com\n")
    evidence = load(tmp_path, buchungen="buchungen.csv", benutzer="benutzer.csv")
    assert moved(evidence) == WANTED
    assert str(evidence.ledger["created_at"].min()) == "2025-09-01 10:00:00+00:00"


@pytest.mark.parametrize(
    "at", ["9/1/2025 10:00am", "9/1/2025 10:00\u202fAM", "09/01/2025 10:00 a.m."]
)
def test_members_who_are_known_by_their_address_alone(tmp_path: Path, at: str) -> None:
    (tmp_path / "log.csv").write_text(
        f"Entry,Member,Change,Why,Stripe Checkout,When\n1,ada@example.com,+100,Purchase,cs_1,{at}\n"
        f"2,bo@example.com,-4,Use,,{at}\n"
    )
    (tmp_path / "members.csv").write_text(
        "Email,Full name,Plan\nada@example.com,Ada Lovell,Free\nbo@example.com,Bo Lin,Free\n"
    )
    evidence = load(tmp_path, log="log.csv", members="members.csv")
    assert evidence.users[["user_id", "name"]].values.tolist() == [
        ["ada@example.com", "Ada Lovell"], ["bo@example.com", "Bo Lin"]
    ]  # fmt: skip
    assert str(evidence.ledger["created_at"].min()) == "2025-09-01 10:00:00+00:00"


def _firestore(number: int, user: str, amount: float, session: str | None) -> dict[str, Any]:
    return {
        "uid": {"stringValue": user},
        "amount": {"doubleValue": amount},
        "type": {"stringValue": "purchase" if session else "usage"},
        "session": {"stringValue": session} if session else {"nullValue": None},
        "createdAt": {"timestampValue": f"2025-09-0{number}T10:00:00Z"},
    }


ROWS = [(1, "007", 100.0, "cs_1"), (2, "008", 100.0, "cs_2"), (3, "007", -0.25, None)]


def test_firestores_documents_in_one_line(tmp_path: Path) -> None:
    place = "projects/p/databases/(default)/documents"
    documents = [{"name": f"{place}/log/{row[0]}", "fields": _firestore(*row)} for row in ROWS]
    people = [
        {
            "name": f"{place}/users/{user}",
            "fields": {"email": {"stringValue": f"{user}@example.com"}},
        }
        for user in ("007", "008")
    ]
    (tmp_path / "log.json").write_text(json.dumps({"documents": documents}))
    (tmp_path / "users.json").write_text(json.dumps({"documents": people}))
    assert moved(load(tmp_path, credit_log="log.json", users="users.json")) == WANTED


def test_a_backup_of_firestore_has_a_table_for_each_collection(tmp_path: Path) -> None:
    at = {"__datatype__": "timestamp", "value": {"_seconds": 1756720800, "_nanoseconds": 0}}
    users: dict[str, Any] = {
        user: {"email": f"{user}@example.com", "__collections__": {"creditLog": {}}}
        for user in ("007", "008")
    }
    for number, user, amount, session in ROWS:
        held = users[user]["__collections__"]["creditLog"]
        kind = "purchase" if session else "usage"
        held[f"d{number}"] = {"amount": amount, "type": kind, "session": session, "createdAt": at}
    (tmp_path / "backup.json").write_text(json.dumps({"__collections__": {"users": users}}))
    evidence = load(tmp_path, backup="backup.json")
    assert moved(evidence) == WANTED
    assert str(evidence.ledger["created_at"].max()) == "2025-09-01 10:00:00+00:00"


@pytest.mark.parametrize("kind", ["csv", "duckdb"])
def test_files_are_read_through_the_store_too(tmp_path: Path, kind: str) -> None:
    files = written_as(tmp_path, kind)
    case = CaseFile.model_validate({"ledger": {"files": files}, "folder": tmp_path})
    for _ in range(2):
        with StoredRows(tmp_path / "rows.duckdb", case) as stored:
            refresh(stored)
            entries = stored.connection.sql("SELECT count(*) FROM stored.ledger").fetchall()
        assert entries == [(3,)]


def test_each_file_is_in_custody(tmp_path: Path) -> None:
    evidence = load(tmp_path, **written_as(tmp_path, "csv"))
    assert [(one.name, one.taken_for) for one in evidence.custody.inputs] == [
        ("files entries, users", "ledger (inferred)"),
        ("entries.csv", "ledger table entries"),
        ("users.csv", "ledger table users"),
    ]
    assert all(len(one.sha256) == 64 for one in evidence.custody.inputs)


def test_several_files_of_one_table_add_up(tmp_path: Path) -> None:
    written_as(tmp_path, "csv")
    (tmp_path / "more.csv").write_text(
        CSV.split("\n", maxsplit=1)[0] + "\n9,008,-4,usage,,2025-09-03\n"
    )
    evidence = load(tmp_path, entries=["entries.csv", "more.csv"], users="users.csv")
    assert moved(evidence) == [*WANTED, ("008", -4.0, "")]


@pytest.mark.parametrize(
    ("name", "body", "said"),
    [
        ("a.json", b'{"a": ', "cannot be read"),
        ("b.json", b"[1, 2]", "it holds no objects"),
        ("c.db", b"SQLite format 3\x00" + b"\x00" * 90, "name it with url"),
        ("d.csv", b"", "it is empty"),
    ],
)
def test_a_file_that_is_no_table_is_one_sentence(tmp_path, name, body, said) -> None:
    (tmp_path / name).write_bytes(body)
    with pytest.raises(CaseError, match=said):
        load(tmp_path, entries=name)


def test_a_database_that_cannot_be_opened_says_which_export_would_do() -> None:
    with pytest.raises(CaseError, match=r"mongoexport.*\[ledger\] files"):
        parse_url("mongodb://reader@db.example.com/shop", "ledger")


def test_a_ledger_has_one_source() -> None:
    with pytest.raises(ValueError, match="give one of url, files and stripe_billing"):
        CaseFile.model_validate({"ledger": {"schema": "auto"}})
