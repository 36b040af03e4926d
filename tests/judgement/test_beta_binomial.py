"""The beta-binomial distribution is SciPy's, so that no verdict depends on whose it is."""

import numpy as np
import pytest
from scipy.stats import betabinom

from credit_forensics.judgement.beta_binomial import beta_binomial


@pytest.mark.parametrize("total", [0, 1, 2, 7, 59, 1000])
def test_it_is_scipys_to_ten_digits(total):
    random = np.random.default_rng(total)
    count = np.arange(total + 1)
    for alpha, beta in random.uniform(0.05, 50, (40, 2)):
        ours = beta_binomial(total, alpha, beta)
        assert ours == pytest.approx(betabinom.pmf(count, total, alpha, beta), rel=1e-10)


def test_the_chances_of_all_counts_sum_to_one():
    assert beta_binomial(40, 0.7, 2.5).sum() == pytest.approx(1.0, rel=1e-12)
