"""ClickHouse in the process proves that the seam holds: the same bytes as DuckDB."""

from __future__ import annotations

import pandas as pd
import pytest
from engine_parity import assert_same, awkward_evidence, small_world

from credit_forensics.case.case import Case
from credit_forensics.case.csv_bytes import csv_bytes
from credit_forensics.engines.clickhouse import ClickHouseEngine
from credit_forensics.errors import CaseError
from credit_forensics.scenarios.demo import write_demo_case
from credit_forensics.tables.catalogue import Tables

pytestmark = pytest.mark.scale


@pytest.fixture
def engine(tmp_path):
    opened = ClickHouseEngine(folder=tmp_path, memory="1GB", threads=2)
    yield opened
    opened.close()


@pytest.mark.parametrize("mode", ["hindsight", "as_of"])
def test_a_world_gives_the_same_bytes(engine, mode):
    assert_same(small_world(), engine, mode)


def test_awkward_ids_and_fractions_of_seconds_give_the_same_bytes(engine):
    assert_same(awkward_evidence(), engine)


def test_the_demo_case_runs_on_it(tmp_path):
    path = write_demo_case(tmp_path / "demo")
    here = csv_bytes(Case.open(path).findings)
    path.write_text(path.read_text() + '\n[engine]\nname = "clickhouse"\n')
    assert csv_bytes(Case.open(path).findings) == here


def test_what_is_absent_stays_absent(engine):
    engine.register("users", pd.DataFrame({"user_id": ["a", None], "email": [None, ""]}))
    users, names = Tables().users, Tables().user_names
    engine.register("user_names", pd.DataFrame({"user_id": ["b"], "name_key": ["n"]}))
    rows = users.left_join(names, "user_id").select("user_id", "email", "name_key")
    found = engine.frame(rows.order_by("user_id"))
    assert found["name_key"].isna().all()
    assert found["email"].isna().tolist() == [True, False]


def test_absent_values_that_do_not_stay_absent_are_refused(tmp_path, monkeypatch):
    import credit_forensics.engines.clickhouse as module

    monkeypatch.setitem(module._SETTINGS, "join_use_nulls", "0")
    with pytest.raises(CaseError, match="turns absent values into others"):
        ClickHouseEngine(folder=tmp_path)


def test_text_is_cut_and_folded_by_characters(engine):
    engine.register("users", pd.DataFrame({"user_id": ["ÄÖÜ"]}))
    id_ = Tables().users.user_id
    row = engine.frame(Tables().users.select(a=id_.lower(), b=id_.substr(1, 1), n=id_.length()))
    assert row.iloc[0].tolist() == ["äöü", "Ö", 3]
