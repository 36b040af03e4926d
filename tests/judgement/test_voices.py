"""One voice a family: whom it names and at which level, a row for each level and bound."""

from __future__ import annotations

import ibis
import pandas as pd
import pytest

from credit_forensics.engines.duckdb import DuckDBEngine
from credit_forensics.judgement import families as levels
from credit_forensics.judgement.families import FAMILIES
from credit_forensics.judgement.voices import family_voices, with_translated_ids
from credit_forensics.resolution.given_values import with_contradictions
from credit_forensics.resolution.methods import METHODS
from credit_forensics.tables.catalogue import Tables

TEXTS = (
    "payment_id",
    "session_user_id",
    "ledger",
    "payer_name_key",
    "metadata_user_id",
    "metadata_user_id_backup",
    "metadata_session_user_id",
    "client_reference_id",
    "session_email",
    "intent_metadata",
    "metadata_scan",
    "customer_mapping",
    "customer_history",
    "payer_email",
    "payer_name",
    "card_history",
)
COLUMNS = {
    **dict.fromkeys(TEXTS, "string"),
    "created_at": "timestamp('UTC')",
    "customer_preset": "boolean",
    "mapping_echo": "boolean",
    "email_prefilled": "boolean",
    "name_owners": "int64",
    "customer_count": "int64",
    "customer_purity": "float64",
    "card_count": "int64",
    "card_purity": "float64",
}
DTYPES = {"string": "str", "int64": "Int64", "float64": "float64", "boolean": "bool"}


MATRIX = ibis.table(COLUMNS, name="matrix")


def voice(name, matrix=MATRIX, **columns):
    """Whom a family names and the name of its level, from one row of the matrix."""
    unset = dict.fromkeys(("customer_preset", "email_prefilled", "mapping_echo"), False)
    row = dict.fromkeys(COLUMNS) | unset | {"payment_id": "cs_1"} | columns
    frame = pd.DataFrame([row]).astype({n: DTYPES[k] for n, k in COLUMNS.items() if k in DTYPES})
    frame["created_at"] = pd.to_datetime(frame["created_at"], utc=True)
    engine = DuckDBEngine(threads=1)
    engine.register("matrix", frame)
    engine.register("users", pd.DataFrame({"user_id": ["ada", "bob"]}))
    found = engine.frame(family_voices(matrix, FAMILIES))
    person, level = found[f"v_{name}"].item(), int(found[f"l_{name}"].item())
    family = next(one for one in FAMILIES if one.name == name)
    assert pd.isna(person) or level, "a person without a level"
    return None if pd.isna(person) else person, family.level_name(level) if level else None


COPIES = ("metadata_user_id", "metadata_user_id_backup", "client_reference_id", "session_email")


@pytest.mark.parametrize(
    ("copies", "expected"),
    [
        ([None, None, None, None], (None, None)),
        (["ada", None, None, None], ("ada", "alone")),
        ([None, "ada", None, "ada"], ("ada", "unanimous")),
        (["ben", "ada", None, None], ("ben", "split")),
        # What most copies name; the first on a tie.
        (["ben", "ada", "ada", None], ("ada", "split")),
        (["ben", "ada", "ada", "ben"], ("ben", "split")),
        (["ben", "ada", "cat", None], ("ben", "split")),
    ],
)
def test_the_session_names_whom_most_copies_name(copies, expected):
    assert voice("session", **dict(zip(COPIES, copies, strict=True))) == expected


def test_the_scan_counts_only_where_no_copy_names_anybody():
    assert voice("session", metadata_scan="ben") == ("ben", "scan only")
    assert voice("session", metadata_scan="ben", session_email="ada") == ("ada", "alone")


@pytest.mark.parametrize(
    ("binding", "history", "count", "purity", "expected"),
    [
        (None, None, None, None, (None, None)),
        ("ada", None, None, None, ("ada", "binding")),
        ("ada", "ada", 1, 1.0, ("ada", "binding and history")),
        (None, "ada", 1, 1.0, ("ada", "history of one")),
        (None, "ada", 2, 1.0, ("ada", "history of more")),
        (None, "ada", 10, 0.9, ("ada", "history of more")),
        (None, "ada", 10, 0.89, ("ada", "mixed history")),
        ("ada", "ada", 10, 0.89, ("ada", "mixed history")),
        ("ben", "ada", 1, 1.0, ("ada", "mixed history")),
    ],
)
def test_the_mapping_and_the_levels_of_its_history(binding, history, count, purity, expected):
    found = voice(
        "mapping",
        customer_mapping=binding,
        customer_history=history,
        customer_count=count,
        customer_purity=purity,
    )
    assert found == expected


@pytest.mark.parametrize(
    ("history", "count", "purity", "expected"),
    [
        (None, None, None, (None, None)),
        ("ada", 1, 1.0, ("ada", "one other payment")),
        ("ada", 2, 1.0, ("ada", "more payments")),
        ("ada", 10, 0.9, ("ada", "more payments")),
        ("ada", 10, 0.89, ("ada", "mixed payments")),
    ],
)
def test_the_levels_of_a_cards_history(history, count, purity, expected):
    found = voice("card", card_history=history, card_count=count, card_purity=purity)
    assert found == expected


@pytest.mark.parametrize("family", ["mapping", "email"])
def test_what_the_session_gave_is_the_sessions_word(family):
    given = {
        "customer_preset": True,
        "customer_mapping": "ada",
        "customer_history": "ada",
        "customer_count": 2,
        "customer_purity": 1.0,
        "email_prefilled": True,
        "payer_email": "ada",
    }
    assert voice(family, **given) == (None, None)
    assert voice("session", **given) == ("ada", "unanimous")


GIVEN = {"email_prefilled": True, "payer_email": "bob"}


@pytest.mark.parametrize(
    ("columns", "session", "email"),
    [
        # A copy says what the ids say; another's e-mail was not copied from them.
        ({"metadata_user_id": "bob"}, ("bob", "unanimous"), (None, None)),
        ({"metadata_user_id": "ada"}, ("ada", "alone"), ("bob", "typed")),
        ({"metadata_user_id": "ada", "ledger": "ada"}, ("ada", "alone"), ("bob", "typed")),
        # It need not be a copy of the first of them.
        ({"metadata_user_id": "ada", "client_reference_id": "bob"}, ("bob", "split"), (None, None)),
        # Without ids there is nothing to contradict.
        ({"ledger": "ada"}, ("bob", "alone"), (None, None)),
        # Wherever the credits are: put right by hand, the payment is not wrong anew.
        ({"metadata_user_id": "ada", "ledger": "bob"}, ("ada", "alone"), ("bob", "typed")),
        # What another system's id means is not known.
        ({"metadata_user_id": "sign-in-7"}, ("sign-in-7", "split"), (None, None)),
    ],
)
def test_a_given_email_of_another_than_the_ids_name_speaks_for_itself(columns, session, email):
    matrix = with_contradictions(MATRIX, METHODS, Tables().users)
    assert voice("session", matrix, **GIVEN, **columns) == session
    assert voice("email", matrix, **GIVEN, **columns) == email


@pytest.mark.parametrize(
    ("session_user_id", "named", "expected"),
    [
        # A sign-in service's id is what the handler made of it.
        ("sign-in-7", "sign-in-7", ("ada", "another system's id")),
        # An id of an account, or an e-mail of one, means that account, whoever was credited.
        ("bob", "bob", ("bob", "alone")),
        (None, "bob", ("bob", "alone")),
        # What an invoice names is looked up like what a session names.
        (None, "sign-in-7", ("ada", "another system's id")),
    ],
)
def test_only_an_id_of_no_account_is_taken_for_another_systems(session_user_id, named, expected):
    columns = {"payment_id": "string", "session_user_id": "string", "credited": "string"}
    columns |= {"v_session": "string", "l_session": "int64"}
    engine = DuckDBEngine(threads=1)
    row = {"payment_id": "p", "session_user_id": session_user_id, "credited": "ada"}
    voices = pd.DataFrame([row | {"v_session": named, "l_session": levels.ALONE}])
    voices["session_user_id"] = voices["session_user_id"].astype("str")
    engine.register("voices", voices)
    engine.register("users", pd.DataFrame({"user_id": ["ada", "bob"]}))
    found = engine.frame(with_translated_ids(ibis.table(columns, name="voices"), Tables()))
    name = FAMILIES[0].level_name(int(found["l_session"].item()))
    assert (found["v_session"].item(), name) == expected


@pytest.mark.parametrize(
    ("accounts", "level"),
    [(1, 1), (2, 2), (3, 3), (4, 3), (5, 4), (10, 4), (11, 5), (30, 5), (31, 6)],
)
def test_a_name_that_more_accounts_have_is_of_a_higher_level(accounts, level):
    name = next(one for one in FAMILIES if one.name == "name")
    person = "ada" if accounts == 1 else None
    _, found = voice("name", name_owners=accounts, payer_name=person)
    assert found == name.level_name(level)
