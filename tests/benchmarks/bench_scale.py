"""Growth beyond memory: resolution, judgement and findings on one machine with 8 GB.

Run with ``python tests/benchmarks/bench_scale.py [--payments N …] [--memory 5GB] [--ways …]``.
Evidence is made as Parquet in buckets (not timed), as a case with ``[engine] keep`` keeps it. Each
way then runs in a process of its own: **ours** as a case runs it, **sql** what is written by hand
for DuckDB, over the same files and under the same limit. ``peak`` is the process's whole memory,
with Python's and what DuckDB takes beside its limit. Ends with an error where the two differ, the
peak is above 8 GB or the exponent above its target.
"""

from __future__ import annotations

import argparse
import json
import math
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from bench_resolution import EXPONENT, SQL_TARGET, WORLD, check, copied, ours, sql
from ratios import note

from credit_forensics.engine import DuckDBEngine
from credit_forensics.engines.parquet import BUCKET, ParquetEngine, copy_rows, show_rows
from credit_forensics.evidence import tables
from credit_forensics.evidence.parquet_store import PAYMENTS_A_BUCKET

SIZES = [1_000_000, 3_000_000, 10_000_000]
MOST_MB = 8 * 1024


def make(payments: int, folder: Path) -> None:
    """Evidence in buckets: a world of a million, again and again later and under other ids."""
    from credit_forensics.case import Case
    from credit_forensics.scenarios.settings import WorldSettings
    from credit_forensics.scenarios.world import make_world

    copies = -(-payments // WORLD)
    settings = WorldSettings(payments=payments // copies, wrong_session_rate=0.02)
    evidence = Case.from_evidence(make_world(settings, seed=5).evidence()).evidence
    run = evidence.connection.execute
    span = run("SELECT max(created_at) - min(created_at) FROM payments").fetchall()[0][0]
    seconds = int(span.total_seconds())
    # Coverage is one span whatever the number of copies.
    run(f"UPDATE coverage SET last_at = last_at + INTERVAL '{seconds * (copies - 1)} seconds'")
    for copy in range(copies):
        for spec in tables.EVIDENCE:
            if copy and spec.name in ("coverage", "gaps"):
                continue
            columns = ", ".join(copied(column, seconds) for column in spec.columns)
            query = f"SELECT {columns} FROM {spec.name}, (SELECT {copy} AS k)"
            bucketed = BUCKET in spec.column_names
            number = buckets(payments) if bucketed else 1
            copy_rows(evidence.engine, query, folder / "evidence" / spec.name, number)
        print(f"made {copy + 1} of {copies} million", file=sys.stderr)


def buckets(payments: int) -> int:
    """How many buckets a case of that size is kept in."""
    return max(-(-payments // PAYMENTS_A_BUCKET), 1)


def measure(way: str, folder: Path, payments: int, memory: str) -> None:
    """Print what one way took, as JSON."""
    from credit_forensics.findings.catalogue import run_findings

    steps = folder / way
    engine: DuckDBEngine
    if way == "ours":
        engine = ParquetEngine(
            steps, folder / "evidence", buckets=buckets(payments), memory_limit=memory
        )
    else:
        engine = DuckDBEngine(memory_limit=memory, temp_directory=steps)
        for spec in tables.EVIDENCE:
            show_rows(engine, spec.name, folder / "evidence" / spec.name)
    wall, cpu = time.perf_counter(), time.process_time()
    (ours if way == "ours" else sql)(engine)
    told = {
        "wall": time.perf_counter() - wall,
        "cpu": time.process_time() - cpu,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        "kept_mb": sum(path.stat().st_size for path in steps.rglob("*.parquet")) // 10**6,
        "check": {name: check(way, engine)[name] for name in ("verdicts", "choices")},
    }
    if way == "ours":
        wall = time.perf_counter()
        told["findings"] = len(run_findings(engine))
        told["findings_wall"] = time.perf_counter() - wall
        told["peak_mb_findings"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(json.dumps(told))


def compare(payments: int, ways: list[str], memory: str, scratch: str | None) -> tuple[float, bool]:
    """Measure at one size; the processor time of ours, and whether all is as it should be."""
    folder = Path(tempfile.mkdtemp(dir=scratch))
    good = True
    results = {}
    try:
        common = ["--payments", str(payments), "--memory", memory]
        command = [sys.executable, __file__, *common]
        subprocess.run([*command, "--make", str(folder)], check=True)
        size = sum(path.stat().st_size for path in folder.rglob("*.parquet")) / 1e9
        print(f"\n{payments:,} payments, {buckets(payments)} buckets, evidence {size:.1f} GB")
        for way in ways:
            arguments = [*command, "--way", way, str(folder)]
            answer = subprocess.run(arguments, check=False, stdout=subprocess.PIPE, text=True)
            shutil.rmtree(folder / way, ignore_errors=True)
            if answer.returncode:
                print(f"{way}: ended with {answer.returncode}", flush=True)
                good = good and way != "ours"
                continue
            told = results[way] = json.loads(answer.stdout.splitlines()[-1])
            print(
                f"{way:<6}{told['wall']:>9.1f} s wall{told['cpu']:>9.1f} s processor"
                f"{told['peak_mb']:>8,} MB peak{told['kept_mb']:>8,} MB of steps",
                flush=True,
            )
            if way == "ours":
                print(
                    f"  findings: {told['findings']:,} in {told['findings_wall']:.1f} s, "
                    f"peak {told['peak_mb_findings']:,} MB",
                    flush=True,
                )
                of = f"analysis of {payments:,} under {memory}"
                note(f"{of}, by the clock", told["wall"] + told["findings_wall"], unit="s")
                peak = told["peak_mb_findings"]
                if not note(f"{of}, peak memory", peak, MOST_MB, unit="MB"):
                    print(f"  target missed: the peak is above {MOST_MB:,} MB")
                    good = False
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    mine = results["ours"]
    if "sql" in results:
        ratio = mine["wall"] / results["sql"]["wall"]
        print(f"  ours / sql: {ratio:.2f} by the clock (at most {SQL_TARGET})")
        what = f"judgement of {payments:,} under {memory}, against SQL by hand"
        good = note(what, ratio, SQL_TARGET) and good
        if results["sql"]["check"] != mine["check"]:
            print("  verdicts or choices differ")
            good = False
    return float(mine["cpu"]), good


def main() -> int:
    """Compare at every size, then say how the time grows."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--payments", type=int, nargs="+", default=SIZES)
    parser.add_argument("--memory", default="5GB", help="DuckDB's memory limit")
    parser.add_argument("--ways", nargs="+", choices=["ours", "sql"], default=["ours"])
    parser.add_argument("--scratch", help="where evidence, steps and spilled rows lie")
    parser.add_argument("--make", type=Path)
    parser.add_argument("--way", nargs=2)
    given = parser.parse_args()
    if given.make:
        make(given.payments[0], given.make)
        return 0
    if given.way:
        measure(given.way[0], Path(given.way[1]), given.payments[0], given.memory)
        return 0
    good = True
    times: dict[int, float] = {}
    for payments in given.payments:
        times[payments], as_wanted = compare(payments, given.ways, given.memory, given.scratch)
        good = good and as_wanted
    if len(times) > 1:
        low, high = min(times), max(times)
        exponent = math.log(times[high] / times[low]) / math.log(high / low)
        print(f"\ngrowth from {low:,} to {high:,}: exponent {exponent:.3f} (at most {EXPONENT})")
        what = f"judgement under {given.memory}, exponent from {low:,} to {high:,}"
        good = note(what, exponent, EXPONENT, unit="") and good
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
