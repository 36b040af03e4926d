"""The statistics that every way of the benchmark shares: the model on counted patterns."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from credit_forensics.judgement.families import FAMILIES
from credit_forensics.judgement.fusion import posterior_batch
from credit_forensics.judgement.model import fit_model
from credit_forensics.judgement.pattern_arrays import Cells, decode, mark_unit, without_family
from credit_forensics.judgement.posterior import posterior_blocks


def fuse(
    period: Any, key: Any, count: Any, accounts: int, *, without: str | None = None
) -> pa.Table:
    """The posterior of every cell, from how many payments lie in it; perhaps without a family."""
    mark, pattern_key = np.divmod(key, mark_unit(len(FAMILIES)))
    pattern, distinct = pd.factorize(pattern_key, sort=True)
    patterns = decode(FAMILIES, distinct)
    cells = Cells(period, pattern, count.astype(np.float64), int(period.max()) + 1, mark)
    fit = fit_model(patterns, cells, accounts)
    judged = without_family(patterns, without) if without else patterns
    return pa.Table.from_batches(
        posterior_batch(period[rows], key[rows], thought)
        for rows, thought in posterior_blocks(judged, cells, fit)
    )
