"""The exact test and the false discovery rate are SciPy's, to the digits that anyone reads."""

import numpy as np
import pytest
from scipy import stats

from credit_forensics.incidents import exact_test
from credit_forensics.incidents.exact_test import false_discovery_rates, upper_tails


def _rows(seed, count, largest):
    random = np.random.default_rng(seed)
    total = random.integers(1, largest, count)
    marked = (random.random(count) ** 3 * total).astype(np.int64)
    drawn = (random.random(count) * total).astype(np.int64)
    at_least = np.minimum(np.minimum(marked, drawn), random.integers(0, 60, count))
    return at_least, total, marked, drawn


@pytest.mark.parametrize("largest", [4, 50, 3000, 200_000])
def test_tails_are_scipys(largest):
    at_least, total, marked, drawn = _rows(largest, 200, largest)
    theirs = stats.hypergeom.sf(at_least - 1, total, marked, drawn)
    assert upper_tails(at_least, total, marked, drawn) == pytest.approx(
        theirs, rel=1e-6, abs=1e-300
    )


def test_a_tail_far_out_is_not_cut_off():
    """All hundred wrong ones among two hundred of a million: one in 10^384 would be nothing."""
    ours = upper_tails([60], [1_000_000], [100], [200])
    assert ours == pytest.approx(stats.hypergeom.sf([59], 1_000_000, 100, 200), rel=1e-6)
    assert ours[0] > 0


def test_rows_in_blocks_are_the_rows_at_once(monkeypatch):
    rows = _rows(7, 50, 5000)
    at_once = upper_tails(*rows)
    monkeypatch.setattr(exact_test, "_TERMS_AT_ONCE", 100)
    assert np.array_equal(upper_tails(*rows), at_once)


def test_what_cannot_be_drawn_has_no_chance_and_nothing_asked_is_certain():
    assert upper_tails([4, 0, 0], [10, 10, 0], [3, 3, 0], [5, 5, 0]).tolist() == [
        0.0,
        pytest.approx(1.0),
        pytest.approx(1.0),
    ]


def test_no_rows_have_no_tails():
    assert upper_tails([], [], [], []).tolist() == []
    assert false_discovery_rates([]).tolist() == []


def test_false_discovery_rates_are_scipys_ties_included():
    p = np.random.default_rng(3).random(300).round(2)
    assert false_discovery_rates(p) == pytest.approx(
        stats.false_discovery_control(p, method="bh"), rel=1e-12
    )
