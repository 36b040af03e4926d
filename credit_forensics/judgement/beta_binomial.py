"""The beta-binomial distribution without ``scipy.stats``, which is slow to load."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from credit_forensics.arrays import Floats
from credit_forensics.extras import Later

if TYPE_CHECKING:
    from scipy import special
else:
    # Slow to load, and what is stored was fitted before.
    special = Later("scipy.special")


def beta_binomial(count: npt.ArrayLike, total: npt.ArrayLike, alpha: float, beta: float) -> Floats:
    """Probability of a count among a total, elementwise: ``scipy.stats.betabinom.pmf`` to the bit.

    Examples
    --------
    >>> beta_binomial([0, 1, 2], 2, 1.0, 1.0).round(6).tolist()
    [0.333333, 0.333333, 0.333333]
    """
    k, n = np.asarray(count), np.asarray(total)
    ways = -np.log(n + 1) - special.betaln(n - k + 1, k + 1)
    chances = np.exp(ways + special.betaln(k + alpha, n - k + beta) - special.betaln(alpha, beta))
    return np.asarray(np.clip(chances, 0.0, 1.0), dtype=np.float64)
