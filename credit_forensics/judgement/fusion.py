"""Fuses voices: counts patterns on the engine, fits the model on them, gives posteriors back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from credit_forensics.engines.duckdb import Engine
from credit_forensics.engines.recipes import Query
from credit_forensics.judgement.families import Family
from credit_forensics.judgement.model import Fit, fit_model
from credit_forensics.judgement.pattern_arrays import (
    Cells,
    Patterns,
    decode,
    mark_unit,
    without_family,
)
from credit_forensics.judgement.patterns import pattern_keys
from credit_forensics.judgement.periods import number_periods
from credit_forensics.judgement.posterior import Posterior, posterior_blocks
from credit_forensics.tables.expressions import ibis, ir

POSTERIORS = {
    "period": "int64",
    "pattern": "int64",
    "best": "int64",
    "best_probability": "float64",
    "misattributed": "float64",
    "patron": "float64",
    "log_odds": "float64",
    "entropy": "float64",
    "agreeing": "int64",
    "available": "int64",
    "independent": "int64",
    "burst": "float64",
}
POSTERIOR_SCHEMA = pa.schema([(name, pa.type_for_alias(kind)) for name, kind in POSTERIORS.items()])
PERIODS = {"start": "int64", "width": "int64"}


@dataclass(frozen=True)
class Fused:
    """Patterns, how many payments of each lie in each period, and the model fitted on them."""

    patterns: Patterns
    cells: Cells
    fit: Fit


@dataclass(frozen=True)
class Known:
    """What an earlier judgement of more evidence learned, for judging a part of it anew.

    ``accuracy``: one array a family, which then stay, as the ``rates`` do. ``counts``: ``period,
    pattern, payments`` of the payments that are not judged anew, as far as their periods matter.
    """

    accuracy: list[npt.NDArray[np.float64]]
    counts: pa.Table
    rates: Mapping[str, Any] | None = None


def keyed_voices(voices: ir.Table, families: tuple[Family, ...]) -> ir.Table:
    """What ``pattern_keys`` gives, and ``period``; the table ``periods`` says how time is cut."""
    return number_periods(pattern_keys(voices, families), ibis.table(PERIODS, name="periods"))


def counted_patterns(keyed: ir.Table) -> ir.Table:
    """``period, pattern, payments``, in order."""
    counted = keyed.group_by("period", "pattern").agg(payments=keyed.count())
    return counted.order_by("period", "pattern")


def with_posteriors(keyed: ir.Table, posteriors: ir.Table) -> ir.Table:
    """The voices, each with its cell's posterior."""
    joined = keyed.inner_join(posteriors, ["period", "pattern"])
    judged = [name for name in POSTERIORS if name not in ("period", "pattern")]
    return joined.select(keyed, **{name: posteriors[name] for name in judged})


def fuse(
    engine: Engine,
    counted: Query,
    families: tuple[Family, ...],
    accounts: int,
    keep: str,
    *,
    known: Known | None = None,
    without: str | None = None,
) -> Fused:
    """Fit the model on counted patterns and keep every cell's posterior.

    Parameters
    ----------
    engine
        where the voices are.
    counted
        as ``counted_patterns`` gives it.
    families
        the families, in order.
    accounts
        number of accounts.
    keep
        name under which the posteriors (columns of ``POSTERIORS``) are kept.
    known
        what an earlier judgement learned.
    without
        a family that the fit hears and the posteriors leave out.
    """
    counts = engine.arrow(counted)
    if known is not None:
        both = pa.concat_tables([counts, known.counts.cast(counts.schema)])
        summed = both.group_by(["period", "pattern"]).aggregate([("payments", "sum")])
        counts = summed.rename_columns(["period", "pattern", "payments"]).sort_by(
            [("period", "ascending"), ("pattern", "ascending")]
        )
    period, key, count = (
        counts.column(column).to_numpy() for column in ("period", "pattern", "payments")
    )
    mark, pattern_key = np.divmod(key, mark_unit(len(families)))
    # By hashing: there are far fewer distinct keys than cells.
    pattern, distinct = pd.factorize(pattern_key, sort=True)
    patterns = decode(families, distinct)
    cells = Cells(
        period=period,
        pattern=pattern,
        count=count.astype(np.float64),
        periods=int(period.max(initial=0)) + 1,
        mark=mark,
    )
    fit = fit_model(
        patterns,
        cells,
        accounts,
        accuracy=known.accuracy if known else None,
        rates=known.rates if known else None,
    )
    judged = without_family(patterns, without) if without else patterns
    batches = (
        posterior_batch(period[rows], key[rows], thought)
        for rows, thought in posterior_blocks(judged, cells, fit)
    )
    engine.register(keep, pa.RecordBatchReader.from_batches(POSTERIOR_SCHEMA, batches))
    return Fused(patterns=patterns, cells=cells, fit=fit)


def posterior_batch(
    period: npt.NDArray[np.int64], key: npt.NDArray[np.int64], thought: Posterior
) -> pa.RecordBatch:
    """Rows of ``POSTERIORS``: cells by period and pattern key, and what is thought of each."""
    return pa.record_batch(
        {
            "period": period,
            "pattern": key,
            "best": thought.best,
            "best_probability": thought.best_probability,
            "misattributed": pa.array(thought.misattributed, from_pandas=True),
            "patron": thought.patron,
            "log_odds": pa.array(thought.log_odds, from_pandas=True),
            "entropy": thought.entropy,
            "agreeing": thought.agreeing,
            "available": thought.available,
            "independent": thought.independent,
            "burst": thought.burst,
        },
        schema=POSTERIOR_SCHEMA,
    )
