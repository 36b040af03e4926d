"""Entries that name a payment by an invoice's number, or by an order's in a description."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pandas as pd
import pytest
from small_ledgers import USERS

from credit_forensics.case_file import CaseFile
from credit_forensics.evidence.evidence import Evidence
from credit_forensics.evidence.ledgers.load import link_ledger, load_ledgers
from credit_forensics.evidence.stripe.load import load_stripe_file
from credit_forensics.evidence.stripe.payments import assemble_payments


def ties(folder: Path, objects: list[dict], numbers: list[str]) -> list[str]:
    """The payments that entries of these numbers are tied to, in the entries' order."""
    evidence = Evidence()
    path = folder / "objects.jsonl"
    path.write_text(pd.DataFrame(objects).to_json(orient="records", lines=True))
    load_stripe_file(evidence, path, path.name)
    rows = ", ".join(
        f"({n}, {7 + n % 2}, 100, 'purchase', '{number}', '2026-03-0{n} 10:00:00')"
        for n, number in enumerate(numbers, start=1)
    )
    with sqlite3.connect(folder / "ledger.db") as ledger:
        ledger.executescript(
            USERS + "CREATE TABLE credit_entries (id INTEGER, user_id INTEGER, credits INTEGER,"
            " kind TEXT, number TEXT, created_at TEXT);"
            f"INSERT INTO credit_entries VALUES {rows};"
        )
    ledger.close()
    case_file = CaseFile.model_validate(
        {"ledger": {"url": "sqlite:///ledger.db"}, "folder": folder}
    )
    load_ledgers(evidence, case_file)
    assemble_payments(evidence, {})
    link_ledger(evidence)
    return evidence.ledger.sort_values("entry_id")["payment_id"].fillna("").tolist()


def charge(n: int, description: str) -> dict:
    return {
        "id": f"ch_{n}A", "object": "charge", "created": 1_772_000_000 + n, "amount": 900,
        "currency": "eur", "payment_intent": f"pi_{n}A", "paid": True, "captured": True,
        "status": "succeeded", "livemode": True, "description": description,
    }  # fmt: skip


@pytest.mark.parametrize(
    "written", ["Order #{} - 100 credits", "Bestellung {}", "order no. {}", "Credits (#{})"]
)
def test_an_orders_number_in_a_description_names_the_payment(tmp_path: Path, written: str) -> None:
    objects = [charge(n, written.format(1040 + n)) for n in (1, 2)]
    assert ties(tmp_path, objects, ["1041", "1042", "1041"]) == ["pi_1A", "pi_2A", "pi_1A"]


def test_a_number_that_two_payments_carry_names_none(tmp_path: Path) -> None:
    numbers = {1: 1041, 2: 1041, 3: 1043, 4: 1044}
    objects = [charge(n, f"Order #{number}") for n, number in numbers.items()]
    shared, *others = ties(tmp_path, objects, ["1041", "1043", "1044"])
    assert others == ["pi_3A", "pi_4A"]
    assert shared not in ("pi_1A", "pi_2A")


def test_an_invoices_number_names_its_payment(tmp_path: Path) -> None:
    objects = [
        {
            "id": f"in_{n}A", "object": "invoice", "created": 1_772_000_000 + n, "status": "paid",
            "paid": True, "amount_paid": 900, "total": 900, "currency": "eur", "livemode": True,
            "number": f"K3JD8SPQ-000{n}", "billing_reason": "manual",
            "status_transitions": {"paid_at": 1_772_000_060 + n},
        }
        for n in (1, 2)
    ]  # fmt: skip
    numbers = ["K3JD8SPQ-0001", "K3JD8SPQ-0002", "K3JD8SPQ-0002"]
    assert ties(tmp_path, objects, numbers) == ["in_1A", "in_2A", "in_2A"]
