"""Fuses voices as of each payment: fits in order of time, and the posteriors that follow."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from credit_forensics.engines.duckdb import Engine
from credit_forensics.engines.recipes import Query
from credit_forensics.judgement.as_of import fit_in_order, posteriors_in_order
from credit_forensics.judgement.families import Family
from credit_forensics.judgement.fusion import POSTERIOR_SCHEMA, Fused, posterior_batch
from credit_forensics.judgement.model import fit_model
from credit_forensics.judgement.pattern_arrays import Cells, decode, without_family


def fuse_as_of(
    engine: Engine,
    counted: Query,
    families: tuple[Family, ...],
    accounts: npt.NDArray[np.int64],
    keep: str,
    *,
    without: str | None = None,
) -> Fused:
    """As ``fusion.fuse``, but that no payment is judged by a later one.

    Parameters
    ----------
    engine, counted, families, keep, without
        as ``fuse`` takes them; the periods are hours.
    accounts
        the hour in which each account was made, ascending; 0 where nobody knows.

    Returns
    -------
    The fit is of all payments, for what is said of the case; ``fit.in_order`` has those that the
    payments are judged by.
    """
    counts = engine.arrow(counted)
    hour, key, payments = (
        counts.column(column).to_numpy() for column in ("period", "pattern", "payments")
    )
    count = payments.astype(np.float64)
    pattern, distinct = pd.factorize(key, sort=True)
    patterns = decode(families, distinct)
    order = fit_in_order(patterns, hour, pattern, count, accounts)
    judged = without_family(patterns, without) if without else patterns
    batches = (
        posterior_batch(hour[rows], key[rows], thought)
        for rows, thought in posteriors_in_order(order, patterns, judged, hour, pattern)
    )
    engine.register(keep, pa.RecordBatchReader.from_batches(POSTERIOR_SCHEMA, batches))
    period = np.maximum(np.searchsorted(order.starts, hour, side="right") - 1, 0)
    cells = Cells(period, pattern, count, periods=max(len(order.starts), 1))
    fit = fit_model(patterns, cells, len(accounts))
    return Fused(patterns=patterns, cells=cells, fit=replace(fit, in_order=order))
