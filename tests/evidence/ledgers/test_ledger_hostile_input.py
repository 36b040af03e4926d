"""Ledgers that are damaged, hostile or in any order: told or read, never crashed on or lost."""

from __future__ import annotations

import random
import re
import sqlite3
import tomllib
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from credit_forensics.case_file import CaseFile
from credit_forensics.errors import CaseError
from credit_forensics.evidence.evidence import Evidence
from credit_forensics.evidence.ledgers.entry_kinds import KINDS
from credit_forensics.evidence.ledgers.load import load_ledgers

TEXTS = st.text(
    st.characters(blacklist_categories=("Cs",), blacklist_characters="\x00"), max_size=20
)
ENTRY = st.tuples(
    st.none() | TEXTS | st.integers(-(2**63), 2**63 - 1),
    st.none() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | TEXTS,
    st.none() | TEXTS,
    st.none() | TEXTS | st.integers(-(2**40), 2**62),
)


def write(path: Path, rows: list[tuple[Any, ...]]) -> None:
    path.unlink(missing_ok=True)
    connection = sqlite3.connect(path)
    connection.execute(
        "CREATE TABLE credit_ledger (id INTEGER PRIMARY KEY, user_id, delta, reason, created_at)"
    )
    connection.executemany("INSERT INTO credit_ledger VALUES (?, ?, ?, ?, ?)", rows)
    connection.commit()
    connection.close()


def load(folder: Path, **ledger: Any) -> Evidence:
    section = {"url": "sqlite:///ledger.db", **ledger}
    evidence = Evidence()
    load_ledgers(evidence, CaseFile.model_validate({"ledger": section, "folder": folder}))
    return evidence


@settings(
    deadline=None,
    max_examples=25,
    # Each example writes and loads a database; shrinking a failure would take minutes.
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(entries=st.lists(ENTRY, max_size=8))
def test_every_entry_is_kept_or_rejected_and_nothing_is_bent(
    tmp_path: Path, entries: list[tuple[Any, ...]]
) -> None:
    write(tmp_path / "ledger.db", [(n, *entry) for n, entry in enumerate(entries, start=1)])
    evidence = load(tmp_path)
    source = evidence.custody.inputs[0]
    ledger = evidence.ledger
    assert source.rows + source.rejects == len(entries)
    assert source.rows == len(ledger)
    assert set(ledger["kind"]) <= set(KINDS)
    for row in ledger.itertuples():
        user, delta, reason, _ = entries[int(row.entry_id) - 1]
        assert row.user_id == str(user)
        assert row.delta == int(float(delta) if isinstance(delta, str) else delta)
        assert (row.reason if isinstance(row.reason, str) else None) == (reason or None)


def test_the_order_of_rows_changes_nothing(tmp_path: Path) -> None:
    rows = [
        (n, f"user{n % 7}", n % 5 - 2, f"usage:{n}" if n % 3 else None, f"2025-08-{n % 28 + 1:02}")
        for n in range(1, 200)
    ]
    write(tmp_path / "ledger.db", rows)
    first = load(tmp_path)
    shuffled = rows[:]
    random.Random(5).shuffle(shuffled)
    write(tmp_path / "ledger.db", [(n, *row[1:]) for n, row in enumerate(shuffled, start=1)])
    mapping = {
        "table": "credit_ledger",
        "columns": {name: name for name in ("user_id", "delta", "reason", "created_at")},
    }
    second = load(tmp_path, entries=mapping).ledger.drop(columns="entry_id")
    expected = first.ledger.drop(columns="entry_id")
    by = ["created_at", "user_id", "delta", "reason"]
    pd.testing.assert_frame_equal(
        expected.sort_values(by).reset_index(drop=True),
        second.sort_values(by).reset_index(drop=True),
    )


def test_a_damaged_file_is_read_or_told(tmp_path: Path) -> None:
    write(tmp_path / "ledger.db", [(n, f"user{n}", 5, "usage", None) for n in range(1, 400)])
    whole = (tmp_path / "ledger.db").read_bytes()
    chance = random.Random(11)
    read = told = 0
    for _ in range(30):
        damaged = bytearray(whole)
        if chance.random() < 0.3:
            del damaged[chance.randrange(len(damaged)) :]
        for _ in range(chance.choice([1, 4, 64])):
            if damaged:
                damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        (tmp_path / "ledger.db").write_bytes(bytes(damaged))
        try:
            load(tmp_path)
            read += 1
        except CaseError as error:
            assert "\n" not in str(error)
            told += 1
    assert read
    assert told


def test_a_hostile_name_stays_a_name(tmp_path: Path) -> None:
    name = 'led"ger"; DROP TABLE "users"; --'
    column = "user'id\" FROM x; --"
    connection = sqlite3.connect(tmp_path / "ledger.db")
    quoted = name.replace('"', '""')
    connection.execute(f'CREATE TABLE "{quoted}" ("{column.replace(chr(34), chr(34) * 2)}", delta)')
    connection.execute(f"INSERT INTO \"{quoted}\" VALUES ('a', 5), (NULL, 5)")
    connection.execute("CREATE TABLE users (id, email, name, created_at)")
    connection.commit()
    connection.close()
    columns = {"user_id": column, "delta": "delta"}
    evidence = load(tmp_path, entries={"table": name, "columns": columns})
    assert evidence.ledger["user_id"].tolist() == ["a"]
    assert evidence.custody.rejects()["reason"].tolist() == [f"{name}: the user is empty"]


@pytest.mark.parametrize("page", ["sources_ledgers.md", "sources_synced_tables.md"])
def test_the_examples_in_the_docs_are_case_files(page: str) -> None:
    text = (Path(__file__).parents[3] / "docs" / page).read_text(encoding="utf-8")
    examples = re.findall(r"```toml\n(.*?)```", text, re.S)
    assert examples
    for example in examples:
        raw = tomllib.loads(example)
        if not raw.get("ledger", {"stripe_billing": True}).get("stripe_billing"):
            raw["ledger"].setdefault("url", "sqlite:///ledger.db")
        CaseFile.model_validate(raw)
