"""The bounds of the verdicts: a row on each side of every one of them."""

from __future__ import annotations

from functools import cache

import ibis
import pandas as pd
import pytest

from credit_forensics.engines.duckdb import DuckDBEngine
from credit_forensics.judgement.families import FAMILIES
from credit_forensics.judgement.payer_habits import payer_habits
from credit_forensics.judgement.verdicts import verdicts
from credit_forensics.tables.catalogue import Tables

NOON = pd.Timestamp("2025-09-01T12:00:00Z")
SECOND = pd.Timedelta("1s")
# A payment of two families that name ada, to whom it is credited, surely.
JUDGED = {
    "payment_id": "cs_1",
    "created_at": NOON,
    "session_user_id": "ada",
    "credited": "ada",
    "v_session": "ada",
    "v_mapping": None,
    "v_email": "ada",
    "v_card": None,
    "v_name": None,
    "l_name": 0,
    "name_key": None,
    "best": 0,
    "misattributed": 0.001,
    "patron": 0.0,
    "log_odds": -7.0,
    "burst": 0.0,
    "agreeing": 2,
    "available": 2,
    "independent": 2,
}
PAYMENT = {
    "payment_id": "cs_1",
    "created_at": NOON,
    "completed_at": NOON,
    "livemode": True,
    "payment_status": "paid",
    "amount": 500,
    "amount_lost": 0,
}
KINDS = {str: "string", int: "int64", float: "float64", pd.Timestamp: "timestamp('UTC')"}


@cache
def verdicts_of(columns):
    """The verdicts of rows with these columns, built once: to run them takes less."""
    rows = ibis.table(dict(columns), name="judged")
    habits = payer_habits(Tables(), rows, FAMILIES, "hindsight")
    return verdicts(Tables(), rows, habits, FAMILIES, "hindsight", has_users=True)


def verdict(
    *, credited_to="ada", ledger=(NOON, NOON), payment=(), users=(), persons=(), more=(), **judged
):
    """The verdict of one payment; keywords change what is judged of it."""
    engine = DuckDBEngine(threads=1)
    engine.create("payments", "payment_items", "credited", "coverage", "users", "ledger")
    engine.create("user_links", "persons", "customers", "user_names", "metadata", "memberships")
    if persons:
        of_ada = {"user_id": list(persons), "person_id": "ada", "reason": "account_email"}
        engine.append("persons", pd.DataFrame(of_ada))
    for table, row in dict(more).items():
        engine.append(table, pd.DataFrame([row]))
    if users:
        engine.append("users", pd.DataFrame({"user_id": list(users)}))
    engine.append("payments", pd.DataFrame([PAYMENT | dict(payment)]))
    if credited_to:
        held = {"payment_id": ["cs_1"], "credited_user_id": [credited_to]}
        engine.append("credited", pd.DataFrame(held))
    span = {"source": "ledger", "since": ledger[0], "until": ledger[1]}
    engine.append("coverage", pd.DataFrame([span]))
    row = JUDGED | judged
    schema = {name: KINDS.get(type(row[name]), "string") for name in row}
    frame = pd.DataFrame([row])
    engine.register("judged", frame.astype({n: "str" for n, k in schema.items() if k == "string"}))
    return engine.frame(verdicts_of(tuple(schema.items())))["verdict"].item()


@pytest.mark.parametrize(
    ("agreeing", "independent", "p", "expected"),
    [
        (2, 2, 0.02, "confirmed"),
        (2, 2, 0.021, "ambiguous"),
        (1, 1, 0.001, "ambiguous"),
        (3, 2, 0.001, "confirmed"),
        # An e-mail, a name and a card that agree are one act of one payer.
        (3, 1, 0.001, "unverifiable"),
        (3, 1, 0.021, "ambiguous"),
    ],
)
def test_confirmed_takes_two_families_that_agree_and_a_probability_up_to_0_02(
    agreeing, independent, p, expected
):
    found = verdict(agreeing=agreeing, independent=independent, available=3, misattributed=p)
    assert found == expected


@pytest.mark.parametrize(("available", "expected"), [(3, "confirmed"), (4, "ambiguous")])
def test_two_families_that_name_others_are_asked_about_however_sure_the_rest_are(
    available, expected
):
    found = verdict(agreeing=2, independent=2, available=available, misattributed=0.001)
    assert found == expected


def test_confirmed_is_the_credited_person_only():
    assert verdict(credited_to="ben", credited="ben") == "ambiguous"


@pytest.mark.parametrize(("p", "expected"), [(0.9, "misattributed"), (0.899, "ambiguous")])
def test_misattributed_from_0_9(p, expected):
    assert verdict(credited_to="ben", credited="ben", misattributed=p) == expected


@pytest.mark.parametrize(
    ("p", "patron", "expected"),
    [
        (0.9, 0.05, "misattributed"),
        (0.85, 0.05, "paid_by_another"),
        (0.01, 0.89, "paid_by_another"),
        (0.85, 0.049, "ambiguous"),
    ],
)
def test_paid_by_another_where_the_payer_is_surely_another(p, patron, expected):
    found = verdict(credited_to="ben", credited="ben", misattributed=p, patron=patron)
    assert found == expected


@pytest.mark.parametrize(
    ("session", "credited_to", "users", "expected"),
    [
        ("ada-2", "ada-2", ("ada", "ada-2"), "confirmed"),  # signed in to it, and has them there
        ("ada", "ada-2", ("ada", "ada-2"), "split_identity"),
        ("ada-2", "ada", ("ada", "ada-2"), "split_identity"),
        ("ada-2", "ada-2", ("ada",), "split_identity"),  # an id that no account has
        ("ada-2", "ada", ("ada",), "confirmed"),
    ],
)
def test_the_account_that_the_session_named_counts(session, credited_to, users, expected):
    assert verdict(session_user_id=session, credited_to=credited_to, users=users) == expected


BOUND = {"customers": {"customer_id": "cus_1", "user_id": "ada-2"}}
NAMED = {"user_names": {"user_id": "ada-2", "name_key": "ada byte"}}
MERGED = {"user_links": {"user_id": "ada-2", "linked_user_id": "ada", "reason": "merged"}}


@pytest.mark.parametrize(
    ("credited_to", "users", "more", "expected"),
    [
        # Two accounts with one mail box, and no session that names either.
        ("ada", ("ada", "ada-2"), {}, "ambiguous"),
        ("ada-2", ("ada", "ada-2"), {}, "ambiguous"),
        # The Stripe customer, or the typed name, is that of the credited one.
        ("ada-2", ("ada", "ada-2"), BOUND, "confirmed"),
        ("ada-2", ("ada", "ada-2"), NAMED, "confirmed"),
        # It is that of the other one.
        ("ada", ("ada", "ada-2"), BOUND, "ambiguous"),
        ("ada", ("ada", "ada-2"), NAMED, "ambiguous"),
        # A second id that no account has.
        ("ada-2", ("ada",), {}, "split_identity"),
        ("ada", ("ada",), {}, "confirmed"),
        # An account that became a part of the other one, which leaves one of them.
        ("ada", ("ada", "ada-2"), MERGED, "confirmed"),
    ],
)
def test_of_several_accounts_that_no_session_names_each_may_be_meant(
    credited_to, users, more, expected
):
    found = verdict(
        session_user_id=None,
        v_session=None,
        v_mapping="ada",
        best=1,
        credited_to=credited_to,
        users=users,
        persons=("ada", "ada-2"),
        more=more,
        payment={"customer_id": "cus_1"},
        name_key="ada byte",
    )
    assert found == expected


@pytest.mark.parametrize(
    ("best", "credited", "expected"),
    [(0, "ben", "misattributed"), (-1, "ben", "ambiguous"), (0, "ada", "ambiguous")],
)
def test_misattributed_takes_another_person_who_is_named(best, credited, expected):
    found = verdict(credited_to=credited, credited=credited, misattributed=0.99, best=best)
    assert found == expected


@pytest.mark.parametrize(
    ("p", "expected"), [(0.499, "split_identity"), (0.5, "ambiguous"), (0.02, "split_identity")]
)
def test_split_identity_only_where_it_is_likelier_right_than_wrong(p, expected):
    # ada-2 is ada's second id: her person, but not the account that names the person.
    assert verdict(credited_to="ada-2", misattributed=p) == expected


@pytest.mark.parametrize(
    ("available", "expected"), [(0, "unresolved"), (1, "unverifiable"), (2, "confirmed")]
)
def test_one_family_verifies_nothing(available, expected):
    assert verdict(available=available) == expected


@pytest.mark.parametrize(
    ("ledger", "expected"),
    [
        ((NOON, NOON + SECOND), "not_credited"),
        ((NOON - SECOND, NOON), "not_credited"),
        ((NOON + SECOND, NOON + 2 * SECOND), "undetermined"),
        ((NOON - 2 * SECOND, NOON - SECOND), "undetermined"),
    ],
)
def test_nothing_is_missing_outside_of_what_the_ledger_covers(ledger, expected):
    assert verdict(credited_to=None, credited=None, ledger=ledger) == expected


@pytest.mark.parametrize(("lost", "expected"), [(499, "not_credited"), (500, "undetermined")])
def test_nothing_is_missing_of_money_that_went_back_whole(lost, expected):
    assert verdict(credited_to=None, credited=None, payment={"amount_lost": lost}) == expected
