"""What a finding says of money is what ``money.money_text`` says, but for separated thousands."""

from __future__ import annotations

import pytest

from credit_forensics.engines.duckdb import engine_of
from credit_forensics.findings.finding_rows import shown_money
from credit_forensics.money import money_text
from credit_forensics.tables.catalogue import Tables

AMOUNTS = [
    (1999, "eur"),
    (5, "usd"),
    (0, "gbp"),
    (-5, "usd"),
    (700, "jpy"),
    (1234, "KWD"),
    (500000, "ugx"),
    (9_007_199_254_740_991, "eur"),
]


def shown(rows: list[tuple[int | None, str | None]]) -> list[str | None]:
    amounts, currencies = ([*column] for column in zip(*rows, strict=True))
    numbers = [f"cs_{number}" for number in range(len(rows))]
    engine = engine_of(payments={"payment_id": numbers, "amount": amounts, "currency": currencies})
    payments = Tables().payments
    text = shown_money(payments.amount, payments.currency)
    return engine.frame(payments.select("payment_id", text=text).order_by("payment_id"))[
        "text"
    ].tolist()


def test_each_currency_has_its_decimals():
    assert shown(AMOUNTS) == [
        money_text(amount, currency, thousands="") for amount, currency in AMOUNTS
    ]


@pytest.mark.parametrize("currency", [None, ""])
def test_without_a_currency_it_says_so(currency):
    assert shown([(100, currency)]) == ["100 minor units of an unknown currency"]
