"""Somebody buys for another, whom the metadata names as the recipient."""

from __future__ import annotations

import pytest

USERS = [
    {"user_id": user, "email": f"{user}@example.com", "name": name}
    for user, name in (("ada", "Ada Bell"), ("ben", "Ben Cole"), ("cat", "Cat Dorn"))
]


def gift(literal_case, credited, key="recipient_id"):
    """Ada buys six times for herself, then once for ben; the gift's verdict."""
    payments = [
        {
            "payment_id": f"cs_{number}",
            "kind": "checkout",
            "created_at": f"2025-09-0{number}T10:00Z",
            "payment_status": "paid",
            "amount": 500,
            "payer_email": "ada@example.com",
            "payer_name": "Ada Bell",
            "card_fingerprint": "card_1",
            "customer_preset": False,
        }
        for number in range(1, 8)
    ]
    metadata = [
        {
            "payment_id": one["payment_id"],
            "source": "session",
            "position": place,
            "key": name,
            "value": value,
        }
        for one in payments
        for place, (name, value) in enumerate(
            [("buyer", "ada"), (key, "ben" if one["payment_id"] == "cs_7" else "ada")], start=1
        )
    ]
    ledger = [
        {
            "entry_id": one["payment_id"],
            "payment_id": one["payment_id"],
            "user_id": credited if one["payment_id"] == "cs_7" else "ada",
            "delta": 50,
            "kind": "purchase",
            "created_at": one["created_at"],
        }
        for one in payments
    ]
    case = literal_case(payments=payments, metadata=metadata, ledger=ledger, users=USERS)
    return case.verdicts.set_index("payment_id").loc["cs_7", "verdict"]


@pytest.mark.parametrize(
    ("credited", "expected"),
    # The recipient has them rightly; the buyer and a stranger do not, though the buyer paid.
    [("ben", "paid_by_another"), ("ada", "ambiguous"), ("cat", "misattributed")],
)
def test_a_named_recipient_is_the_account_for_which_another_pays(literal_case, credited, expected):
    assert gift(literal_case, credited) == expected


def test_without_a_recipient_the_same_payment_is_the_sessions_mistake(literal_case):
    assert gift(literal_case, "ben", key="user_id") == "misattributed"
