"""Evidence and steps stored as Parquet: the same bytes, in any number of buckets, killed or not."""

from __future__ import annotations

import multiprocessing
import os
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest
from engine_parity import analysed, awkward_evidence, small_world

from credit_forensics.case.case import Case
from credit_forensics.case.csv_bytes import csv_bytes
from credit_forensics.engines.buckets import copy_tables
from credit_forensics.engines.duckdb import threads_for
from credit_forensics.engines.parquet import ParquetEngine
from credit_forensics.evidence.custody import Custody
from credit_forensics.evidence.evidence import Evidence
from credit_forensics.judgement.judge import judge
from credit_forensics.resolution.claims import CLAIMS_ORDER
from credit_forensics.resolution.method import Method
from credit_forensics.scenarios.settings import WorldSettings
from credit_forensics.scenarios.world import make_world
from credit_forensics.tables.catalogue import Tables


def kept(evidence: Evidence, folder: Path, buckets: int = 3, **options: object) -> ParquetEngine:
    copy_tables(evidence.engine, folder / "evidence", buckets)
    return again(folder, buckets, **options)


def again(folder: Path, buckets: int = 3, **options: object) -> ParquetEngine:
    return ParquetEngine(folder, folder / "evidence", buckets=buckets, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("mode", "buckets"),
    [
        ("as_of", 3),
        pytest.param("as_of", 1, marks=pytest.mark.thorough),
        pytest.param("hindsight", 1, marks=pytest.mark.thorough),
        pytest.param("hindsight", 3, marks=pytest.mark.thorough),
    ],
)
def test_a_world_gives_the_same_bytes_in_any_number_of_buckets(tmp_path, mode, buckets):
    evidence = small_world()
    engine = kept(evidence, tmp_path, buckets)
    assert analysed(engine, mode) == analysed(evidence.engine, mode)


@pytest.mark.parametrize(
    ("mechanism", "mode"),
    [
        ("team", "hindsight"),
        pytest.param("team", "as_of", marks=pytest.mark.thorough),
        pytest.param("tenants", "hindsight", marks=pytest.mark.thorough),
        pytest.param("tenants", "as_of", marks=pytest.mark.thorough),
    ],
)
def test_what_other_payments_say_is_asked_of_all_buckets(tmp_path, mechanism, mode):
    settings = WorldSettings(payments=300, wrong_session_rate=0.02, mechanisms={mechanism: 0.1})
    evidence = Case.from_evidence(make_world(settings, seed=3).evidence()).evidence
    assert analysed(kept(evidence, tmp_path, 8), mode) == analysed(evidence.engine, mode)


@pytest.mark.parametrize("buckets", [2, pytest.param(80, marks=pytest.mark.thorough)])
def test_awkward_ids_and_buckets_without_a_row_give_the_same_bytes(tmp_path, buckets):
    evidence = awkward_evidence()
    assert 2 < evidence.count("payments") < 80
    expected = analysed(evidence.engine, "as_of")
    assert analysed(kept(evidence, tmp_path, buckets), "as_of") == expected


def test_no_payment_at_all_is_judged_too(tmp_path):
    evidence = Case.from_evidence(Evidence()).evidence
    judge(kept(evidence, tmp_path))
    assert len(again(tmp_path).connection.execute("SELECT * FROM payments").fetchall()) == 0


def test_small_tables_in_memory_give_the_same_bytes(tmp_path):
    expected = analysed(kept(small_world(300), tmp_path, 1))
    engine = again(tmp_path, 1)
    engine.hold_small_tables()
    views = "SELECT count(*) FROM duckdb_views() WHERE NOT internal"
    assert engine.connection.execute(views).fetchall() == [(0,)]
    assert analysed(engine) == expected
    engine.drop("verdicts")
    assert "verdicts" not in engine.names()


def test_a_table_that_is_not_small_stays_where_it_lies(tmp_path, monkeypatch):
    engine = kept(small_world(300), tmp_path, 1)
    size = (tmp_path / "evidence" / "payments" / "rows.parquet").stat().st_size
    for most, held in ((size - 1, False), (size, True)):
        monkeypatch.setattr("credit_forensics.engines.parquet._SMALL", most)
        engine = again(tmp_path, 1)
        engine.hold_small_tables()
        tables = engine.connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()
        assert (("payments",) in tables) == held


@pytest.mark.parametrize(("size", "threads"), [(10_000_000, 1), (10_000_001, None)])
def test_little_to_read_is_read_by_one_thread(tmp_path, size, threads):
    with (tmp_path / "log").open("wb") as file:
        file.truncate(size)
    assert threads_for([tmp_path / "log", tmp_path / "absent"]) == threads


def test_a_second_run_takes_every_step_from_the_first(tmp_path):
    first = kept(small_world(300), tmp_path)
    expected = analysed(first)
    second = again(tmp_path)
    assert analysed(second) == expected
    assert (first.steps_run > 10, second.steps_run) == (True, 0)


def test_another_mode_runs_the_steps_that_hang_on_it_only(tmp_path):
    judge(kept(small_world(300), tmp_path))
    other = again(tmp_path)
    judge(other, mode="as_of")
    # All but what sessions say, whom entries credit and what ties them: the same at any time. Whom an
    # e-mail, a customer or a name stands for is as of the payment, and the rest hangs on it.
    assert other.steps_run == 19


def test_a_method_of_ones_own_that_reads_all_payments_is_not_cut_into_buckets(tmp_path):
    def largest(tables):
        payments = tables.payments
        most = payments.agg(most=payments.amount.max())
        rows = payments.inner_join(most, payments.amount == most.most)
        return rows.select("payment_id", user_id=rows.customer_id)

    own = Method("largest", "own", "the largest payments' customers", rows=largest)
    evidence = small_world(300)
    results = []
    for engine in (evidence.engine, kept(evidence, tmp_path, 3)):
        judgement = judge(engine, custom=[own])
        table = judgement.matrix.select("payment_id", "largest").order_by("payment_id")
        results.append(csv_bytes(engine.frame(table)))
    assert results[0] == results[1]


@pytest.mark.parametrize(
    "world",
    [
        awkward_evidence,
        pytest.param(small_world, marks=pytest.mark.thorough),
        pytest.param(Evidence, marks=pytest.mark.thorough),
    ],
)
def test_files_in_order_are_the_same_bytes_from_buckets_sorted_one_by_one(tmp_path, world):
    plain = Case.from_evidence(world())
    cases = {"plain": plain, "kept": Case(Evidence(kept(plain.evidence, tmp_path, 5), Custody()))}
    written = {}
    for name, case in cases.items():
        case.analyze(tmp_path / name)
        files = (tmp_path / name).glob("*.parquet")
        written[name] = {path.name: path.read_bytes() for path in files}
    assert written["kept"] == written["plain"]
    assert sorted(written["kept"]) == ["claims.parquet", "verdicts.parquet"]
    claims = pq.read_table(tmp_path / "kept" / "claims.parquet").to_pandas()
    assert claims.equals(claims.sort_values(list(CLAIMS_ORDER), ignore_index=True))
    assert not list(tmp_path.rglob("ordered-*"))


def test_rows_of_no_payment_come_last_in_order_and_a_stopped_reader_leaves_no_file(tmp_path):
    evidence = Evidence()
    ids = [f"cs_{number}" for number in range(40)]
    evidence.add("payments", pd.DataFrame({"payment_id": ids}))
    evidence.add("ledger", pd.DataFrame({"payment_id": [None, *reversed(ids)], "delta": 1}))
    engine = kept(evidence, tmp_path, 3)
    ledger = Tables().ledger.select("payment_id", "delta")
    batches = engine.ordered(ledger, ["payment_id", "delta"])
    told = [name for batch in batches for name in batch.column("payment_id").to_pylist()]
    assert told == [*sorted(ids), None]
    stopped = engine.ordered(ledger, ["payment_id", "delta"])
    next(stopped)
    stopped.close()
    assert not list(tmp_path.rglob("ordered-*"))


def _judge_until_killed(folder: Path, step: str, bucket: int) -> None:
    engine = again(folder)
    narrowed = engine._narrowed

    def killed(number: int):
        part = next(engine._steps.glob("*.part"), None)
        if part is not None and part.name.startswith(step) and number == bucket:
            os._exit(9)
        return narrowed(number)

    engine._narrowed = killed  # type: ignore[method-assign]
    judge(engine)


@pytest.mark.parametrize(
    ("step", "bucket", "left"),
    [
        ("verdicts", 2, 5),
        pytest.param("first_matrix", 1, 18, marks=pytest.mark.thorough),
    ],
)
def test_a_run_that_was_killed_is_gone_on_with(tmp_path, step, bucket, left):
    evidence = small_world(300)
    kept(evidence, tmp_path).close()
    process = multiprocessing.get_context("spawn").Process(
        target=_judge_until_killed, args=(tmp_path, step, bucket)
    )
    process.start()
    process.join()
    assert process.exitcode == 9
    (part,) = (tmp_path / "steps").glob("*.part")
    done = sorted(path.name for path in part.iterdir() if path.suffix != ".part")
    assert done == [f"bucket={number}" for number in range(bucket)]
    engine = again(tmp_path)
    assert analysed(engine) == analysed(evidence.engine)
    assert engine.steps_run == left
    assert not list((tmp_path / "steps").glob("*.part"))
