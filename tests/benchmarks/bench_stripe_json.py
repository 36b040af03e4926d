"""Session JSON to staging tables: against DuckDB's bare scan and against a json.loads loop.

Run with ``python tests/benchmarks/bench_stripe_json.py [SESSIONS]``. Makes a file of realistic
sessions in a temporary folder (1.4 GB at the default of 500,000), times each way of reading it
in a process of its own, and prints the ratios. The file is deleted afterwards. Ends with an error
where a target is missed.
"""

from __future__ import annotations

import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import duckdb
import pyarrow as pa

sys.path.insert(0, str(Path(__file__).parent))

from ratios import note

from credit_forensics.evidence.evidence import Evidence
from credit_forensics.evidence.files.identify_input import identify
from credit_forensics.evidence.stripe.json_export import load_stripe_json
from credit_forensics.evidence.stripe.load import load_stripe_file
from credit_forensics.evidence.stripe.objects import SESSION, type_sql

RUNS = 3
BARE_TARGET = 1.3
LOOP_TARGET = 6.0
MEMORY_MB = 2048
SESSION_FIELDS = {
    "object": "checkout.session",
    "adaptive_pricing": {"enabled": True},
    "after_expiration": None,
    "allow_promotion_codes": None,
    "amount_subtotal": 999,
    "amount_total": 999,
    "automatic_tax": {"enabled": False, "liability": None, "provider": None, "status": None},
    "billing_address_collection": "required",
    "cancel_url": "https://shop.example.com/credits?checkout=cancelled",
    "client_secret": None,
    "collected_information": {"shipping_details": None},
    "consent": None,
    "consent_collection": None,
    "currency": "eur",
    "currency_conversion": None,
    "custom_fields": [],
    "custom_text": {
        "after_submit": None,
        "shipping_address": None,
        "submit": None,
        "terms_of_service_acceptance": None,
    },
    "customer_creation": "always",
    "customer_email": None,
    "discounts": [],
    "invoice": None,
    "invoice_creation": {
        "enabled": False,
        "invoice_data": {
            "account_tax_ids": None,
            "custom_fields": None,
            "description": None,
            "footer": None,
            "issuer": None,
            "metadata": {},
            "rendering_options": None,
        },
    },
    "livemode": True,
    "locale": None,
    "mode": "payment",
    "payment_link": None,
    "payment_method_collection": "if_required",
    "payment_method_configuration_details": {"id": "pmc_1PexampleExample", "parent": None},
    "payment_method_options": {"card": {"request_three_d_secure": "automatic"}},
    "payment_method_types": ["card", "link", "paypal", "sepa_debit"],
    "payment_status": "paid",
    "permissions": None,
    "phone_number_collection": {"enabled": False},
    "recovered_from": None,
    "saved_payment_method_options": None,
    "setup_intent": None,
    "shipping_address_collection": None,
    "shipping_cost": None,
    "shipping_options": [],
    "status": "complete",
    "submit_type": None,
    "subscription": None,
    "success_url": "https://shop.example.com/credits?checkout=ok&session_id={CHECKOUT_SESSION_ID}",
    "total_details": {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0},
    "ui_mode": "hosted",
    "url": None,
    "wallet_options": None,
}


def _sessions(path: Path, count: int) -> None:
    rng = random.Random(1)
    template = json.dumps(SESSION_FIELDS)[1:]
    with path.open("w", encoding="utf-8") as file:
        for i in range(count):
            token, user = f"{rng.getrandbits(256):064x}", f"{rng.getrandbits(128):032x}"
            user = f"{user[:8]}-{user[8:12]}-4{user[13:16]}-a{user[17:20]}-{user[20:]}"
            own = {
                "id": f"cs_live_{token[:58]}",
                "client_reference_id": user,
                "created": 1_750_000_000 + i,
                "customer": f"cus_{token[:14]}",
                "customer_details": {
                    "address": {
                        "city": "Köln",
                        "country": "DE",
                        "line1": f"Musterstraße {i % 200}",
                        "line2": None,
                        "postal_code": "50667",
                        "state": None,
                    },
                    "email": f"payer{i}@example.com",
                    "name": f"Alex Müller {i % 977}",
                    "phone": None,
                    "tax_exempt": "none",
                    "tax_ids": [],
                },
                "expires_at": 1_750_086_400 + i,
                "payment_intent": f"pi_{token[:24]}",
                "metadata": {
                    "user_id": user,
                    "user_id_backup": user,
                    "session_user_id": user,
                    "credits": "50",
                    "price_id": f"price_{token[:8]}",
                    "plan_id": "credits_small",
                    "purchase_timestamp": "2025-09-01T14:39:07.000Z",
                    "frontend_version": "2.0",
                    "session_email": f"account{i}@example.com",
                    "session_name": f"Alex Müller {i % 977}",
                    "validation_hash": token[:16],
                    "browser_fingerprint": "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) "
                    "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/139.0",
                },
            }
            file.write(json.dumps(own, ensure_ascii=False)[:-1] + ", " + template + "\n")


def bare(path: Path) -> int:
    """DuckDB's read_json with the columns that the loader reads, into a table."""
    connection = duckdb.connect()
    connection.execute("SET preserve_insertion_order = false")
    columns = ", ".join(f"\"{name}\": '{type_sql(t)}'" for name, t in SESSION.fields.items())
    connection.execute(
        f"CREATE TABLE found AS SELECT * FROM read_json('{path}',"
        f" format = 'newline_delimited', columns = {{{columns}}})"
    )
    row = connection.execute("SELECT count(*) FROM found").fetchone()
    return int(row[0]) if row else 0


def loader(path: Path) -> int:
    """The loader, rejects kept; what the file is, is recognised first."""
    evidence = Evidence()
    found = identify(path)
    source = evidence.custody.add(path.name, found.what)
    load_stripe_json(evidence, path, source, found)
    assert evidence.count("stripe_sessions") == source.rows
    return source.rows


def loader_and_hash(path: Path) -> int:
    """The same with the SHA-256 of custody, as a case does it."""
    evidence = Evidence()
    load_stripe_file(evidence, path, path.name, "sessions")
    return evidence.custody.inputs[0].rows


def loads_loop(path: Path) -> int:
    """A loop of json.loads that keeps the same fields."""
    rows = []
    with path.open(encoding="utf-8") as file:
        for line in file:
            session = json.loads(line)
            rows.append([session.get(name) for name in SESSION.fields])
    return len(rows)


def loads_to_table(path: Path) -> int:
    """The same loop, its rows then put into a DuckDB table, as the loader's are."""
    columns: dict[str, list[object]] = {name: [] for name in SESSION.fields}
    with path.open(encoding="utf-8") as file:
        for line in file:
            session = json.loads(line)
            for name, values in columns.items():
                value = session.get(name)
                is_map = name == "metadata" and isinstance(value, dict)
                values.append(list(value.items()) if is_map else value)
    text = pa.map_(pa.string(), pa.string())
    found = pa.table(
        {
            name: pa.array(values, text if name == "metadata" else None)
            for name, values in columns.items()
        }
    )
    connection = duckdb.connect()
    connection.execute("CREATE TABLE kept AS SELECT * FROM found")
    return found.num_rows


WAYS = {way.__name__: way for way in (bare, loader, loader_and_hash, loads_loop, loads_to_table)}
Result = tuple[float, float, int, int]


def _timed(way: str, path: Path) -> Result:
    out = subprocess.run(
        [sys.executable, __file__, "--way", way, str(path)],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    seconds, processor, rows, peak = out.split()
    return float(seconds), float(processor), int(rows), int(peak)


def _table(path: Path, runs: int) -> dict[str, Result]:
    results: dict[str, Result] = {}
    for run in range(runs):
        for way in WAYS:
            if way.startswith("loads") and run:
                continue
            found = _timed(way, path)
            results[way] = min(results.get(way, found), found)
    return results


def _print(title: str, path: Path, results: dict[str, Result]) -> None:
    size = path.stat().st_size
    print(f"{title}: {size / 1e9:.2f} GB")
    print(
        f"{'way':<18}{'seconds':>9}{'CPU s':>8}{'GB/s':>7}{'x bare':>8}{'loop / it':>11}"
        f"{'peak MB':>9}  rows"
    )
    for way, (seconds, processor, rows, peak) in results.items():
        print(
            f"{way:<18}{seconds:>9.2f}{processor:>8.2f}{size / seconds / 1e9:>7.2f}"
            f"{seconds / results['bare'][0]:>8.2f}{results['loads_loop'][0] / seconds:>11.1f}"
            f"{peak:>9}  {rows}"
        )


def main(count: int) -> int:
    """Measure, print, note; 1 where a target is missed."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "sessions.jsonl"
        _sessions(path, count)
        results = _table(path, RUNS)
        _print(f"{count} sessions", path, results)
        with path.open("ab") as file:
            file.write(b'{"id": "cs_live_broken", "object": "checkout.sess\n')
        seconds, processor, rows, peak = min(_timed("loader", path) for _ in range(RUNS))
        print(
            f"with one broken line: {seconds:.2f} s ({processor:.2f} s CPU), {rows} rows,"
            f" {seconds / results['bare'][0]:.2f} x bare,"
            f" {results['loads_loop'][0] / seconds:.1f} x faster than the loop, {peak} MB"
        )
    scan, ours, hashed = (results[way][0] for way in ("bare", "loader", "loader_and_hash"))
    met = [note("session JSON to tables, against a bare read_json", ours / scan, BARE_TARGET)]
    note("session JSON to tables with SHA-256, against a bare read_json", hashed / scan)
    note("session JSON with a broken line, against a bare read_json", seconds / scan)
    for way, name in (("loads_loop", "loop"), ("loads_to_table", "loop into a table")):
        faster, measure = results[way][0] / ours, f"session JSON, faster than a json.loads {name}"
        met.append(note(measure, faster, LOOP_TARGET, at_most=False))
    peak = max(peak, *(results[way][3] for way in ("loader", "loader_and_hash")))
    met.append(note("session JSON, peak memory", peak, MEMORY_MB, unit="MB"))
    return 0 if all(met) else 1


if __name__ == "__main__":
    if sys.argv[1:2] == ["--way"]:
        began = time.perf_counter()
        kept = WAYS[sys.argv[2]](Path(sys.argv[3]))
        spent = time.perf_counter() - began
        used = resource.getrusage(resource.RUSAGE_SELF)
        print(spent, used.ru_utime + used.ru_stime, kept, used.ru_maxrss // 1024)
    else:
        raise SystemExit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 500_000))
