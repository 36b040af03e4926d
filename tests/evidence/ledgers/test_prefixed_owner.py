"""An event store's streams name the account behind a word; else the owner is asked about."""

from __future__ import annotations

import pytest
from small_ledgers import WANTED, load, moved

from credit_forensics.errors import CaseError

EVENTS = """CREATE TABLE domain_events (id INTEGER PRIMARY KEY, stream TEXT, type TEXT,
    payload TEXT, occurred_at TEXT);
INSERT INTO domain_events VALUES
    (1, '{0}', 'AccountOpened', '{{"userId": 7}}', '2026-01-01T00:00:00Z'),
    (2, '{1}', 'AccountOpened', '{{"userId": 8}}', '2026-01-01T00:00:00Z'),
    (3, '{0}', 'CreditsPurchased', '{{"credits": 100, "checkout": "cs_1"}}', '2026-01-02T00:00:00Z'),
    (4, '{1}', 'CreditsPurchased', '{{"credits": 100, "checkout": "cs_2"}}', '2026-01-02T01:00:00Z'),
    (5, '{0}', 'CreditsConsumed', '{{"credits": 30}}', '2026-01-03T00:00:00Z');"""


@pytest.mark.parametrize("word", ["account-", "user:", "Account/", "credits.account."])
def test_streams_name_the_account_behind_a_word(tmp_path, word):
    assert moved(load(tmp_path, EVENTS.format(f"{word}7", f"{word}8"))) == WANTED


@pytest.mark.parametrize(
    ("ada", "bo"),
    [
        pytest.param("acme:7", "beta:8", id="two words"),
        pytest.param("account7", "account8", id="nothing between"),
        pytest.param("account-70", "account-80", id="no accounts behind it"),
    ],
)
def test_what_names_nobody_so_is_asked_about(tmp_path, ada, bo):
    with pytest.raises(CaseError, match="accounts that the entries of domain_events belong to"):
        load(tmp_path, EVENTS.format(ada, bo))
