"""A part of the stored evidence holds a money fact whole, with what began its subscription."""

from __future__ import annotations

import json

import pytest

from credit_forensics.case_file import CaseFile
from credit_forensics.evidence.stored.bring import bring_part, bring_whole
from credit_forensics.evidence.stored.refresh import refresh
from credit_forensics.evidence.stored.rows import StoredRows

BEGUN = 1_756_700_000
MONTH = 30 * 86_400


def objects():
    common = {"customer": "cus_1", "currency": "eur", "livemode": True, "metadata": {}}
    yield {
        "id": "cs_live_1",
        "object": "checkout.session",
        "created": BEGUN,
        "mode": "subscription",
        "status": "complete",
        "payment_status": "paid",
        "amount_total": 900,
        "subscription": "sub_1",
        "customer_details": {"email": "ada@example.org"},
    } | common
    for number in (1, 2):
        at = BEGUN + (number - 1) * MONTH
        yield {
            "id": f"in_{number}",
            "object": "invoice",
            "created": at,
            "status": "paid",
            "billing_reason": "subscription_create" if number == 1 else "subscription_cycle",
            "total": 900,
            "amount_paid": 900,
            "parent": {"subscription_details": {"subscription": "sub_1", "metadata": {"uid": "u"}}},
        } | common
        yield {
            "id": f"inpay_{number}",
            "object": "invoice_payment",
            "invoice": f"in_{number}",
            "status": "paid",
            "payment": {"payment_intent": f"pi_{number}"},
        }
        yield {
            "id": f"ch_{number}",
            "object": "charge",
            "created": at + 60,
            "payment_intent": f"pi_{number}",
            "paid": True,
            "status": "succeeded",
            "amount": 900,
            "amount_refunded": 0,
        } | common


def told(evidence, name, payment):
    rows = evidence.frame(name)
    return rows[rows["payment_id"] == payment].astype(str).values.tolist()


@pytest.mark.parametrize(
    ("asked", "payment"),
    [
        ("ch_1", "cs_live_1"),
        ("inpay_1", "cs_live_1"),
        ("in_1", "cs_live_1"),
        ("in_2", "in_2"),
        ("pi_2", "in_2"),
    ],
)
def test_a_part_tells_of_a_payment_what_the_whole_tells(tmp_path, asked, payment):
    lines = "".join(json.dumps(one) + "\n" for one in objects())
    (tmp_path / "objects.jsonl").write_text(lines, encoding="utf-8")
    case_file = CaseFile(folder=tmp_path, stripe={"files": "objects.jsonl"})
    with StoredRows(tmp_path / "rows.duckdb", case_file) as rows:
        refresh(rows)
        whole = bring_whole(rows, case_file)
        tables = ("payments", "payment_objects", "metadata")
        expected = {name: told(whole, name, payment) for name in tables}
        assert sorted(whole.payments["payment_id"]) == ["cs_live_1", "in_2"]
        part = bring_part(rows, case_file, [asked])
        assert {name: told(part, name, payment) for name in tables} == expected
