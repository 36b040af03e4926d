"""The incident report of a million payments: how long after the analysis, how large a page.

Run with ``python tests/benchmarks/bench_report.py [--payments N] [--log] [--keep FOLDER]``. Makes a
case of N payments with 2 % wrong sessions on disk (a world of 100,000, copied under other ids),
then does in processes of their own what a user would: the analysis alone (load, judge, findings,
incidents), and ``credit-forensics report``, which takes from the store what that made and renders
the page. ``--log`` writes the handler's log too, 3.5 GB for a million. Ends with an error where the page misses its limit of size; the limit of time is
printed beside the time, for only on a quiet machine does it say anything.
"""

from __future__ import annotations

import argparse
import json
import re
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from ratios import note

from credit_forensics.scenarios.case_writer import write_case
from credit_forensics.scenarios.settings import WorldSettings
from credit_forensics.scenarios.world import make_world

WORLD = 100_000
MOST_BYTES = 5_000_000
MOST_SECONDS = 90.0
ANALYSE = """
import sys
from credit_forensics.case.case import Case
case = Case.open(sys.argv[1])
print(len(case.verdicts), len(case.findings), len(case.incidents))
"""
# What makes an id of Stripe's another one; accounts and cards are the same in every copy.
ID = re.compile(rb"\b(cs_live|cs_test|pi|evt|cus|ch|txn|re|du)_(?=[A-Za-z0-9]{8})")


def make(payments: int, folder: Path, *, log: bool) -> Path:
    """Write the case; the path of its case file."""
    copies = max(payments // WORLD, 1)
    settings = WorldSettings(payments=payments // copies, wrong_session_rate=0.02)
    case_file = write_case(make_world(settings, seed=5), folder)
    if not log:
        (folder / "webhook.log").unlink()
        text = case_file.read_text().replace('[webhook_log]\nfiles = "webhook.log"\n', "")
        case_file.write_text(text)
    for path in (*folder.glob("*.jsonl"), *folder.glob("webhook.log")):
        once = path.read_bytes()
        with path.open("ab") as file:
            for number in range(1, copies):
                file.write(ID.sub(rb"\g<1>_%dx" % number, once))
    with sqlite3.connect(folder / "ledger.db") as db:
        _copy_ledger(db, copies)
    return case_file


def _copy_ledger(db: sqlite3.Connection, copies: int) -> None:
    def renamed(text: str | None, number: int) -> str | None:
        return text and ID.sub(rb"\g<1>_%dx" % number, text.encode()).decode()

    db.create_function("renamed", 2, renamed, deterministic=True)
    db.execute("CREATE TEMP TABLE bound AS SELECT * FROM stripe_customers")
    last = db.execute("SELECT max(id) FROM credit_ledger").fetchone()[0]
    for number in range(1, copies):
        db.execute(
            """INSERT INTO credit_ledger SELECT id + ?1 * ?2, user_id, delta, renamed(reason, ?1),
                renamed(stripe_event_id, ?1), created_at FROM credit_ledger WHERE id <= ?2""",
            [number, last],
        )
        db.execute(
            """INSERT INTO stripe_customers SELECT user_id, renamed(stripe_customer_id, ?1),
                created_at FROM bound""",
            [number],
        )
    db.execute("UPDATE user_credits SET total_credits = total_credits * ?", [copies])


def timed(*command: str) -> tuple[float, str]:
    """Seconds of a process, and what it printed."""
    began = time.perf_counter()
    done = subprocess.run([sys.executable, *command], check=True, capture_output=True, text=True)
    return time.perf_counter() - began, done.stdout


def measure(case_file: Path, out: Path) -> dict[str, float]:
    """The figures of one case."""
    analysis, counted = timed("-c", ANALYSE, str(case_file))
    payments, findings, incidents = map(int, counted.split())
    main = "from credit_forensics.cli import main; main()"
    report, _ = timed("-c", main, "report", str(case_file), "--out", str(out))
    (page,) = (path for path in out.glob("*.html") if path.name != "index.html")
    return {
        "payments": payments,
        "findings": findings,
        "incidents": incidents,
        "analysis_s": round(analysis, 1),
        "report_s": round(report, 1),
        "page_bytes": page.stat().st_size,
        "csv_bytes": page.with_suffix(".csv").stat().st_size,
    }


def main() -> None:
    """Make, measure, print, judge."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--payments", type=int, default=1_000_000)
    parser.add_argument("--log", action="store_true", help="write the handler's log too")
    parser.add_argument("--keep", type=Path, help="keep case and report in this folder")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.keep or Path(scratch)
        case_file = folder / "case" / "case.toml"
        if not case_file.exists():
            make(options.payments, folder / "case", log=options.log)
        figures = measure(
            case_file, Path(scratch) / "reports" if not options.keep else _new(folder)
        )
    print(json.dumps(figures))
    size, seconds = figures["page_bytes"], figures["report_s"]
    print(
        f"page             {size / 1e6:6.2f} MB of {MOST_BYTES / 1e6:.0f} MB {_word(size, MOST_BYTES)}"
    )
    print(
        f"after analysis   {seconds:6.1f} s  of {MOST_SECONDS:.0f} s  {_word(seconds, MOST_SECONDS)}"
    )
    print(f"page / CSV       {size / figures['csv_bytes']:6.2f}")
    of = f"report of {figures['payments']:,} payments"
    note(f"{of}, after its analysis", seconds, MOST_SECONDS, unit="s")
    if not note(f"{of}, page", size / 1e6, MOST_BYTES / 1e6, unit="MB"):
        sys.exit("The page is larger than its limit.")


def _new(folder: Path) -> Path:
    number = sum(path.name.startswith("reports") for path in folder.iterdir())
    return folder / f"reports{number}"


def _word(value: float, limit: float) -> str:
    return "kept" if value < limit else "MISSED"


if __name__ == "__main__":
    main()
