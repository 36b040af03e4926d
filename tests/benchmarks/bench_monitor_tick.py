"""A monitor's tick against how much is stored: 1,000 new rows on 100,000 stored ones and on 10 million.

Run with ``python tests/benchmarks/bench_monitor_tick.py [TIMES]``. Makes a case of some 100,000
rows and judges it; then a second one whose history is TIMES (100) as long, by copying what is stored
(and the ledger's rows) under other ids to earlier times. Both get the same 1,000 new rows, and a
tick of each is timed in a process of its own, after one with nothing new. Ends with an error where
the tick on the long history takes more than 3 times the other.
"""

from __future__ import annotations

import datetime as dt
import json
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import duckdb

sys.path.insert(0, str(Path(__file__).parent))

from ratios import note

from credit_forensics.evidence.stored import tables as stored_tables
from credit_forensics.evidence.stored.tables import KEYS
from credit_forensics.monitoring.stored_look import StoredLook
from credit_forensics.scenarios.case_writer import write_case
from credit_forensics.scenarios.settings import WorldSettings
from credit_forensics.scenarios.world import make_world
from credit_forensics.tables.catalogue import spec
from credit_forensics.tables.columns import TIME

PAYMENTS = 14_000
NEW_SHARE = 0.01
TARGET = 3.0
GROWING = ("sessions.jsonl", "events.jsonl", "charges.jsonl", "intents.jsonl", "webhook.log")
NOW = dt.datetime(2025, 12, 1, tzinfo=dt.UTC)
# What is an id in any table, and so becomes another in a copy; amounts and names of things stay.
IDS = {
    "session_id", "payment_intent_id", "customer_id", "charge_id", "refund_id", "dispute_id",
    "event_id", "object_id", "payment_id", "user_id", "linked_user_id", "card_fingerprint",
    "resolved_user_id", "client_reference_id", "request_id", "email", "email_key", "details_email",
    "customer_email", "billing_email", "name", "details_name", "billing_name",
}  # fmt: skip


def make(folder: Path) -> tuple[Path, Path]:
    """The case with all its rows, and the same without its last ones."""
    whole, short = folder / "whole", folder / "short"
    write_case(make_world(WorldSettings(payments=PAYMENTS), seed=11), whole)
    shutil.copytree(whole, short)
    for name in GROWING:
        path = short / name
        if path.exists():
            data = path.read_bytes()
            path.write_bytes(data[: int(len(data) * (1 - NEW_SHARE))])
    with sqlite3.connect(short / "ledger.db") as db:
        last = db.execute("SELECT max(id) FROM credit_ledger").fetchone()[0]
        db.execute("DELETE FROM credit_ledger WHERE id > ?", [int(last * (1 - NEW_SHARE))])
    return whole, short


def lengthen(folder: Path, times: int) -> None:
    """Copy the history ``times - 1`` times, each copy earlier and under other ids."""
    db = duckdb.connect(str(folder / ".store" / "rows.duckdb"))
    db.execute("SET TimeZone = 'UTC'")
    row = db.execute("SELECT max(created_at) - min(created_at) FROM judged").fetchall()[0]
    span = f"INTERVAL '{int(row[0].total_seconds())} seconds'"
    for name in KEYS:
        picked = []
        for column in spec(name).columns:
            sql = f'"{column.name}"'
            if column.name == "entry_id":
                sql = f"(-(k * 100000000 + {sql}::BIGINT))::VARCHAR"
            elif column.name in IDS:
                sql = f"{sql} || 'x' || k"
            elif column.type == TIME:
                sql = f"{sql} - k * {span}"
            picked.append(f'{sql} AS "{column.name}"')
        copies = f"(SELECT t.* EXCLUDE (input), k FROM {name} t, range(1, {times}) r(k))"
        db.execute(f"CREATE TEMP VIEW copies AS SELECT {', '.join(picked)} FROM {copies}")
        hashes = stored_tables.hashes(name)
        db.execute(f"INSERT INTO {name} BY NAME SELECT *, 0 AS input, {hashes} FROM copies")
        if name == "users":
            db.execute(stored_tables.names_sql("copies").replace("stored.user_names", "user_names"))
        db.execute("DROP VIEW copies")
    db.execute(
        f"""INSERT INTO judged SELECT hash(payment_id || 'x' || k), payment_id || 'x' || k,
            created_at - k * {span}, first_pattern, pattern, families_agreeing, families_available
        FROM judged, range(1, {times}) r(k)"""
    )
    db.close()
    with sqlite3.connect(folder / "ledger.db") as ledger:
        for k in range(1, times):
            ledger.execute(
                "INSERT INTO credit_ledger (id, user_id, delta, reason, stripe_event_id, created_at) "
                "SELECT -(? * 100000000 + id), user_id || 'x' || ?, delta, reason, "
                "stripe_event_id || 'x' || ?, created_at FROM credit_ledger WHERE id > 0",
                [k, k, k],
            )


def measure(folder: Path, whole: Path) -> None:
    """Print what two ticks take: one with nothing new, one with the new rows."""
    look = StoredLook(folder / "case.toml")
    look(NOW, ()).remembered()
    started = time.perf_counter()
    look(NOW, ()).remembered()
    idle = time.perf_counter() - started
    for name in GROWING:
        path = folder / name
        if path.exists():
            with path.open("ab") as file:
                file.write((whole / name).read_bytes()[path.stat().st_size :])
    with sqlite3.connect(folder / "ledger.db") as db:
        db.execute("ATTACH ? AS whole", [str(whole / "ledger.db")])
        db.execute(
            "INSERT INTO credit_ledger SELECT * FROM whole.credit_ledger WHERE id > "
            "(SELECT max(id) FROM credit_ledger)"
        )
    before = rows_stored(folder)
    started = time.perf_counter()
    watched = look(NOW, ())
    taken = time.perf_counter() - started
    watched.remembered()
    counts = rows_stored(folder)
    # What getrusage tells is inherited from the process that made the histories.
    status = dict(line.split(":") for line in Path("/proc/self/status").read_text().splitlines())
    memory = int(status["VmHWM"].split()[0]) // 1024
    told = {
        "stored": sum(before),
        "new": sum(counts) - sum(before),
        "idle": idle,
        "tick": taken,
        "memory_mb": memory,
        "findings": len(watched.findings),
    }
    print(json.dumps(told))


def rows_stored(folder: Path) -> list[int]:
    """How many rows of each table are stored."""
    with duckdb.connect(str(folder / ".store" / "rows.duckdb"), read_only=True) as rows:
        return [rows.execute(f"SELECT count(*) FROM {name}").fetchall()[0][0] for name in KEYS]


def main() -> int:
    """Make both histories, measure both, print the ratio."""
    times = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    with tempfile.TemporaryDirectory() as scratch:
        whole, short = make(Path(scratch))
        look = StoredLook(short / "case.toml")
        look(NOW, ()).remembered()
        long = Path(scratch) / "long"
        shutil.copytree(short, long)
        # A copied file is another file; what was read of it is told by its content all the same.
        lengthen(long, times)
        results = []
        for folder in (short, long):
            command = [sys.executable, __file__, "--measure", str(folder), str(whole)]
            told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
            results.append(json.loads(told))
    for told in results:
        print(
            f"{told['stored']:>12,} rows stored, {told['new']:,} new: tick {told['tick']:.2f} s, "
            f"nothing new {told['idle']:.2f} s, {told['memory_mb']} MB, "
            f"{told['findings']} findings"
        )
    ratio = results[1]["tick"] / results[0]["tick"]
    print(f"ratio {ratio:.2f} (at most {TARGET})")
    note("monitor tick on the long history, peak memory", results[1]["memory_mb"], unit="MB")
    return 0 if note(f"monitor tick, a history {times} times as long", ratio, TARGET) else 1


if __name__ == "__main__":
    if sys.argv[1:2] == ["--measure"]:
        measure(Path(sys.argv[2]), Path(sys.argv[3]))
    else:
        sys.exit(main())
