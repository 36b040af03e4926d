"""A payment whose credits several accounts share accuses none of them."""

from __future__ import annotations

import pytest

MEMBERS = ("ada", "ben", "cat")


def shared(literal_case, credits, worth):
    """Ada pays thrice for herself, then once for three, who hold ``credits`` each; the verdict."""
    paid = {
        "kind": "checkout",
        "payment_status": "paid",
        "amount": 500,
        "payer_email": "cat@example.com",
        "payer_name": "Cat Dorn",
        "card_fingerprint": "card_1",
        "customer_preset": False,
        "client_reference_id": "cat",
        "expected_credits": 50,
    }
    names = [f"cs_{number}" for number in range(1, 5)]
    payments = [
        {**paid, "payment_id": name, "created_at": f"2025-09-0{number}T10:00Z"}
        for number, name in enumerate(names, start=1)
    ]
    payments[3]["expected_credits"] = worth
    grants = [(name, "cat", 50) for name in names[:3]]
    grants += [("cs_4", member, credits) for member in MEMBERS]
    ledger = [
        {
            "entry_id": f"{name}-{user}",
            "payment_id": name,
            "user_id": user,
            "delta": delta,
            "kind": "purchase",
            "created_at": f"2025-09-0{name[-1]}T10:01Z",
        }
        for name, user, delta in grants
    ]
    users = [
        {"user_id": user, "email": f"{user}@example.com", "name": name}
        for user, name in zip(MEMBERS, ("Ada Bell", "Ben Cole", "Cat Dorn"), strict=True)
    ]
    case = literal_case(payments=payments, ledger=ledger, users=users)
    return case.verdicts.set_index("payment_id").loc["cs_4", "verdict"]


@pytest.mark.parametrize(
    ("credits", "worth", "expected"),
    # Three parts of 150; and thrice the whole, of which two are on wrong accounts.
    [(50, 150, "paid_by_another"), (50, 149, "misattributed"), (50, 50, "misattributed")],
)
def test_parts_of_one_payment_accuse_nobody(literal_case, credits, worth, expected):
    assert shared(literal_case, credits, worth) == expected
