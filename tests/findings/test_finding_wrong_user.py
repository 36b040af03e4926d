"""wrong_user fires on misattributed verdicts only, and names what led there."""

from __future__ import annotations

import pytest

from credit_forensics.findings.wrong_user import find_wrong_user

UUID_A = "e747de39-1b54-4cd0-96eb-e68f155931e2"


def causes(find, make, *, credited="b", rightful="a", users=("a", "b"), metadata=(), **choice):
    found = find(
        find_wrong_user,
        verdicts=[make.verdict("p", "misattributed", credited, rightful)],
        payments=[make.payment("p")],
        credited=[make.credit("p", credited)],
        choices=[{"payment_id": "p", **choice}] if choice else [],
        users=[{"user_id": user} for user in users],
        metadata=list(metadata),
    )
    assert len(found) == 1
    return found[0]["cause"]


def test_only_misattributed_payments_are_found(find, make):
    kinds = ["misattributed", "confirmed", "split_identity", "ambiguous", "not_credited"]
    found = find(
        find_wrong_user,
        verdicts=[make.verdict(kind, kind, "b", "a") for kind in kinds],
        payments=[make.payment(kind) for kind in kinds],
        credited=[make.credit(kind, "b") for kind in kinds],
    )
    assert [row["payment_id"] for row in found] == ["misattributed"]
    row = found[0]
    assert (row["finding"], row["severity"], row["probability"]) == ("wrong_user", "critical", 0.97)
    assert (row["credited_user_id"], row["rightful_user_id"]) == ("b", "a")
    assert (row["credits"], row["amount"], row["currency"]) == (50, 900, "eur")
    assert row["created_at"] == make.at("2025-09-01 12:03")
    assert row["event_id"] == "evt_misattributed"
    assert "2 of 3 independent families of evidence name a" in row["explanation"]


@pytest.mark.parametrize(
    ("payers", "method", "cause"),
    [
        (3, "metadata_user_id", "stale_session"),
        (4, "metadata_user_id", "shared_session"),
        (4, "customer_mapping", "customer_mapping"),
    ],
)
def test_one_account_that_many_payers_credits_went_to(find, make, payers, method, cause):
    names = [f"payer-{number}" for number in range(payers)]
    found = find(
        find_wrong_user,
        verdicts=[make.verdict(name, "misattributed", "b", name) for name in names],
        payments=[make.payment(name) for name in names],
        credited=[make.credit(name, "b") for name in names],
        choices=[{"payment_id": name, "explaining_method": method} for name in names],
        users=[{"user_id": user} for user in ("b", *names)],
    )
    assert [row["cause"] for row in found] == [cause] * payers


@pytest.mark.parametrize(
    ("method", "cause"),
    [
        ("metadata_user_id", "stale_session"),
        ("metadata_user_id_backup", "stale_session"),
        ("metadata_session_user_id", "stale_session"),
        ("client_reference_id", "stale_session"),
        ("session_email", "stale_session"),
        ("intent_metadata", "stale_session"),
        ("customer_mapping", "customer_mapping"),
        ("customer_history", "customer_mapping"),
        ("payer_email", "email_match"),
        ("metadata_scan", "metadata_scan"),
        ("payer_name", "unknown"),
        ("card_history", "unknown"),
        ("", "unknown"),
        (None, "unknown"),
    ],
)
def test_the_explaining_method_gives_the_cause(find, make, method, cause):
    assert causes(find, make, explaining_method=method, log_user_id="b") == cause


def test_without_choices_the_cause_is_unknown(find, make):
    assert causes(find, make) == "unknown"


def test_a_log_that_resolved_another_id_than_the_ledger_credits_is_a_mismatch(find, make):
    cause = causes(find, make, log_user_id="a", explaining_method="customer_mapping")
    assert cause == "handler_ledger_mismatch"


@pytest.mark.parametrize("damaged", ["b<phone>", "[REDACTED]", "b***"])
def test_a_scrubbed_log_id_is_no_mismatch(find, make, damaged):
    cause = causes(find, make, log_user_id=damaged, explaining_method="metadata_user_id")
    assert cause == "stale_session"


def test_an_id_that_lost_its_leading_zeros_is_a_namespace_fault(find, make):
    cause = causes(
        find,
        make,
        credited="417",
        rightful="00417",
        users=("417", "00417"),
        log_user_id="417",
        explaining_method="metadata_user_id",
    )
    assert cause == "id_namespace"


def test_a_right_session_that_handed_over_an_id_of_another_shape_is_a_namespace_fault(find, make):
    told = {
        "explaining_method": "metadata_user_id",
        "correct_methods": "session_email, payer_email",
    }
    ids = {"credited": "57", "rightful": UUID_A, "users": ("57", UUID_A)}
    assert causes(find, make, **ids, **told) == "id_namespace"
    # The same ids from a session that is wrong as a whole: stale.
    stale = {"explaining_method": "metadata_user_id", "correct_methods": "payer_email"}
    assert causes(find, make, **ids, **stale) == "stale_session"


def test_an_id_of_another_shape_that_no_account_has_is_a_namespace_fault(find, make):
    told = {"explaining_method": "client_reference_id"}
    assert causes(find, make, credited="57", rightful=UUID_A, users=(UUID_A,), **told) == (
        "id_namespace"
    )
    assert causes(find, make, credited="57", rightful=UUID_A, users=(), **told) == "stale_session"


def test_a_scan_that_hit_a_key_of_another_scheme_is_a_namespace_fault(find, make):
    def entry(key):
        return [{"payment_id": "p", "source": "session", "key": key, "user_id": "b"}]

    scan = {"explaining_method": "metadata_scan"}
    assert causes(find, make, metadata=entry("Legacy_User_Id"), **scan) == "id_namespace"
    assert causes(find, make, metadata=entry("auth_id"), **scan) == "id_namespace"
    assert causes(find, make, metadata=entry("author_id"), **scan) == "metadata_scan"
    assert causes(find, make, metadata=entry("referred_by"), **scan) == "metadata_scan"


def test_a_repaired_payment_is_no_finding(find, make):
    found = find(
        find_wrong_user,
        verdicts=[make.verdict("p", "confirmed", "a", "a", 0.01)],
        payments=[make.payment("p")],
        credited=[make.credit("p", "a", grants=0)],
    )
    assert found == []


@pytest.mark.parametrize(
    ("credited", "rightful", "explaining", "right", "said"),
    [
        ("417", "00417", "metadata_user_id", "metadata_user_id,payer_email",
         "; metadata_user_id names 00417, and 417 was booked: the two ids differ in spelling "
         "alone."),
        ("b", "a", "metadata_user_id", "metadata_user_id,payer_email",
         "; metadata_user_id names a, yet b was booked."),
        ("b", "a", "metadata_user_id", "payer_email,payer_name",
         "; the choice is explained by metadata_user_id; right would have been payer_email, "
         "payer_name."),
        ("b", "a", "metadata_user_id", None, "; the choice is explained by metadata_user_id."),
        ("b", "a", None, "payer_email",
         "; no method explains the choice; right would have been payer_email."),
        ("b", "a", None, None, "; no method explains the choice."),
        # The name of a longer method does not hold that of a shorter one.
        ("b", "a", "metadata_user_id", "metadata_user_id_backup",
         "; the choice is explained by metadata_user_id; right would have been "
         "metadata_user_id_backup."),
    ],
)  # fmt: skip
def test_the_explanation_names_what_differed_and_never_contradicts_itself(
    find, make, *, credited, rightful, explaining, right, said
):
    (row,) = find(
        find_wrong_user,
        verdicts=[make.verdict("p", "misattributed", credited, rightful)],
        payments=[make.payment("p")],
        credited=[make.credit("p", credited)],
        choices=[{"payment_id": "p", "explaining_method": explaining, "correct_methods": right}],
    )
    assert row["explanation"].endswith(f"name {rightful}{said}")


@pytest.mark.parametrize(
    ("accounts", "carries", "cause"),
    [
        (("a", "b"), {"payer_email_key": "mia@example.com"}, "another_account"),
        (("a", "b"), {"client_reference_id": "mia"}, "another_account"),
        (("a", "b"), {"client_reference_id": "other"}, "unknown"),
        (("a", "c"), {"client_reference_id": "mia"}, "unknown"),
    ],
)
def test_another_account_of_the_member_who_paid(find, make, accounts, carries, cause):
    """Right payer, wrong one of their accounts: known by e-mail or by an id that is carried."""
    found = find(
        find_wrong_user,
        verdicts=[make.verdict("p", "misattributed", "b", "a")],
        payments=[make.payment("p", **carries)],
        credited=[make.credit("p", "b")],
        memberships=[
            {"user_id": "mia", "account_id": one, "email_key": "mia@example.com"}
            for one in accounts
        ],
    )
    assert [row["cause"] for row in found] == [cause]
