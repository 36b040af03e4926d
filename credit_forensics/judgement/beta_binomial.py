"""The beta-binomial distribution without SciPy, which is slow to load for what is stored."""

from __future__ import annotations

import numpy as np

from credit_forensics.arrays import Floats


def beta_binomial(total: int, alpha: float, beta: float) -> Floats:
    """Probability of each count from 0 to ``total``: ``scipy.stats.betabinom.pmf``.

    By the ratio of neighbours, ``P(k + 1) / P(k) = (n - k)(k + alpha) / ((k + 1)(n - k - 1 +
    beta))``, from ``P(0)``, the product of ``(beta + i) / (alpha + beta + i)`` for each ``i < n``.
    For totals up to some hundreds: of very many ``P(0)`` is too small for a number.

    Examples
    --------
    >>> beta_binomial(2, 1.0, 1.0).round(6).tolist()
    [0.333333, 0.333333, 0.333333]
    """
    k = np.arange(total)
    first = np.prod((beta + k) / (alpha + beta + k))
    ratios = (total - k) * (k + alpha) / ((k + 1) * (total - k - 1 + beta))
    return np.asarray(first * np.cumprod(np.concatenate(([1.0], ratios))), dtype=np.float64)
