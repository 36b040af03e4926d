"""unknown_user fires on ids that neither are accounts nor belong to a person who has one."""

from __future__ import annotations

from credit_forensics.findings.unknown_user import find_unknown_user

USERS = [{"user_id": "a"}, {"user_id": "00123"}]


def test_an_id_without_an_account_is_found_others_are_not(find, make):
    found = find(
        find_unknown_user,
        users=USERS,
        persons=[
            {"user_id": "a", "person_id": "a"},
            {"user_id": "a2", "person_id": "a"},
            {"user_id": "x", "person_id": "x"},
        ],
        payments=[make.payment(name) for name in ("known", "linked", "alien", "taken", "bare")],
        credited=[
            make.credit("known", "a"),
            make.credit("linked", "a2"),
            make.credit("alien", "x"),
            make.credit("taken", "x", credits=0, granted=0),
            make.credit("bare", "123"),
        ],
    )
    # 123 is not 00123.
    assert [(row["payment_id"], row["credited_user_id"]) for row in found] == [
        ("alien", "x"),
        ("bare", "123"),
    ]
    assert found[0]["severity"] == "high"
    assert found[0]["probability"] == 1.0
    assert found[0]["credits"] == 50


def test_without_accounts_nothing_is_said(find, make):
    for why in ("not_read", "not_joined"):
        coverage = make.all_shown(users=why)
        credited = [make.credit("p", "x")]
        assert find(find_unknown_user, users=USERS, credited=credited, coverage=coverage) == []


def test_a_person_named_by_an_unlisted_account_still_joins(find, make):
    found = find(
        find_unknown_user,
        users=[{"user_id": "a"}],
        persons=[{"user_id": "a2", "person_id": "a"}],
        credited=[make.credit("p", "a2"), make.credit("q", "a9")],
    )
    assert [row["payment_id"] for row in found] == ["q"]


def test_a_payment_whose_credits_nobody_holds_is_no_finding(find, make):
    found = find(find_unknown_user, users=USERS, credited=[make.credit("p", None)])
    assert found == []
