"""A price whose payers choose the amount is worth no number of credits."""

from __future__ import annotations

import pytest

from credit_forensics.evidence.evidence import Evidence
from credit_forensics.new_case.credits_of_prices import BookedCredits, credits_of_prices

Sale = tuple[int, int]


def booked(sales: list[Sale]) -> BookedCredits:
    """What is inferred of payments of one price: (amount, credits)."""
    evidence = Evidence()
    connection = evidence.connection
    for number, (amount, credits) in enumerate(sales):
        connection.execute(
            "INSERT INTO payments (payment_id, price_id, payment_status, amount, currency)"
            " VALUES (?, 'price_1', 'paid', ?, 'usd')",
            [f"cs_{number}", amount],
        )
        connection.execute(
            "INSERT INTO ledger (entry_id, payment_id, user_id, delta, kind)"
            " VALUES (?, ?, 'a', ?, 'purchase')",
            [str(number), f"cs_{number}", credits],
        )
    [price] = credits_of_prices(evidence)
    return price


@pytest.mark.parametrize(
    ("sales", "by_amount"),
    [
        # Ten credits a dollar, one of them wrong.
        ([(500, 50), (700, 70), (900, 90), (1000, 1000)], True),
        # Discounts: the sums differ, the credits do not.
        ([(500, 50), (250, 50), (400, 50)], False),
        # One sum alone shows no rate.
        ([(500, 50), (500, 50), (500, 60), (500, 60), (500, 70)], False),
        # Too few at the same rate: 60 percent are at it, then half.
        ([(500, 50), (700, 70), (900, 90), (500, 1), (700, 2)], True),
        ([(500, 50), (700, 70), (900, 90), (500, 1), (700, 2), (900, 3)], False),
    ],
)
def test_credits_that_follow_the_money_are_no_number(sales: list[Sale], by_amount: bool):
    assert booked(sales).by_amount is by_amount


@pytest.mark.parametrize(("alike", "likely"), [(3, True), (2, False)])
def test_a_number_is_the_likeliest_only_where_most_were_booked_with_it(alike: int, likely: bool):
    sales = [(500, 50)] * alike + [(500, 10), (500, 20)]
    assert booked(sales).likely is likely
