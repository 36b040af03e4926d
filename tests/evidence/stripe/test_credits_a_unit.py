"""Credits in metadata that was written before the buyer chose a quantity are those of one unit."""

from __future__ import annotations

import pandas as pd
import pytest

from credit_forensics.evidence.evidence import Evidence
from credit_forensics.evidence.stripe.credits_a_unit import credits_a_unit


def worth(*payments, known=()):
    """What the last ``(price, quantity, amount, credits)`` is worth."""
    evidence = Evidence()
    rows = [
        {"payment_id": f"cs_{n}", "currency": "eur", "amount": amount, "expected_credits": credits}
        for n, (_, _, amount, credits) in enumerate(payments)
    ]
    evidence.add("payments", pd.DataFrame(rows))
    items = [
        {"payment_id": f"cs_{n}", "position": 1, "price_id": price, "quantity": quantity}
        for n, (price, quantity, _, _) in enumerate(payments)
    ]
    evidence.add("payment_items", pd.DataFrame(items))
    told = {"source": "session", "position": 1, "key": "credits", "value": "50"}
    evidence.add("metadata", pd.DataFrame([{"payment_id": r["payment_id"], **told} for r in rows]))
    credits_a_unit(evidence.connection, known)
    return evidence.payments.sort_values("payment_id")["expected_credits"].tolist()[-1]


ONE = ("price_a", 1, 500, 50)


@pytest.mark.parametrize(
    ("payments", "credits"),
    [
        ((ONE, ("price_a", 3, 1500, 50)), 150),
        # Told as a sum already; no unit to compare; another price; a discount; nothing more paid.
        ((ONE, ("price_a", 3, 1500, 150)), 150),
        ((("price_a", 3, 1500, 50), ("price_a", 3, 1500, 50)), 50),
        ((ONE, ("price_b", 3, 1500, 50)), 50),
        ((ONE, ("price_a", 3, 1400, 50)), 50),
        ((ONE, ("price_a", 1, 500, 50)), 50),
    ],
)
def test_credits_are_a_units_where_one_unit_is_said_to_bring_as_many(payments, credits):
    assert worth(*payments) == credits


@pytest.mark.parametrize(("known", "credits"), [([("price_a", 500, "eur", 50)], 150), ([], 50)])
def test_in_a_part_of_the_payments_a_unit_is_what_it_was_in_all_of_them(known, credits):
    assert worth(("price_a", 3, 1500, 50), known=known) == credits
