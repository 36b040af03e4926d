"""Who is hit is a list; payments in doubt stand apart from it, with the traits they share."""

from __future__ import annotations

import pandas as pd
import pytest

from credit_forensics.case.case import Case
from credit_forensics.errors import CaseError
from credit_forensics.incidents.who_is_hit import HIT, POSSIBLY, users_hit
from credit_forensics.scenarios.settings import WorldSettings
from credit_forensics.scenarios.world import make_world

AT = pd.Timestamp("2025-09-01", tz="UTC")


def finding(payment, lost, got, **columns):
    return {
        "payment_id": payment,
        "rightful_user_id": lost,
        "credited_user_id": got,
        "credits": 50,
        "amount": 500,
        "currency": "eur",
        "created_at": AT,
        **columns,
    }


def listed(*rows):
    table = users_hit(pd.DataFrame(rows))
    assert table.columns.tolist() == HIT
    return table[["user_id", "role", "payments", "credits", "amount", "currency"]].values.tolist()


def test_who_lost_comes_before_who_got_and_the_most_credits_first():
    assert listed(
        finding("p1", "ann", "zoe"),
        finding("p2", "ann", "yan"),
        finding("p3", "00123", "yan", credits=-20),
    ) == [
        ["ann", "lost", 2, 100, 1000, "eur"],
        ["00123", "lost", 1, 20, 500, "eur"],
        ["yan", "got", 2, 70, 1000, "eur"],
        ["zoe", "got", 1, 50, 500, "eur"],
    ]


def test_missing_credits_have_no_receiver_and_doubled_ones_no_loser():
    assert listed(finding("p1", "ann", None), finding("p2", "bob", "bob")) == [
        ["ann", "lost", 1, 50, 500, "eur"],
        ["bob", "got", 1, 50, 500, "eur"],
    ]


def test_a_payment_with_two_findings_is_one_payment_and_its_money_counts_once():
    twice = [finding("p1", "ann", "zoe"), finding("p1", "ann", "zoe", credits=7)]
    assert listed(*twice)[0] == ["ann", "lost", 1, 57, 500, "eur"]


def test_currencies_do_not_add():
    rows = listed(finding("p1", "ann", "zoe"), finding("p2", "ann", "zoe", currency="jpy"))
    assert [row[1:] for row in rows[:2]] == [
        ["lost", 1, 50, 500, "eur"],
        ["lost", 1, 50, 500, "jpy"],
    ]


def test_nothing_found_hits_nobody():
    empty = users_hit(pd.DataFrame([finding("p1", "ann", "zoe")]).iloc[:0])
    assert empty.columns.tolist() == HIT
    assert empty.empty


@pytest.fixture(scope="module")
def world():
    return make_world(WorldSettings(payments=6_000, wrong_session_rate=0.03), 3)


@pytest.fixture(scope="module")
def case(world):
    return Case.from_evidence(world.evidence())


def largest(case):
    found = case.incidents[case.incidents["finding"] == "wrong_user"]
    dated = found[found["onset_low"].notna()]
    return dated.sort_values("findings", ascending=False).iloc[0]


def test_the_list_adds_up_to_the_incident(case):
    for incident in case.incidents.to_dict("records"):
        users = case.hit_users(incident["incident_id"])
        lost = users[users["role"] == "lost"]
        if incident["finding"] == "wrong_user":
            assert lost["credits"].sum() == incident["credits"]
            assert lost["amount"].sum() == incident["amount"]
            assert lost["user_id"].nunique() == incident["users"]


def test_payments_in_doubt_lie_in_the_window_and_are_no_findings(case):
    incident = largest(case)
    possibly = case.possibly_hit(incident["incident_id"])
    assert possibly.columns.tolist() == POSSIBLY
    assert len(possibly)
    assert set(possibly["verdict"]) <= {"ambiguous", "unverifiable"}
    assert possibly["created_at"].between(incident["onset_low"], incident["end_high"]).all()
    found = case.findings[case.findings["finding"] == "wrong_user"]
    assert not set(possibly["payment_id"]) & set(found["payment_id"])
    again = possibly.sort_values(["probability_misattributed"], ascending=False, kind="stable")
    assert again["payment_id"].tolist() == possibly["payment_id"].tolist()


def test_wrong_payments_that_were_not_proved_are_among_those_in_doubt(case, world):
    """Over all bursts, most of a window's wrong payments are found or listed as in doubt."""
    truth = world.truth.set_index("payment_id")
    seen = set(case.findings["payment_id"].dropna())
    dated = case.incidents[case.incidents["onset_low"].notna()]
    for incident_id in dated.loc[dated["finding"] == "wrong_user", "incident_id"]:
        seen |= set(case.possibly_hit(incident_id)["payment_id"])
    in_bursts = truth[truth["burst_id"].notna()]
    assert in_bursts.index.isin(seen).mean() > 0.9


def test_findings_that_records_prove_leave_nothing_in_doubt(case):
    other = case.incidents[case.incidents["finding"] != "wrong_user"]
    assert len(other)
    possibly = case.possibly_hit(other["incident_id"].iloc[0])
    assert possibly.empty
    assert possibly.columns.tolist() == POSSIBLY


def test_an_unknown_incident_is_refused_by_name(case):
    known = case.incidents["incident_id"].iloc[0]
    with pytest.raises(CaseError, match=f"did you mean '{known}'"):
        case.hit_users(known[:-1])
    with pytest.raises(CaseError, match="no incident 'x'"):
        case.possibly_hit("x")
