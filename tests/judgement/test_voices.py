"""One voice a family: whom it names and at which level, a row for each level and bound."""

from __future__ import annotations

import ibis
import pandas as pd
import pytest

from credit_forensics.engines.duckdb import DuckDBEngine
from credit_forensics.judgement.families import FAMILIES
from credit_forensics.judgement.voices import family_voices

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


def voice(name, **columns):
    """Whom a family names and the name of its level, from one row of the matrix."""
    unset = dict.fromkeys(("customer_preset", "email_prefilled", "mapping_echo"), False)
    row = dict.fromkeys(COLUMNS) | unset | columns
    frame = pd.DataFrame([row]).astype({n: DTYPES[k] for n, k in COLUMNS.items() if k in DTYPES})
    frame["created_at"] = pd.to_datetime(frame["created_at"], utc=True)
    engine = DuckDBEngine(threads=1)
    engine.register("matrix", frame)
    found = engine.frame(family_voices(ibis.table(COLUMNS, name="matrix"), FAMILIES))
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


@pytest.mark.parametrize(
    ("accounts", "level"),
    [(1, 1), (2, 2), (3, 3), (4, 3), (5, 4), (10, 4), (11, 5), (30, 5), (31, 6)],
)
def test_a_name_that_more_accounts_have_is_of_a_higher_level(accounts, level):
    name = next(one for one in FAMILIES if one.name == "name")
    person = "ada" if accounts == 1 else None
    _, found = voice("name", name_owners=accounts, payer_name=person)
    assert found == name.level_name(level)
