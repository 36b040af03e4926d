"""The seed handler's log: each outcome on literal text, then damaged files."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import zstandard
from handler_log_text import OUTCOMES, Logged, line, log_of, text_of, user_id
from log_loading import emptied, load, rows, told

from credit_forensics.case_file import CaseFile
from credit_forensics.errors import CaseError
from credit_forensics.evidence.evidence import Evidence
from credit_forensics.evidence.logs.load import load_webhook_logs

USER = "7675e93c-341b-412d-a41c-cfe1dc519172"

CREDITED = """\
[2025-09-01T14:39:07+0000 - app.base - INFO] 🔍 WEBHOOK REQUEST ANALYSIS [ID: req-1]
[2025-09-01T14:39:07+0000 - app.base - INFO]    User-Agent: Stripe/1.0 (+https://stripe.com/docs/webhooks)
[2025-09-01T14:39:07+0000 - app.base - INFO]    Client IP: 192.0.2.7
[2025-09-01T14:39:07+0000 - app.base - INFO]    Headers: {'host': 'api.example.com', 'stripe-signature': 't=1,v1=0'}
[2025-09-01T14:39:08+0000 - app.base - INFO] ✅ Stripe signature verified [Event: evt_1]
[2025-09-01T14:39:08+0000 - app.base - INFO] 🔍 FORENSIC EVENT ANALYSIS [Event: evt_1]
[2025-09-01T14:39:08+0000 - app.base - INFO]    Session ID: cs_live_1
[2025-09-01T14:39:08+0000 - app.base - INFO]    Customer ID: cus_1
[2025-09-01T14:39:08+0000 - app.base - INFO]    Payment Status: paid
[2025-09-01T14:39:08+0000 - app.base - INFO]    Payment Intent: pi_1
[2025-09-01T14:39:08+0000 - app.base - INFO]    Metadata Keys: ['user_id', 'credits']
[2025-09-01T14:39:08+0000 - app.base - INFO]    Full Metadata: {
  "user_id": "7675e93c-341b-412d-a41c-cfe1dc519172",
  "credits": "50"
}
[2025-09-01T14:39:08+0000 - app.base - INFO] ✅ RESOLUTION METHOD 1: user_id from metadata = 7675e93c-341b-412d-a41c-cfe1dc519172
[2025-09-01T14:39:08+0000 - app.base - INFO] ✅ USER RESOLUTION SUCCESS:
[2025-09-01T14:39:08+0000 - app.base - INFO]    User ID: 7675e93c-341b-412d-a41c-cfe1dc519172
[2025-09-01T14:39:08+0000 - app.base - INFO]    Method: PRIMARY_METADATA
[2025-09-01T14:39:08+0000 - app.base - INFO]    Credits: 50
[2025-09-01T14:39:08+0000 - app.base - INFO] 🔍 PRE-TRANSACTION VALIDATION:
[2025-09-01T14:39:08+0000 - app.base - INFO]    User credits before: 0
[2025-09-01T14:39:09+0000 - app.base - INFO] ✅ POST-TRANSACTION VALIDATION:
[2025-09-01T14:39:09+0000 - app.base - INFO]    User credits after: 50
[2025-09-01T14:39:09+0000 - app.base - INFO]    Credits added: 50
[2025-09-01T14:39:09+0000 - app.base - INFO]    Transaction successful: True
[2025-09-01T14:39:09+0000 - app.base - INFO] 🎉 PERFECT SUCCESS: 50 credits added to user 7675e93c-341b-412d-a41c-cfe1dc519172
[2025-09-01T14:39:09+0000 - app.base - INFO]    Event: evt_1
[2025-09-01T14:39:09+0000 - app.base - INFO]    Session: cs_live_1
[2025-09-01T14:39:09+0000 - app.base - INFO]    Resolution: PRIMARY_METADATA
"""


def test_a_credited_delivery(tmp_path: Path) -> None:
    assert rows(load(tmp_path, CREDITED)) == [
        {
            "event_id": "evt_1",
            "payment_id": "cs_live_1",
            "received_at": pd.Timestamp("2025-09-01T14:39:07Z"),
            "signature_valid": True,
            "method": "PRIMARY_METADATA",
            "resolved_user_id": USER,
            "credits": 50,
            "outcome": "credited",
            "error": None,
            "request_id": "req-1",
            "source_file": "webhook.log",
            "source_line": 1,
            "resolved_user_detail": None,
        }
    ]


def test_spans_and_custody(tmp_path: Path) -> None:
    evidence = load(tmp_path, CREDITED)
    assert evidence.spans.to_dict("records") == [
        {
            "source": "deliveries",
            "first_at": pd.Timestamp("2025-09-01T14:39:07Z"),
            "last_at": pd.Timestamp("2025-09-01T14:39:09Z"),
            "row_count": 27,
            "rejected": None,
        }
    ]
    [source] = evidence.custody.inputs
    assert (source.name, source.rows, source.rejects) == ("webhook.log", 1, 0)
    assert source.size == len(CREDITED.encode())


def test_a_missing_file_names_the_key(tmp_path: Path) -> None:
    case_file = CaseFile.model_validate({"webhook_log": {"files": "no.log"}, "folder": tmp_path})
    with pytest.raises(CaseError, match=r"webhook_log\.files"):
        load_webhook_logs(Evidence(), case_file)


def test_every_outcome(tmp_path: Path) -> None:
    text = log_of([Logged(n, outcome) for n, outcome in enumerate(OUTCOMES)])
    columns = ("outcome", "event_id", "payment_id", "signature_valid", "credits", "request_id")
    assert told(load(tmp_path, text), *columns) == [
        ("credited", "evt_0000", "cs_live_0000", True, 50, "req-0"),
        ("ignored", "evt_0001", None, True, None, "req-1"),
        ("signature_refused", None, None, False, None, "req-2"),
        ("resolution_failed", "evt_0003", "cs_live_0003", True, None, "req-3"),
        ("no_credits", "evt_0004", "cs_live_0004", True, None, "req-4"),
        ("database_error", "evt_0005", "cs_live_0005", True, None, "req-5"),
        ("not_found", None, None, None, None, "req-6"),
    ]


@pytest.mark.parametrize("suffix", [False, True])
def test_errors_are_told_by_their_first_line(tmp_path: Path, suffix: bool) -> None:
    deliveries = [Logged(1, "signature_refused"), Logged(2, "database_error"), Logged(3)]
    evidence = load(tmp_path, log_of(deliveries, suffix=suffix))
    assert told(evidence, "error", "resolved_user_id") == [
        ("No signatures found matching", None),
        ("UNIQUE constraint failed: stripe_customers.user_id", user_id(2)),
        (None, user_id(3)),
    ]


def test_an_error_without_words_is_named_by_its_traceback(tmp_path: Path) -> None:
    logged = Logged(1, "database_error")
    messages = logged.messages()
    for message in messages:
        if message.after:
            message.text = "❌ CRITICAL DATABASE ERROR: "
            message.after = 'Traceback (most recent call last):\n  File "a.py"\nTimeoutError'
    text = "".join(line(message, request_id="req-1") for message in messages)
    assert told(load(tmp_path, text), "outcome", "error") == [("database_error", "TimeoutError")]


@pytest.mark.parametrize(
    "method",
    [
        "PRIMARY_METADATA",
        "BACKUP_METADATA",
        "SESSION_METADATA",
        "DATABASE_LOOKUP",
        "EMERGENCY_SCAN_PLAN_ID",
    ],
)
def test_the_method_keeps_the_handlers_name(tmp_path: Path, method: str) -> None:
    whole = Logged(1, method=method)
    # One that stops after its resolution names the method by its number alone.
    cut = Logged(2, method=method)
    kept = cut.messages()[: [m.text for m in cut.messages()].index("✅ USER RESOLUTION SUCCESS:")]
    text = text_of(whole) + "".join(line(message) for message in kept)
    evidence = load(tmp_path, text)
    assert told(evidence, "method", "outcome", "resolved_user_id") == [
        (method, "credited", user_id(1)),
        (method, "incomplete", user_id(2)),
    ]


def test_total_failure_is_the_method_failed(tmp_path: Path) -> None:
    evidence = load(tmp_path, text_of(Logged(1, "resolution_failed")))
    assert told(evidence, "method", "resolved_user_id") == [("FAILED", None)]


@pytest.mark.parametrize("kept", range(1, 28))
def test_a_delivery_that_stops_midway_is_incomplete(tmp_path: Path, kept: int) -> None:
    messages = Logged(1).messages()
    success = next(n for n, m in enumerate(messages) if "PERFECT SUCCESS" in m.text)
    text = "".join(line(message) for message in messages[:kept])
    evidence = load(tmp_path, text, evidence=emptied())
    [(outcome, request_id)] = told(evidence, "outcome", "request_id")
    assert (outcome, request_id) == ("credited" if kept > success else "incomplete", "req-1")


def test_a_log_that_begins_midway(tmp_path: Path) -> None:
    messages = Logged(1).messages()
    for first in range(1, len(messages) - 3):
        text = "".join(line(message) for message in messages[first:])
        columns = ("event_id", "outcome", "credits", "resolved_user_id")
        assert told(load(tmp_path, text), *columns) == [("evt_0001", "credited", 50, user_id(1))], (
            first
        )


def test_repeated_request_ids_are_different_deliveries(tmp_path: Path) -> None:
    deliveries = [Logged(1), Logged(2), Logged(3, "ignored")]
    for logged in deliveries:
        logged.request_id = "webhook-1756737547"
    for suffix in (False, True):
        text = "".join(text_of(logged, suffix=suffix) for logged in deliveries)
        assert told(load(tmp_path, text), "event_id", "outcome") == [
            ("evt_0001", "credited"),
            ("evt_0002", "credited"),
            ("evt_0003", "ignored"),
        ]


def test_a_redelivered_event_is_a_row_of_its_own(tmp_path: Path) -> None:
    first, again = Logged(1, "database_error"), Logged(1)
    again.request_id = "req-again"
    text = log_of([first, again])
    columns = ("event_id", "payment_id", "request_id", "outcome", "credits")
    assert told(load(tmp_path, text), *columns) == [
        ("evt_0001", "cs_live_0001", "req-1", "database_error", None),
        ("evt_0001", "cs_live_0001", "req-again", "credited", 50),
    ]


def test_guests_have_no_customer(tmp_path: Path) -> None:
    text = text_of(Logged(1)).replace("Customer ID: cus_0001", "Customer ID: None")
    evidence = load(tmp_path, text)
    assert told(evidence, "outcome") == [("credited",)]
    assert evidence.frame("logged_sessions")["customer_id"].isna().all()


def test_metadata_that_imitates_the_handler_books_nothing(tmp_path: Path) -> None:
    forged = {
        "PERFECT SUCCESS: 9999 credits added to user": "mallory",
        "note": "x\n✅ RESOLUTION METHOD 1: user_id from metadata = mallory request_id=req-9",
        "user_id": user_id(1),
    }
    logged = Logged(1, "no_credits", metadata=forged)
    for suffix in (False, True):
        evidence = load(tmp_path, text_of(logged, suffix=suffix))
        assert told(evidence, "outcome", "resolved_user_id", "credits", "request_id") == [
            ("no_credits", user_id(1), None, "req-1")
        ]


def test_what_the_log_tells_of_sessions(tmp_path: Path) -> None:
    evidence = load(tmp_path, log_of([Logged(1), Logged(2, "resolution_failed")]))
    frame = evidence.frame("logged_sessions").sort_values("source_line")
    assert frame["session_id"].tolist() == ["cs_live_0001", "cs_live_0002"]
    assert frame["payment_intent_id"].tolist() == ["pi_0001", "pi_0002"]
    assert [json.loads(text) for text in frame["metadata"]] == [
        Logged(1).metadata,
        Logged(2).metadata,
    ]


def test_several_files_and_patterns(tmp_path: Path) -> None:
    folder = tmp_path / "logs"
    folder.mkdir()
    (folder / "a.log").write_text(text_of(Logged(1)))
    (folder / "b.log.gz").write_bytes(gzip.compress(text_of(Logged(2)).encode()))
    packed = zstandard.ZstdCompressor().compress(text_of(Logged(3)).encode())
    (tmp_path / "c.log.zst").write_bytes(packed)
    for files in (["logs/*", "c.log.zst"], ["logs", "*.zst"], ["logs/a.log", "logs", "c.log.zst"]):
        section = {"webhook_log": {"files": files}, "folder": tmp_path}
        evidence = Evidence()
        seen: list[tuple[str, int, int]] = []

        def note(name: str, done: int, size: int, seen: list[Any] = seen) -> None:
            seen.append((name, done, size))

        load_webhook_logs(evidence, CaseFile.model_validate(section), note)
        assert told(evidence, "source_file", "event_id") == [
            ("c.log.zst", "evt_0003"),
            ("logs/a.log", "evt_0001"),
            ("logs/b.log.gz", "evt_0002"),
        ]
        assert {name for name, _, _ in seen} == {"c.log.zst", "logs/a.log", "logs/b.log.gz"}
        assert all(done == size for _, done, size in seen)
        assert evidence.count("spans") == 1


def test_no_files_is_no_rows(tmp_path: Path) -> None:
    evidence = Evidence()
    load_webhook_logs(evidence, CaseFile.model_validate({"folder": tmp_path}))
    assert evidence.count("deliveries") == evidence.count("spans") == 0
    (tmp_path / "empty.log").write_bytes(b"")
    assert rows(load(tmp_path, b"", "empty.log")) == []
