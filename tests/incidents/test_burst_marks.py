"""A burst is parted where the mark of its wrong payments changes, and nowhere else."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from credit_forensics.incidents.burst_marks import Marks
from credit_forensics.incidents.dated_bursts import date_runs
from credit_forensics.incidents.group import with_incidents

START = pd.Timestamp("2025-09-01", tz="UTC")


def marks(*runs, share=0.7):
    value = np.concatenate([np.full(length, kind, dtype=np.int64) for kind, length in runs])
    return Marks(value, np.full(len(value), share))


def spans(run, rate):
    return [(part.first, part.last) for part in run.parts(0, len(run.value) - 1, rate)]


@pytest.mark.parametrize(
    ("runs", "parts"),
    [
        ([(0, 40)], [(0, 39)]),
        ([(0, 34), (1, 23)], [(0, 33), (34, 56)]),
        ([(0, 20), (1, 20), (0, 20)], [(0, 19), (20, 39), (40, 59)]),
        ([(0, 30), (1, 2)], [(0, 29)]),
        ([(0, 2), (1, 2)], [(0, 3)]),
    ],
)
def test_a_burst_is_parted_where_its_mark_changes(runs, parts):
    run = marks(*runs)
    assert spans(run, 0.6) == parts


def test_a_release_in_the_middle_of_a_burst_does_not_part_it():
    """Few payments of either version go wrong, so neither is the fault's own."""
    run = marks((0, 50), (1, 50), share=0.03)
    assert spans(run, 0.6) == [(0, 99)]


def test_an_everyday_version_beside_a_marked_one_parts():
    run = marks((0, 50), (1, 50))
    run.share[:50] = 0.03
    assert spans(run, 0.6) == [(0, 49), (50, 99)]


@settings(deadline=None, max_examples=40)
@given(seed=st.integers(0, 10**6), kinds=st.integers(1, 8), count=st.integers(1, 300))
def test_marks_in_random_order_part_nothing_and_parts_cover_all(seed, kinds, count):
    value = np.random.default_rng(seed).integers(0, kinds, count)
    parts = spans(Marks(value, np.where(value, 1.0, 0.01)), 0.5)
    assert parts[0][0] == 0
    assert parts[-1][1] == count - 1
    assert all(later[0] == earlier[1] + 1 for earlier, later in pairwise(parts))
    # Three nats and the logarithm of the places make a false change very rare.
    assert len(parts) <= 2


def test_a_mark_leaves_out_what_does_not_bear_it_at_the_edges():
    value = np.array([0, *[1] * 30, 0], dtype=np.int64)
    part = Marks(value, np.where(value, 0.8, 0.01)).parts(0, 31, 0.6)[0]
    assert (part.first, part.last, part.mark) == (1, 30, 1)


def two_bursts(rate=0.6):
    """Bursts of 80 payments that touch, the first with a version of its own."""
    rng = np.random.default_rng(4)
    times = (START + pd.to_timedelta(np.arange(3_000) * 2, unit="min")).as_unit("us")
    payments = pd.DataFrame({"payment_id": [f"p{n:04}" for n in range(3_000)], "created_at": times})
    share = np.full(3_000, 0.002)
    share[1_000:1_160] = rate
    wrong = rng.random(3_000) < share
    return payments, wrong


def test_bursts_that_touch_are_dated_each_when_their_marks_differ():
    payments, wrong = two_bursts()
    places = np.flatnonzero(wrong)
    later = (places >= 1_080) & (places < 1_160)
    run = Marks((later).astype(np.int64), np.where(later, 0.8, 0.02))
    times = pd.DatetimeIndex(payments["created_at"])
    assert len(date_runs(times, wrong)) == 1
    found = date_runs(times, wrong, run)
    truth = times[[1_000, 1_080]]
    assert (abs(found["onset"] - pd.Series(truth)) <= pd.Timedelta(minutes=20)).all()
    assert (found["end"].iloc[0], found["wrong"].sum()) < (found["onset"].iloc[1], len(places))


def test_incidents_take_the_marks_by_payment_whatever_their_order():
    payments, wrong = two_bursts()
    hit = payments[wrong].reset_index(drop=True)
    findings = hit.assign(
        finding="wrong_user", cause="stale_session", severity="critical", credits=50
    )
    hotfix = hit["payment_id"].between("p1000", "p1079")
    run = pd.DataFrame(
        {
            "payment_id": hit["payment_id"],
            "value": np.where(hotfix, "2.9.1-hotfix", "2.9.0"),
            "carriers": np.where(hotfix, 70, 2_900),
        }
    )
    apart = with_incidents(findings, payments, run)[1]
    assert len(with_incidents(findings, payments)[1]) + 1 == len(apart)
    again = with_incidents(findings, payments, run.sample(frac=1, random_state=1))[1]
    pd.testing.assert_frame_equal(again, apart)
    assert apart["findings"].sum() == len(hit)


def test_marks_of_nothing_and_of_unknown_values():
    assert len(Marks.of(pd.Series([], dtype="str"), pd.Series([], dtype="float64")).value) == 0
    unknown = Marks.of(pd.Series([None, None], dtype="str"), pd.Series([None, None]))
    assert spans(unknown, 0.5) == [(0, 1)]
