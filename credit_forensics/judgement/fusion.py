"""Fuses voices: counts patterns on the engine, fits the model on them, gives posteriors back."""

from __future__ import annotations

from dataclasses import dataclass

import ibis
import ibis.expr.types as ir
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from credit_forensics.engine import Engine
from credit_forensics.judgement.families import Family
from credit_forensics.judgement.model import Fit, fit_model
from credit_forensics.judgement.patterns import Cells, Patterns, decode, pattern_keys
from credit_forensics.judgement.periods import Periods
from credit_forensics.judgement.posterior import Posterior, posterior

POSTERIORS = {
    "period": "int64",
    "pattern": "int64",
    "best": "int64",
    "best_probability": "float64",
    "misattributed": "float64",
    "log_odds": "float64",
    "entropy": "float64",
    "agreeing": "int64",
    "available": "int64",
    "burst": "float64",
}


@dataclass(frozen=True)
class Fused:
    """Voices with their patterns, the posterior of each cell, and the model that gave them."""

    voices: ir.Table
    posteriors: ir.Table
    patterns: Patterns
    cells: Cells
    fit: Fit

    def judged(self) -> ir.Table:
        """The voices, each with its cell's posterior."""
        joined = self.voices.inner_join(self.posteriors, ["period", "pattern"])
        return joined.select(
            self.voices,
            **{
                name: self.posteriors[name]
                for name in POSTERIORS
                if name not in ("period", "pattern")
            },
        )


def fuse(
    engine: Engine,
    name: str,
    voices: ir.Table,
    bearers: ir.Table,
    *,
    families: tuple[Family, ...],
    periods: Periods,
    accounts: int,
) -> Fused:
    """Judge every payment by its voices.

    Parameters
    ----------
    engine
        where the voices are; keeps ``<name>`` and ``<name>_posteriors``.
    name
        what to keep them as.
    voices
        as ``family_voices`` gives them.
    bearers
        ``person_id, name_key`` for names that several accounts bear.
    families, periods
        the families in order, and how time is cut.
    accounts
        number of accounts.
    """
    kept = engine.materialize(f"{name}_spoken", voices)
    keyed = pattern_keys(kept, bearers, families)
    keyed = engine.materialize(name, keyed.mutate(period=periods.number(keyed.created_at)))
    counted = keyed.group_by("period", "pattern").agg(payments=keyed.count())
    counts = engine.arrow(counted.order_by("period", "pattern"))
    period, key, count = (
        counts.column(column).to_numpy() for column in ("period", "pattern", "payments")
    )
    distinct, pattern = np.unique(key, return_inverse=True)
    patterns = decode(families, distinct)
    cells = Cells(
        period=period,
        pattern=pattern,
        count=count.astype(np.float64),
        periods=int(period.max(initial=0)) + 1,
    )
    fit = fit_model(patterns, cells, accounts)
    thought = posterior(patterns, cells, fit)
    engine.register(f"{name}_posteriors", _posterior_table(period, key, thought))
    return Fused(
        voices=keyed,
        posteriors=ibis.table(POSTERIORS, name=f"{name}_posteriors"),
        patterns=patterns,
        cells=cells,
        fit=fit,
    )


def _posterior_table(
    period: npt.NDArray[np.int64], key: npt.NDArray[np.int64], thought: Posterior
) -> pa.Table:
    return pa.table(
        {
            "period": period,
            "pattern": key,
            "best": thought.best,
            "best_probability": thought.best_probability,
            "misattributed": pa.array(thought.misattributed, from_pandas=True),
            "log_odds": pa.array(thought.log_odds, from_pandas=True),
            "entropy": thought.entropy,
            "agreeing": thought.agreeing,
            "available": thought.available,
            "burst": thought.burst,
        }
    )
