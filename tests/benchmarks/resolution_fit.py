"""The statistics that every way of the benchmark shares: the model on counted patterns."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from credit_forensics.judgement.families import FAMILIES
from credit_forensics.judgement.fusion import posterior_batch
from credit_forensics.judgement.model import fit_model
from credit_forensics.judgement.pattern_arrays import Cells, decode
from credit_forensics.judgement.posterior import posterior_blocks


def fuse(period: Any, key: Any, count: Any, accounts: int) -> pa.Table:
    """The posterior of every cell, from how many payments lie in it."""
    distinct, pattern = np.unique(key, return_inverse=True)
    patterns = decode(FAMILIES, distinct)
    cells = Cells(period, pattern, count.astype(np.float64), int(period.max()) + 1)
    fit = fit_model(patterns, cells, accounts)
    return pa.Table.from_batches(
        posterior_batch(period[rows], key[rows], thought)
        for rows, thought in posterior_blocks(patterns, cells, fit)
    )
