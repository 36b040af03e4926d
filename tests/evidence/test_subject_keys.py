"""A key ``sub`` is the account of whoever signed in, unless it holds a subscription."""

from __future__ import annotations

import pytest

from credit_forensics.evidence.evidence import Evidence
from credit_forensics.evidence.metadata_keys import account_keys


@pytest.mark.parametrize(
    ("key", "values", "found"),
    [
        ("sub", ["auth0|1", "google-oauth2|2"], ["sub"]),
        ("sub", ["auth0|1", "sub_1Abc"], []),
        ("subject", ["auth0|1"], []),
    ],
)
def test_a_subject_names_the_account(key: str, values: list[str], found: list[str]):
    evidence = Evidence()
    for number, value in enumerate(values):
        evidence.connection.execute(
            "INSERT INTO metadata (payment_id, source, key, value) VALUES (?, 'session', ?, ?)",
            [f"cs_{number}", key, value],
        )
    assert account_keys(evidence, [], []) == found
