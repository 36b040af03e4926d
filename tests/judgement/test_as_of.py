"""As of a payment: the chain and the fits know nothing later, and explanations use the same."""

from __future__ import annotations

import numpy as np
import pytest

from credit_forensics.case.case import Case
from credit_forensics.judgement.as_of import chain_periods, fit_in_order
from credit_forensics.judgement.bursts import STATES, filtered
from credit_forensics.judgement.families import FAMILIES
from credit_forensics.judgement.pattern_arrays import decode
from credit_forensics.scenarios.settings import WorldSettings
from credit_forensics.scenarios.world import make_world


@pytest.mark.parametrize(
    ("hours", "payments", "starts"),
    [
        ([0, 1, 2], [4, 1, 1], [0, 2]),  # a period ends with its fifth payment
        ([0, 1, 2], [3, 1, 1], [0]),
        ([0, 23], [1, 1], [0]),  # or with a day
        ([0, 24], [1, 1], [0, 24]),
    ],
)
def test_a_period_holds_five_payments_or_a_day(hours, payments, starts):
    found, _ = chain_periods(np.array(hours), np.array(payments, dtype=np.float64))
    assert found.tolist() == starts


def test_the_filtered_chain_learns_of_a_burst_from_the_periods_before_only():
    told = np.zeros((6, len(STATES)))
    told[2] = [-40.0, 0.0, 5.0, 5.0, 0.0]
    gaps = np.zeros(6, dtype=np.int64)
    quiet = filtered(told, gaps)[:, 0]
    assert quiet[2] > 0.99
    assert quiet[3] < 0.1
    np.testing.assert_array_equal(filtered(told[:4], gaps[:4]), filtered(told, gaps)[:4])
    # Long after, nobody knows of it any more.
    gaps[3] = 300
    assert filtered(told, gaps)[3, 0] > 0.99


def test_a_fit_knows_the_payments_before_it_and_is_made_anew_as_they_grow():
    count = 400
    hour = np.arange(count) * 24
    patterns = decode(FAMILIES, np.array([0]))
    order = fit_in_order(
        patterns, hour, np.zeros(count, dtype=np.int64), np.ones(count), np.zeros(7, np.int64)
    )
    assert len(order.starts) == count
    assert order.fit_of[0] == 0
    assert (np.diff(order.fit_of) >= 0).all()
    first = [int(np.flatnonzero(order.fit_of == number)[0]) for number in range(len(order.fits))]
    assert first[:4] == [0, 20, 25, 32]


def test_an_explanation_as_of_a_payment_gives_the_very_probability_of_its_verdict():
    world = make_world(WorldSettings(payments=300, wrong_session_rate=0.05), seed=3)
    case = Case.from_evidence(world.evidence(), mode="as_of")
    persons = dict(zip(case.persons["user_id"], case.persons["person_id"], strict=True))
    judged = case.verdicts[case.verdicts["probability_misattributed"].notna()]
    for one in case.explain_all(judged["payment_id"].iloc[::20].tolist()):
        credited = one.verdict["credited_user_id"]
        chances = one.scores.set_index("person_id")["probability"]
        right = chances.get(persons.get(credited, credited), 0.0) + one.patron
        assert one.verdict["probability_misattributed"] == pytest.approx(1 - right, abs=1e-9)
