"""The scores, against worked examples."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from credit_forensics.scenarios.scoring import (
    average_precision,
    brier,
    expected_calibration_error,
    score,
)


def test_average_precision_of_a_worked_example() -> None:
    # Ranks 1 and 3 are wrong: (1/1 + 2/3) / 2.
    p = np.array([0.9, 0.8, 0.7, 0.1])
    assert average_precision(p, np.array([True, False, True, False])) == pytest.approx(5 / 6)


@settings(deadline=None, max_examples=50)
@given(st.lists(st.tuples(st.sampled_from([0.0, 0.25, 0.5, 1.0]), st.booleans()), min_size=1))
def test_order_of_ties_changes_nothing(rows: list[tuple[float, bool]]) -> None:
    p, wrong = (np.array(column) for column in zip(*rows, strict=True))
    there = average_precision(p.astype(float), wrong.astype(bool))
    back = average_precision(p[::-1].astype(float), wrong[::-1].astype(bool))
    assert there == pytest.approx(back)
    assert 0.0 <= there <= 1.0


def test_precision_and_recall_at_the_threshold() -> None:
    p = np.array([0.95, 0.9, 0.89, 0.0, np.nan])
    wrong = np.array([True, False, True, False, True])
    found = score(p, wrong)
    assert (found.payments, found.wrong) == (4, 2)
    assert found.precision == 0.5
    assert found.recall == 0.5


def test_calibrated_probabilities_have_no_error() -> None:
    p = np.full(10, 0.3)
    wrong = np.arange(10) < 3
    assert expected_calibration_error(p, wrong) == pytest.approx(0.0)
    assert brier(p, wrong) == pytest.approx(0.21)
    assert expected_calibration_error(np.ones(4), np.zeros(4, bool)) == 1.0


def test_nothing_wrong_nothing_named() -> None:
    found = score(np.zeros(3), np.zeros(3, dtype=bool))
    assert (found.precision, found.recall, found.average_precision) == (1.0, 1.0, 1.0)
