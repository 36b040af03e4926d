"""``case.dependence``: what is declared of two methods, and what the errors they share say."""

from __future__ import annotations

import pytest

USERS = [
    {"user_id": f"u{number:02}", "email": f"u{number:02}@example.com", "name": f"Person {number}"}
    for number in range(30)
]


def shop(literal_case, wrong):
    """Each user pays twice; in the first ``wrong`` payments both copies of the session name the next
    user, and the typed e-mail and name are the payer's.
    """
    payments, metadata = [], []
    for number in range(60):
        payer, payment = USERS[number // 2], f"cs_{number:02}"
        session = USERS[(number // 2 + (number < wrong)) % len(USERS)]["user_id"]
        payments.append(
            {
                "payment_id": payment,
                "created_at": f"2025-09-{1 + number // 3:02}T10:{number:02}:00Z",
                "client_reference_id": session,
                "payer_email": payer["email"],
                "payer_name": payer["name"],
                "card_fingerprint": f"card{payer['user_id']}",
            }
        )
        metadata.append(
            {
                "payment_id": payment,
                "source": "session",
                "position": 1,
                "key": "user_id",
                "value": session,
            }
        )
    return literal_case(payments=payments, metadata=metadata, users=USERS)


def pair(case, *names):
    table = case.dependence
    found = table[table["first"].isin(names) & table["second"].isin(names)]
    assert len(found) == 1
    return found.iloc[0]


def test_every_pair_of_methods_has_a_row_the_most_dependent_first(literal_case):
    case = shop(literal_case, wrong=0)
    table, methods = case.dependence, case.judgement.methods
    assert len(table) == len(methods) * (len(methods) - 1) / 2
    assert table["dependence"].is_monotonic_decreasing
    assert table["dependence"].between(0, 1).all()
    one_family = table["first_family"] == table["second_family"]
    assert (table["declared"] == one_family).all()
    # Nothing is wrong, so what is declared stays.
    assert table["dependence"].sub(table["declared"]).abs().max() < 0.03


def test_two_copies_of_one_session_are_wrong_together(literal_case):
    row = pair(shop(literal_case, wrong=12), "metadata_user_id", "client_reference_id")
    assert row["both_wrong"] == pytest.approx(12, abs=1.5)
    assert row["same_wrong"] == pytest.approx(row["both_wrong"])
    assert row["dependence"] > 0.99
    assert row["in_fusion"] == 1.0


def test_a_session_and_an_e_mail_that_disagree_are_not_wrong_together(literal_case):
    row = pair(shop(literal_case, wrong=12), "metadata_user_id", "payer_email")
    assert (row["declared"], row["dependence"], row["in_fusion"]) == (0, 0, 0)
    assert row["both_wrong"] < 1.5


def test_two_ids_of_one_person_are_one_answer(literal_case):
    # The same account under a second id: neither copy is wrong, though the texts differ.
    users = [*USERS, {"user_id": "old00", "email": "u00@example.com", "name": "Person 0"}]
    payments = [
        {
            "payment_id": "cs_1",
            "created_at": "2025-09-01T10:00:00Z",
            "client_reference_id": "u00",
            "payer_email": "u00@example.com",
        }
    ]
    metadata = [
        {
            "payment_id": "cs_1",
            "source": "session",
            "position": 1,
            "key": "user_id",
            "value": "old00",
        }
    ]
    case = literal_case(payments=payments, metadata=metadata, users=users)
    assert case.judgement.linked
    assert pair(case, "metadata_user_id", "client_reference_id")["both_wrong"] < 0.2
