"""split_identity fires on its verdict, with the link as its cause."""

from __future__ import annotations

from credit_forensics.findings.split_identity import find_split_identity


def test_only_split_identities_are_found_and_the_link_is_named(find, make):
    kinds = ["split_identity", "misattributed", "confirmed", "ambiguous", "unverifiable"]
    found = find(
        find_split_identity,
        verdicts=[make.verdict(kind, kind, "a2", "a", 0.25) for kind in kinds],
        payments=[make.payment(kind) for kind in kinds],
        credited=[make.credit(kind, "a2") for kind in kinds],
        persons=[
            {"user_id": "a", "person_id": "a", "reason": "account_email"},
            {"user_id": "a2", "person_id": "a", "reason": "sign_in"},
        ],
    )
    assert [row["payment_id"] for row in found] == ["split_identity"]
    row = found[0]
    assert (row["cause"], row["severity"], row["probability"]) == ("sign_in", "high", 0.75)
    assert (row["credited_user_id"], row["rightful_user_id"]) == ("a2", "a")


def test_without_a_reason_the_cause_is_unknown_and_without_a_probability_it_is_empty(find, make):
    found = find(
        find_split_identity,
        verdicts=[make.verdict("p", "split_identity", "a2", "a", None)],
    )
    assert [(row["cause"], row["probability"]) for row in found] == [("unknown", None)]


def test_the_rightful_ids_link_stands_in_for_a_credited_id_without_one(find, make):
    found = find(
        find_split_identity,
        verdicts=[make.verdict("p", "split_identity", "a2", "a", 0.0)],
        persons=[
            {"user_id": "a", "person_id": "a", "reason": "alias"},
            {"user_id": "a2", "person_id": "a", "reason": ""},
        ],
    )
    assert [row["cause"] for row in found] == ["alias"]
