"""The kind of a ledger entry by its reason."""

from __future__ import annotations

import duckdb
import pytest

from credit_forensics.errors import CaseError
from credit_forensics.evidence.ledgers.entry_kinds import (
    KINDS,
    check_kinds,
    kind_by_tie_sql,
    kind_sql,
)


def kind(
    reason: str | None,
    delta: int = 50,
    backed: bool = False,
    overrides: dict[str, str] | None = None,
) -> str:
    sql = kind_sql("reason", "delta", "backed", overrides)
    (row,) = duckdb.execute(
        f"SELECT {sql} FROM (SELECT ?::VARCHAR AS reason, ?::BIGINT AS delta, ?::BOOLEAN AS backed)",
        [reason, delta, backed],
    ).fetchall()
    return str(row[0])


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("stripe_purchase:method_primary_metadata:event_evt_1", "purchase"),
        # The handler's scan puts any metadata key into the reason.
        ("stripe_purchase:method_emergency_scan_admin_refund_id:event_evt_1", "purchase"),
        ("reversal:wrong_user:payment_cs_1", "reversal"),
        ("correction:wrong_user:payment_cs_1", "correction"),
        ("transfer_to_7675e93c", "transfer"),
        ("transfer_from_7675e93c", "transfer"),
        ("Credits transferred to user 12", "transfer"),
        ("admin_grant", "grant"),
        ("manual re-grant: stripe_purchase went to the wrong account", "grant"),
        ("emergency_regrant", "grant"),
        ("PROMO-2025", "grant"),
        ("signup_bonus", "grant"),
        ("PURCHASE:100 credits + 10 bonus", "purchase"),
        ("PURCHASE:manual re-grant", "grant"),
        ("purchase", "purchase"),
        ("Stripe Checkout", "purchase"),
        ("top-up", "purchase"),
        ("refund:re_1", "refund"),
        ("purchase_refunded", "refund"),
        ("chargeback", "refund"),
        ("dispute lost", "refund"),
        ("usage:resume", "usage"),
        ("USAGE", "usage"),
        ("image generation", "usage"),
        ("adjustment by hand", "correction"),
        ("KAUF", "purchase"),
        ("Achat de crédits", "purchase"),
        ("Rückerstattung", "refund"),
        ("reembolso de compra", "refund"),
        ("Willkommensgeschenk", "grant"),
        ("VERFALL", "usage"),
        ("充值", "purchase"),
        # A credit note may be of a purchase or of a gift.
        ("Gutschrift", "other"),
        ("zzz", "other"),
        # What was left of a month was not bought with the next one.
        ("reset before renewal", "other"),
        ("rollover of subscription credits", "other"),
        ("referral_bonus", "grant"),
        ("affiliate commission", "grant"),
        ("cashback", "grant"),
        # Words inside words are no words.
        ("reused orderly ground", "other"),
    ],
)
def test_the_reason_tells_the_kind(reason: str, expected: str) -> None:
    assert kind(reason) == expected


@pytest.mark.parametrize(
    ("delta", "backed", "expected"),
    [(50, True, "purchase"), (50, False, "other"), (-1, False, "usage"), (-1, True, "usage")],
)
def test_without_a_reason_the_sign_and_the_event_tell(
    delta: int, backed: bool, expected: str
) -> None:
    assert kind(None, delta, backed) == expected


def test_the_case_file_goes_before_the_rules() -> None:
    overrides = {"purchase_demo": "grant", "/^legacy-[0-9]+$/": "purchase", "^it's": "usage"}
    assert kind("purchase_demo:7", overrides=overrides) == "grant"
    assert kind("Legacy-12", overrides=overrides) == "purchase"
    assert kind("legacy-12x", overrides=overrides) == "other"
    assert kind("it's gone", overrides=overrides) == "usage"
    assert kind("purchase", overrides=overrides) == "purchase"


def test_a_prefix_is_taken_literally() -> None:
    assert kind("a.c", overrides={"a.c": "grant"}) == "grant"
    assert kind("abc", overrides={"a.c": "grant"}) == "other"


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        ({"x": "purchse"}, "did you mean 'purchase'"),
        ({"x": "qqq"}, "known are purchase"),
        ({"grant": "bonus"}, '"bonus" = "grant"'),
        ({"^(": "grant"}, "not a regular expression"),
    ],
)
def test_overrides_that_cannot_be_used(overrides: dict[str, str], words: str) -> None:
    with pytest.raises(CaseError) as error:
        check_kinds(duckdb.connect(), overrides)
    assert words in str(error.value)


def test_every_kind_is_documented_in_the_table() -> None:
    from credit_forensics.tables.catalogue import spec

    meaning = next(c.meaning for c in spec("ledger").columns if c.name == "kind")
    assert all(name in meaning for name in KINDS)


@pytest.mark.parametrize(
    ("reason", "delta", "expected"),
    [
        ("monthly allowance", 400, "purchase"),
        ("renewal reset", 400, "purchase"),
        ("renewal reset", -370, "other"),
        ("expired with the period", -370, "usage"),
        ("usage", -370, "refund"),
        # Somebody else's purchase earned it.
        ("referral bonus for a purchase", 50, "grant"),
        ("subscription bonus", 50, "purchase"),
        # What was booked once too often is taken back; a game may double what it gives.
        ("dedupe", -50, "reversal"),
        ("duplicate purchase removed", -50, "reversal"),
        ("Doppelbuchung storniert", -50, "reversal"),
        ("double_xp", -50, "refund"),
        # What was left of a period is no refund of the payment that begins the next.
        ("forfeit", -50, "usage"),
        ("unused credits of last period", -50, "other"),
        ("unused credits", -50, "refund"),
        ("Verfall zum Monatsende", -50, "usage"),
        ("caducidad mensual", -50, "usage"),
        ("duplicate of a purchase", 50, "purchase"),
    ],
)
def test_what_names_a_payment_is_bought_or_taken_back_unless_it_lapsed_or_was_earned(
    reason: str, delta: int, expected: str
) -> None:
    told = kind_sql("reason", "delta", "true")
    sql = kind_by_tie_sql(f"({told})")
    (row,) = duckdb.execute(
        f"SELECT {sql} FROM (SELECT ? AS reason, ?::BIGINT AS delta, 'in_1' AS payment_id,"
        " NULL AS event_id) AS l",
        [reason, delta],
    ).fetchall()
    assert row == (expected,)
