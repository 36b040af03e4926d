"""A Stripe customer that was bound to another account between two renewals."""

from __future__ import annotations

import pytest

# Alice pays since May; in July an account for bert took the address that she gave the customer.
ALICE = {
    "user_id": "alice",
    "email": "alice.new@example.com",
    "name": "Alice Moor",
    "created_at": "2026-01-01T00:00Z",
}
BERT = {
    "user_id": "bert",
    "email": "alice@example.com",
    "name": "Bert Moss",
    "created_at": "2026-07-15T00:00Z",
}
BOUND = {"customer_id": "cus_1", "user_id": "bert", "bound_at": "2026-07-15T00:00Z"}


def renewals():
    return [
        {
            "payment_id": f"pi_{month}",
            "kind": "intent",
            "created_at": f"2026-0{month}-01T10:00Z",
            "completed_at": f"2026-0{month}-01T10:00Z",
            "payment_status": "paid",
            "amount": 1900,
            "customer_id": "cus_1",
            "customer_preset": False,
            "email_prefilled": True,
            "payer_email": "alice@example.com",
            "payer_name": "Alice Moor",
            "card_fingerprint": "card_1",
        }
        for month in (5, 6, 7, 8, 9)
    ]


def entries():
    return [
        {
            "entry_id": str(month),
            "payment_id": f"pi_{month}",
            "user_id": "alice" if month < 8 else "bert",
            "delta": 190,
            "kind": "purchase",
            "created_at": f"2026-0{month}-01T10:01Z",
        }
        for month in (5, 6, 7, 8, 9)
    ]


def opened(literal_case, users, binding=BOUND):
    return literal_case(payments=renewals(), ledger=entries(), customers=[binding], users=users)


def verdicts(literal_case, users, binding=BOUND):
    case = opened(literal_case, users, binding)
    return case.verdicts.set_index("payment_id")["verdict"].astype(str).to_dict()


def test_an_address_that_passed_on_after_the_customer_had_given_it_is_no_witness(literal_case):
    found = verdicts(literal_case, [ALICE, BERT])
    assert [found[f"pi_{month}"] for month in (8, 9)] == ["misattributed"] * 2
    assert "misattributed" not in [found[f"pi_{month}"] for month in (5, 6, 7)]


@pytest.mark.parametrize(
    "users",
    [
        # Alice moved to a second account of her own: its name says so, or may.
        [ALICE, BERT | {"name": "Alice Moor"}],
        [ALICE, BERT | {"name": "A. Moor"}],
        [ALICE, BERT | {"name": "MOOR,Alice"}],
        [ALICE, BERT | {"name": None}],
        # The subscription was handed to a colleague, with the card or with the address as well.
        [ALICE | {"email": "alice@example.com"}, BERT | {"email": "bert@example.com"}],
        [ALICE, BERT | {"email": "bert@example.com"}],
    ],
)
def test_a_binding_that_was_moved_for_a_reason_accuses_nobody(literal_case, users):
    assert "misattributed" not in verdicts(literal_case, users).values()


@pytest.mark.parametrize(
    ("created_at", "named"),
    # A purchase may open an account, so an address counts from a day before its account was made.
    [("2026-05-02T10:00Z", "bert"), ("2026-05-02T10:01Z", None)],
)
def test_an_address_counts_where_the_account_has_had_it_since_the_customer_gave_it(
    literal_case, created_at, named
):
    case = opened(literal_case, [ALICE, BERT | {"created_at": created_at}])
    assert (
        case.matrix.set_index("payment_id")["payer_email"].dropna().to_dict().get("pi_9") == named
    )


def test_a_binding_that_a_payment_may_have_written_is_not_taken_for_one_moved_by_hand(literal_case):
    users = [ALICE, BERT | {"email": "bert@example.com"}]
    found = verdicts(literal_case, users, BOUND | {"bound_at": "2026-07-01T10:00:30Z"})
    assert [found[f"pi_{month}"] for month in (8, 9)] == ["misattributed"] * 2
