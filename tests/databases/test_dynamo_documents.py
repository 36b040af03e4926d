"""What DynamoDB exports: each value in its type, each row perhaps in an ``Item``."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from credit_forensics.databases.tables_of_files import write_tables

ROW = {"userId": {"S": "00123"}, "amount": {"N": "200"}, "paid": {"BOOL": True}}


@pytest.mark.parametrize(
    ("document", "row"),
    [
        ({"Item": ROW}, ("00123", 200, 1)),
        (ROW, ("00123", 200, 1)),
        # One value without a type, or of another: a row as it stands.
        (ROW | {"amount": 200}, ('{"S": "00123"}', 200, '{"BOOL": true}')),
        (ROW | {"amount": {"N": 200}}, ('{"S": "00123"}', '{"N": 200}', '{"BOOL": true}')),
        (ROW | {"amount": {"N": "two"}}, ('{"S": "00123"}', '{"N": "two"}', '{"BOOL": true}')),
        # Within a map a value may have no type all the same.
        (
            ROW | {"amount": {"M": {"of": 5, "to": {"S": "x"}}}},
            ("00123", '{"of": 5, "to": "x"}', 1),
        ),
    ],
)
def test_types_are_taken_off_where_every_value_has_one(
    tmp_path: Path, document: dict[str, Any], row: tuple[Any, ...]
):
    (tmp_path / "export.json").write_text("".join(json.dumps(document) + "\n" for _ in "ab"))
    write_tables({"credits": [tmp_path / "export.json"]}, tmp_path / "tables.db")
    with sqlite3.connect(tmp_path / "tables.db") as tables:
        found = tables.execute("SELECT userId, amount, paid FROM credits").fetchall()
    tables.close()
    assert found == [row, row]
