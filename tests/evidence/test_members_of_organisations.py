"""Where organisations own the credits, a member's id, e-mail or name stands for the organisation."""

from __future__ import annotations

import pandas as pd
import pytest

from credit_forensics.engines.duckdb import DuckDBEngine
from credit_forensics.evidence.evidence import Evidence
from credit_forensics.evidence.fold_and_match import prepare
from credit_forensics.judgement.persons import person_links
from credit_forensics.resolution.account_emails import account_emails
from credit_forensics.resolution.session_fields import session_fields
from credit_forensics.tables.catalogue import Tables

MEMBERS = [
    {"user_id": "u-ada", "account_id": "o-1", "email": "Ada@example.com", "name": "Ada Holm"},
    {"user_id": "u-bo", "account_id": "o-1", "email": "bo@example.com", "name": "Bo Falk"},
    {"user_id": "u-cy", "account_id": "o-1", "email": "cy@example.com", "name": "Cy Berg"},
    {"user_id": "u-cy", "account_id": "o-2", "email": "cy@example.com", "name": "Cy Berg"},
]


def organisations(metadata: dict[str, str] | None = None) -> Evidence:
    """Two organisations of one owner, their members, and a payment with some metadata."""
    evidence = Evidence()
    owner = {"email": "ada@example.com", "name": "Ada Holm"}
    evidence.add("users", pd.DataFrame([{"user_id": one} | owner for one in ("o-1", "o-2")]))
    evidence.add("memberships", pd.DataFrame(MEMBERS))
    evidence.add("payments", pd.DataFrame([{"payment_id": "p"}]))
    rows = [
        {"payment_id": "p", "source": "session", "position": n, "key": key, "value": value}
        for n, (key, value) in enumerate((metadata or {}).items(), start=1)
    ]
    if rows:
        evidence.add("metadata", pd.DataFrame(rows))
    prepare(evidence)
    return evidence


@pytest.mark.parametrize(
    ("metadata", "named"),
    [
        ({"user_id": "u-bo"}, "o-1"),
        ({"memberId": "u-bo"}, "o-1"),
        # A member of two organisations names neither; the organisation's own id goes first.
        ({"user_id": "u-cy"}, None),
        ({"user_id": "u-cy", "org_id": "o-2"}, "o-2"),
        ({"user_id": "u-bo", "org_id": "o-2"}, "o-2"),
        ({"user_id": "u-nobody"}, "u-nobody"),
    ],
)
def test_a_members_id_names_the_organisation(metadata: dict[str, str], named: str | None) -> None:
    evidence = organisations(metadata)
    fields = evidence.engine.frame(session_fields(Tables()))
    found = fields["metadata_user_id"].iloc[0]
    assert (None if pd.isna(found) else found) == named


def test_a_members_e_mail_names_the_organisation_and_one_of_two_names_none() -> None:
    engine: DuckDBEngine = organisations().engine
    frame = engine.frame(account_emails(Tables()))
    found = dict(frame[["key", "user_id"]].fillna("").to_numpy())
    assert found == {"bo@example.com": "o-1", "cy@example.com": "", "ada@example.com": ""}


def test_two_organisations_of_one_owner_are_no_person() -> None:
    evidence = organisations()
    links = person_links(Tables(), session_fields(Tables()))
    assert evidence.engine.frame(links).empty


@pytest.mark.parametrize(
    ("credited", "named"),
    [
        # Team 2 is team 1's rival; user 2 is a member of team 1, and user 1 of team 2.
        ({"cs_1": "2", "cs_2": "1"}, {"cs_1": "2", "cs_2": "1"}),
        ({"cs_1": "1", "cs_2": "2"}, {"cs_1": "1", "cs_2": "2"}),
    ],
)
def test_persons_and_teams_of_the_same_numbers(credited, named) -> None:
    """A key that speaks of a person names a member; a reference what most of the credits tell."""
    evidence = Evidence()
    evidence.add("users", pd.DataFrame([{"user_id": "1"}, {"user_id": "2"}]))
    pairs = [{"user_id": "2", "account_id": "1"}, {"user_id": "1", "account_id": "2"}]
    evidence.add("memberships", pd.DataFrame(pairs))
    evidence.add("payments", pd.DataFrame([
        {"payment_id": f"cs_{n}", "client_reference_id": str(n)} for n in (1, 2)
    ]))  # fmt: skip
    evidence.add("metadata", pd.DataFrame([
        {"payment_id": f"cs_{n}", "source": "session", "position": 1, "key": "user_id",
         "value": str(n)} for n in (1, 2)
    ]))  # fmt: skip
    evidence.add("ledger", pd.DataFrame([
        {"entry_id": p, "payment_id": p, "user_id": u, "kind": "purchase", "delta": 50}
        for p, u in credited.items()
    ]))  # fmt: skip
    prepare(evidence)
    fields = evidence.engine.frame(session_fields(Tables())).set_index("payment_id")
    assert fields["metadata_user_id"].to_dict() == {"cs_1": "2", "cs_2": "1"}
    assert fields["reference_user_id"].to_dict() == named


MARCH = pd.Timestamp("2026-03-10", tz="UTC")
DAY = pd.Timedelta(days=1)


def moved(periods, payments, booked):
    """Whom each payment of member ``u`` names: periods of ``(account, since, until)`` in days.

    ``payments`` are days, ``booked`` the accounts of their entries.
    """
    evidence = Evidence()
    accounts = sorted({*(one[0] for one in periods), *booked, "o-3"})
    evidence.add("users", pd.DataFrame({"user_id": accounts}))
    day = {None: None} | {n: MARCH + n * DAY for n in range(-60, 60)}
    evidence.add("memberships", pd.DataFrame([
        {"user_id": "u", "account_id": account, "since": day[since], "until": day[until]}
        for account, since, until in periods
    ] + [{"user_id": "v", "account_id": "o-3", "since": day[-50], "until": None}]))  # fmt: skip
    ids = [f"p{n}" for n in range(len(payments))]
    evidence.add("payments", pd.DataFrame([
        {"payment_id": one, "created_at": day[at]} for one, at in zip(ids, payments, strict=True)
    ]))  # fmt: skip
    evidence.add("metadata", pd.DataFrame([
        {"payment_id": one, "source": "session", "position": 1, "key": "user_id", "value": "u"}
        for one in ids
    ]))  # fmt: skip
    evidence.add("ledger", pd.DataFrame([
        {"entry_id": one, "payment_id": one, "user_id": user, "kind": "purchase", "delta": 50}
        for one, user in zip(ids, booked, strict=True)
    ]))  # fmt: skip
    prepare(evidence)
    fields = evidence.engine.frame(session_fields(Tables())).set_index("payment_id")
    named = fields["metadata_user_id"]
    return [None if pd.isna(named[one]) else named[one] for one in ids]


@pytest.mark.parametrize(
    ("periods", "payments", "booked", "named"),
    [
        # Before she came nobody knows where she was; a day before, her own purchase may have
        # opened the account.
        ([("o-1", 10, None)], [0, 8, 9, 12], ["o-2", "o-2", "o-1", "o-1"], [None] * 2 + ["o-1"] * 2),
        # A table that tells both says where she was when.
        (
            [("o-2", -20, 10), ("o-1", 10, None)],
            [0, 20],
            ["o-2", "o-1"],
            ["o-2", "o-1"],
        ),
        # On the day of the move she may have been in either.
        ([("o-2", -20, 10), ("o-1", 10, None)], [10], ["o-2"], [None]),
        # Where most of the earlier ones stand with today's, the table was filled on that day.
        ([("o-1", 10, None)], [0, 2, 4], ["o-1", "o-1", "o-2"], ["o-1"] * 3),
        ([("o-1", 10, None)], [0, 2], ["o-1", "o-2"], [None, None]),
        # Without dates: twice there and then here is a move, once there is an error.
        ([("o-1", None, None)], [0, 5, 20], ["o-3", "o-3", "o-1"], [None, None, "o-1"]),
        ([("o-1", None, None)], [0, 20], ["o-3", "o-1"], ["o-1", "o-1"]),
        ([("o-1", None, None)], [0, 5, 20], ["o-3", "o-1", "o-3"], ["o-1"] * 3),
    ],
    ids=[
        "before she came", "both told", "that day", "filled later", "half of them",
        "moved", "once", "to and fro",
    ],
)  # fmt: skip
def test_a_member_stands_for_the_organisation_of_that_time(
    periods, payments, booked, named
) -> None:
    assert moved(periods, payments, booked) == named
