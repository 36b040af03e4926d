"""The beta-binomial distribution is SciPy's to the bit, so that no verdict depends on whose it is."""

import numpy as np
import pytest
from scipy.stats import betabinom

from credit_forensics.judgement.beta_binomial import beta_binomial


@pytest.mark.parametrize("total", [0, 1, 2, 7, 59, 1000])
def test_it_is_scipys_to_the_bit(total):
    random = np.random.default_rng(total)
    count = np.arange(total + 1)
    for alpha, beta in random.uniform(0.05, 50, (40, 2)):
        ours = beta_binomial(count, total, alpha, beta)
        assert np.array_equal(ours, betabinom.pmf(count, total, alpha, beta))


def test_totals_may_differ_too():
    count, total = np.array([0, 1, 3]), np.array([1, 5, 3])
    ours = beta_binomial(count, total, 0.7, 2.5)
    assert np.array_equal(ours, betabinom.pmf(count, total, 0.7, 2.5))
