"""A payment vouches for others only where its own payer is likelier than not."""

from __future__ import annotations

import pytest

USERS = [{"user_id": user, "email": f"{user}@example.com"} for user in ("ada", "ben", "cat")]


def payment(number, **columns):
    return {
        "payment_id": f"cs_{number}",
        "created_at": f"2025-09-0{number}T10:00:00Z",
        "payment_status": "paid",
        "amount": 500,
        "card_fingerprint": "card_1",
        "customer_preset": False,
        **columns,
    }


@pytest.mark.parametrize(
    ("session", "vouched_for"),
    [
        # The e-mail names ben, the customer's binding cat: each has less than one half.
        (None, None),
        # The session weighs a little more than each of them, so ada has more than one half.
        ("ada", "ada"),
    ],
)
def test_an_owner_is_likelier_than_not(literal_case, session, vouched_for):
    case = literal_case(
        payments=[
            payment(
                1,
                payer_email="ben@example.com",
                customer_id="cus_1",
                client_reference_id=session,
            ),
            payment(2),
        ],
        customers=[{"customer_id": "cus_1", "user_id": "cat", "bound_at": "2025-08-01T00:00Z"}],
        users=USERS,
    )
    history = case.matrix.set_index("payment_id")["card_history"].dropna().to_dict()
    assert history.get("cs_2") == vouched_for
