"""A number of credits on the account, beside a trail of its changes: what is said is true."""

from __future__ import annotations

from pathlib import Path

import pytest
from small_ledgers import load, moved, table

from credit_forensics.case_file import CaseFile
from credit_forensics.evidence.evidence import Evidence
from credit_forensics.evidence.ledgers.load import load_ledgers

USERS = table(
    "users",
    "id INTEGER, email TEXT, name TEXT, credits INTEGER",
    *(f"{n}, '{n}@example.com', 'Name {n}', 100" for n in (7, 8)),
)
TRAILS = {
    "a list of old and new": (
        "versions", "id INTEGER, item_type TEXT, item_id TEXT, object_changes TEXT, created_at TEXT",
        """'{"credits": [0, 100]}'""", "object_changes",
    ),
    "the first change has no old value": (
        "versions", "id INTEGER, item_type TEXT, item_id TEXT, object_changes TEXT, created_at TEXT",
        """'{"credits": [null, 100]}'""", "object_changes",
    ),
    "named sides": (
        "audits", "id INTEGER, model TEXT, model_id TEXT, changes TEXT, created_at TEXT",
        """'{"credits": {"old": 0, "new": "100"}}'""", "changes",
    ),
    "two columns": (
        "audits",
        "id INTEGER, model TEXT, model_id TEXT, old_values TEXT, new_values TEXT, created_at TEXT",
        """'{"credits": 0}', '{"credits": 100}'""", "old_values and new_values",
    ),
}  # fmt: skip


def said(folder: Path, script: str) -> str:
    gaps = load(folder, script, USERS).custody.gaps()
    [text] = gaps[gaps["object"] == "entries"]["consequence"]
    return str(text)


@pytest.mark.parametrize("trail", TRAILS)
def test_a_trail_of_changes_is_named(tmp_path, trail):
    name, columns, change, held = TRAILS[trail]
    rows = (f"{n - 6}, 'User', '{n}', {change}, '2025-09-0{n} 10:00:00'" for n in (7, 8))
    text = said(tmp_path, table(name, columns, *rows))
    assert f"{name} records its changes in {held}, which are not read as entries" in text
    assert "no table of entries" not in text


@pytest.mark.parametrize(
    "change", ["""'{"name": ["a", "b"]}'""", """'{"credits": ["on", "off"]}'""", "'not JSON'"]
)
def test_changes_of_something_else_are_no_trail(tmp_path, change):
    name, columns, *_ = TRAILS["a list of old and new"]
    rows = (f"{n - 6}, 'User', '{n}', {change}, '2025-09-0{n} 10:00:00'" for n in (7, 8))
    assert "there is no table of entries" in said(tmp_path, table(name, columns, *rows))


def test_a_query_reads_the_changes_as_entries(tmp_path):
    name, columns, change, _ = TRAILS["a list of old and new"]
    rows = (f"{n - 6}, 'User', '{n}', {change}, '2025-09-0{n} 10:00:00'" for n in (7, 8))
    said(tmp_path, table(name, columns, *rows))
    new, old = (f"json_extract(object_changes, '$.credits[{place}]')" for place in (1, 0))
    query = (
        f"SELECT id AS entry_id, item_id AS user_id, {new} - {old} AS delta, created_at FROM {name}"
    )
    section = {"url": "sqlite:///ledger.db", "entries": {"query": query}}
    evidence = Evidence()
    load_ledgers(evidence, CaseFile.model_validate({"ledger": section, "folder": tmp_path}))
    assert moved(evidence) == {("7", 100, None), ("8", 100, None)}
