"""Payments that say themselves, or show by their order, that they bring no credits of their own."""

from __future__ import annotations

import pandas as pd
import pytest

from credit_forensics.evidence.evidence import Evidence
from credit_forensics.evidence.stripe.for_credits import settle_for_credits
from credit_forensics.evidence.stripe.told_nothing import LEAST, NONE, PART


def shop(*payments):
    """``(id, customer, credits known, booked, metadata)`` a payment; what is settled of them."""
    evidence = Evidence()
    ids, customers, worth, booked, metadata = zip(*payments, strict=True)
    evidence.add("payments", pd.DataFrame({
        "payment_id": ids,
        "customer_id": customers,
        "payment_status": "paid",
        "for_credits": "yes",
        "expected_credits": pd.array(worth, dtype="Int64"),
    }))  # fmt: skip
    rows = [
        {"payment_id": one, "source": "session", "position": n, "key": key, "value": value}
        for one, told in zip(ids, metadata, strict=True)
        for n, (key, value) in enumerate(told.items(), start=1)
    ]
    evidence.add("metadata", pd.DataFrame(rows))
    entries = [one for one, there in zip(ids, booked, strict=True) if there]
    if entries:
        ledger = pd.DataFrame({"payment_id": entries, "kind": "purchase", "delta": 5})
        evidence.add("ledger", ledger)
    classes = settle_for_credits(evidence)
    told = evidence.payments.set_index("payment_id")["for_credits"]
    gaps = evidence.custody.gaps()["object"].tolist()
    return classes, sorted(told[told == "probably not"].index), gaps


def instalments(first, later):
    """Payments that say 3000, and so many booked or not that say 0."""
    rows = [(f"a{n}", f"c{n}", 3000, there, {"credits": "3000"}) for n, there in enumerate(first)]
    return rows + [
        (f"b{n}", f"c{n}", None, there, {"credits": "0"}) for n, there in enumerate(later)
    ]


@pytest.mark.parametrize(
    ("later", "doubted"),
    [
        ([False], ["b0"]),
        # Where half of them were granted, what they say is no rule.
        ([False, True], []),
        ([False, False, True], ["b0", "b1", "b2"]),
    ],
)
def test_what_says_that_it_brings_0_is_doubted_unless_half_were_granted(later, doubted):
    classes, found, gaps = shop(*instalments([True], later))
    assert classes == ({NONE: "probably not"} if doubted else {})
    assert (found, gaps) == (doubted, [*classes])


@pytest.mark.parametrize("told", ["", "none", "00100", "O"])
def test_other_words_are_no_0(told):
    assert shop(("a", "c", 9, True, {}), ("b", "d", None, False, {"credits": told}))[0] == {}


def halves(count, *, key="order", same_customer=True, booked=0):
    """Orders of two payments: a deposit without a word of credits, the rest with 5000."""
    rows = []
    for n in range(count):
        number, other = {key: f"ord_{n}Ab"}, f"c{n}" if same_customer else f"d{n}"
        rows.append((f"dep{n}", f"c{n}", None, n < booked, number))
        rows.append((f"rest{n}", other, 5000, True, number | {"credits": "5000"}))
    return rows


@pytest.mark.parametrize(
    ("rows", "doubted"),
    [
        (halves(LEAST), LEAST),
        (halves(LEAST - 1), 0),
        # An account's id is no order's number, and another customer's order is another order.
        (halves(LEAST, key="user_id"), 0),
        (halves(LEAST, same_customer=False), 0),
        # Where half of the deposits brought credits, the others may lack theirs.
        (halves(2 * LEAST, booked=LEAST), 0),
        (halves(2 * LEAST, booked=LEAST - 1), 2 * LEAST),
    ],
    ids=["three", "two", "user", "others", "half booked", "few booked"],
)
def test_a_part_of_an_order_that_another_part_brings_is_doubted(rows, doubted):
    classes, found, gaps = shop(*rows)
    assert len(found) == doubted
    assert classes == ({PART: "probably not"} if doubted else {})
    assert gaps == [*classes]
