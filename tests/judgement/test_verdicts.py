"""Verdicts, family rules and persons on literal rows."""

import pytest

ADA, BEN, CAT = "user-ada", "user-ben", "user-cat"
USERS = [
    {"user_id": ADA, "email": "ada@example.com", "name": "Ada Lovelace"},
    {"user_id": BEN, "email": "ben@example.com", "name": "Ben Miller"},
    {"user_id": CAT, "email": "cat@example.com", "name": "Cat Stevens"},
]
COPIES = ("user_id", "user_id_backup", "session_user_id")


def payment(number, **columns):
    return {
        "payment_id": f"cs_{number}",
        "created_at": f"2025-09-{number:02d}T10:00:00Z",
        "completed_at": f"2025-09-{number:02d}T10:01:00Z",
        "livemode": True,
        "status": "complete",
        "payment_status": "paid",
        "amount": 500,
        "currency": "eur",
        **columns,
    }


def session(number, user, copies=COPIES):
    return [
        {
            "payment_id": f"cs_{number}",
            "source": "session",
            "position": place,
            "key": key,
            "value": user,
        }
        for place, key in enumerate(copies, start=1)
    ]


def entry(number, user, delta=50, kind="purchase"):
    return {
        "entry_id": f"{kind}-{number}-{user}",
        "user_id": user,
        "delta": delta,
        "kind": kind,
        "payment_id": f"cs_{number}",
        "created_at": f"2025-09-{number:02d}T10:02:00Z",
    }


# Entries on other days, so that the ledger's coverage holds every payment of the tests.
EDGES = [
    {
        "entry_id": "a",
        "user_id": CAT,
        "delta": 1,
        "kind": "grant",
        "created_at": "2025-08-01T00:00Z",
    },
    {
        "entry_id": "z",
        "user_id": CAT,
        "delta": 1,
        "kind": "grant",
        "created_at": "2025-10-01T00:00Z",
    },
]


def verdict(case, number=1):
    return case.verdicts.set_index("payment_id").loc[f"cs_{number}"]


def test_two_families_that_agree_confirm(literal_case):
    case = literal_case(
        payments=[payment(1, payer_email="ada@example.com", payer_name="Ada Lovelace")],
        metadata=session(1, ADA),
        users=USERS,
        ledger=[entry(1, ADA), *EDGES],
    )
    row = verdict(case)
    assert row["verdict"] == "confirmed"
    assert (row["families_agreeing"], row["families_available"]) == (3, 3)
    assert row["probability_misattributed"] < 0.02


def test_one_family_alone_is_unverifiable_however_many_copies_agree(literal_case):
    case = literal_case(
        payments=[payment(1, client_reference_id=ADA)],
        metadata=session(1, ADA),
        users=USERS,
        ledger=[entry(1, ADA), *EDGES],
    )
    row = verdict(case)
    assert row["verdict"] == "unverifiable"
    assert row["families_available"] == 1


def test_a_prefilled_email_and_a_preset_customer_are_the_sessions_word(literal_case):
    case = literal_case(
        payments=[
            payment(
                1,
                payer_email="ada@example.com",
                email_prefilled=True,
                customer_id="cus_1",
                customer_preset=True,
            )
        ],
        metadata=session(1, ADA),
        users=USERS,
        customers=[{"customer_id": "cus_1", "user_id": ADA, "bound_at": "2025-08-01T00:00Z"}],
        ledger=[entry(1, ADA), *EDGES],
    )
    assert verdict(case)["families_available"] == 1
    assert verdict(case)["verdict"] == "unverifiable"


def test_a_stale_session_is_named_by_three_other_families(literal_case):
    payments = [
        payment(n, payer_email="ada@example.com", payer_name="Ada Lovelace", card_fingerprint="c1")
        for n in range(1, 6)
    ]
    metadata = [row for n in range(1, 5) for row in session(n, ADA)] + session(5, BEN)
    case = literal_case(
        payments=payments,
        metadata=metadata,
        users=USERS,
        ledger=[*(entry(n, ADA) for n in range(1, 5)), entry(5, BEN), *EDGES],
    )
    row = verdict(case, 5)
    assert row["verdict"] == "misattributed"
    assert (row["credited_user_id"], row["rightful_user_id"]) == (BEN, ADA)
    found = case.findings.set_index("payment_id")
    assert found.loc["cs_5", "finding"] == "wrong_user"
    assert found.loc["cs_5", "cause"] == "stale_session"
    assert [verdict(case, n)["verdict"] for n in range(1, 5)] == ["confirmed"] * 4


def test_a_repaired_payment_is_clean(literal_case):
    case = literal_case(
        payments=[payment(1, payer_email="ada@example.com", payer_name="Ada Lovelace")],
        metadata=session(1, BEN),
        users=USERS,
        ledger=[
            entry(1, BEN),
            entry(1, BEN, -50, "reversal"),
            entry(1, ADA, 50, "correction"),
            *EDGES,
        ],
    )
    row = verdict(case)
    assert row["credited_user_id"] == ADA
    assert row["probability_misattributed"] < 0.5
    assert case.findings.empty


@pytest.mark.parametrize(
    ("columns", "entries", "expected"),
    [
        ({}, [], "not_credited"),
        ({"payment_status": "unpaid"}, [], "not_paid"),
        ({"livemode": False}, [], "not_paid"),
        ({"amount_lost": 500}, [], "undetermined"),
        ({"completed_at": "2025-11-01T00:00:00Z"}, [], "undetermined"),
    ],
)
def test_where_nothing_was_credited(literal_case, columns, entries, expected):
    case = literal_case(
        payments=[payment(1, payer_email="ada@example.com", **columns), payment(2)],
        metadata=session(1, ADA),
        users=USERS,
        ledger=[*entries, entry(2, ADA), *EDGES],
    )
    row = verdict(case)
    assert row["verdict"] == expected
    assert row["probability_misattributed"] != row["probability_misattributed"], "must be empty"
    assert row["rightful_user_id"] == ADA


def test_nobody_names_anybody_is_unresolved(literal_case):
    case = literal_case(payments=[payment(1)], users=USERS, ledger=[entry(1, ADA), *EDGES])
    assert verdict(case)["verdict"] == "unresolved"


def test_a_new_id_of_the_same_person_is_split_not_wrong(literal_case):
    metadata = [
        *session(1, "relogin-1"),
        {
            "payment_id": "cs_1",
            "source": "session",
            "position": 9,
            "key": "session_email",
            "value": "Ada@Example.com",
        },
    ]
    case = literal_case(
        payments=[payment(1, payer_email="ada@example.com")],
        metadata=metadata,
        users=USERS,
        ledger=[entry(1, "relogin-1"), *EDGES],
    )
    assert verdict(case)["verdict"] == "split_identity"
    assert verdict(case)["rightful_user_id"] == ADA
    links = case.persons.set_index("user_id")
    assert links.loc["relogin-1", "person_id"] == ADA
    assert "session_email" in links.loc["relogin-1", "reason"]


def test_of_two_accounts_the_one_counts_that_the_session_named(literal_case):
    second = {
        "user_id": "0-second",
        "email": "Ada@example.com",
        "name": "Ada Lovelace",
        "created_at": "2025-08-20T00:00Z",
    }
    first = [{**user, "created_at": "2024-01-01T00:00Z"} for user in USERS]
    case = literal_case(
        payments=[
            payment(1, payer_email="ada@example.com"),
            payment(2, payer_email="ada@example.com"),
        ],
        metadata=[*session(1, "0-second"), *session(2, "0-second")],
        users=[second, *first],
        ledger=[entry(1, "0-second"), entry(2, ADA), *EDGES],
    )
    found = case.verdicts.set_index("payment_id")
    assert found.loc["cs_1", ["verdict", "rightful_user_id"]].tolist() == ["confirmed", "0-second"]
    assert found.loc["cs_2", ["verdict", "rightful_user_id"]].tolist() == [
        "split_identity",
        "0-second",
    ]


def test_an_id_seen_with_two_emails_is_not_linked(literal_case):
    def email(number, value):
        return {
            "payment_id": f"cs_{number}",
            "source": "session",
            "position": 9,
            "key": "session_email",
            "value": value,
        }

    metadata = [
        *session(1, "shared-id"),
        email(1, "ada@example.com"),
        *session(2, "shared-id"),
        email(2, "ben@example.com"),
    ]
    case = literal_case(payments=[payment(1), payment(2)], metadata=metadata, users=USERS)
    assert case.persons.empty


def test_the_analyst_overrules_persons(literal_case):
    from credit_forensics.case_file import CaseFile, PersonsSection

    rows = {
        "payments": [payment(1)],
        "users": [*USERS, {"user_id": "ada-2", "email": "ada@example.com"}],
    }
    assert set(literal_case(**rows).persons["user_id"]) == {ADA, "ada-2"}
    apart = CaseFile(persons=PersonsSection(different=[[ADA, "ada-2"]]))
    assert literal_case(settings=apart, **rows).persons.empty


def test_a_poisoned_mapping_is_no_witness_once_its_writer_is_seen_through(literal_case):
    # cs_1 was Ada's, credited to Ben by a stale session, and bound her customer to him.
    payments = [
        payment(
            n,
            payer_email="ada@example.com",
            payer_name="Ada Lovelace",
            card_fingerprint="c1",
            customer_id="cus_1",
            customer_preset=False,
        )
        for n in (1, 3, 5)
    ]
    metadata = [*session(1, BEN), *session(3, ADA)]
    case = literal_case(
        payments=payments,
        metadata=metadata,
        users=USERS,
        customers=[{"customer_id": "cus_1", "user_id": BEN, "bound_at": "2025-09-01T10:02Z"}],
        ledger=[entry(1, BEN), entry(3, ADA), entry(5, BEN), *EDGES],
    )
    matrix = case.matrix.set_index("payment_id")
    assert matrix.loc["cs_5", "customer_mapping"] == BEN
    assert matrix.loc["cs_5", "customer_history"] == ADA
    bars = case.explain("cs_5").bars
    assert bars.loc[bars["family"] == "mapping", "person_id"].tolist() == [ADA]
    assert verdict(case, 5)["rightful_user_id"] == ADA
    assert verdict(case, 1)["verdict"] != "confirmed"


def test_as_of_knows_only_earlier_payments(literal_case):
    rows = {
        "payments": [
            payment(n, card_fingerprint="c1", payer_email="ada@example.com") for n in (1, 2)
        ],
        "metadata": [*session(1, ADA), *session(2, ADA)],
        "users": USERS,
        "ledger": [entry(1, ADA), entry(2, ADA), *EDGES],
    }
    hindsight = literal_case(mode="hindsight", **rows)
    as_of = literal_case(mode="as_of", **rows)
    assert hindsight.matrix["card_history"].tolist() == [ADA, ADA]
    assert as_of.matrix.set_index("payment_id")["card_history"].dropna().to_dict() == {"cs_2": ADA}
    assert set(as_of.verdicts["mode"]) == {"as_of"}
    assert set(hindsight.verdicts["mode"]) == {"hindsight"}


def test_below_three_families_the_priors_stay_and_the_output_says_so(literal_case):
    case = literal_case(
        payments=[payment(1, payer_email="ada@example.com")],
        metadata=session(1, ADA),
        users=[{"user_id": ADA, "email": "ada@example.com"}],
        ledger=[entry(1, ADA), *EDGES],
    )
    assert case.model["identifiable"] is False
    assert "Fewer than three families" in case.model["notes"][0]
    levels = {f["family"]: f["levels"] for f in case.model["families"]}
    assert levels["email"][0]["accuracy"] == 0.95


@pytest.mark.parametrize(("metadata", "asks"), [([], True), (session(1, "ada-2"), False)])
def test_explaining_says_which_ids_are_in_question_where_the_session_names_none(
    literal_case, metadata, asks
):
    typed = {"payer_email": "ada@example.com", "payer_name": "Ada Byte", "card_fingerprint": "c1"}
    case = literal_case(
        payments=[payment(1, **typed), payment(2, **typed)],
        metadata=metadata,
        users=[{"user_id": one, "email": "ada@example.com"} for one in ("ada-1", "ada-2")],
        ledger=[entry(1, "ada-2"), entry(2, "ada-2"), *EDGES],
    )
    said = str(case.explain("cs_1"))
    assert ("ada-1, ada-2 are all of that person; the session names none" in said) == asks


def test_explaining_an_unknown_payment_names_the_nearest(literal_case):
    from credit_forensics.errors import CaseError

    case = literal_case(payments=[payment(1)])
    with pytest.raises(
        CaseError, match="There is no payment cs_l in this case; did you mean 'cs_1'"
    ):
        case.explain("cs_l")


def test_the_beginning_of_an_id_is_enough_where_it_is_one_payments(literal_case):
    from credit_forensics.errors import CaseError

    named = {"client_reference_id": ADA}
    payments = [payment(1, payment_id=one, **named) for one in ("cs_live_a1", "cs_live_b2")]
    case = literal_case(payments=payments)
    assert case.explain("cs_live_b").payment_id == "cs_live_b2"
    both = "cs_live begins an id of 2 payments: cs_live_a1, cs_live_b2; give more of it"
    with pytest.raises(CaseError, match=both):
        case.explain("cs_live")
    with pytest.raises(CaseError, match="There is no payment cs_li in"):
        case.explain("cs_li")
    with pytest.raises(CaseError, match=f"{ADA} is an account, with 2 payments: cs_live_a1"):
        case.explain(ADA)
    with pytest.raises(CaseError, match="is a text"):
        case.explain(42)
