"""The order of payments in time, read from an engine without their ids."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from credit_forensics.engines.duckdb import DuckDBEngine
from credit_forensics.incidents import dated_bursts as onset
from credit_forensics.incidents.dated_bursts import date_bursts
from credit_forensics.incidents.group import with_incidents
from credit_forensics.incidents.timeline import Timeline, read_timeline

START = pd.Timestamp("2025-09-01", tz="UTC")


def crowded(count: int = 4_000) -> tuple[pd.DataFrame, np.ndarray]:
    """Payments of which some ten share each minute, in no order, and those that went wrong."""
    rng = np.random.default_rng(7)
    minutes = rng.integers(0, count // 10, count)
    ids = rng.permutation([f"p{number:05}" for number in range(count)])
    created = START + pd.to_timedelta(minutes, unit="min")
    payments = pd.DataFrame({"payment_id": ids, "created_at": created.as_unit("us")})
    burst = abs(minutes - count // 20) < 15
    wrong = rng.random(count) < np.where(burst, 0.5, 0.003)
    payments.loc[::97, "created_at"] = pd.NaT
    return payments, wrong


def engine_with(payments: pd.DataFrame) -> DuckDBEngine:
    engine = DuckDBEngine()
    engine.register("payments", payments)
    return engine


def test_places_are_those_that_all_payments_in_memory_would_have():
    payments, wrong = crowded()
    whole = Timeline.of(payments)
    asked = payments.loc[wrong, "payment_id"].sample(frac=1, random_state=3)
    read = read_timeline(engine_with(payments), asked)
    assert read.instants.equals(whole.instants)
    expected = whole.places[whole.places.index.isin(set(asked))]
    assert read.places.to_dict() == expected.to_dict()
    assert 20 < len(read.places) < wrong.sum()  # some of those asked for have no time


def test_incidents_are_the_same_of_what_was_read_as_of_all_payments():
    payments, wrong = crowded()
    hit = payments[wrong & payments["created_at"].notna().to_numpy()]
    findings = hit.assign(
        finding="wrong_user", cause="stale_session", severity="critical", credits=50
    )
    there = with_incidents(findings, payments)
    read = with_incidents(findings, read_timeline(engine_with(payments), findings["payment_id"]))
    for one, other in zip(there, read, strict=True):
        pd.testing.assert_frame_equal(one, other)
    assert there[1]["onset_low"].notna().any()


def test_nothing_asked_and_nothing_there():
    payments, _ = crowded(50)
    nobody = pd.Series([None, None], dtype="str")
    assert read_timeline(engine_with(payments), nobody).places.empty
    empty = read_timeline(engine_with(payments.iloc[:0]), pd.Series(["p00001"], dtype="str"))
    assert (len(empty.instants), len(empty.places)) == (0, 0)


@pytest.mark.parametrize("at_once", [1, 7, 999])
def test_dates_do_not_hang_on_how_many_positions_are_weighed_at_once(monkeypatch, at_once):
    payments, wrong = crowded(1_000)
    ids = payments.loc[wrong, "payment_id"].tolist()
    expected = date_bursts(payments, ids)
    monkeypatch.setattr(onset, "_AT_ONCE", at_once)
    pd.testing.assert_frame_equal(date_bursts(payments, ids), expected)
    assert len(expected) == 1
