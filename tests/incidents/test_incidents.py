"""Incidents: findings of one kind that hang together, dated, counted once, and told plainly."""

from __future__ import annotations

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from credit_forensics.incidents.group import with_incidents
from credit_forensics.tables.catalogue import spec

START = pd.Timestamp("2025-09-01", tz="UTC")


def finding(number, hours, **columns):
    return {
        "payment_id": f"p{number}",
        "finding": "wrong_user",
        "cause": "stale_session",
        "severity": "critical",
        "credited_user_id": "b",
        "rightful_user_id": f"a{number}",
        "credits": 50,
        "amount": 900,
        "currency": "eur",
        "created_at": None if hours is None else START + pd.Timedelta(hours=hours),
        "explanation": f"number {number}",
        **columns,
    }


def grouped(rows, payments=None):
    return with_incidents(pd.DataFrame(rows), payments)[1]


def test_a_long_pause_splits_and_a_short_one_does_not():
    hours = [0, 0.5, 1, 1.5, 6, 30, 30.5]
    incidents = grouped([finding(number, hour) for number, hour in enumerate(hours)])
    assert incidents["findings"].tolist() == [5, 2]
    assert incidents["onset"].tolist() == [START, START + pd.Timedelta(hours=30)]
    assert incidents["end"].iloc[0] == START + pd.Timedelta(hours=6)
    assert incidents["incident_id"].tolist() == [
        "wrong_user-stale_session-20250901T000000Z",
        "wrong_user-stale_session-20250902T060000Z",
    ]


def test_ten_times_the_usual_pause_is_needed_but_a_week_always_splits():
    rare = [finding(number, 24 * number) for number in range(5)]
    assert grouped(rare)["findings"].tolist() == [5]
    weekly = [finding(number, 24 * 8 * number) for number in range(3)]
    assert grouped(weekly)["findings"].tolist() == [1, 1, 1]


def test_kinds_and_causes_are_apart_and_the_gravest_comes_first():
    incidents = grouped(
        [
            finding(1, 0, finding="failed_delivery", cause="no_credits", severity="medium"),
            finding(2, 0, finding="failed_delivery", cause="database_error", severity="medium"),
            finding(3, 9),
            finding(4, 9, finding="unknown_user", cause=None, severity="high"),
        ]
    )
    assert incidents["finding"].tolist() == [
        "wrong_user",
        "unknown_user",
        "failed_delivery",
        "failed_delivery",
    ]
    assert incidents["incident_id"].iloc[1] == "unknown_user-none-20250901T090000Z"


def test_users_and_money_count_once():
    incidents = grouped(
        [
            finding(1, 0, rightful_user_id="a"),
            finding(1, 1, rightful_user_id="a", explanation="again"),
            finding(2, 2, rightful_user_id=None, credited_user_id="b", credits=-20),
        ]
    )
    row = incidents.iloc[0]
    assert (row["findings"], row["users"], row["credits"], row["amount"]) == (3, 2, 120, 1_800)
    assert row["summary"] == (
        "wrong_user (stale_session): 3 findings, from 2025-09-01 00:00 to 2025-09-01 02:00 UTC; "
        "accounts hit: 2; at stake: 120 credits and 18.00 EUR."
    )


def test_two_currencies_do_not_add():
    row = grouped([finding(1, 0), finding(2, 1, currency="jpy")]).iloc[0]
    assert row["currency"] == "mixed"
    assert pd.isna(row["amount"])
    assert "amounts in several currencies" in row["summary"]


def test_findings_without_a_time_are_an_incident_of_their_own():
    incidents = grouped([finding(1, 0), finding(2, None), finding(3, None)])
    assert incidents["findings"].tolist() == [1, 2]
    assert incidents["incident_id"].iloc[1] == "wrong_user-stale_session-undated"
    assert incidents["onset"].isna().tolist() == [False, True]


def test_no_findings_make_no_incidents_of_the_same_types():
    empty = with_incidents(spec("findings").empty())[1]
    assert empty.empty
    assert empty.columns.tolist() == spec("incidents").column_names
    assert empty.dtypes.to_dict() == grouped([finding(1, 0)]).dtypes.to_dict()


def shop(seed=1, count=3_000):
    rng = np.random.default_rng(seed)
    seconds = np.cumsum(rng.exponential(300, count))
    times = (START + pd.to_timedelta(seconds, unit="s")).as_unit("us")
    payments = pd.DataFrame(
        {"payment_id": [f"p{number}" for number in range(count)], "created_at": times}
    )
    rate = np.full(count, 0.002)
    rate[1_000:1_080] = 0.5
    wrong = np.flatnonzero(rng.random(count) < rate)
    rows = [
        finding(number, 0, created_at=times[number] + pd.Timedelta(minutes=3)) for number in wrong
    ]
    return payments, rows


def test_a_burst_among_the_payments_is_an_incident_with_an_interval():
    payments, rows = shop()
    incidents = grouped(rows, payments)
    dated = incidents[incidents["onset_low"].notna()]
    assert len(dated) == 1
    burst = dated.iloc[0]
    began = payments["created_at"].iloc[1_000]
    assert abs(burst["onset"] - began) <= pd.Timedelta(hours=1)
    assert burst["onset_low"] <= burst["onset"] <= burst["onset_high"]
    assert burst["end_low"] <= burst["end"] <= burst["end_high"]
    assert not burst["ongoing"]
    assert burst["findings"] >= 20
    assert "it began between" in burst["summary"]
    assert incidents["findings"].sum() == len(rows)
    assert incidents["incident_id"].is_unique


def test_findings_of_unknown_payments_are_grouped_by_pauses_all_the_same():
    payments, rows = shop()
    strangers = [finding("x", 0, finding="orphan_credit", severity="high", payment_id=None)]
    incidents = grouped([*rows, *strangers], payments)
    assert incidents["findings"].sum() == len(rows) + 1
    assert "orphan_credit" in set(incidents["finding"])


@settings(deadline=None, max_examples=5)
@given(seed=st.integers(0, 10**6))
def test_the_order_of_findings_and_payments_changes_nothing(seed):
    payments, rows = shop(seed % 7)
    rows += [finding(f"y{number}", number * 7.5, cause="email_match") for number in range(9)]
    frame = pd.DataFrame(rows)
    plain = with_incidents(frame, payments)[1]
    shuffled = with_incidents(
        frame.sample(frac=1, random_state=seed), payments.sample(frac=1, random_state=seed)
    )[1]
    pd.testing.assert_frame_equal(shuffled, plain)
