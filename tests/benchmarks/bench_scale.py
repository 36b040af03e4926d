"""Growth beyond memory: resolution, judgement and findings on one machine with 8 GB.

Run with ``python tests/benchmarks/bench_scale.py [--payments N …] [--memory 4GB] [--ways …]
[--outputs]``.
Evidence is made as Parquet in buckets (not timed), as a case with ``[engine] keep`` keeps it. Each
way then runs in a process of its own: **ours** as a case runs it, **sql** what is written by hand
for DuckDB, over the same files and under the same limit. ``peak`` is the process's whole memory,
with Python's and what DuckDB takes beside its limit. Growth is from the mean of the smallest size
before and after the others. Ends with an error where the two ways differ, the peak is above 8 GB or
the exponent above its target.
"""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from bench_resolution import EXPONENT, LOADED_ORDER, SQL_TARGET, WORLD, check, copied, sql
from ratios import note, note_growth

from credit_forensics.case.case import Case
from credit_forensics.engines.duckdb import DuckDBEngine
from credit_forensics.engines.parquet import BUCKET, ParquetEngine, copy_rows, show_rows
from credit_forensics.evidence.custody import Custody
from credit_forensics.evidence.evidence import Evidence
from credit_forensics.evidence.stored.open import PAYMENTS_A_BUCKET
from credit_forensics.tables.evidence import EVIDENCE

SIZES = [1_000_000, 3_000_000, 10_000_000]
MOST_MB = 8 * 1024


def make(payments: int, folder: Path) -> None:
    """Evidence in buckets: a world of a million, again and again later and under other ids."""
    from credit_forensics.scenarios.settings import WorldSettings
    from credit_forensics.scenarios.world import make_world

    copies = -(-payments // WORLD)
    settings = WorldSettings(payments=payments // copies, wrong_session_rate=0.02)
    evidence = Case.from_evidence(make_world(settings, seed=5).evidence()).evidence
    run = evidence.connection.execute
    run(LOADED_ORDER)
    span = run("SELECT max(created_at) - min(created_at) FROM payments").fetchall()[0][0]
    seconds = int(span.total_seconds())
    # Coverage is one span whatever the number of copies.
    run(f"UPDATE spans SET last_at = last_at + INTERVAL '{seconds * (copies - 1)} seconds'")
    for copy in range(copies):
        for spec in EVIDENCE:
            if copy and spec.name in ("spans", "gaps"):
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


def measure(way: str, folder: Path, payments: int, memory: str, *, outputs: bool) -> None:
    """Print what one way took, as JSON."""
    steps = folder / way
    if way == "ours":
        told = measure_ours(steps, folder / "evidence", payments, memory, outputs=outputs)
    else:
        engine = DuckDBEngine(memory_limit=memory, temp_directory=steps)
        for spec in EVIDENCE:
            show_rows(engine, spec.name, folder / "evidence" / spec.name)
        told = timed(lambda: sql(engine))
        told["check"] = checked(way, engine)
    print(json.dumps(told))


def measure_ours(
    steps: Path, evidence: Path, payments: int, memory: str, *, outputs: bool
) -> dict[str, Any]:
    """Judgement, findings with their incidents, and the files of ``analyze`` if wanted."""
    engine = ParquetEngine(steps, evidence, buckets=buckets(payments), memory_limit=memory)
    case = Case(Evidence(engine, Custody()))
    told = timed(lambda: case.judgement)
    told["kept_mb"] = sum(path.stat().st_size for path in steps.rglob("*.parquet")) // 10**6
    told["findings"] = timed(lambda: case.incidents)
    told["findings"]["rows"] = len(case.findings)
    told["check"] = checked("ours", engine)
    if outputs:
        told["outputs"] = timed(lambda: case.analyze(steps / "out"))
    return told


def timed(run: Callable[[], object]) -> dict[str, Any]:
    """Seconds by the clock and of processor, and the process's peak until then."""
    wall, cpu = time.perf_counter(), time.process_time()
    run()
    return {
        "wall": time.perf_counter() - wall,
        "cpu": time.process_time() - cpu,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }


def checked(way: str, engine: DuckDBEngine) -> dict[str, str]:
    """What both ways must agree on."""
    return {name: check(way, engine)[name] for name in ("verdicts", "choices")}


def compare(given: argparse.Namespace, payments: int, ways: Sequence[str]) -> tuple[float, bool]:
    """Measure at one size; the processor time of ours, and whether all is as it should be."""
    folder = Path(tempfile.mkdtemp(dir=given.scratch))
    good = True
    results = {}
    try:
        common = ["--payments", str(payments), "--memory", given.memory]
        common += ["--outputs"] if given.outputs else []
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
            print(f"{way:<10}{line(told)}", flush=True)
            if way == "ours":
                good = show_ours(told, payments, given.memory) and good
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    mine = results["ours"]
    if "sql" in results:
        ratio = mine["wall"] / results["sql"]["wall"]
        print(f"  ours / sql: {ratio:.2f} by the clock (at most {SQL_TARGET})")
        what = f"judgement of {payments:,} under {given.memory}, against SQL by hand"
        good = note(what, ratio, SQL_TARGET) and good
        if results["sql"]["check"] != mine["check"]:
            print("  verdicts or choices differ")
            good = False
    return float(mine["cpu"]), good


def line(told: dict[str, Any]) -> str:
    """What was taken, for the eye."""
    return (
        f"{told['wall']:>9.1f} s wall{told['cpu']:>9.1f} s processor{told['peak_mb']:>8,} MB peak"
    )


def show_ours(told: dict[str, Any], payments: int, memory: str) -> bool:
    """Print and note what ours took; whether it kept to the memory."""
    parts = [told, *(told[name] for name in ("findings", "outputs") if name in told)]
    print(f"  {told['kept_mb']:,} MB of steps; {told['findings']['rows']:,} findings")
    for name, part in zip(("findings", "outputs"), parts[1:], strict=False):
        print(f"  {name:<8}{line(part)}", flush=True)
    of = f"analysis of {payments:,} under {memory}"
    note(f"{of}, by the clock", sum(part["wall"] for part in parts), unit="s")
    peak = max(part["peak_mb"] for part in parts)
    met = note(f"{of}, peak memory", peak, MOST_MB, unit="MB")
    if not met:
        print(f"  target missed: the peak is above {MOST_MB:,} MB")
    return met


def main() -> int:
    """Compare at every size, the smallest a second time, then say how the time grows."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--payments", type=int, nargs="+", default=SIZES)
    parser.add_argument("--memory", default="4GB", help="DuckDB's memory limit")
    parser.add_argument("--ways", nargs="+", choices=["ours", "sql"], default=["ours"])
    parser.add_argument("--outputs", action="store_true", help="write the files of analyze too")
    parser.add_argument("--scratch", help="where evidence, steps and spilled rows lie")
    parser.add_argument("--make", type=Path)
    parser.add_argument("--way", nargs=2)
    given = parser.parse_args()
    if given.make:
        make(given.payments[0], given.make)
        return 0
    if given.way:
        way, folder = given.way
        measure(way, Path(folder), given.payments[0], given.memory, outputs=given.outputs)
        return 0
    good = True
    times: dict[int, float] = {}
    for payments in given.payments:
        times[payments], as_wanted = compare(given, payments, given.ways)
        good = good and as_wanted
    if len(times) > 1:
        # Shared machines quicken and slow down: the smallest stands on both sides of the others.
        smallest = min(times)
        again, as_wanted = compare(given, smallest, ["ours"])
        times[smallest] = (times[smallest] + again) / 2
        good = good and as_wanted
    good = note_growth(f"judgement under {given.memory}", times, EXPONENT) and good
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
