"""test_mode_credit fires on credits for test payments."""

from __future__ import annotations

from credit_forensics.findings.test_mode_credit import find_test_mode_credit


def test_only_test_payments_that_hold_credits_are_found(find, make):
    names = ["test", "live", "untold", "reversed", "uncredited"]
    live = {"live": True, "untold": None}
    found = find(
        find_test_mode_credit,
        payments=[make.payment(name, livemode=live.get(name, False)) for name in names],
        credited=[
            make.credit("test", "b"),
            make.credit("live"),
            make.credit("untold"),
            make.credit("reversed", None, granted=0, credits=0, grants=0),
        ],
    )
    assert [row["payment_id"] for row in found] == ["test"]
    assert (found[0]["credited_user_id"], found[0]["credits"]) == ("b", 50)
    assert found[0]["severity"] == "high"


def test_test_credits_that_were_refunded_are_none(find, make):
    found = find(
        find_test_mode_credit,
        payments=[make.payment("p", livemode=False)],
        credited=[make.credit("p", reversed=50)],
    )
    assert found == []
