"""wrong_amount compares the net grant with the price, and leaves other findings' cases alone."""

from __future__ import annotations

import pytest

from credit_forensics.findings.wrong_amount import find_wrong_amount


def test_grants_that_differ_from_the_price_are_found_signed(find, make):
    names = ["few", "many", "right", "unpriced", "regranted"]
    found = find(
        find_wrong_amount,
        payments=[
            make.payment(name, expected_credits=None if name == "unpriced" else 50)
            for name in names
        ],
        credited=[
            make.credit("few", granted=40),
            make.credit("many", granted=500),
            make.credit("right"),
            make.credit("unpriced", granted=40),
            make.credit("regranted", granted=100, accounts=2),
        ],
    )
    assert [(row["payment_id"], row["cause"], row["credits"]) for row in found] == [
        ("few", "too_few", -10),
        ("many", "too_many", 450),
        ("regranted", "regrant", 50),
    ]
    assert {row["severity"] for row in found} == {"medium"}


@pytest.mark.parametrize(
    ("accounts", "grants", "cause"),
    [
        (2, 1, "regrant"),
        (1, 1, "too_many"),
        # Corrections alone, without a purchase beside them, are no grant that was given again.
        (2, 0, "too_many"),
        # Nor are two purchases, here with a refund that took back what was too many.
        (2, 2, "too_many"),
    ],
)
def test_a_regrant_is_one_purchase_and_a_grant_on_another_account(
    find, make, accounts, grants, cause
):
    credit = make.credit("p", granted=100, accounts=accounts, grants=grants)
    (row,) = find(
        find_wrong_amount,
        payments=[make.payment("p")],
        credited=[credit | {"reversed": 100 if grants == 2 else 0}],
    )
    assert (row["cause"], row["credits"]) == (cause, 50)


def test_duplicates_unpaid_test_and_uncredited_payments_are_none(find, make):
    found = find(
        find_wrong_amount,
        payments=[
            make.payment("twice"),
            make.payment("unpaid", payment_status="unpaid"),
            make.payment("test", livemode=False),
            make.payment("uncredited"),
            make.payment("repaired"),
        ],
        credited=[
            make.credit("twice", granted=100, grants=2),
            make.credit("unpaid", granted=40),
            make.credit("test", granted=40),
            make.credit("uncredited", None, granted=0, credits=0, grants=0),
            make.credit("repaired", granted=50, grants=1),
        ],
    )
    assert found == []


def test_a_refund_does_not_make_the_amount_wrong(find, make):
    found = find(
        find_wrong_amount,
        payments=[make.payment("p", amount_lost=450)],
        credited=[make.credit("p", reversed=25)],
    )
    assert found == []


@pytest.mark.parametrize(
    ("expected", "grants", "found_there"),
    [(0, 0, False), (0, 1, True), (50, 0, True)],
)
def test_a_gift_for_what_buys_no_credits_is_right(find, make, expected, grants, found_there):
    found = find(
        find_wrong_amount,
        payments=[make.payment("shirt", expected_credits=expected)],
        credited=[make.credit("shirt", granted=12, grants=grants)],
    )
    assert bool(list(found)) == found_there
