"""Entries that name their subscription, or the invoice of a session's payment."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pandas as pd
import pytest

from credit_forensics.case.case import Case
from credit_forensics.case_file import CaseFile
from credit_forensics.evidence.evidence import Evidence
from credit_forensics.evidence.ledgers.load import link_ledger
from credit_forensics.evidence.load import load_evidence
from credit_forensics.evidence.stored.bring import bring_part, bring_whole
from credit_forensics.evidence.stored.refresh import refresh
from credit_forensics.evidence.stored.rows import StoredRows

PAID = pd.Timestamp("2025-09-01 10:00", tz="UTC")
MONTH = pd.Timedelta(days=30)


def linked(delta: int, after: pd.Timedelta, payments: int = 1) -> tuple[str | None, str]:
    evidence = Evidence()
    evidence.add(
        "payments",
        pd.DataFrame({
            "payment_id": [f"in_{n}" for n in range(payments)],
            "subscription_id": "sub_1234567890",
            "payment_status": "paid",
            "completed_at": [PAID + n * MONTH for n in range(payments)],
        }),
    )  # fmt: skip
    evidence.add(
        "ledger",
        pd.DataFrame({
            "entry_id": ["1"], "delta": [delta], "payment_id": ["sub_1234567890"],
            "created_at": [PAID + after],
        }),
    )  # fmt: skip
    link_ledger(evidence)
    [(payment, tie)] = evidence.ledger[["payment_id", "tie"]].astype(object).values.tolist()
    return (None if pd.isna(payment) else payment), tie


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        (pd.Timedelta(seconds=-121), (None, "none")),
        (pd.Timedelta(seconds=-119), ("in_0", "by subscription")),
        (pd.Timedelta(hours=24), ("in_0", "by subscription")),
        # A part of a longer period, or a gift: of which payment nobody knows.
        (pd.Timedelta(hours=25), (None, "none")),
    ],
    ids=str,
)
def test_a_grant_is_of_the_payment_that_its_subscription_made_in_the_day_before(after, expected):
    assert linked(50, after) == expected


def test_of_several_payments_it_is_the_last_before_it():
    assert linked(50, 2 * MONTH + pd.Timedelta(minutes=5), payments=4)[0] == "in_2"


def test_what_takes_credits_and_names_a_subscription_is_of_no_payment():
    assert linked(-50, pd.Timedelta(minutes=5)) == (None, "none")


def shop(folder: Path, references: dict[int, list[str]]) -> CaseFile:
    """Six subscribers of two months; ``references`` are what the entries of a subscriber name."""
    objects = []
    with sqlite3.connect(folder / "ledger.db") as ledger:
        ledger.execute("CREATE TABLE users (id TEXT, email TEXT, stripe_customer_id TEXT)")
        ledger.execute(
            "CREATE TABLE credit_transactions (id INTEGER PRIMARY KEY, user_id TEXT, amount "
            "INTEGER, type TEXT, reference TEXT, created_at TEXT)"
        )
        for n in range(6):
            common = {"customer": f"cus_{n}", "currency": "eur", "livemode": True}
            begun, name = int(PAID.timestamp()) + n * 7200, f"sub_{n}234567890"
            email = f"s{n}@example.org"
            ledger.execute("INSERT INTO users VALUES (?, ?, ?)", (f"u{n}", email, f"cus_{n}"))
            ids = {
                "session": f"cs_live_{n}23456789",
                "invoice": f"in_{n}0234567890",
                "subscription": name,
            }
            objects.append({
                "id": ids["session"], "object": "checkout.session", "created": begun,
                "mode": "subscription", "status": "complete", "payment_status": "paid",
                "amount_total": 900, "subscription": name, "invoice": ids["invoice"],
                "customer_details": {"email": email}, "metadata": {"user_id": f"u{n}"},
            } | common)  # fmt: skip
            for month in (0, 1):
                at = begun + month * 30 * 86_400
                ids["invoice"] = f"in_{n}{month}234567890"
                objects.append({
                    "id": ids["invoice"], "object": "invoice", "created": at, "status": "paid",
                    "billing_reason": "subscription_cycle" if month else "subscription_create",
                    "total": 900, "amount_paid": 900, "customer_email": email,
                    "status_transitions": {"paid_at": at + 5}, "subscription": name,
                } | common)  # fmt: skip
                for what in references.get(n, ["subscription"]):
                    named = ids["subscription"] if month else ids[what]
                    if month and what != "subscription":
                        named = ids["invoice"]
                    when = pd.Timestamp(at + 60, unit="s", tz="UTC").isoformat()
                    ledger.execute(
                        "INSERT INTO credit_transactions (user_id, amount, type, reference, "
                        "created_at) VALUES (?, 50, 'subscription_grant', ?, ?)",
                        (f"u{n}", named, when),
                    )
                    if month:
                        break
    ledger.close()
    text = "".join(json.dumps(one) + "\n" for one in objects)
    (folder / "stripe.jsonl").write_text(text, encoding="utf-8")
    return CaseFile(
        folder=folder, stripe={"files": "stripe.jsonl"}, ledger={"url": "sqlite:///ledger.db"}
    )


def test_a_shop_that_names_subscriptions_alone_is_judged(tmp_path):
    case_file = shop(tmp_path, {4: []})
    found = Case(load_evidence(case_file)).findings
    # The last one's second month lies after the last entry of all but its own.
    assert set(found.loc[found["finding"].str.startswith("missing"), "payment_id"]) == {
        "cs_live_423456789",
        "in_41234567890",
    }
    assert not set(found["finding"]) & {"orphan_credit", "duplicate_credit", "wrong_user"}


def test_a_part_of_the_stored_rows_ties_them_as_the_whole_does(tmp_path):
    case_file = shop(tmp_path, {})
    with StoredRows(tmp_path / "rows.duckdb", case_file) as rows:
        refresh(rows)
        whole = bring_whole(rows, case_file).ledger.set_index("entry_id")["payment_id"]
        part = bring_part(rows, case_file, ["in_21234567890"]).ledger
    assert len(part) == 2
    assert part.set_index("entry_id")["payment_id"].to_dict() == whole[part["entry_id"]].to_dict()


def test_grants_that_name_the_session_and_its_invoice_are_by_checkout_and_invoice(tmp_path):
    case_file = shop(
        tmp_path, {n: ["session"] for n in (0, 1, 3, 4, 5)} | {2: ["session", "invoice"]}
    )
    found = Case(load_evidence(case_file)).findings
    twice = found[found["finding"] == "duplicate_credit"]
    assert twice[["payment_id", "cause"]].values.tolist() == [
        ["cs_live_223456789", "checkout_and_invoice"]
    ]
