"""What support put right by two entries that name no payment is tied to the payment."""

from __future__ import annotations

import pandas as pd
import pytest

from credit_forensics.evidence.evidence import Evidence
from credit_forensics.evidence.ledgers.moved_unnamed import tie_unnamed_moves

START = pd.Timestamp("2026-03-01", tz="UTC")
BOOKED = ("ann", 50, "purchase", 0, "cs_1")
TAKEN, GIVEN = ("ann", -50, "correction", 48, None), ("bob", 50, "correction", 48, None)


def tied(*entries, reference="bob", email=None, metadata=()):
    """How many entries of ``(user, credits, kind, hours later, payment)`` are of the payment."""
    evidence = Evidence()
    evidence.add(
        "payments",
        pd.DataFrame(
            {"payment_id": ["cs_1"], "client_reference_id": [reference], "payer_email": [email]}
        ),
    )
    if metadata:
        evidence.add(
            "metadata",
            pd.DataFrame([{"payment_id": "cs_1", "key": k, "value": v} for k, v in metadata]),
        )
    evidence.add(
        "users",
        pd.DataFrame({"user_id": ["ann", "bob"], "email": ["ann@a.example", "Bob@b.example"]}),
    )
    evidence.add(
        "ledger",
        pd.DataFrame(
            {
                "entry_id": str(number),
                "user_id": user,
                "delta": credits,
                "kind": kind,
                "payment_id": payment,
                "created_at": START + pd.Timedelta(hours=later),
            }
            for number, (user, credits, kind, later, payment) in enumerate(entries)
        ),
    )
    tie_unnamed_moves(evidence)
    return int((evidence.ledger["payment_id"] == "cs_1").sum())


@pytest.mark.parametrize(
    "named",
    [
        {},
        {"reference": None, "metadata": [("user_id", "bob")]},
        {"reference": "ann", "email": "bob@b.example"},
    ],
    ids=["by the reference", "by metadata", "by the e-mail"],
)
def test_a_move_to_whom_the_payment_names_is_the_payments(named):
    assert tied(BOOKED, TAKEN, GIVEN, **named) == 3


@pytest.mark.parametrize(
    ("entries", "named"),
    [
        ((BOOKED, TAKEN), {}),
        ((BOOKED, TAKEN, ("cy", 50, "correction", 48, None)), {}),
        ((BOOKED, TAKEN, ("bob", 40, "correction", 48, None)), {}),
        ((BOOKED, TAKEN, ("bob", 50, "correction", 50, None)), {}),
        ((BOOKED, TAKEN, ("bob", 50, "purchase", 48, None)), {}),
        ((BOOKED, ("ann", -50, "usage", 48, None), GIVEN), {}),
        ((BOOKED, TAKEN, GIVEN, GIVEN), {}),
        ((BOOKED, TAKEN, GIVEN), {"reference": "ann"}),
        ((BOOKED, TAKEN, GIVEN), {"reference": "ann", "metadata": [("referrer", "bob")]}),
    ],
    ids=["one side", "a third", "other credits", "hours apart", "bought", "used", "two sides",
         "the buyer's own", "a friend's name"],
)  # fmt: skip
def test_anything_else_is_no_repair(entries, named):
    assert tied(*entries, **named) == 1
