"""Hands the evidence from DuckDB, where it was loaded, to another engine, and results back."""

from __future__ import annotations

import ibis

from credit_forensics.engine import DuckDBEngine, Engine
from credit_forensics.evidence import tables
from credit_forensics.judgement.judge import Judgement

_BATCH = 100_000
RESULTS = ("credited", "choices", "verdicts", "persons")


def hand_over(source: DuckDBEngine, target: Engine) -> None:
    """Copy every evidence table that the source has, in batches: a table need not fit in memory.

    Parameters
    ----------
    source
        holds prepared evidence.
    target
        takes it, under the same names.
    """
    for spec in tables.EVIDENCE:
        if source.has(spec.name):
            columns = ", ".join(f'"{column}"' for column in spec.column_names)
            rows = source.connection.sql(f'SELECT {columns} FROM "{spec.name}"')
            target.register(spec.name, rows.to_arrow_reader(_BATCH))


def bring_back(source: Engine, judgement: Judgement, target: DuckDBEngine) -> None:
    """Copy what the judgement made, so that everything that shows it finds it beside the evidence.

    Parameters
    ----------
    source
        where ``judge`` ran.
    judgement
        what it gave.
    target
        the evidence's own engine.
    """
    for name in RESULTS:
        target.register(name, source.arrow(tables.spec(name).unbound()))
    for kept in (judgement.matrix, judgement.judged):
        target.register(kept.get_name(), source.arrow(ibis.table(kept.schema(), kept.get_name())))
