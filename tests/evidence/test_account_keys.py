"""Metadata keys that name the account are known by their words, and ids by what wraps them."""

from __future__ import annotations

import base64

import pandas as pd
import pytest

from credit_forensics.evidence.booked_by_key import account_keys_by_booking
from credit_forensics.evidence.evidence import Evidence
from credit_forensics.evidence.fold_and_match import prepare

KNOWN = ["42", "43", "usr_a1b2", "5a6df40d-9278-4d20-a214-0ce3ac9771da"]


def prepared(entries=(), reference=None, user_keys=()):
    evidence = Evidence()
    users = {"user_id": KNOWN, "email": [f"{user}@example.com" for user in KNOWN]}
    evidence.add("users", pd.DataFrame(users))
    evidence.add(
        "payments", pd.DataFrame({"payment_id": ["cs_1"], "client_reference_id": [reference]})
    )
    if entries:
        rows = [
            {"payment_id": "cs_1", "source": "session", "position": n, "key": key, "value": value}
            for n, (key, value) in enumerate(entries, start=1)
        ]
        evidence.add("metadata", pd.DataFrame(rows))
    prepare(evidence, user_keys=user_keys)
    return evidence


@pytest.mark.parametrize(
    "key",
    [
        "userId",
        "uid",
        "UserID",
        "user-id",
        "clerk_user_id",
        "supabase_uid",
        "firebaseUID",
        "member",
        "memberId",
        "account_id",
        "organization_id",
        "appUserId",
        "owner",
    ],
)
def test_keys_that_name_the_account(key):
    (row,) = prepared([(key, "42")]).metadata.to_dict("records")
    assert (row["role"], row["user_id"], row["valid"]) == ("user_id", "42", True)


@pytest.mark.parametrize(
    "key",
    [
        "legacy_user_id",
        "old_member",
        "referrer_user_id",
        "invited_user",
        "admin_id",
        "authUserId",
        "user_name",
        "user_email",
        "previous_account_id",
        "cart_id",
        "gift_user",
        "session_user_id",
    ],
)
def test_keys_of_other_people_and_schemes_are_none(key):
    roles = prepared([(key, "42")]).metadata["role"]
    assert roles.isna().all()


def test_words_alone_count_where_the_value_is_known_and_the_setting_always():
    assert prepared([("member", "gold")]).metadata["role"].isna().all()
    settled = prepared([("member", "gold")], user_keys=["member"]).metadata
    assert settled["role"].tolist() == ["user_id"]


def test_the_name_itself_goes_before_its_like_and_the_setting_before_both():
    entries = [("user_id", "42"), ("uid", "43")]
    assert prepared(entries).metadata["role"].isna().all()
    settled = prepared(entries, user_keys=["uid"]).metadata
    assert settled.sort_values("position")["role"].tolist() == ["", "user_id"]


@pytest.mark.parametrize(
    ("signed_in", "roles"),
    # Where organisations own the credits, who signed in has no account; elsewhere the name counts.
    [("person_7", ["", "user_id"]), ("43", [None, None])],
)
def test_the_name_itself_gives_way_where_only_the_other_has_an_account(signed_in, roles):
    entries = [("user_id", signed_in), ("organization_id", "42")]
    found = prepared(entries).metadata.sort_values("position")["role"]
    assert [None if pd.isna(role) else role for role in found] == roles


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("recipient_id", "43"),
        ("recipientUserId", "43"),
        ("giftTo", "43"),
        ("for_user", "43"),
        ("beneficiary_email", "43@example.com"),
    ],
)
def test_a_recipient_goes_before_whoever_buys(key, value):
    evidence = prepared([("user_id", "42"), (key, value)])
    metadata = evidence.metadata.sort_values("position")
    assert metadata["role"].tolist() == ["", "user_id"]
    assert metadata["user_id"].tolist()[1] == "43"
    assert evidence.payments["for_recipient"].tolist() == [True]


@pytest.mark.parametrize(
    ("key", "value"),
    [("recipient_id", "99"), ("recipient_name", "43"), ("reply_to_user", "43"), ("to", "43")],
)
def test_what_is_no_account_or_no_recipient_changes_nothing(key, value):
    evidence = prepared([("user_id", "42"), (key, value)])
    assert evidence.metadata["role"].isna().all()
    assert not evidence.payments["for_recipient"].fillna(False).any()


@pytest.mark.parametrize("nothing", ["undefined", "null", "None", "NaN", "[object Object]", "-"])
def test_what_programs_write_for_nothing_is_nothing(nothing):
    found = prepared([("user_id", nothing), ("userId", "42")]).metadata.sort_values("position")
    assert found["valid"].tolist() == [False, True]
    assert found["role"].tolist()[1] == "user_id"


@pytest.mark.parametrize(
    ("reference", "user"),
    [
        ("User/42", "42"),
        ("user_42", "42"),
        ("User%2F42", "42"),
        ("acme:usr_a1b2", "usr_a1b2"),
        ('{"userId": 42}', "42"),
        (base64.b64encode(b"user:43").decode(), "43"),
        ("order-77|5a6df40d-9278-4d20-a214-0ce3ac9771da", "5a6df40d-9278-4d20-a214-0ce3ac9771da"),
    ],
)
def test_a_reference_that_wraps_one_known_id_names_it(reference, user):
    (row,) = prepared(reference=reference).payments.to_dict("records")
    assert (row["reference_user_id"], row["reference_detail"]) == (user, "wrapped")


@pytest.mark.parametrize("reference", ["cart-42", "user/42 user/43", "user_4242", "42-2025"])
def test_a_number_alone_or_two_ids_name_nobody(reference):
    (row,) = prepared(reference=reference).payments.to_dict("records")
    assert (row["reference_user_id"], row["reference_detail"]) == (reference, "unknown")


@pytest.mark.parametrize(
    ("key", "booked", "found"),
    [
        ("discord_id", [0, 1, 2, 0], ["discord_id"]),
        # What one payment in four was not booked on is no key that the shop books by.
        ("discord_id", [0, 1, 2, 3], []),
        *((key, [0, 1, 2, 0], []) for key in ("referrer_id", "referrer-id", "Seller Id")),
    ],
)
def test_a_key_is_the_accounts_where_the_shop_books_by_it(key, booked, found):
    accounts = [f"1147483648123456{n:03d}" for n in range(5)]
    named = [0, 1, 2, 0]
    evidence = Evidence()
    evidence.add("users", pd.DataFrame({"user_id": accounts}))
    payments = [f"cs_{n}" for n in range(4)]
    evidence.add("payments", pd.DataFrame({"payment_id": payments}))
    evidence.add("metadata", pd.DataFrame({"payment_id": payments, "source": "session",
        "position": 1, "key": key, "value": [accounts[n] for n in named]}))  # fmt: skip
    evidence.add("ledger", pd.DataFrame({"entry_id": payments, "payment_id": payments,
        "kind": "purchase", "delta": 50, "user_id": [accounts[n] for n in booked]}))  # fmt: skip
    assert account_keys_by_booking(evidence) == found
    prepare(evidence)
    assert evidence.metadata["role"].notna().all() == bool(found)
