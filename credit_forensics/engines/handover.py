"""Hands the evidence from DuckDB, where it was loaded, to another engine, and results back."""

from __future__ import annotations

from collections.abc import Mapping

from credit_forensics.engines.duckdb import DuckDBEngine, Engine
from credit_forensics.engines.recipes import Kept
from credit_forensics.tables.catalogue import spec
from credit_forensics.tables.evidence import EVIDENCE

_BATCH = 100_000
RESULTS = ("coverage", "credited", "choices", "judged_shares", "verdicts", "persons")


def hand_over(source: DuckDBEngine, target: Engine) -> None:
    """Copy every evidence table that the source has, in batches: a table need not fit in memory.

    Parameters
    ----------
    source
        holds prepared evidence.
    target
        takes it, under the same names.
    """
    there = source.names()
    for table in EVIDENCE:
        if table.name in there:
            columns = ", ".join(f'"{column}"' for column in table.column_names)
            rows = source.connection.sql(f'SELECT {columns} FROM "{table.name}"')
            target.register(table.name, rows.to_arrow_reader(_BATCH))


def bring_back(source: Engine, kept: Mapping[str, Kept], target: DuckDBEngine) -> None:
    """Copy what the judgement made, so that everything that shows it finds it beside the evidence.

    Parameters
    ----------
    source
        where ``judge`` ran.
    kept
        the tables that it kept beside the results, by their names.
    target
        the evidence's own engine.
    """
    for name in RESULTS:
        target.register(name, source.arrow(spec(name).unbound()))
    for name, table in kept.items():
        if name not in RESULTS:
            target.register(name, source.arrow(table.table))
