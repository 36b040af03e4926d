"""Says to findings and verdicts whether a source shows, at a time, what is not there."""

from __future__ import annotations

from credit_forensics.tables.expressions import ibis, ir


def with_coverage(rows: ir.Table, coverage: ir.Table, source: str) -> ir.Table:
    """The rows, with ``<source>_since``, ``<source>_until`` and ``<source>_shows`` beside each.

    ``<source>_shows`` is whether what the source does not hold, in its time, was not there.

    Examples
    --------
    >>> import pandas as pd
    >>> from credit_forensics.engines.duckdb import DuckDBEngine
    >>> from credit_forensics.tables.catalogue import ALL, Tables
    >>> engine = DuckDBEngine()
    >>> engine.create(*ALL)
    >>> engine.register("users", pd.DataFrame({"user_id": ["a"]}))
    >>> rows = with_coverage(Tables().users, Tables().coverage, "ledger")
    >>> engine.frame(rows)["ledger_shows"].tolist()
    [False]
    """
    of = coverage.filter(coverage.source == source)
    row = of.aggregate(
        **{
            f"{source}_since": of.since.min(),
            f"{source}_until": of.until.max(),
            f"{source}_shows": of.count(where=of.reason.isnull()) > 0,
        }
    )
    return rows.cross_join(row)


def covers(rows: ir.Table, source: str, time: ir.TimestampValue) -> ir.BooleanValue:
    """Whether the source shows what is not there at a time; rows as ``with_coverage`` gave them."""
    since, until = rows[f"{source}_since"], rows[f"{source}_until"]
    within = (time >= since) & (time <= until)
    return ibis.coalesce(rows[f"{source}_shows"] & within, False)
