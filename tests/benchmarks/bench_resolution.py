"""Resolution and judgement against the same by hand: SQL, pandas, and Splink.

Run with ``python tests/benchmarks/bench_resolution.py [--payments N …] [--runs N] [--ways …]
[--memory 8GB]``. One world is made and prepared a size; each way reads the same Parquet files in a
process of its own (not timed), and is then timed. ``wall`` is what a watch says, ``cpu`` what all
cores spent: on a busy machine only the latter compares. The first run of "ours" in a process
compiles its expressions; it is told apart as ``first``.

**ours**, **sql** and **pandas** do the whole: every method, histories, two rounds of fusion by the
same model, verdicts, choices; it is checked that claims, verdicts and choices are the same. Ours
measures coverage and what share was judged besides. **splink** links payments to accounts by e-mail and name, two of twelve methods. Ends with an
error where results differ or a target is missed.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd

sys.path.insert(0, str(Path(__file__).parent))

import resolution_sql as by_hand
from ratios import note, note_growth
from resolution_fit import fuse
from resolution_pandas import in_pandas

from credit_forensics.engines.duckdb import DuckDBEngine
from credit_forensics.tables.columns import TIME, Column
from credit_forensics.tables.evidence import EVIDENCE

SIZES = [100_000, 1_000_000]
WORLD = 1_000_000
IDS = {
    "payment_id", "customer_id", "card_fingerprint", "payer_email_key", "payer_name_key",
    "reference_user_id", "user_id", "linked_user_id", "resolved_user_id", "email_key", "name_key",
    "event_id", "entry_id", "payment_intent_id", "object_id",
}  # fmt: skip
SQL_TARGET = 1.15
TARGETS = {"pandas": 6.0}
EXPONENT = 1.05
CLAIMS = {
    "metadata_user_id": "m1",
    "metadata_user_id_backup": "m2",
    "metadata_session_user_id": "m3",
    "client_reference_id": "reference",
    "metadata_scan": "scanned",
    "session_email": "session_email",
    "intent_metadata": "intent",
    "customer_mapping": "mapped",
    "payer_email": "payer_email",
    "payer_name": "payer_name",
    "handler_log": "log_user_id",
    "ledger": "ledger",
    "handler_cascade": "cascade",
}
"""The columns that every way gives, and their names in the SQL by hand."""
_VERDICT = """sum(hash(payment_id, verdict, credited_user_id, rightful_user_id,
round(probability_misattributed, 6), families_agreeing, families_available))::VARCHAR"""
_CHOICE = """sum(hash(payment_id, log_method, log_user_id, cascade_method, cascade_user_id,
explaining_method, correct_methods))::VARCHAR"""


# The world lists its metadata key after key; a loader lists each payment's together.
LOADED_ORDER = """CREATE OR REPLACE TABLE metadata AS
SELECT * FROM metadata ORDER BY hash(payment_id), payment_id, source, position"""


def make(payments: int, folder: Path) -> None:
    """The prepared evidence of a world, as Parquet; a large one is several of a million in a row."""
    from credit_forensics.case.case import Case
    from credit_forensics.scenarios.settings import WorldSettings
    from credit_forensics.scenarios.world import make_world

    copies = -(-payments // WORLD)
    settings = WorldSettings(payments=payments // copies, wrong_session_rate=0.02)
    evidence = Case.from_evidence(make_world(settings, seed=5).evidence()).evidence
    run = evidence.connection.execute
    run(LOADED_ORDER)
    first, last = run("SELECT min(created_at), max(created_at) FROM payments").fetchall()[0]
    for spec in EVIDENCE:
        columns = [copied(column, int((last - first).total_seconds())) for column in spec.columns]
        # Coverage is one span whatever the number of copies; gaps are none.
        number = 1 if spec.name in ("spans", "gaps") else copies
        source = f"SELECT {', '.join(columns)} FROM {spec.name}, range({number}) r(k)"
        target = folder / f"{spec.name}.parquet"
        run(f"COPY ({source}) TO '{target}' (FORMAT parquet)")
    if copies > 1:
        target = folder / "spans.parquet"
        span = f"INTERVAL '{int((last - first).total_seconds()) * (copies - 1)} seconds'"
        run(
            f"COPY (SELECT * REPLACE (last_at + {span} AS last_at) FROM spans) "
            f"TO '{target}' (FORMAT parquet)"
        )


def copied(column: Column, seconds: int) -> str:
    """SQL of a column in copy ``k``: other ids, later times, the same of everything else."""
    if column.type == TIME:
        return f"{column.name} + k * INTERVAL '{seconds} seconds' AS {column.name}"
    if column.name in IDS:
        return f"{column.name} || CASE k WHEN 0 THEN '' ELSE 'x' || k END AS {column.name}"
    return f'"{column.name}"'


def engine_of(folder: Path, memory: str | None = None) -> DuckDBEngine:
    """A DuckDB engine with the evidence in memory; under a limit it spills beside the evidence."""
    engine = DuckDBEngine(memory_limit=memory, temp_directory=folder / "spill")
    for spec in EVIDENCE:
        source = folder / f"{spec.name}.parquet"
        engine.connection.execute(f"CREATE TABLE {spec.name} AS SELECT * FROM '{source}'")
    return engine


def frames_of(folder: Path) -> dict[str, pd.DataFrame]:
    """The evidence as DataFrames."""
    return {spec.name: pd.read_parquet(folder / f"{spec.name}.parquet") for spec in EVIDENCE}


def ours(engine: DuckDBEngine) -> DuckDBEngine:
    """``judge``, as a case runs it."""
    from credit_forensics.judgement.judge import judge

    judge(engine)
    return engine


def sql(engine: DuckDBEngine) -> DuckDBEngine:
    """The same by hand."""
    from credit_forensics.judgement.periods import choose_periods
    from credit_forensics.judgement.persons import group_persons

    connection = engine.connection
    run = connection.execute
    accounts = run(
        "SELECT user_id FROM users ORDER BY created_at IS NULL, created_at NULLS LAST, user_id"
    ).df()["user_id"]

    def fused(source: str, target: str, without: str | None = None) -> None:
        run(by_hand.related(source))
        run(by_hand.whole(source))
        counts = connection.sql(by_hand.COUNTS.format(f"h_{source}_whole")).to_arrow_table()
        cells = (counts.column(name).to_numpy() for name in counts.column_names)
        engine.register(target, fuse(*cells, len(accounts), without=without))

    run(by_hand.FIELDS)
    run(by_hand.CREDITED)
    persons = group_persons(connection.sql(by_hand.LINKS).df(), accounts)
    engine.register("h_persons", persons)
    periods = choose_periods(*(int(value) for value in run(by_hand.TIMES).fetchall()[0]))
    run("CREATE OR REPLACE TABLE h_periods AS SELECT ?::BIGINT AS start, ?::BIGINT AS width",
        [periods.start, periods.width])  # fmt: skip
    run(by_hand.MATRIX)
    run(by_hand.BEARERS)
    run(by_hand.FRONT_ENDS)
    run(by_hand.FIRST)
    fused("first", "h_first_posteriors", without="session")
    run(by_hand.OWNERS)
    run(by_hand.votes("customer", "customer_id"))
    run(by_hand.votes("card", "card_fingerprint"))
    run(by_hand.SECOND)
    fused("second", "h_posteriors")
    run(by_hand.VERDICTS)
    run(by_hand.CHOICES)
    return engine


def splink(engine: DuckDBEngine) -> int:
    """Payments linked to accounts by e-mail and name, as Splink's tutorial goes about it."""
    from splink import DuckDBAPI, Linker, SettingsCreator, block_on
    from splink import comparison_library as compare

    run = engine.connection.execute
    run(
        """CREATE OR REPLACE TABLE s_payments AS SELECT payment_id AS unique_id,
        payer_email_key AS email, payer_name_key AS name FROM payments"""
    )
    run(
        """CREATE OR REPLACE TABLE s_users AS SELECT user_id AS unique_id, email_key AS email,
        min(name_key) AS name FROM users LEFT JOIN user_names USING (user_id) GROUP BY ALL"""
    )
    settings = SettingsCreator(
        link_type="link_only",
        comparisons=[compare.ExactMatch("email"), compare.ExactMatch("name")],
        blocking_rules_to_generate_predictions=[block_on("email"), block_on("name")],
    )
    api = DuckDBAPI(connection=engine.connection)
    inputs = [api.register("s_payments"), api.register("s_users")]
    linker = Linker(inputs, settings, log_level="ERROR")
    training = linker.training
    training.estimate_probability_two_random_records_match([block_on("email")], recall=0.85)
    training.estimate_u_using_random_sampling(max_pairs=1e6, seed=1)
    training.estimate_parameters_using_expectation_maximisation(block_on("name"))
    training.estimate_parameters_using_expectation_maximisation(block_on("email"))
    pairs = linker.inference.predict(threshold_match_probability=0.5)
    return len(pairs.as_duckdbpyrelation())


def check(way: str, result: Any) -> dict[str, str]:
    """Sums of hashes that do not hang on the order of rows: what ways have in common is equal."""
    connection = (
        result.connection if isinstance(result, DuckDBEngine) else DuckDBEngine().connection
    )
    if way == "splink":
        return {"pairs": str(result)}
    if isinstance(result, dict):
        for name, frame in result.items():
            texts = dict.fromkeys(frame.select_dtypes(["object", "str"]), "str")
            connection.register(name, frame.astype(texts))
    told: dict[str, str] = {}
    prefix = "h_" if way == "sql" else ""
    for table, digest in (("verdicts", _VERDICT), ("choices", _CHOICE)):
        query = f"SELECT {digest} FROM {prefix}{table}"
        told[table] = connection.execute(query).fetchall()[0][0]
    rows = {"ours": "first_matrix", "sql": "h_matrix"}.get(way, "claims")
    for name, by_hand_name in CLAIMS.items():
        column = by_hand_name if way == "sql" else name
        text = f"nullif({column}::VARCHAR, '')"
        query = (
            f"SELECT sum(hash(payment_id, {text}))::VARCHAR FROM {rows} WHERE {text} IS NOT NULL"
        )
        told[name] = connection.execute(query).fetchall()[0][0]
    return told


WAYS: dict[str, tuple[Callable[[Path], Any], Callable[[Any], Any]]] = {
    "ours": (engine_of, ours),
    "sql": (engine_of, sql),
    "pandas": (frames_of, in_pandas),
    "splink": (engine_of, splink),
}


def measure(way: str, folder: Path, runs: int, memory: str | None) -> None:
    """Print what the runs of one way took, as JSON."""
    prepare, run = WAYS[way]
    base = 0
    taken: list[tuple[float, float]] = []
    for _ in range(runs):
        # Loaded anew each time: to replace the tables of the run before takes time of its own.
        given = result = None
        given = engine_of(folder, memory) if prepare is engine_of else prepare(folder)
        base = base or resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        wall, cpu = time.perf_counter(), time.process_time()
        result = run(given)
        taken.append((time.process_time() - cpu, time.perf_counter() - wall))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    told = {
        "first": taken[0][1],
        "cpu": min(cpu for cpu, _ in taken),
        "wall": min(wall for _, wall in taken),
        "loaded_mb": base // 1024,
        "peak_mb": peak // 1024,
        "check": check(way, result),
    }
    print(json.dumps(told))


def compare(
    payments: int, ways: list[str], runs: int, memory: str | None
) -> tuple[dict[str, Any], bool]:
    """Measure every way on one world, print the table, and say whether all is as it should be."""
    results: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as scratch:
        command = [sys.executable, __file__, "--make", scratch, "--payments", str(payments)]
        subprocess.run(command, check=True)
        for way in ways:
            count = 1 if way == "splink" else runs
            command = [sys.executable, __file__, "--way", way, scratch, "--runs", str(count)]
            command += ["--memory", memory] if memory else []
            told = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
            results[way] = json.loads(told.splitlines()[-1])
    mine = results["ours"]
    good = True
    print(f"\n{payments:,} payments (seconds; ratios to ours)")
    print(f"{'way':<8}{'cpu':>9}{'x':>7}{'wall':>9}{'x':>7}{'first':>9}{'peak MB':>9}")
    for way, told in results.items():
        by_cpu, by_wall = told["cpu"] / mine["cpu"], told["wall"] / mine["wall"]
        print(
            f"{way:<8}{told['cpu']:>9.2f}{by_cpu:>7.2f}{told['wall']:>9.2f}{by_wall:>7.2f}"
            f"{told['first']:>9.2f}{told['peak_mb']:>9,}"
        )
        for name, digest in told["check"].items():
            if mine["check"].get(name, digest) != digest:
                print(f"  {way}: {name} differs from ours")
                good = False
        # One core against two: faster means by the clock. Both on two cores: by processor time.
        of = f"resolution of {payments:,}"
        if way == "ours":
            note(f"{of}, processor", told["cpu"], unit="s")
            note(f"{of}, peak memory without a limit", told["peak_mb"], unit="MB")
            continue
        if way == "sql":
            met = note(f"{of}, against SQL by hand", 1 / by_cpu, SQL_TARGET)
        else:
            target = TARGETS.get(way)
            met = note(f"{of}, faster than {way}", by_wall, target, at_most=False)
        if not met:
            print(
                f"  target missed: {way} takes {by_cpu if way == 'sql' else by_wall:.2f} times ours"
            )
            good = False
    return results, good


def main() -> int:
    """Compare at every size, then say how the time grows."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--payments", type=int, nargs="+", default=SIZES)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=list(WAYS))
    parser.add_argument("--memory", help="DuckDB's memory limit, such as 8GB; it spills beyond")
    parser.add_argument("--make", type=Path)
    parser.add_argument("--way", nargs=2)
    arguments = parser.parse_args()
    if arguments.make:
        make(arguments.payments[0], arguments.make)
        return 0
    if arguments.way:
        measure(arguments.way[0], Path(arguments.way[1]), arguments.runs, arguments.memory)
        return 0
    ways = [way for way in WAYS if way in {"ours", *arguments.ways}]
    if "splink" in ways and importlib.util.find_spec("splink") is None:
        print("Splink is not installed, so it is not compared; pip install splink to do so.")
        ways.remove("splink")
    good = True
    times: dict[int, float] = {}
    for payments in arguments.payments:
        results, as_wanted = compare(payments, ways, arguments.runs, arguments.memory)
        times[payments] = results["ours"]["cpu"]
        good = good and as_wanted
    good = note_growth("resolution", times, EXPONENT) and good
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
