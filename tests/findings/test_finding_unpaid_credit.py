"""unpaid_credit fires on credits for what was never paid."""

from __future__ import annotations

from credit_forensics.findings.unpaid_credit import find_unpaid_credit


def test_unpaid_failed_and_expired_payments_with_credits_are_found(find, make):
    states = {
        "expired": {"status": "expired", "payment_status": "unpaid"},
        "failed": {"payment_status": "failed"},
        "free": {"payment_status": "no_payment_required", "amount": 0},
        "open": {"status": "open", "payment_status": "unpaid"},
        "paid": {},
    }
    found = find(
        find_unpaid_credit,
        payments=[make.payment(name, **columns) for name, columns in states.items()],
        credited=[make.credit(name) for name in states],
    )
    assert [(row["payment_id"], row["cause"], row["credits"]) for row in found] == [
        ("expired", "expired", 50),
        ("failed", "failed", 50),
        ("open", "unpaid", 50),
    ]


def test_repaired_unknown_and_test_payments_are_none(find, make):
    unpaid = {"payment_status": "unpaid"}
    found = find(
        find_unpaid_credit,
        payments=[
            make.payment("reversed", **unpaid),
            make.payment("taken", **unpaid),
            make.payment("test", **unpaid, livemode=False),
            make.payment("unknown", payment_status=None, status=None),
            make.payment("uncredited", **unpaid),
        ],
        credited=[
            make.credit("reversed", None, granted=0, credits=0, grants=0),
            make.credit("taken", reversed=50),
            make.credit("test"),
            make.credit("unknown"),
        ],
    )
    assert found == []


def test_a_hostile_status_does_not_reach_the_cause(find, make):
    (row,) = find(
        find_unpaid_credit,
        payments=[make.payment("p", payment_status="<script>", status=None)],
        credited=[make.credit("p")],
    )
    assert row["cause"] == "unpaid"
    assert "script" not in row["explanation"]


def free_order(find, make, for_credits, kind="purchase"):
    return find(
        find_unpaid_credit,
        payments=[make.payment("p", payment_status="no_payment_required", for_credits=for_credits)],
        credited=[make.credit("p", granted=70)],
        ledger=[
            {"payment_id": "p", "user_id": "a", "delta": 20, "kind": "grant"},
            {"payment_id": "p", "user_id": "a", "delta": 50, "kind": kind},
        ],
    )


def test_a_purchase_for_an_order_that_cost_nothing_counts_where_none_is_granted(find, make):
    (row,) = free_order(find, make, "no")
    assert (row["cause"], row["credits"]) == ("free", 50)


def test_what_this_shop_grants_for_nothing_is_no_finding(find, make):
    for for_credits in ("yes", "probably not", None):
        assert free_order(find, make, for_credits) == []
    assert free_order(find, make, "no", kind="grant") == []
