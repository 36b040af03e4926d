"""Writes rows as Parquet into buckets of payments, and reads one bucket or all of them."""

from __future__ import annotations

from pathlib import Path

from credit_forensics.engines.duckdb import DuckDBEngine
from credit_forensics.engines.parquet_rows import bucket_name, quoted_path, select_rows
from credit_forensics.tables.evidence import EVIDENCE

BUCKET = "payment_id"
WHOLE = "rows.parquet"
# The quickest level of zstd: half the size of snappy for little more time. Small row groups: each
# thread holds one of a wide table's in memory, and near the limit that costs more than it saves.
FORMAT = "FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1, ROW_GROUP_SIZE 40960"

# Steps of few payments take some two GB a million payments as they are, and half of it packed. To
# pack and unpack them takes a tenth of a judgement's processor time or more. Ids differ from row to
# row, so a list of those that recur is not worth looking for.
FORMAT_OF_FEW = (
    "FORMAT parquet, COMPRESSION uncompressed, DICTIONARY_SIZE_LIMIT 2000, ROW_GROUP_SIZE 40960"
)


def copy_tables(source: DuckDBEngine, folder: Path, buckets: int) -> None:
    """Write the evidence of an engine into a folder, a folder a table.

    Parameters
    ----------
    source
        holds all tables of ``evidence.tables.EVIDENCE``.
    folder
        made if it is not there; what lies in it already stays beside the new rows.
    buckets
        in how many buckets the payments' rows are to lie.
    """
    for spec in EVIDENCE:
        bucketed = BUCKET in spec.column_names
        columns = ", ".join(f'"{name}"' for name in spec.column_names)
        query = f'SELECT {columns} FROM "{spec.name}"'
        copy_rows(source, query, folder / spec.name, buckets if bucketed else 1)


def copy_rows(
    engine: DuckDBEngine, query: str, folder: Path, buckets: int, written_as: str = FORMAT
) -> None:
    """Write a query's rows into a folder: one file, or a folder a bucket.

    Parameters
    ----------
    engine
        runs it.
    query
        its rows have a ``payment_id`` where there are several buckets.
    folder
        made if it is not there; rows of an earlier copy into it stay beside the new ones.
    buckets
        how many.
    written_as
        how, as DuckDB's ``COPY`` takes it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    run = engine.connection.execute
    number = sum(1 for _ in folder.glob("*.parquet")) or ""
    if buckets == 1:
        run(f"COPY ({query}) TO {quoted_path(folder / f'rows{number}.parquet')} ({written_as})")
        return
    run(
        f"""COPY (SELECT *, {_bucket_of(buckets)} AS bucket FROM ({query}))
        TO {quoted_path(folder)} ({written_as}, PARTITION_BY (bucket), APPEND)"""
    )
    for bucket in range(buckets):
        path = folder / bucket_name(bucket)
        if not path.is_dir():
            path.mkdir()
            empty = f"SELECT * FROM ({query}) LIMIT 0"
            run(f"COPY ({empty}) TO {quoted_path(path / WHOLE)} ({written_as})")


def show_rows(engine: DuckDBEngine, name: str, folder: Path, *, in_memory: bool = False) -> None:
    """Make rows that ``copy_rows`` wrote readable under a name: where they lie, or in memory."""
    kind = "TABLE" if in_memory else "VIEW"
    engine.connection.execute(f'CREATE OR REPLACE {kind} "{name}" AS {select_rows(folder)}')


def _bucket_of(buckets: int) -> str:
    # Rows that name no payment lie in the first.
    return f"coalesce((hash({BUCKET}) % {buckets})::INTEGER, 0)"
