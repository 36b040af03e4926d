"""The small shops under ``tests/cases``: each folder has its story, its inputs and what is right."""

from __future__ import annotations

import csv
import shutil
import sqlite3
from pathlib import Path

import pytest

from credit_forensics.case.case import Case

SHOPS = sorted(path.parent for path in (Path(__file__).parents[1] / "cases").glob("*/story.md"))


@pytest.mark.parametrize("shop", SHOPS, ids=lambda path: path.name)
def test_a_shop_is_found_to_be_as_its_story_tells(shop: Path, tmp_path: Path):
    folder = shutil.copytree(shop, tmp_path / shop.name)
    with sqlite3.connect(folder / "ledger.db") as ledger:
        ledger.executescript((folder / "ledger.sql").read_text())
    ledger.close()
    case = Case.open(folder / "case.toml", store=False)
    with (folder / "expected.csv").open(newline="") as rows:
        expected = [tuple(row) for row in csv.reader(rows)][1:]
    asked = [row[1] for row in expected if row[0].startswith("verdict ")]
    assert sorted([*_findings(case), *_verdicts(case, asked)]) == expected


def _findings(case: Case) -> list[tuple[str, ...]]:
    """What is found, but for the balance that a shop has no view of."""
    found = case.findings[case.findings["finding"] != "balance_unreadable"]
    columns = ["finding", "payment_id", "credited_user_id", "rightful_user_id", "credits"]
    rows = found[columns].astype(object)
    return [tuple(str(v) for v in row) for row in rows.where(rows.notna(), "").values.tolist()]


def _verdicts(case: Case, payments: list[str]) -> list[tuple[str, ...]]:
    verdicts = case.verdicts.set_index("payment_id")["verdict"].astype(str)
    return [(f"verdict {verdicts[payment]}", payment, "", "", "") for payment in payments]
