"""Few rows are taken in one go, many as they come; both are the same rows."""

import numpy as np
import pandas as pd
import pytest

from credit_forensics.engines import duckdb
from credit_forensics.engines.duckdb import DuckDBEngine
from credit_forensics.tables.expressions import ibis

NUMBERS = ibis.table({"number": "int64"}, name="numbers")


def _relations(engine, monkeypatch):
    """How often a result was taken by a relation, from here on."""
    taken = []
    whole = engine.connection

    class Watched:
        def sql(self, text, **options):
            taken.append(text)
            return whole.sql(text, **options)

        def __getattr__(self, name):
            return getattr(whole, name)

    monkeypatch.setattr(engine, "connection", Watched())
    return taken


@pytest.mark.parametrize(("rows", "by_relation"), [(10, 0), (11, 1)])
def test_more_rows_than_few_are_taken_by_a_relation(rows, by_relation, monkeypatch):
    monkeypatch.setattr(duckdb, "_FEW_ROWS", 10)
    engine = DuckDBEngine()
    engine.register("numbers", pd.DataFrame({"number": range(rows)}))
    taken = _relations(engine, monkeypatch)
    assert sorted(engine.frame(NUMBERS).number) == list(range(rows))
    assert len(taken) == by_relation


def test_what_was_little_is_asked_again_when_tables_were_added(monkeypatch):
    monkeypatch.setattr(duckdb, "_FEW_ROWS", 10)
    engine = DuckDBEngine()
    engine.register("numbers", pd.DataFrame({"number": range(8)}))
    taken = _relations(engine, monkeypatch)
    engine.frame(NUMBERS)
    assert not taken
    engine.materialize("more", NUMBERS)
    assert len(engine.frame(NUMBERS)) == 8
    assert len(taken) == 1


def test_of_a_view_nobody_knows_how_many_rows_it_has(monkeypatch):
    engine = DuckDBEngine()
    engine.connection.execute("CREATE VIEW numbers AS SELECT 1::BIGINT AS number")
    taken = _relations(engine, monkeypatch)
    assert engine.frame(NUMBERS).number.tolist() == [1]
    assert len(taken) == 1


def test_rows_that_are_copied_keep_their_order():
    """Several threads read a copied result once more; of 200,000 rows each takes a part."""
    engine = DuckDBEngine(threads=4)
    shuffled = np.random.default_rng(5).permutation(200_000)
    engine.register("numbers", pd.DataFrame({"number": shuffled}))
    assert engine.frame(NUMBERS.order_by("number")).number.tolist() == list(range(200_000))
