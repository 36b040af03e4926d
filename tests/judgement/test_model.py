"""The model on known counts: EM finds the accuracies, the burst chain finds the bursts."""

import numpy as np
import pytest

from credit_forensics.judgement.bursts import STATES, smooth, transition
from credit_forensics.judgement.families import FAMILIES
from credit_forensics.judgement.model import fit_model
from credit_forensics.judgement.pattern_arrays import Cells, decode
from credit_forensics.judgement.patterns import MOST_FAMILIES
from credit_forensics.judgement.periods import choose_periods
from credit_forensics.judgement.posterior import cell_session_accuracy, posterior

SESSION, MAPPING, EMAIL, CARD, NAME = range(5)


def world(random, payments, accuracies, periods=200, burst=()):
    """Voices drawn with known accuracies over session, mapping, email, card."""
    period = random.integers(0, periods, payments)
    truth = np.zeros(payments, dtype=int)
    voices = []
    for family, accuracy in enumerate(accuracies):
        right = random.random(payments) < accuracy
        if family == SESSION and len(burst):
            right &= ~(np.isin(period, burst) & (random.random(payments) < 0.6))
        voices.append(np.where(right, truth, random.integers(1, 11, payments)))
    return period, np.column_stack(voices)


def cells_of(period, voices):
    rows, families = voices.shape
    slot = np.zeros((rows, len(FAMILIES)), dtype=np.int64)
    level = np.zeros_like(slot)
    for family in range(families):
        slot[:, family] = family + 1
        for earlier in range(family - 1, -1, -1):
            same = voices[:, earlier] == voices[:, family]
            slot[same, family] = slot[same, earlier]
        level[:, family] = 2 if family == SESSION else 1
    credited = slot[:, SESSION]
    key = credited.astype(np.int64)
    for family in reversed(range(len(FAMILIES))):
        key = key * 8 + level[:, family]
        key = key * (len(FAMILIES) + 2) + slot[:, family]
    key *= 2 ** (len(FAMILIES) + 1)
    distinct, pattern = np.unique(key, return_inverse=True)
    pairs, counts = np.unique(np.column_stack([period, pattern]), axis=0, return_counts=True)
    return decode(FAMILIES, distinct), Cells(
        pairs[:, 0], pairs[:, 1], counts.astype(float), int(period.max()) + 1
    )


def test_em_recovers_the_accuracies():
    random = np.random.default_rng(7)
    period, voices = world(random, 60_000, [0.97, 0.94, 0.90, 0.85])
    patterns, cells = cells_of(period, voices)
    fit = fit_model(patterns, cells, accounts=1000)
    assert fit.identifiable
    for family, expected, tolerance in (
        (MAPPING, 0.94, 0.01),
        (EMAIL, 0.90, 0.01),
        (CARD, 0.85, 0.012),
    ):
        assert fit.accuracy[family][0] == pytest.approx(expected, abs=tolerance)


def test_a_burst_raises_suspicion_only_where_it_is():
    random = np.random.default_rng(11)
    burst = np.arange(90, 96)
    period, voices = world(random, 4_000, [0.998, 0.97, 0.97, 0.95], burst=burst)
    patterns, cells = cells_of(period, voices)
    fit = fit_model(patterns, cells, accounts=1000)
    stormy = 1 - fit.states[:, 0]
    assert stormy[burst].min() > 0.9
    assert np.delete(stormy, np.arange(88, 98)).max() < 0.2
    session = cell_session_accuracy(patterns, cells, fit)
    inside = np.isin(cells.period, burst)
    assert session[inside].mean() < 0.9
    assert session[~inside].mean() > 0.99


def test_log_odds_keep_their_digits_where_the_probability_rounds_to_one():
    random = np.random.default_rng(3)
    period, voices = world(random, 5_000, [0.999, 0.999, 0.999, 0.999])
    patterns, cells = cells_of(period, voices)
    thought = posterior(patterns, cells, fit_model(patterns, cells, accounts=10))
    finite = thought.log_odds[~np.isnan(thought.log_odds)]
    assert np.isfinite(finite).all()
    np.testing.assert_allclose(
        1 / (1 + np.exp(-finite)), thought.misattributed[~np.isnan(thought.log_odds)], atol=1e-9
    )


def test_chain_of_no_evidence_stays_quiet_and_rows_sum_to_one():
    states = smooth(np.zeros((50, len(STATES))))
    assert states[:, 0].min() > 0.95
    np.testing.assert_allclose(states.sum(axis=1), 1.0)
    np.testing.assert_allclose(transition().sum(axis=1), 1.0)


def test_the_blocked_scan_equals_the_plain_recursion():
    random = np.random.default_rng(5)
    emission = random.random((137, len(STATES))) + 0.05
    moves = transition()
    belief = np.full(len(STATES), 2e-4 / (len(STATES) - 1))
    belief[0] = 1 - 2e-4
    forward, backward = [], [np.ones(len(STATES))]
    for place in range(137):
        belief = (belief if place == 0 else belief @ moves) * emission[place]
        belief = belief / belief.sum()
        forward.append(belief)
    for place in range(135, -1, -1):
        ahead = moves @ (emission[place + 1] * backward[-1])
        backward.append(ahead / ahead.sum())
    both = np.array(forward) * np.array(backward[::-1])
    np.testing.assert_allclose(
        smooth(np.log(emission)), both / both.sum(axis=1, keepdims=True), atol=1e-10
    )


def test_more_families_than_a_key_holds_are_refused():
    from credit_forensics.engines.duckdb import DuckDBEngine
    from credit_forensics.errors import CaseError
    from credit_forensics.judgement.judge import judge
    from credit_forensics.resolution.method import Method

    custom = [
        Method(f"m{i}", f"family{i}", "", rows=lambda tables: tables.payments)
        for i in range(MOST_FAMILIES)
    ]
    with pytest.raises(CaseError, match="may add 2 families"):
        judge(DuckDBEngine(), custom=custom)


@pytest.mark.parametrize(
    ("span", "payments", "width"),
    [(3600, 10_000, 30), (86_400 * 365, 10, 61_440), (86_400 * 30, 30_000, 480)],
)
def test_periods_are_neither_too_short_nor_too_long(span, payments, width):
    assert choose_periods(0, span, payments).width == width


def test_a_payment_that_lies_apart_neither_widens_the_periods_nor_moves_their_grid():
    week = 86_400 * 7
    periods = choose_periods(1_000_000, 1_000_000 + week, 1000, busy=week)
    with_one = choose_periods(1_000_000 - 4 * week, 1_000_000 + week, 1001, busy=week)
    assert with_one.width == periods.width
    assert (with_one.start - periods.start) % periods.width == 0
