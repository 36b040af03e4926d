"""The beta-binomial distribution without ``scipy.stats``, which is slow to load."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.special import betaln

from credit_forensics.arrays import Floats


def beta_binomial(count: npt.ArrayLike, total: npt.ArrayLike, alpha: float, beta: float) -> Floats:
    """Probability of a count among a total, elementwise: ``scipy.stats.betabinom.pmf`` to the bit.

    Examples
    --------
    >>> beta_binomial([0, 1, 2], 2, 1.0, 1.0).round(6).tolist()
    [0.333333, 0.333333, 0.333333]
    """
    k, n = np.asarray(count), np.asarray(total)
    ways = -np.log(n + 1) - betaln(n - k + 1, k + 1)
    chances = np.exp(ways + betaln(k + alpha, n - k + beta) - betaln(alpha, beta))
    return np.asarray(np.clip(chances, 0.0, 1.0), dtype=np.float64)
