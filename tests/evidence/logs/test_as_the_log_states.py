"""A case of nothing but a log: its sessions are payments, what it says it booked are entries."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest

from credit_forensics.case_file import CaseFile
from credit_forensics.evidence.load import load_evidence
from credit_forensics.evidence.logs.as_the_log_states import REASON
from credit_forensics.evidence.stored.open import open_case_evidence


def delivery(number: int, session: str, end: str) -> str:
    """What the original handler logs of one delivery."""
    at = f"[2025-09-01T10:0{number}:00+0000 - app.base - INFO]"
    lines = [
        f"WEBHOOK REQUEST ANALYSIS [ID: req-{number}]",
        f"Stripe signature verified [Event: evt_{number}]",
        f"FORENSIC EVENT ANALYSIS [Event: evt_{number}]",
        f"   Session ID: {session}",
        f"   Customer ID: cus_{number}",
        "   Payment Status: paid",
        '   Full Metadata: {\n  "user_id": "0017",\n  "credits": "40"\n}',
        end,
    ]
    return "".join(f"{at} {line}\n" for line in lines)


BOOKED = "PERFECT SUCCESS: 40 credits added to user 0017"
REFUSED = "CRITICAL: TOTAL USER RESOLUTION FAILURE"


@pytest.fixture
def case_file(tmp_path: Path) -> CaseFile:
    text = delivery(1, "cs_live_1", BOOKED) + delivery(2, "cs_test_2", REFUSED)
    (tmp_path / "a.log").write_text(text)
    return CaseFile.model_validate({"webhook_log": {"files": "a.log"}, "folder": tmp_path})


def test_sessions_are_payments_and_bookings_are_entries(case_file: CaseFile) -> None:
    evidence = load_evidence(case_file)
    columns = ["payment_id", "payment_status", "customer_id", "livemode", "expected_credits"]
    assert evidence.payments[columns].values.tolist() == [
        ["cs_live_1", "paid", "cus_1", True, 40],
        ["cs_test_2", "paid", "cus_2", False, 40],
    ]
    assert evidence.payments["created_at"][0] == datetime(2025, 9, 1, 10, 1, tzinfo=UTC)
    columns = ["user_id", "delta", "reason", "kind", "event_id", "payment_id"]
    assert evidence.ledger[columns].values.tolist() == [
        ["0017", 40, REASON, "purchase", "evt_1", "cs_live_1"]
    ]
    assert set(evidence.gaps["problem"]) == {"as_logged"}
    assert set(evidence.gaps["source"]) == {"stripe", "ledger"}


def test_with_an_export_the_log_makes_no_payments(case_file: CaseFile) -> None:
    (case_file.folder / "s.jsonl").write_text('{"id": "cs_9", "object": "checkout.session"}\n')
    stripe = {"stripe": {"sessions": "s.jsonl"}}
    evidence = load_evidence(CaseFile.model_validate({**case_file.model_dump(), **stripe}))
    assert evidence.payments["payment_id"].tolist() == ["cs_9"]
    assert evidence.ledger["reason"].tolist() == [REASON]


def test_the_store_gives_the_same(case_file: CaseFile) -> None:
    read = load_evidence(case_file)
    for _ in range(2):
        stored, _found = open_case_evidence(case_file)
        for name in ("payments", "ledger", "metadata", "gaps"):
            pd.testing.assert_frame_equal(stored.frame(name), read.frame(name))
