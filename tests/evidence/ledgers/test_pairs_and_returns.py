"""Entries that name nothing are paired by credits and time; refunds by account, credits, time."""

from __future__ import annotations

import pandas as pd
import pytest

from credit_forensics.evidence.evidence import Evidence
from credit_forensics.evidence.ledgers.match_returns import match_returns
from credit_forensics.evidence.ledgers.pair_by_time import pair_by_time

T0 = pd.Timestamp("2025-09-01 12:00", tz="UTC")


def minutes(number: float) -> pd.Timestamp:
    return T0 + pd.Timedelta(minutes=number)


def evidence_of(payments, entries, refunds=()) -> Evidence:
    """Payments (id, user, minute, credits), entries (user, credits, minute, kind, payment)."""
    evidence = Evidence()
    evidence.add("payments", pd.DataFrame([
        {"payment_id": name, "payment_intent_id": f"pi_{name}", "payment_status": "paid",
         "client_reference_id": user, "completed_at": minutes(at), "expected_credits": credits,
         "amount": 900, "amount_refunded": 900 if name in dict(refunds) else 0}
        for name, user, at, credits in payments
    ]))  # fmt: skip
    evidence.add("ledger", pd.DataFrame([
        {"entry_id": f"e{n}", "user_id": user, "delta": credits, "created_at": minutes(at),
         "kind": kind, "payment_id": payment}
        for n, (user, credits, at, kind, payment) in enumerate(entries)
    ]))  # fmt: skip
    if refunds:
        evidence.add("stripe_refunds", pd.DataFrame([
            {"payment_intent_id": f"pi_{name}", "created_at": minutes(at)} for name, at in refunds
        ]))  # fmt: skip
    return evidence


def ties(evidence: Evidence) -> list[str]:
    return evidence.ledger.sort_values("entry_id")["payment_id"].fillna("").tolist()


def bought(user: str, credits: int, at: float) -> tuple[str, int, float, str, None]:
    return (user, credits, at, "purchase", None)


def test_a_wrong_account_does_not_draw_the_entry_to_another_payment() -> None:
    # Bo paid at 0 and Ada was credited; Ada paid herself at 60.
    evidence = evidence_of(
        [("cs_1", "bo", 0, 50), ("cs_2", "ada", 60, 50)],
        [bought("ada", 50, 0.1), bought("ada", 50, 60.1)],
    )
    assert pair_by_time(evidence) == 2
    assert ties(evidence) == ["cs_1", "cs_2"]


def test_the_account_decides_between_entries_of_one_moment() -> None:
    evidence = evidence_of(
        [("cs_1", "bo", 0, 50), ("cs_2", "ada", 0, 50)],
        [bought("ada", 50, 0.5), bought("bo", 50, 0.5)],
    )
    pair_by_time(evidence)
    assert ties(evidence) == ["cs_2", "cs_1"]


@pytest.mark.parametrize(
    ("entry", "paired"),
    [
        (("ada", 40, 1), False),
        # A nightly job books a day on the account that the payment names, on another within 24 h.
        (("bo", 50, 36 * 60), True),
        (("bo", 50, 36 * 60 + 1), False),
        (("bo", 40, 25 * 60), False),
        (("ada", 50, 24 * 60), True),
        (("ada", 50, 24 * 60 + 1), False),
    ],
)
def test_other_credits_and_other_days_are_no_pair(entry, paired) -> None:
    evidence = evidence_of([("cs_1", "bo", 0, 50)], [bought(*entry)])
    assert pair_by_time(evidence) == paired


@pytest.mark.parametrize(("later", "tied"), [(60, ["cs_2", "cs_1"]), (61, ["cs_1", "cs_2"])])
def test_the_account_decides_where_the_entries_come_more_than_an_hour_later(later, tied) -> None:
    # Both are booked in one run; Ada's payment is the nearer one to Bo's entry.
    evidence = evidence_of(
        [("cs_1", "bo", -30, 50), ("cs_2", "ada", 0, 50)],
        [bought("bo", 50, later), bought("ada", 50, later + 1)],
    )
    pair_by_time(evidence)
    assert ties(evidence) == tied


@pytest.mark.parametrize(
    ("user", "at", "paired"), [("bo", 9, True), ("bo", 11, False), ("ada", 9, False)]
)
def test_what_is_not_called_a_purchase_is_one_only_at_once_on_the_account(user, at, paired) -> None:
    evidence = evidence_of(
        [("cs_1", "ada", -90, 80), ("cs_2", "bo", 0, 50)],
        [bought("ada", 80, -89), (user, 50, at, "other", None)],
    )
    assert (pair_by_time(evidence) == 2) is paired


def test_an_entry_hours_after_its_payment_is_less_sure() -> None:
    evidence = evidence_of(
        [("cs_1", "ada", 0, 80), ("cs_2", "bo", 0, 50)],
        [bought("ada", 80, 60), bought("bo", 50, 61)],
    )
    pair_by_time(evidence)
    assert evidence.ledger.sort_values("entry_id")["tie_probability"].tolist() == [0.95, 0.75]


def test_where_purchases_name_their_payments_nothing_is_paired() -> None:
    evidence = evidence_of(
        [("cs_1", "bo", 0, 50), ("cs_2", "ada", 60, 50)],
        [("bo", 50, 0.1, "purchase", "cs_1"), bought("ada", 50, 60.1)],
    )
    assert pair_by_time(evidence) == 0


@pytest.mark.parametrize(
    ("user", "credits", "at", "matched"),
    [
        ("ada", -50, 3000, "cs_1"),
        ("ada", -50, 2995 - 24 * 60, ""),
        ("ada", -49, 3000, "cs_1"),
        ("ada", -40, 3000, ""),
        ("bo", -50, 3000, ""),
        ("ada", -50, 3000 + 7 * 24 * 60 + 1, ""),
    ],
)
def test_a_refund_is_matched_by_account_credits_and_time(user, credits, at, matched) -> None:
    evidence = evidence_of(
        [("cs_1", "ada", 0, 50), ("cs_2", "ada", 10, 50)],
        [("ada", 50, 1, "purchase", "cs_1"), ("ada", 50, 11, "purchase", "cs_2"),
         (user, credits, at, "refund", None)],
        refunds=[("cs_1", 3000)],
    )  # fmt: skip
    match_returns(evidence)
    assert ties(evidence)[2] == matched
    tie = evidence.ledger.set_index("entry_id").loc["e2", "tie"]
    assert (tie == "inferred") is bool(matched)


def test_a_payment_that_was_taken_back_by_name_is_matched_with_no_other_refund() -> None:
    evidence = evidence_of(
        [("cs_1", "ada", 0, 50)],
        [("ada", 50, 1, "purchase", "cs_1"), ("ada", -50, 3001, "refund", "cs_1"),
         ("ada", -50, 3002, "refund", None)],
        refunds=[("cs_1", 3000)],
    )  # fmt: skip
    assert match_returns(evidence) == 0


def test_a_void_takes_back_the_grant_of_as_many_credits_before_it() -> None:
    evidence = evidence_of(
        [("cs_1", "ada", 0, 50), ("cs_2", "ada", 10, 80)],
        [("ada", 50, 1, "purchase", "cs_1"), ("ada", 80, 11, "purchase", "cs_2"),
         ("ada", -80, 20, "reversal", None)],
    )  # fmt: skip
    assert match_returns(evidence) == 1
    assert ties(evidence)[2] == "cs_2"


@pytest.mark.parametrize(
    ("reason", "twice", "matched"),
    [
        ("void", True, "cs_1"),
        ("void", False, "cs_2"),
        ("clean-up of double bookings", True, "cs_1"),
        # It says what it undoes, and nothing was booked twice.
        ("clean-up of double bookings", False, ""),
    ],
)
def test_a_void_takes_back_what_was_granted_twice_first(reason, twice, matched) -> None:
    again = [("ada", 50, 2, "purchase", "cs_1")] if twice else []
    evidence = evidence_of(
        [("cs_1", "ada", 0, 50), ("cs_2", "ada", 10, 50)],
        [("ada", 50, 1, "purchase", "cs_1"), ("ada", 50, 11, "purchase", "cs_2"), *again,
         ("ada", -50, 20, "reversal", None)],
    )  # fmt: skip
    evidence.connection.execute("UPDATE ledger SET reason = ? WHERE delta < 0", [reason])
    match_returns(evidence)
    assert ties(evidence)[-1] == matched


@pytest.mark.parametrize(
    ("reason", "alike", "refunds", "matched"),
    [
        ("Geld zurück, Fall 17", 0, [("cs_1", 3000)], "cs_1"),
        ("Geld zurück, Fall 17", 1, [("cs_1", 3000)], "cs_1"),
        # Three in the same words, numbers aside, are what the shop does.
        ("Geld zurück, Fall 17", 2, [("cs_1", 3000)], ""),
        ("reset of the period", 0, [("cs_1", 3000)], ""),
        # Without a refund of Stripe's at that time an entry in any words is nobody's.
        ("Geld zurück, Fall 17", 0, [], ""),
    ],
)
def test_what_takes_credits_in_any_words_when_the_money_went_back_is_matched(
    reason, alike, refunds, matched
) -> None:
    evidence = evidence_of(
        [("cs_1", "ada", 0, 50)],
        [("ada", 50, 1, "purchase", "cs_1"), ("ada", -50, 3001, "other", None)]
        + [("bo", -5, n, "other", None) for n in range(alike)],
        refunds=refunds,
    )
    evidence.connection.execute("UPDATE ledger SET reason = ? WHERE kind = 'other'", [reason])
    match_returns(evidence)
    assert ties(evidence)[1] == matched


@pytest.mark.parametrize(
    ("reason", "refunds", "kind"),
    [
        (None, [("cs_1", 3000)], "refund"),
        # What calls itself usage is some, and without a refund of Stripe's all of it is.
        ("used", [("cs_1", 3000)], "usage"),
        (None, [], "usage"),
    ],
)
def test_a_ledger_without_words_takes_back_what_was_refunded(reason, refunds, kind) -> None:
    evidence = evidence_of(
        [("cs_1", "ada", 0, 50)],
        [("ada", 50, 1, "purchase", "cs_1"), ("ada", -50, 3001, "usage", None)],
        refunds=refunds,
    )
    evidence.connection.execute("UPDATE ledger SET reason = ?", [reason])
    match_returns(evidence)
    assert evidence.ledger.sort_values("entry_id")["kind"].tolist() == ["purchase", kind]


@pytest.mark.parametrize(
    ("following", "alone", "pairs"),
    [(5, 0, 5), (4, 0, 0), (9, 1, 9), (8, 1, 0)],
)
def test_grants_that_follow_payments_are_purchases(following: int, alone: int, pairs: int) -> None:
    """A shop may call a subscriber's month a grant; a gift now and then follows nothing."""
    days = [1440 * n for n in range(following + alone)]
    evidence = evidence_of(
        [(f"in_{n}", "ada", day, 50) for n, day in enumerate(days[:following])],
        [("ada", 50, day + 1, "grant", None) for day in days],
    )
    evidence.connection.execute("UPDATE ledger SET reason = 'monthly_grant'")
    assert pair_by_time(evidence) == pairs


def test_gifts_beside_purchases_stay_gifts() -> None:
    evidence = evidence_of(
        [(f"in_{n}", "ada", 1440 * n, 50) for n in range(6)],
        [
            *(bought("ada", 50, 1440 * n + 1) for n in range(6)),
            *(("ada", 50, 1440 * n + 2, "grant", None) for n in range(6)),
        ],
    )
    pair_by_time(evidence)
    assert evidence.ledger.query("kind == 'grant'")["payment_id"].isna().all()
