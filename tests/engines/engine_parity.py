"""What the tests of every engine share: evidence to judge, and the bytes that come out."""

from __future__ import annotations

from typing import Any

import pandas as pd

from credit_forensics.case.case import Case
from credit_forensics.case.csv_bytes import csv_bytes
from credit_forensics.engines.duckdb import Engine
from credit_forensics.engines.handover import hand_over
from credit_forensics.evidence.evidence import Evidence
from credit_forensics.findings.catalogue import examine
from credit_forensics.judgement.judge import judge
from credit_forensics.resolution.history import Mode
from credit_forensics.scenarios.settings import WorldSettings
from credit_forensics.scenarios.world import make_world
from credit_forensics.tables.catalogue import Tables

RESULTS = ("credited", "verdicts", "choices")
# Everything that makes text dangerous on its way: quotes, separators, wild signs, empty, odd sizes.
AWKWARD_IDS = (
    "00123",
    "123",
    'he said "no", twice',
    "a,b;c\td",
    "line\nbreak",
    "100 %s %(x)s %%",
    "back\\slash \\N \\.",
    "Ärger",
    "ärger",
    "Zürich",
    "zebra",
    "Zebra",
    "\U0001f98a fox",
    "'; DROP TABLE users; --",
    " padded ",
    "{curly}",
    "NULL",
    "null",
)


def small_world(payments: int = 2_000, seed: int = 5) -> Evidence:
    """The prepared evidence of a world with every fault in it."""
    world = make_world(WorldSettings(payments=payments, wrong_session_rate=0.02), seed=seed)
    return Case.from_evidence(world.evidence()).evidence


def awkward_evidence() -> Evidence:
    """Prepared evidence whose ids sort, quote, fold and escape badly, with fractions of seconds."""
    rows: dict[str, list[dict[str, Any]]] = {
        name: [] for name in ("payments", "metadata", "ledger", "users", "deliveries", "customers")
    }
    start = pd.Timestamp("2025-09-01T00:00:00.5", tz="UTC")
    for number, user in enumerate(AWKWARD_IDS):
        rows["users"].append(
            {
                "user_id": user,
                "email": f"person{number}@example.com",
                "name": f"Ann {'AÄBb'[number % 4]}nders",
                "created_at": start - pd.Timedelta(days=number % 3),
            }
        )
        for again in range(4):
            payment = f"cs_{user}_{again}"
            at = start + pd.Timedelta(milliseconds=1_499 * (number * 4 + again))
            wrong = AWKWARD_IDS[(number + 1) % len(AWKWARD_IDS)]
            said = wrong if again == 3 else user
            customer = f"cus_{number % 7}" if again % 2 else None
            rows["payments"].append(
                {
                    "payment_id": payment,
                    "created_at": at,
                    "completed_at": at + pd.Timedelta(microseconds=1),
                    "payment_status": "paid",
                    "livemode": again != 2,
                    "amount": 900 + number,
                    "currency": "eur",
                    "customer_id": customer,
                    "customer_preset": None if again == 1 else False,
                    "payer_email": f"person{number}@example.com" if again != 1 else "x@example.org",
                    "payer_name": f"ann {'aäbb'[number % 4]}nders" if again else "",
                    "card_fingerprint": f"card{number // 2}",
                    "client_reference_id": said if again != 1 else "",
                    "expected_credits": 50,
                }
            )
            for position, key in enumerate(("user_id", "user_id_backup", "legacy_user_id"), 1):
                rows["metadata"].append(
                    {
                        "payment_id": payment,
                        "source": "session",
                        "position": position,
                        "key": key,
                        "value": said,
                    }
                )
            for entry in range(2 if again == 2 else 1):
                rows["ledger"].append(
                    {
                        "entry_id": f"{payment}_{entry}",
                        "user_id": said,
                        "delta": 50,
                        "kind": "purchase",
                        "event_id": f"evt_{payment}",
                        "payment_id": payment,
                        "created_at": at + pd.Timedelta(seconds=entry),
                    }
                )
            rows["deliveries"].append(
                {
                    "event_id": f"evt_{payment}",
                    "payment_id": payment,
                    "received_at": at,
                    "method": "ÄRGERLICH" if again else "PRIMARY_METADATA",
                    "resolved_user_id": said,
                    "outcome": "credited" if again else "database_error",
                    "source_line": number,
                }
            )
        rows["customers"].append(
            {
                "customer_id": f"cus_{number % 7}",
                "user_id": user,
                "bound_at": start if number % 2 else None,
            }
        )
    evidence = Evidence()
    for name, found in rows.items():
        evidence.add(name, pd.DataFrame(found))
    return Case.from_evidence(evidence).evidence


def analysed(engine: Engine, mode: Mode = "hindsight") -> dict[str, bytes]:
    """Every result as CSV, of evidence that lies on an engine; every finding must have run."""
    judgement = judge(engine, mode=mode)
    findings, runs = examine(engine)
    assert runs.loc[~runs["ran"], ["finding", "problem"]].values.tolist() == []
    results = {"findings": csv_bytes(findings)}
    for name in RESULTS:
        table = getattr(Tables(), name)
        results[name] = csv_bytes(engine.frame(table.order_by("payment_id")))
    names = [method.name for method in judgement.methods]
    matrix = judgement.matrix.select("payment_id", *names).order_by("payment_id")
    results["matrix"] = csv_bytes(engine.frame(matrix))
    return results


def assert_same(evidence: Evidence, engine: Engine, mode: Mode = "hindsight") -> None:
    """DuckDB and the engine give the same bytes, and there is something to compare."""
    hand_over(evidence.engine, engine)
    theirs, ours = analysed(engine, mode), analysed(evidence.engine, mode)
    for name, expected in ours.items():
        assert theirs[name].splitlines() == expected.splitlines(), name
    assert ours["findings"].count(b"\n") > 10
