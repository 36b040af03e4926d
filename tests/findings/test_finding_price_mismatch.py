"""price_mismatch compares what was charged with what [prices] says that it costs."""

from __future__ import annotations

import pytest

from credit_forensics.findings.price_mismatch import find_price_mismatch

PRICE = {"price_id": "small", "credits": 50, "amount": 500, "currency": "jpy"}


def causes(find, make, items=(), price=PRICE, **columns):
    payment = make.payment("p", price_id="small", **{"currency": "jpy", "amount": 500} | columns)
    rows = [{"payment_id": "p", "price_id": "small", "position": 1} | item for item in items]
    found = find(find_price_mismatch, payments=[payment], payment_items=rows, prices=[price])
    return [row["cause"] for row in found]


@pytest.mark.parametrize(
    ("quantity", "amount", "expected"),
    [
        (1, 500, []),
        (3, 1500, []),
        (1, 501, ["charged_more"]),
        (3, 500, ["charged_less"]),
        (None, 500, []),
    ],
)
def test_a_line_is_compared_with_quantity_times_price(find, make, quantity, amount, expected):
    assert causes(find, make, [{"quantity": quantity, "amount": amount}]) == expected


@pytest.mark.parametrize(
    ("amount", "expected"),
    [(50_000, ["charged_more"]), (5, ["charged_less"]), (49_999, []), (595, []), (250, [])],
)
def test_without_a_line_only_a_hundredfold_counts(find, make, amount, expected):
    assert causes(find, make, amount=amount) == expected


@pytest.mark.parametrize(
    "columns",
    [
        {"currency": "eur"},
        {"payment_status": "unpaid"},
        {"livemode": False},
    ],
)
def test_another_currency_and_what_is_not_paid_are_passed_over(find, make, columns):
    assert causes(find, make, [{"quantity": 1, "amount": 50_000}], **columns) == []


def test_a_part_of_a_period_and_a_price_without_an_amount_are_passed_over(find, make):
    prorated = [{"quantity": 1, "amount": 137, "prorated": True}]
    assert causes(find, make, prorated) == []
    bare = PRICE | {"amount": None, "currency": None}
    assert causes(find, make, [{"quantity": 1, "amount": 137}], price=bare) == []
