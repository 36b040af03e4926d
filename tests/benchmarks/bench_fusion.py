"""Fusion against the bare group-by of the claims that it fuses.

Run with ``python tests/benchmarks/bench_fusion.py [--payments N …] [--runs N]``. A world is made
and judged (not timed); then, turn by turn, **fusion** (counting patterns on the engine, EM, the
posterior of every cell, keeping it) and the **group_by** that any vote over the same long claims
table needs first: payment, user, methods and families that name the user. The fastest run of each
counts: what else the machine did is in the others. Ends with an error where the target is missed.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from bench_resolution import engine_of, make
from ratios import note

from credit_forensics.engines.duckdb import DuckDBEngine
from credit_forensics.judgement.fusion import counted_patterns, fuse
from credit_forensics.judgement.judge import Judgement, judge
from credit_forensics.judgement.patterns import whole_patterns

SIZES = [100_000, 1_000_000]
RUNS = 5
TARGET = 3.0
"""Most that fusion may take, as a multiple of the group-by, at the largest size."""
_GROUP_BY = """CREATE OR REPLACE TEMP TABLE votes AS
SELECT payment_id, user_id, count(*) AS methods, count(DISTINCT family) AS families
FROM claims GROUP BY payment_id, user_id"""


def main() -> None:
    """Measure every size and print one table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--payments", type=int, nargs="+", default=SIZES)
    parser.add_argument("--runs", type=int, default=RUNS)
    options = parser.parse_args()
    print(
        f"{'payments':>10} {'claims':>10} {'cells':>10} {'group_by':>9} {'fusion':>9} {'ratio':>6}"
    )
    largest = max(options.payments)
    ratios = {payments: measure(payments, options.runs) for payments in sorted(options.payments)}
    print(f"target at {largest:,} payments: at most {TARGET}")
    for payments, ratio in ratios.items():
        target = TARGET if payments == largest else None
        if not note(f"fusion, against a group-by of {payments:,} payments' claims", ratio, target):
            raise SystemExit(f"fusion takes {ratio:.2f} times the group-by")


def measure(payments: int, runs: int) -> float:
    """Print the line of one size, and give the ratio."""
    with tempfile.TemporaryDirectory() as folder:
        make(payments, Path(folder))
        engine = engine_of(Path(folder))
    judgement = judge(engine)
    engine.materialize("claims", judgement.claims())
    rows = engine.connection.execute("SELECT count(*) FROM claims").fetchall()[0][0]
    fused = [once(lambda: fusion(engine, judgement))]
    grouped: list[float] = []
    for _ in range(runs):
        grouped.append(once(lambda: engine.connection.execute(_GROUP_BY)))
        fused.append(once(lambda: fusion(engine, judgement)))
    bare, ours = min(grouped), min(fused)
    cells = len(judgement.cells.count)
    print(
        f"{payments:>10,} {rows:>10,} {cells:>10,} {bare:>8.3f}s {ours:>8.3f}s {ours / bare:>6.2f}"
    )
    return ours / bare


def fusion(engine: DuckDBEngine, judgement: Judgement) -> None:
    """The second round of fusion, as ``judge`` runs it."""
    whole = whole_patterns(judgement.kept["keyed"].table, judgement.kept["name_marks"].table)
    counted = counted_patterns(whole)
    accounts = judgement.fit.accounts
    fuse(engine, counted, judgement.families, accounts, "posteriors_again")


def once(run: Callable[[], object]) -> float:
    """Seconds by the clock."""
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
