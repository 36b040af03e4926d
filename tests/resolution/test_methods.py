"""Every method on literal rows: whom it names, and when it stays silent."""

import pandas as pd
import pytest

from credit_forensics.case_file import CaseFile, IdsSection
from credit_forensics.errors import CaseError

ADA = "0a0a0a0a-0000-4000-8000-00000000000a"
BEN = "0b0b0b0b-0000-4000-8000-00000000000b"
USERS = [
    {"user_id": ADA, "email": "Ada@Example.com", "name": "Ada Lovelace"},
    {"user_id": BEN, "email": "ben@example.com", "name": "Ben Müller"},
]
PAYMENT = {"payment_id": "cs_1", "created_at": "2025-09-01T10:00:00Z"}


def named(case, method):
    return case.matrix.set_index("payment_id")[method].dropna().to_dict()


def entry(key, value, source="session", position=1, payment_id="cs_1"):
    return {
        "payment_id": payment_id,
        "source": source,
        "position": position,
        "key": key,
        "value": value,
    }


@pytest.mark.parametrize(
    ("key", "method"),
    [
        ("user_id", "metadata_user_id"),
        ("user_id_backup", "metadata_user_id_backup"),
        ("session_user_id", "metadata_session_user_id"),
    ],
)
def test_a_metadata_copy_names_its_value_and_no_other_key(literal_case, key, method):
    case = literal_case(payments=[PAYMENT], metadata=[entry(key, f" {ADA} ")], users=USERS)
    assert named(case, method) == {"cs_1": ADA}
    other = literal_case(payments=[PAYMENT], metadata=[entry("plan_id", ADA)], users=USERS)
    assert named(other, method) == {}


@pytest.mark.parametrize("value", ["unknown", "undefined", "null", " ", ""])
def test_a_placeholder_names_nobody(literal_case, value):
    case = literal_case(payments=[PAYMENT], metadata=[entry("user_id", value)], users=USERS)
    assert named(case, "metadata_user_id") == {}


def test_an_id_of_another_case_is_the_account_and_numbers_stay_text(literal_case):
    users = [*USERS, {"user_id": "00123"}]
    case = literal_case(
        payments=[PAYMENT, {**PAYMENT, "payment_id": "cs_2"}],
        metadata=[entry("user_id", ADA.upper()), entry("user_id", "00123", payment_id="cs_2")],
        users=users,
    )
    assert named(case, "metadata_user_id") == {"cs_1": ADA, "cs_2": "00123"}


@pytest.mark.parametrize(
    ("shape", "value", "accepted"),
    [
        ("uuid_strict", "e747de39-1b54-4cd0-96eb-e68f155931e2", True),
        ("uuid_strict", "e747de39-1b54-7cd0-96eb-e68f155931e2", False),
        ("uuid", "e747de39-1b54-7cd0-96eb-e68f155931e2", True),
        ("uuid", "e747de39-1b54-7cd0-96eb-e68f155931e2\n--", False),
        ("integer", "42", True),
        ("integer", "42a", False),
        ("usr_[0-9]+", "usr_7", True),
        ("usr_[0-9]+", "xusr_7", False),
        ("any", "whatever", True),
    ],
)
def test_the_id_shape_is_a_setting(literal_case, shape, value, accepted):
    case = literal_case(
        settings=CaseFile(ids=IdsSection(shape=shape)),
        payments=[PAYMENT],
        metadata=[entry("user_id", value)],
    )
    assert bool(named(case, "metadata_user_id")) is accepted
    refused = case.claims[~case.claims["valid"].astype(bool)]
    assert len(refused) == (0 if accepted else 1), "a refused shape still shows as a claim"


def test_a_shape_that_is_no_pattern_is_a_clear_error(literal_case):
    with pytest.raises(CaseError, match=r"ids\.shape '\(' is neither any, uuid"):
        literal_case(settings=CaseFile(ids=IdsSection(shape="(")), payments=[PAYMENT])


def test_client_reference_id(literal_case):
    payments = [
        {**PAYMENT, "client_reference_id": ADA},
        {**PAYMENT, "payment_id": "cs_2", "client_reference_id": None},
    ]
    case = literal_case(payments=payments, users=USERS)
    assert named(case, "client_reference_id") == {"cs_1": ADA}


def test_the_scan_takes_the_first_id_in_order_under_another_key(literal_case):
    metadata = [
        entry("user_id", "unknown", position=1),
        entry("note", BEN, position=3),
        entry("trace", ADA, position=2),
    ]
    case = literal_case(payments=[PAYMENT], metadata=metadata, users=USERS)
    assert named(case, "metadata_scan") == {"cs_1": ADA}


def test_the_scan_does_not_take_amounts_for_integer_ids(literal_case):
    case = literal_case(
        settings=CaseFile(ids=IdsSection(shape="integer")),
        payments=[PAYMENT],
        metadata=[entry("credits", "50"), entry("legacy_account_id", "7", position=2)],
        users=[{"user_id": "50"}, {"user_id": "7"}],
    )
    assert named(case, "metadata_scan") == {"cs_1": "7"}


def test_session_email_folds_case(literal_case):
    case = literal_case(
        payments=[PAYMENT], metadata=[entry("session_email", "ADA@example.COM ")], users=USERS
    )
    assert named(case, "session_email") == {"cs_1": ADA}


@pytest.mark.parametrize("source", ["intent", "charge"])
def test_intent_and_charge_metadata(literal_case, source):
    case = literal_case(
        payments=[PAYMENT], metadata=[entry("user_id", BEN, source=source)], users=USERS
    )
    assert named(case, "intent_metadata") == {"cs_1": BEN}
    assert named(case, "metadata_user_id") == {}


def test_payer_email_names_one_person_even_where_two_accounts_share_it(literal_case):
    users = [*USERS, {"user_id": "zz", "email": "ada@example.com"}]
    case = literal_case(payments=[{**PAYMENT, "payer_email": "ada@EXAMPLE.com"}], users=users)
    assert named(case, "payer_email") == {"cs_1": ADA}
    assert set(case.persons["user_id"]) == {ADA, "zz"}


@pytest.mark.parametrize(
    "typed", ["ADA LOVELACE", "Lovelace, Ada", "A. Lovelace", "Ada K. Lovelace", "áda lovelace"]
)
def test_payer_name_folds_case_accents_order_and_initials(literal_case, typed):
    case = literal_case(payments=[{**PAYMENT, "payer_name": typed}], users=USERS)
    assert named(case, "payer_name") == {"cs_1": ADA}


def test_a_shared_name_names_nobody_by_itself(literal_case):
    users = [*USERS, {"user_id": "zz", "name": "Ada Lovelace"}]
    case = literal_case(payments=[{**PAYMENT, "payer_name": "Ada Lovelace"}], users=users)
    assert named(case, "payer_name") == {}


def mapping(case):
    return named(case, "customer_mapping")


def test_the_mapping_is_read_as_of_the_payment(literal_case):
    payments = [
        {"payment_id": f"cs_{day}", "customer_id": "cus_1", "created_at": f"2025-09-0{day}T00:00Z"}
        for day in (1, 3, 5)
    ]
    customers = [
        {"customer_id": "cus_1", "user_id": ADA, "bound_at": "2025-09-02T00:00Z"},
        {"customer_id": "cus_1", "user_id": BEN, "bound_at": "2025-09-04T00:00Z"},
    ]
    case = literal_case(payments=payments, customers=customers, users=USERS)
    assert mapping(case) == {"cs_3": ADA, "cs_5": BEN}


def test_a_binding_that_the_payment_itself_wrote_is_no_witness(literal_case):
    payment = {**PAYMENT, "customer_id": "cus_1"}
    customers = [{"customer_id": "cus_1", "user_id": ADA, "bound_at": "2025-09-01T10:00:07Z"}]
    assert mapping(literal_case(payments=[payment], customers=customers)) == {}


def test_a_binding_without_a_time_is_taken_to_be_the_first_payments(literal_case):
    payments = [
        {**PAYMENT, "customer_id": "cus_1"},
        {"payment_id": "cs_2", "customer_id": "cus_1", "created_at": "2025-09-02T00:00Z"},
    ]
    case = literal_case(
        payments=payments, customers=[{"customer_id": "cus_1", "user_id": ADA}], users=USERS
    )
    assert mapping(case) == {"cs_2": ADA}


def test_two_bindings_at_one_time_name_nobody(literal_case):
    payments = [
        {**PAYMENT, "customer_id": "cus_1"},
        {"payment_id": "cs_2", "customer_id": "cus_1", "created_at": "2025-09-02T00:00Z"},
    ]
    customers = [{"customer_id": "cus_1", "user_id": user} for user in (ADA, BEN)]
    assert mapping(literal_case(payments=payments, customers=customers)) == {}


def test_the_matrix_has_a_row_a_payment_and_replays_the_cascade(literal_case):
    payments = [{**PAYMENT, "client_reference_id": BEN}, {**PAYMENT, "payment_id": "cs_2"}]
    case = literal_case(
        payments=payments,
        metadata=[entry("user_id_backup", ADA)],
        users=USERS,
        deliveries=[
            {
                "event_id": "evt_1",
                "payment_id": "cs_1",
                "method": "BACKUP_METADATA",
                "resolved_user_id": ADA,
                "outcome": "credited",
                "received_at": "2025-09-01T10:01:00Z",
            }
        ],
        ledger=[
            {
                "entry_id": "1",
                "user_id": ADA,
                "delta": 50,
                "kind": "purchase",
                "payment_id": "cs_1",
                "created_at": "2025-09-01T10:01:00Z",
            }
        ],
    )
    row = case.matrix.set_index("payment_id").loc["cs_1"]
    assert len(case.matrix) == 2
    assert row["client_reference_id"] == BEN
    assert (row["handler_cascade"], row["handler_log"], row["ledger"]) == (ADA, ADA, ADA)
    summary = case.method_summary.set_index("method")
    assert summary.loc["metadata_user_id_backup", "explains_ledger"] == 1.0
    assert summary.loc["client_reference_id", "explains_ledger"] == 0.0
    assert case.method_agreement.loc["client_reference_id", "metadata_user_id_backup"] == 0.0


def test_claims_say_when_a_value_was_the_sessions(literal_case):
    payment = {
        **PAYMENT,
        "customer_id": "cus_1",
        "customer_preset": True,
        "payer_email": "ada@example.com",
        "email_prefilled": True,
    }
    customers = [{"customer_id": "cus_1", "user_id": ADA, "bound_at": "2025-08-01T00:00:00Z"}]
    case = literal_case(payments=[payment], customers=customers, users=USERS)
    families = case.claims.set_index("method")["family"]
    assert families["customer_mapping"] == "session"
    assert families["payer_email"] == "session"


def test_a_method_of_ones_own_joins_the_matrix_and_votes_in_its_family(literal_case):
    from credit_forensics.resolution.method import Method

    def by_phone(tables):
        return tables.payments.select("payment_id", user_id=tables.payments.price_id)

    method = Method("phone_owner", "phone", "the phone typed at Checkout", rows=by_phone)
    case = literal_case(
        payments=[{**PAYMENT, "price_id": BEN, "client_reference_id": ADA}],
        users=USERS,
        methods=[method],
    )
    assert case.matrix["phone_owner"].tolist() == [BEN]
    bars = case.explain("cs_1").bars
    assert set(bars["family"]) == {"session", "phone"}
    assert isinstance(case.claims, pd.DataFrame)
