"""Bursts are dated within the hour, with intervals that hold, whatever the order of the rows."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from credit_forensics.incidents.dated_bursts import COLUMNS, date_bursts
from credit_forensics.incidents.timeline import in_order

START = pd.Timestamp("2025-09-01", tz="UTC")


def world(seed, *, count=4_000, quiet=0.002, bursts=((2_000, 60, 0.5),)):
    """Payments two minutes apart on average; each burst is (first payment, length, rate)."""
    rng = np.random.default_rng(seed)
    seconds = np.cumsum(rng.exponential(120, count))
    rate = np.full(count, quiet)
    for first, length, share in bursts:
        rate[first : first + length] = share
    wrong = rng.random(count) < rate
    payments = pd.DataFrame(
        {
            "payment_id": [f"cs_{place:05}" for place in range(count)],
            "created_at": (START + pd.to_timedelta(seconds, unit="s")).as_unit("us"),
        }
    )
    return payments, payments["payment_id"][wrong].tolist()


@pytest.mark.parametrize("seed", range(10))
def test_a_burst_of_twenty_or_more_is_dated_within_the_hour(seed):
    payments, wrong = world(seed)
    assert len([name for name in wrong if "cs_02000" <= name < "cs_02060"]) >= 20
    bursts = date_bursts(payments, wrong)
    assert len(bursts) == 1
    burst = bursts.iloc[0]
    began, ended = payments["created_at"].iloc[2_000], payments["created_at"].iloc[2_059]
    assert abs(burst["onset"] - began) <= pd.Timedelta(hours=1)
    assert abs(burst["end"] - ended) <= pd.Timedelta(hours=1)
    assert burst["onset_low"] <= burst["onset"] <= burst["onset_high"]
    assert burst["end_low"] <= burst["end"] <= burst["end_high"]
    assert not burst["ongoing"]
    assert burst["rate"] > 0.3
    assert burst["rate_outside"] < 0.01


def test_the_intervals_hold_as_often_as_they_say():
    held = 0
    for seed in range(60):
        payments, wrong = world(seed, count=1_500, bursts=((700, 80, 0.35),))
        burst = date_bursts(payments, wrong).iloc[0]
        held += burst["onset_low"] <= payments["created_at"].iloc[700] <= burst["onset_high"]
    # 95 % of 60 is 57; 51 is three standard deviations below.
    assert held >= 51


@pytest.mark.parametrize("seed", range(5))
def test_bursts_close_to_each_other_are_told_apart(seed):
    payments, wrong = world(seed, bursts=((1_000, 80, 0.6), (1_200, 300, 0.3), (3_000, 60, 0.7)))
    bursts = date_bursts(payments, wrong)
    assert len(bursts) == 3
    truth = payments["created_at"].iloc[[1_000, 1_200, 3_000]].reset_index(drop=True)
    assert (abs(bursts["onset"] - truth) <= pd.Timedelta(hours=1)).all()


@pytest.mark.parametrize("seed", range(5))
def test_a_weaker_burst_beside_a_strong_one_is_not_lost(seed):
    """The strong one is found inside both; what it leaves is still a burst."""
    payments, wrong = world(seed, bursts=((1_000, 60, 0.35), (1_090, 200, 0.85)))
    bursts = date_bursts(payments, wrong)
    truth = payments["created_at"].iloc[[1_000, 1_090]].reset_index(drop=True)
    assert len(bursts) == 2
    assert (abs(bursts["onset"] - truth) <= pd.Timedelta(hours=1)).all()


@pytest.mark.parametrize("seed", range(20))
def test_one_rate_throughout_is_no_burst(seed):
    payments, wrong = world(seed, quiet=0.02, bursts=())
    assert date_bursts(payments, wrong).empty


def test_a_burst_at_the_end_of_the_evidence_may_go_on():
    payments, wrong = world(3, bursts=((3_950, 50, 0.5),))
    burst = date_bursts(payments, wrong).iloc[-1]
    assert burst["ongoing"]
    assert pd.isna(burst["end_high"])
    assert not pd.isna(burst["end_low"])


def test_a_rush_of_payments_is_no_burst():
    """Twice the payments in an hour, with the same share of wrong ones, changes no rate."""
    payments, _ = world(1)
    rush = payments.assign(
        created_at=START + pd.to_timedelta(np.sqrt(np.arange(len(payments))), unit="h")
    )
    assert date_bursts(rush, rush["payment_id"][::50].tolist()).empty


@pytest.mark.parametrize(
    ("wrong", "count"),
    [([], 0), (["cs_00001"], 0), ([f"cs_{place:05}" for place in range(4_000)], 0), (["x"], 0)],
)
def test_none_a_single_one_all_or_strangers_make_no_burst(wrong, count):
    payments, _ = world(1)
    bursts = date_bursts(payments, wrong)
    assert len(bursts) == count
    assert bursts.dtypes.astype(str).to_dict() == COLUMNS


def test_no_payments_at_all_and_none_with_a_time():
    empty = pd.DataFrame(
        {"payment_id": ["a", "b"], "created_at": pd.to_datetime([None, None], utc=True)}
    )
    assert date_bursts(empty, ["a", "b"]).empty
    assert date_bursts(empty.iloc[:0], []).empty
    assert in_order(empty).empty


@settings(deadline=None, max_examples=15)
@given(seed=st.integers(0, 10**6), order=st.integers(0, 10**6))
@example(seed=590_544, order=0)  # two bursts reached for the same hour between them
def test_the_order_of_rows_changes_nothing_and_bursts_do_not_overlap(seed, order):
    payments, wrong = world(seed, count=600, quiet=0.03, bursts=((200, 60, 0.6),))
    bursts = date_bursts(payments, wrong)
    shuffled = payments.sample(frac=1, random_state=order)
    pd.testing.assert_frame_equal(date_bursts(shuffled, wrong[::-1]), bursts)
    assert (bursts["onset"].iloc[1:].to_numpy() > bursts["end"].iloc[:-1].to_numpy()).all()
    assert (bursts["rate"] > bursts["rate_outside"]).all()
