"""missing_renewal takes the further payments of a subscription, missing_credit all others."""

from __future__ import annotations

import pytest

from credit_forensics.findings.missing_credit import find_missing_credit
from credit_forensics.findings.missing_renewal import find_missing_renewal

RENEWAL = {"kind": "invoice", "subscription_id": "sub_1", "billing_reason": "subscription_cycle"}


def found_as(find, make, **columns):
    rows = {
        "verdicts": [make.verdict("p", "not_credited", None, "ada", None)],
        "payments": [make.payment("p", **columns)],
    }
    return [
        row["finding"]
        for function in (find_missing_credit, find_missing_renewal)
        for row in find(function, **rows)
    ]


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        (RENEWAL, "missing_renewal"),
        (RENEWAL | {"billing_reason": None}, "missing_renewal"),
        (RENEWAL | {"billing_reason": "subscription_create"}, "missing_credit"),
        (RENEWAL | {"subscription_id": None}, "missing_credit"),
        (RENEWAL | {"kind": "checkout"}, "missing_credit"),
        ({"kind": "intent"}, "missing_credit"),
    ],
)
def test_each_missing_payment_is_found_once(find, make, columns, expected):
    assert found_as(find, make, **columns) == [expected]


def test_it_names_whose_credits_are_missing_and_the_invoice_event(find, make):
    (row,) = find(
        find_missing_renewal,
        verdicts=[make.verdict("p", "not_credited", None, "ada", None)],
        payments=[make.payment("p", **RENEWAL)],
        events=[
            {"event_id": "evt_1", "type": "invoice.paid", "payment_id": "p"},
            {"event_id": "evt_2", "type": "invoice.finalized", "payment_id": "p"},
        ],
    )
    assert (row["rightful_user_id"], row["event_id"], row["credits"]) == ("ada", "evt_1", 50)
