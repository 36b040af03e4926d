"""What a person put right by hand counts, on the side that gives and on the one that takes."""

from __future__ import annotations

import pytest

from credit_forensics.repair import make_plan
from credit_forensics.scenarios.demo import ORIGINAL_PAYER as PAYER
from credit_forensics.scenarios.demo import ORIGINAL_WRONG_USER as WRONG

GIVEN = [
    "admin_grant: purchase lost",
    "Gutschrift laut Mail vom 3.9.",
    "ticket 4711",
    "usr asked, see slack",
    "credits",
    "stripe issue",
    None,
]
TAKEN = ["reversal by support", "Storno", "ticket 4711", "was not his"]


def by_hand(ledger, user, delta, reason):
    ledger.run(
        "INSERT INTO credit_ledger (user_id, delta, reason, created_at) "
        "VALUES (?, ?, ?, '2025-09-25 00:00:00')",
        values=(user, delta, reason),
    )
    ledger.run(
        f"UPDATE user_credits SET total_credits = total_credits + {delta} WHERE user_id = '{user}'"
    )


def net(plan, finding):
    """Credits that the plan's corrections of a finding move, an account."""
    moved = {}
    for one in plan.corrections:
        if one.finding == finding:
            for user, delta in one.moved.items():
                moved[user] = moved.get(user, 0) + delta
    return moved


@pytest.mark.parametrize("reason", GIVEN)
def test_what_the_payer_was_given_by_hand_is_not_offered_again(books, reason):
    ledger = books("not_delivered")
    user = ledger.case().findings.query("finding == 'missing_credit'")["rightful_user_id"].iloc[0]
    assert net(make_plan(ledger.case()), "missing_credit") == {user: 50}
    by_hand(ledger, user, 50, reason)
    plan = make_plan(ledger.case())
    assert net(plan, "missing_credit") == {}
    listed = plan.rows[plan.rows["status"] == "needs a person"]["note"].tolist()
    assert reason == GIVEN[0] or "names no payment" in listed[0]


@pytest.mark.parametrize(
    ("reason", "credits"), [("welcome_bonus", 50), ("promo:autumn", 50), ("ticket 4711", 49)]
)
def test_a_promotion_and_another_sum_put_nothing_right(books, reason, credits):
    ledger = books("not_delivered")
    user = ledger.case().findings.query("finding == 'missing_credit'")["rightful_user_id"].iloc[0]
    by_hand(ledger, user, credits, reason)
    assert net(make_plan(ledger.case()), "missing_credit") == {user: 50}


@pytest.mark.parametrize("reason", TAKEN)
def test_what_was_taken_by_hand_from_who_had_it_wrongly_is_not_taken_again(books, reason):
    ledger = books("stale_session")
    assert net(make_plan(ledger.case()), "wrong_user") == {PAYER: 50, WRONG: -50}
    by_hand(ledger, WRONG, -50, reason)
    assert WRONG not in net(make_plan(ledger.case()), "wrong_user")


def test_credits_that_were_used_were_not_taken_back(books):
    ledger = books("stale_session")
    by_hand(ledger, WRONG, 50, "welcome_bonus")
    by_hand(ledger, WRONG, -50, "usage:generation")
    assert net(make_plan(ledger.case()), "wrong_user") == {PAYER: 50, WRONG: -50}


@pytest.mark.parametrize(("times", "asked"), [(2, True), (3, False)])
def test_a_reason_that_the_shop_uses_again_and_again_is_no_fix(books, times, asked):
    ledger = books("not_delivered")
    user = ledger.case().findings.query("finding == 'missing_credit'")["rightful_user_id"].iloc[0]
    by_hand(ledger, user, 50, "top 1")
    for number in range(times - 1):
        by_hand(ledger, f"{user}", 7, f"top {number + 2}")
    assert (net(make_plan(ledger.case()), "missing_credit") == {}) is asked


def test_a_surplus_that_was_taken_by_hand_is_not_taken_again(books):
    ledger = books("redelivery")
    ((user, delta),) = net(make_plan(ledger.case()), "duplicate_credit").items()
    by_hand(ledger, user, delta, "manual: was twice")
    assert net(make_plan(ledger.case()), "duplicate_credit") == {}


def test_a_refund_taken_by_hand_in_any_words_that_name_the_payment_is_taken(books):
    ledger = books("refund_unreversed")
    ((user, delta),) = net(make_plan(ledger.case()), "refund_not_reversed").items()
    payment = ledger.case().findings.query("finding == 'refund_not_reversed'")["payment_id"].iloc[0]
    by_hand(ledger, user, delta, f"Storno {payment}")
    assert net(make_plan(ledger.case()), "refund_not_reversed") == {}
    assert ledger.findings_of(payment) == []


def test_a_part_taken_by_hand_leaves_the_rest_to_a_person(books):
    ledger = books("refund_unreversed")
    ((user, delta),) = net(make_plan(ledger.case()), "refund_not_reversed").items()
    payment = ledger.case().findings.query("finding == 'refund_not_reversed'")["payment_id"].iloc[0]
    by_hand(ledger, user, -20, f"Storno {payment}")
    (left,) = ledger.case().findings.query("finding == 'refund_not_reversed'")["credits"]
    assert left == -delta - 20
    assert net(make_plan(ledger.case()), "refund_not_reversed") == {}
