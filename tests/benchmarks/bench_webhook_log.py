"""Log lines against JSON, byte for byte: ``python tests/benchmarks/bench_webhook_log.py``.

Writes a log of the original handler and a file of Checkout sessions into a temporary folder, then
times this toolkit on the log (whole way into the tables) and DuckDB's bare ``read_json`` with the
same columns as the sessions loader uses on the sessions, in turn, in one run. Prints MB/s, the
ratio, and the highest memory. Ends with an error where the ratio is less than one third or the
memory 2 GB.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb

sys.path.insert(0, str(Path(__file__).parent))

from ratios import note

from credit_forensics.case_file import CaseFile
from credit_forensics.evidence.evidence import Evidence
from credit_forensics.evidence.logs.load import load_webhook_logs

TARGET = 1 / 3
MEMORY_MB = 2048
AGENT = "Stripe/1.0 (+https://stripe.com/docs/webhooks)"
HEADERS = {
    "host": "api.example.com",
    "user-agent": AGENT,
    "content-length": "3301",
    "accept": "*/*; q=0.5, application/xml",
    "content-type": "application/json; charset=utf-8",
    "stripe-signature": "t=1756737547,v1=" + "0" * 64,
}
COLUMNS = {
    "id": "VARCHAR",
    "created": "BIGINT",
    "livemode": "BOOLEAN",
    "mode": "VARCHAR",
    "status": "VARCHAR",
    "payment_status": "VARCHAR",
    "amount_total": "BIGINT",
    "currency": "VARCHAR",
    "customer": "VARCHAR",
    "customer_creation": "VARCHAR",
    "customer_email": "VARCHAR",
    "customer_details": "STRUCT(email VARCHAR, name VARCHAR)",
    "client_reference_id": "VARCHAR",
    "payment_intent": "VARCHAR",
    "metadata": "MAP(VARCHAR, VARCHAR)",
}


def metadata(number: int, user: str) -> dict[str, str]:
    """The original handler's metadata."""
    return {
        "user_id": user,
        "user_id_backup": user,
        "session_user_id": user,
        "credits": "50",
        "price_id": "price_small",
        "plan_id": "plan_small",
        "purchase_timestamp": "2025-09-01T14:39:07.000Z",
        "frontend_version": "2.0-bulletproof",
        "session_email": f"user{number}@example.com",
        "session_name": "Ada Example",
        "validation_hash": "NzY3NWU5M2MtMzQx",
        "browser_fingerprint": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36",
    }


def delivery(number: int, chance: random.Random, at: datetime, suffix: bool) -> Iterator[str]:
    """The lines of one delivery: 82 % credited, 15 % of another type, the rest failures."""
    user = str(uuid.UUID(int=chance.getrandbits(128), version=4))
    event, session = f"evt_1S{number:022d}", f"cs_live_a1{number:056d}"
    request = str(uuid.UUID(int=chance.getrandbits(128), version=4))
    stamp = at.strftime("%Y-%m-%dT%H:%M:%S+0000")
    entries = metadata(number, user)

    def line(text: str, level: str = "INFO", after: str = "") -> str:
        tail = f" request_id={request}" if suffix else ""
        return f"[{stamp} - app.base - {level}] {text}{tail}\n{after}"

    yield line(f"🔍 WEBHOOK REQUEST ANALYSIS [ID: {request}]")
    yield line(f"   User-Agent: {AGENT}")
    yield line("   Client IP: 192.0.2.7")
    yield line(f"   Headers: {HEADERS}")
    yield line(f"✅ Stripe signature verified [Event: {event}]")
    drawn = chance.random()
    if drawn < 0.15:
        yield line("ℹ️ Ignoring event type: charge.succeeded")
        return
    yield line(f"🔍 FORENSIC EVENT ANALYSIS [Event: {event}]")
    yield line(f"   Session ID: {session}")
    yield line(f"   Customer ID: cus_{number:014d}")
    yield line("   Payment Status: paid")
    yield line(f"   Payment Intent: pi_{number:024d}")
    yield line(f"   Metadata Keys: {list(entries)}")
    yield line(f"   Full Metadata: {json.dumps(entries, indent=2)}")
    if drawn < 0.16:
        yield line("🚨 CRITICAL: TOTAL USER RESOLUTION FAILURE", "ERROR")
        yield line(f"   Event ID: {event}", "ERROR")
        yield line(f"   Session ID: {session}", "ERROR")
        yield line(f"   Customer ID: cus_{number:014d}", "ERROR")
        yield line(f"   Metadata Content: {entries}", "ERROR")
        return
    yield line(f"✅ RESOLUTION METHOD 1: user_id from metadata = {user}")
    yield line("✅ USER RESOLUTION SUCCESS:")
    yield line(f"   User ID: {user}")
    yield line("   Method: PRIMARY_METADATA")
    yield line("   Credits: 50")
    yield line("🔍 PRE-TRANSACTION VALIDATION:")
    yield line("   User credits before: 0")
    if drawn < 0.18:
        trace = 'Traceback (most recent call last):\n  File "base.py", line 1\nKeyError: 1\n'
        yield line("❌ CRITICAL DATABASE ERROR: deadlock detected", "ERROR", trace)
        yield line(f"   Event: {event}", "ERROR")
        yield line(f"   User: {user}", "ERROR")
        yield line("   Credits: 50", "ERROR")
        return
    yield line("✅ POST-TRANSACTION VALIDATION:")
    yield line("   User credits after: 50")
    yield line("   Credits added: 50")
    yield line("   Transaction successful: True")
    yield line(f"🎉 PERFECT SUCCESS: 50 credits added to user {user}")
    yield line(f"   Event: {event}")
    yield line(f"   Session: {session}")
    yield line("   Resolution: PRIMARY_METADATA")


def write_log(path: Path, megabytes: int, suffix: bool) -> int:
    """A log of about so many megabytes; gives the number of deliveries."""
    chance = random.Random(7)
    at = datetime(2025, 9, 1, tzinfo=UTC)
    written = number = 0
    with path.open("w", encoding="utf-8") as file:
        while written < megabytes * 1_000_000:
            at += timedelta(seconds=chance.randint(1, 30))
            written += file.write("".join(delivery(number, chance, at, suffix)))
            number += 1
    return number


def write_sessions(path: Path, megabytes: int) -> None:
    """About so many megabytes of Checkout sessions, one a line."""
    chance = random.Random(8)
    written = number = 0
    with path.open("w", encoding="utf-8") as file:
        while written < megabytes * 1_000_000:
            user = str(uuid.UUID(int=chance.getrandbits(128), version=4))
            session = {
                "id": f"cs_live_a1{number:056d}",
                "object": "checkout.session",
                "amount_total": 999,
                "automatic_tax": {"enabled": False, "status": None},
                "client_reference_id": user,
                "created": 1756737547 + number,
                "currency": "eur",
                "custom_fields": [],
                "customer": f"cus_{number:014d}",
                "customer_creation": "always",
                "customer_details": {
                    "address": {"city": "Bern", "country": "CH", "line1": "Gasse 1"},
                    "email": f"user{number}@example.com",
                    "name": "Ada Example",
                    "phone": None,
                },
                "customer_email": None,
                "livemode": True,
                "metadata": metadata(number, user),
                "mode": "payment",
                "payment_intent": f"pi_{number:024d}",
                "payment_method_types": ["card"],
                "payment_status": "paid",
                "status": "complete",
                "success_url": "https://example.com/ok",
                "total_details": {"amount_discount": 0, "amount_tax": 0},
            }
            written += file.write(json.dumps(session) + "\n")
            number += 1


def read_bare(path: Path) -> None:
    """DuckDB's ``read_json`` into a table."""
    columns = ", ".join(f"{name}: '{kind}'" for name, kind in COLUMNS.items())
    connection = duckdb.connect()
    connection.execute(
        f"CREATE TABLE sessions AS SELECT * FROM read_json('{path}', "
        f"format = 'newline_delimited', columns = {{{columns}}})"
    )


def seconds(work: Callable[[], None]) -> float:
    """Wall-clock time of one run."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    met = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_sessions(folder / "sessions.jsonl", options.megabytes)
        megabytes = (folder / "sessions.jsonl").stat().st_size / 1e6
        for file, suffix in (("plain.log", False), ("suffixed.log", True)):
            count = write_log(folder / file, options.megabytes, suffix)
            size = (folder / file).stat().st_size / 1e6
            case_file = CaseFile.model_validate({"webhook_log": {"files": file}, "folder": folder})

            def load(case_file: CaseFile = case_file, count: int = count) -> None:
                evidence = Evidence()
                load_webhook_logs(evidence, case_file)
                assert evidence.count("deliveries") == count

            pairs = [
                (seconds(load), seconds(lambda: read_bare(folder / "sessions.jsonl")))
                for _ in range(options.rounds)
            ]
            ours = size / min(own for own, _ in pairs)
            bare = megabytes / min(other for _, other in pairs)
            print(f"{file:<14} {ours:7.0f} MB/s   read_json {bare:7.0f} MB/s   {ours / bare:.2f}")
            measure = f"{file.removesuffix('.log')} log, bytes a second against read_json"
            met.append(note(measure, ours / bare, TARGET, at_most=False))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"highest memory {peak:.0f} MB")
    met.append(note("log, peak memory", peak, MEMORY_MB, unit="MB"))
    return 0 if all(met) else 1


if __name__ == "__main__":
    sys.exit(main())
