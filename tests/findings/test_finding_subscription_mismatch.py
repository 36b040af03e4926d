"""subscription_mismatch compares grants with the state of the subscription."""

from __future__ import annotations

import pytest

from credit_forensics.findings.subscription_mismatch import find_subscription_mismatch

END = "2025-09-10 12:00"


def subscription(make, name, **columns):
    row = {"subscription_id": name, "customer_id": "cus_1", "status": "active"}
    return row | {"created_at": make.at("2025-08-01")} | columns


def paid(make, name, of, start=END):
    return make.payment(name, subscription_id=of, period_start=make.at(start))


@pytest.mark.parametrize(
    ("start", "causes"),
    [("2025-09-10 12:00", []), ("2025-09-10 12:01", ["granted_after_end"])],
)
def test_a_period_that_begins_after_the_end_is_not_owed(find, make, start, causes):
    ended = subscription(make, "sub_1", status="canceled", ended_at=make.at(END))
    found = find(
        find_subscription_mismatch,
        subscriptions=[ended],
        payments=[paid(make, "p", "sub_1", start)],
        credited=[make.credit("p")],
    )
    assert [row["cause"] for row in found] == causes


@pytest.mark.parametrize(
    ("second", "granted", "found"),
    [
        ({}, True, ["q"]),
        ({"status": "past_due"}, True, ["q"]),
        ({"status": "canceled"}, True, []),
        ({"customer_id": "cus_2"}, True, []),
        ({}, False, []),
    ],
)
def test_two_live_ones_of_one_customer_are_named_by_the_later(find, make, second, granted, found):
    rows = find(
        find_subscription_mismatch,
        subscriptions=[
            subscription(make, "sub_1"),
            subscription(make, "sub_2", created_at=make.at("2025-08-02"), **second),
        ],
        payments=[paid(make, "p", "sub_1"), paid(make, "q", "sub_2")],
        credited=[make.credit("p"), *([make.credit("q")] if granted else [])],
    )
    assert [(row["payment_id"], row["cause"]) for row in rows] == [(p, "two_live") for p in found]


@pytest.mark.parametrize(("account", "found"), [("a", ["q"]), ("b", [])])
def test_two_live_ones_for_two_accounts_are_one_who_pays_for_another(find, make, account, found):
    rows = find(
        find_subscription_mismatch,
        subscriptions=[
            subscription(make, "sub_1"),
            subscription(make, "sub_2", created_at=make.at("2025-08-02")),
        ],
        payments=[paid(make, "p", "sub_1"), paid(make, "q", "sub_2")],
        credited=[make.credit("p", "a"), make.credit("q", account)],
    )
    assert [row["payment_id"] for row in rows] == found


def test_of_invoices_alone_nothing_is_said(find, make):
    payments, credited = [paid(make, "p", "sub_1")], [make.credit("p")]
    assert find(find_subscription_mismatch, payments=payments, credited=credited) == []


@pytest.mark.parametrize(
    ("invoices", "granted", "status"),
    [
        (["p", "q"], ["r"], "active"),
        (["p"], ["r"], "active"),
        # Where no subscription is granted, the shop may not grant them at all.
        (["p", "q"], [], "active"),
        (["p", "q"], ["r"], "canceled"),
    ],
)
def test_a_live_one_of_which_nothing_was_granted(find, make, invoices, granted, status):
    rows = find(
        find_subscription_mismatch,
        subscriptions=[
            subscription(make, "sub_1", status=status),
            subscription(make, "sub_2", customer_id="cus_2"),
        ],
        payments=[
            *(
                paid(make, name, "sub_1") | {"completed_at": make.at(f"2025-09-0{day}")}
                for day, name in enumerate(invoices, start=1)
            ),
            paid(make, "r", "sub_2"),
        ],
        credited=[make.credit(name) for name in granted],
        verdicts=[make.verdict(name, "not_credited", None, "ada") for name in invoices],
    )
    assert [(row["payment_id"], row["cause"], row["rightful_user_id"]) for row in rows] == [
        (name, "live_without_grants", "ada")
        for name in invoices[1:]
        if granted and status == "active"
    ]


def test_what_cannot_be_judged_is_not_counted_as_ungranted(find, make):
    payments = [paid(make, "p", "sub_1"), paid(make, "q", "sub_1"), paid(make, "r", "sub_2")]
    verdicts = [make.verdict(name, "undetermined", None, None) for name in ("p", "q")]
    live = [subscription(make, "sub_1"), subscription(make, "sub_2", customer_id="cus_2")]
    found = find(
        find_subscription_mismatch,
        subscriptions=live, payments=payments, credited=[make.credit("r")], verdicts=verdicts,
    )  # fmt: skip
    assert found == []
