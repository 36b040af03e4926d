"""What is not on the allow-list is masked, and the same person looks the same."""

from __future__ import annotations

import stat

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from credit_forensics.case_file import read_case_file
from credit_forensics.errors import CaseError
from credit_forensics.privacy.mask import KEY_FILE, Mask, case_mask_key
from credit_forensics.reporting.findings_csv import write_findings_csv
from credit_forensics.tables.catalogue import spec

MASK = Mask(b"k" * 32, known_ids=["bob", "4111111111111111"])


def test_a_column_nobody_listed_is_masked():
    rows = pd.DataFrame({"payment_id": ["cs_1"], "favourite_colour": ["green"]})
    shown = MASK.frame(rows, "payments")
    assert shown["payment_id"].tolist() == ["cs_1"]
    assert "green" not in shown["favourite_colour"].iloc[0]


def test_personal_columns_of_every_evidence_table_are_masked():
    personal = {
        "payments": ["payer_email", "payer_name", "card_fingerprint", "payer_email_key"],
        "metadata": ["value", "email_key"],
        "users": ["email", "name", "email_key"],
        "user_names": ["name_key"],
        "deliveries": ["error"],
        "ledger": ["reason"],
    }
    for table, columns in personal.items():
        for column in columns:
            assert column in spec(table).column_names
            rows = pd.DataFrame({column: ["Anna Beispiel"]})
            assert "Anna" not in MASK.frame(rows, table)[column].iloc[0], (table, column)


def test_the_same_person_has_the_same_mask_in_every_table_and_no_other():
    one = MASK.frame(pd.DataFrame({"payer_email": ["Anna@example.com"]}), "payments")
    two = MASK.frame(pd.DataFrame({"email": ["anna@example.com "]}), "users")
    other = MASK.frame(pd.DataFrame({"email": ["ben@example.com"]}), "users")
    assert one.iloc[0, 0] == two.iloc[0, 0] != other.iloc[0, 0]


def test_another_key_gives_another_mask():
    assert Mask(b"a").value("x", "name") != Mask(b"b").value("x", "name")


def test_absent_values_stay_absent_and_numbers_stay_numbers():
    rows = pd.DataFrame({"payer_email": [None, "a@example.com"], "amount": pd.array([1, None])})
    shown = MASK.frame(rows, "payments")
    assert shown["payer_email"].isna().tolist() == [True, False]
    assert shown["amount"].isna().tolist() == [False, True]


@pytest.mark.parametrize(
    ("text", "gone"),
    [
        ("mail anna@example.com now", "anna@example.com"),
        ("mail änna.b+c@exämple.example, now", "änna.b+c"),
        ("from 192.0.2.17", "192.0.2.17"),
        ("from 2001:db8::7334 on", "2001:db8::7334"),
        ("card 4242 4242 4242 4242", "4242 4242"),
    ],
)
def test_text_loses_addresses_and_card_numbers(text, gone):
    assert gone not in MASK.text(text)


@pytest.mark.parametrize(
    "text",
    [
        "2025-09-01 12:30:00",
        "7675e93c-341b-412d-a41c-cfe1dc519172",
        "00000000-0000-4000-8000-000000000006",
        "version 2.0-bulletproof",
        "300.1.2.3",
        "order 1234567890123",
        "user 4111111111111111",
    ],
)
def test_text_keeps_what_is_not_personal(text):
    assert MASK.text(text) == text


@pytest.mark.parametrize("shown", ["bob", "00123", "e747de39-1b54-4cd0-96eb-e68f155931e2", "usr_1"])
def test_ids_are_shown(shown):
    assert MASK.user_id(shown) == shown


@pytest.mark.parametrize("hidden", ["Anna Beispiel", "Anna", "anna@example.com", "Anna 2"])
def test_what_strangers_put_where_an_id_belongs_is_not_shown(hidden):
    assert hidden not in MASK.user_id(hidden)


def test_reveal_shows_everything():
    rows = pd.DataFrame({"payer_email": ["anna@example.com"]})
    shown = Mask(b"k", reveal=True).frame(rows, "payments")
    assert shown.iloc[0, 0] == "anna@example.com"


@settings(deadline=None, max_examples=150)
@given(
    st.text(alphabet="abcdefghijk.", min_size=1, max_size=12).filter(
        lambda text: not text.startswith(".") and not text.endswith(".")
    ),
    st.text(max_size=30),
    st.text(max_size=30),
)
def test_no_email_survives_in_any_text(local, before, after):
    address = f"{local}@example.com"
    assert address not in MASK.text(f"{before} {address} {after}")


def test_the_key_is_made_once_for_its_owner_alone(tmp_path):
    (tmp_path / "case.toml").write_text('name = "x"\n')
    case_file = read_case_file(tmp_path)
    first, second = case_mask_key(case_file), case_mask_key(case_file)
    assert first == second
    assert len(first) >= 32
    assert stat.S_IMODE((tmp_path / KEY_FILE).stat().st_mode) == 0o600


def test_the_key_may_come_from_the_environment_but_not_stand_in_the_case_file(
    tmp_path, monkeypatch
):
    case = tmp_path / "case.toml"
    case.write_text('[report]\nmask_key = "env:MASK_FOR_TEST"\n')
    with pytest.raises(CaseError, match="MASK_FOR_TEST"):
        case_mask_key(read_case_file(case))
    monkeypatch.setenv("MASK_FOR_TEST", "from outside")
    assert case_mask_key(read_case_file(case)) == b"from outside"
    assert not (tmp_path / KEY_FILE).exists()
    case.write_text('[report]\nmask_key = "secret"\n')
    with pytest.raises(CaseError, match="no secret"):
        case_mask_key(read_case_file(case))


def test_an_empty_key_file_is_not_taken_for_a_key(tmp_path):
    (tmp_path / "case.toml").write_text('name = "x"\n')
    (tmp_path / KEY_FILE).write_text("")
    with pytest.raises(CaseError, match="no usable key"):
        case_mask_key(read_case_file(tmp_path))


def test_the_csv_runs_nothing_in_a_spreadsheet(tmp_path):
    rows = spec("findings").empty()
    rows = pd.concat(
        [rows, pd.DataFrame({"payment_id": ["=HYPERLINK(1)"], "credited_user_id": ["00123"]})]
    )
    write_findings_csv(rows, tmp_path / "f.csv", MASK)
    text = (tmp_path / "f.csv").read_text()
    assert "'=HYPERLINK(1)" in text
    assert ",00123," in text


def test_an_email_or_a_name_that_serves_as_an_id_is_masked_as_one():
    mask = Mask(
        b"k" * 32,
        known_ids=["anna@example.com", "Anna Schmidt", "anna.schmidt", "bob", "team 7"],
        names=["Anna Schmidt", "Bob Example"],
    )
    assert mask.user_id("anna@example.com") == mask.value("anna@example.com", "email")
    name = mask.value("Anna Schmidt", "name")
    assert mask.user_id("Anna Schmidt") == mask.user_id("anna.schmidt") == name
    assert (mask.user_id("bob"), mask.user_id("team 7")) == ("bob", "team 7")
    rows = pd.DataFrame({"explanation": ["credits of Anna Schmidt, not of bob"]})
    assert mask.frame(rows, "findings").iloc[0, 0] == f"credits of {name}, not of bob"


# Put together here, so that no scanner takes them for somebody's.
TOKENS = [
    "sk_" + "live_4eC39HqLyjWDarjtT1zdp7dc",
    "wh" + "sec_abcdefgh12345678",
    "ey" + "JhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ1MSJ9.c2lnbmF0dXJl",
    "gh" + "p_0123456789abcdefghijABCDEFGHIJ",
    "Bearer " + "abcdefghijklmnop1234",
]


@pytest.mark.parametrize("token", TOKENS)
@pytest.mark.parametrize("reveal", [False, True])
def test_a_token_in_an_ids_place_is_a_secret(token, reveal):
    mask = Mask(b"k" * 32, known_ids=[token], reveal=reveal)
    assert mask.user_id(token).startswith("secret~")
    rows = pd.DataFrame({"user_id": [token], "explanation": [f"it was {token}."]})
    shown = mask.frame(rows, "findings")
    assert token not in shown.to_string()


def test_what_is_like_a_token_and_is_none_is_shown():
    assert MASK.user_id("cs_live_a1b2c3d4e5f6") == "cs_live_a1b2c3d4e5f6"
    assert MASK.user_id("user_2abcDEFghi345") == "user_2abcDEFghi345"
