"""The seed handler's log: each outcome on literal text, then damaged files."""

from __future__ import annotations

import gzip
from pathlib import Path

import pandas as pd
import pytest

from credit_forensics.case_file import CaseFile
from credit_forensics.errors import CaseError
from credit_forensics.evidence.store import Evidence
from credit_forensics.evidence.webhook_log import load_webhook_logs

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


def load(folder: Path, text: str | bytes, name: str = "webhook.log") -> Evidence:
    data = text if isinstance(text, bytes) else text.encode()
    (folder / name).write_bytes(data)
    evidence = Evidence()
    case_file = CaseFile.model_validate({"webhook_log": {"files": name}, "folder": folder})
    load_webhook_logs(evidence, case_file)
    return evidence


def rows(evidence: Evidence) -> list[dict[str, object]]:
    frame = evidence.deliveries.sort_values("source_line")
    frame = frame.astype(object).where(frame.notna(), None)
    return frame.to_dict("records")


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


def test_coverage_and_custody(tmp_path: Path) -> None:
    evidence = load(tmp_path, CREDITED)
    assert evidence.coverage.to_dict("records") == [
        {
            "source": "deliveries",
            "first_at": pd.Timestamp("2025-09-01T14:39:07Z"),
            "last_at": pd.Timestamp("2025-09-01T14:39:09Z"),
            "row_count": 27,
        }
    ]
    [source] = evidence.custody.inputs
    assert (source.name, source.rows, source.rejects) == ("webhook.log", 1, 0)
    assert source.size == len(CREDITED.encode())


def test_a_missing_file_names_the_key(tmp_path: Path) -> None:
    case_file = CaseFile.model_validate({"webhook_log": {"files": "no.log"}, "folder": tmp_path})
    with pytest.raises(CaseError, match=r"webhook_log\.files"):
        load_webhook_logs(Evidence(), case_file)


def test_a_truncated_archive_gives_what_came_before(tmp_path: Path) -> None:
    import random

    noise = random.Random(7)
    filler = "".join(f"noise {noise.getrandbits(256):x}\n" for _ in range(4000))
    packed = gzip.compress((CREDITED + filler).encode())
    evidence = load(tmp_path, packed[: len(packed) // 2], "webhook.log.gz")
    assert [row["outcome"] for row in rows(evidence)] == ["credited"]
    [reject] = evidence.custody.rejects().to_dict("records")
    assert "ends early" in str(reject["reason"])
