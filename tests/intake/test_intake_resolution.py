"""The intake's resolution: its rules, and that it says what the audit says."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from credit_forensics.checks import case_of
from credit_forensics.intake.checkout_object import read_checkout
from credit_forensics.intake.resolution import Known, claims, resolve
from credit_forensics.resolution.one_session import email_key

CREATED = datetime(2025, 9, 1, 12, tzinfo=UTC)
USERS = {
    "u1": "ada@example.com",
    "U2": "bo@example.com",
    "00123": "cy@example.com",
    "u4": "cy@example.com",
    "u5": None,
}
IDS = st.sampled_from(["u1", "u2", "U2", "00123", "123", "u4", "u5", "nobody", "", "unknown", None])
MAILS = st.sampled_from(
    ["ada@example.com", " BO@Example.com", "cy@example.com", "who@example.com", "none", None]
)
CUSTOMERS = ["cus_a", "cus_b", "cus_c", "cus_d", "cus_unbound"]
BINDINGS = [
    ("cus_a", "u1", CREATED - timedelta(days=2)),
    ("cus_a", "U2", CREATED - timedelta(days=1)),
    ("cus_b", "00123", CREATED + timedelta(days=1)),
    # Two at one time name nobody, and leave the binding before them.
    ("cus_c", "u4", CREATED - timedelta(days=3)),
    ("cus_c", "u1", CREATED - timedelta(days=2)),
    ("cus_c", "U2", CREATED - timedelta(days=2)),
    # Of no known time: the customer's first payment may have written it.
    ("cus_d", "u1", None),
]


def drop_none(values: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value is not None}


@st.composite
def sessions(draw: Any, number: int) -> dict[str, Any]:
    metadata = drop_none(
        {
            "user_id": draw(IDS),
            "user_id_backup": draw(IDS),
            "session_user_id": draw(IDS),
            "session_email": draw(MAILS),
            "user_email": draw(MAILS),
            "account_email": draw(MAILS),
        }
    )
    customer = draw(st.sampled_from([None, *CUSTOMERS]))
    typed = draw(MAILS)
    return {
        "id": f"cs_{number}",
        "object": "checkout.session",
        "created": int(CREATED.timestamp()) + number,
        "amount_total": 500,
        "currency": "eur",
        "client_reference_id": draw(IDS) or None,
        "customer": customer,
        "customer_creation": None if customer else "if_required",
        "customer_email": typed if draw(st.booleans()) else None,
        "customer_details": {"email": typed, "name": None},
        "livemode": True,
        "metadata": metadata,
        "mode": "payment",
        "payment_status": "paid",
        "status": "complete",
    }


@given(st.data())
@settings(deadline=None, max_examples=6, phases=(Phase.generate,))
def test_intake_says_of_a_session_what_the_audit_says(data: st.DataObject) -> None:
    made = [data.draw(sessions(number)) for number in range(25)]
    users = [{"user_id": user, "email": email} for user, email in USERS.items()]
    bound = [{"customer_id": c, "user_id": u, "bound_at": at} for c, u, at in BINDINGS]
    audit = case_of(made, users, customers=bound).claims
    # The history of a customer is the audit's posterior, and the webhook has only its bookings.
    audit = audit[audit["valid"]]
    shared = audit[~audit["method"].isin(["customer_history", "metadata_scan"])]
    for session in made:
        mine = shared[shared["payment_id"] == session["id"]]
        told = {
            (m, f, u)
            for m, f, u in zip(mine["method"], mine["family"], mine["user_id"], strict=True)
        }
        facts = Known(
            accounts={user: email_key(email) for user, email in USERS.items()},
            bindings=[(u, at) for c, u, at in BINDINGS if c == session["customer"]],
            other_payments=[
                ("u1", datetime.fromtimestamp(other["created"], UTC))
                for other in made
                if other["customer"] == session["customer"] and other is not session
            ],
        )
        found = claims(read_checkout(session, {}), facts)
        said = {(c.method, c.family, c.user_id) for c in found if c.method != "customer_history"}
        if any(not claim.known for claim in found):
            # The audit links an id of no account by the e-mails of all sessions; a webhook has one.
            said, told = ({(method, user) for method, _, user in one} for one in (said, told))
        assert said == told, (session, said ^ told)


def one(metadata: dict[str, str], email: str | None, **more: Any) -> Any:
    session = {
        "id": "cs_1",
        "object": "checkout.session",
        "created": int(CREATED.timestamp()),
        "amount_total": 500,
        "currency": "eur",
        "customer_details": {"email": email},
        "metadata": metadata,
    } | more
    return read_checkout(session, {})


FACTS = Known({"u1": "ada@example.com", "u2": "bo@example.com", "u3": "ada@example.com"})


@pytest.mark.parametrize(
    ("metadata", "email", "sealed", "problem"),
    [
        ({"user_id": "u1"}, "ada@example.com", None, None),
        ({"user_id": "u3"}, "ada@example.com", None, None),
        ({"user_id": "u1"}, "bo@example.com", True, "disagreement"),
        ({"user_id": "u1", "user_id_backup": "u2"}, "ada@example.com", None, "disagreement"),
        ({"user_id": "gone"}, "ada@example.com", None, "unknown_user"),
        ({"user_id": "u1"}, None, None, "single_family"),
        ({"user_id": "u1"}, "nobody@example.com", None, "single_family"),
        ({"user_id": "u1"}, None, True, None),
        ({"user_id": "u1"}, "ada@example.com", False, "seal_broken"),
        ({}, "ada@example.com", None, "single_family"),
        ({}, "ada@example.com", True, "single_family"),
        ({}, None, None, "unresolved"),
        ({"user_id": "unknown"}, None, None, "unresolved"),
    ],
)
def test_rules(metadata: dict[str, str], email: str | None, sealed: Any, problem: str) -> None:
    found = resolve(one(metadata, email), FACTS, sealed=sealed)
    assert found.problem == problem
    assert (found.user_id is None) == (problem is not None)


@given(st.lists(st.sampled_from(["user_id_backup", "session_user_id"]), unique=True))
def test_copies_never_make_agreement(copies: list[str]) -> None:
    metadata = {"user_id": "u1"} | dict.fromkeys(copies, "u1")
    found = resolve(one(metadata, None, client_reference_id="u1"), FACTS)
    assert found.families == ("session",)
    assert found.problem == "single_family"


def test_a_given_customer_and_its_prefilled_mail_are_the_sessions_own_words() -> None:
    facts = Known(FACTS.accounts, bindings=[("u1", CREATED - timedelta(days=1))])
    given_ = one({"user_id": "u1"}, "ada@example.com", customer="cus_1", customer_creation=None)
    assert resolve(given_, facts).families == ("session",)
    made = one({"user_id": "u1"}, "ada@example.com", customer="cus_1", customer_creation="always")
    assert resolve(made, facts).families == ("session", "mapping", "email")


def test_of_several_emails_in_one_session_the_first_key_counts() -> None:
    users = [{"user_id": "u1", "email": "ann@example.com"}, {"user_id": "u2", "email": "zed@x.org"}]
    metadata = {"user_email": "zed@x.org", "session_email": "ann@example.com"}
    facts = Known({str(user["user_id"]): user["email"] for user in users})
    said = {c.method: c.user_id for c in claims(one(metadata, None), facts)}
    session = {"id": "cs_1", "object": "checkout.session", "created": int(CREATED.timestamp())}
    audit = case_of(session | {"metadata": metadata}, users).claims
    assert said == {"session_email": "u1"}
    assert dict(zip(audit["method"], audit["user_id"], strict=True)) == said


def test_a_binding_that_the_payment_may_have_written_is_no_witness() -> None:
    for at in (CREATED, CREATED + timedelta(seconds=1), None):
        facts = Known(FACTS.accounts, bindings=[("u2", at)])
        found = resolve(one({"user_id": "u1"}, "ada@example.com", customer="cus_1"), facts)
        assert "customer_mapping" not in {claim.method for claim in found.claims}


@pytest.mark.parametrize(("seconds", "families"), [(-1, ["session"]), (0, []), (1, [])])
def test_only_an_earlier_payment_of_the_customer_counts(seconds: int, families: list[str]) -> None:
    facts = Known(FACTS.accounts, other_payments=[("u1", CREATED + timedelta(seconds=seconds))])
    paid = one({}, None, customer="cus_1", customer_creation="always")
    # A customer of an earlier payment was given to the session, which then speaks through it.
    assert [claim.family for claim in claims(paid, facts)] == families
