"""Entries that a ledger marks as of test mode are left out, where the mark can be believed."""

from __future__ import annotations

import pytest
from small_ledgers import WANTED, load, moved

from credit_forensics.evidence.ledgers.inference.known_values import KnownValues
from credit_forensics.evidence.ledgers.inference.rows_in_test_mode import rows_in_test_mode
from credit_forensics.evidence.ledgers.inference.samples import Field, SampledTable

PAID = {"cs_1": "pi_1", "cs_2": "pi_2", "cs_test_3": "pi_3"}


def marked(*rows, column="livemode"):
    """The values of ``(mark, payment)`` rows that are of test mode."""
    marks, payments = zip(*rows, strict=True)
    fields = (Field(column, "text", marks), Field("session_id", "text", payments))
    table = SampledTable(None, fields, len(rows), True)  # type: ignore[arg-type]
    found = rows_in_test_mode(table, KnownValues(paid=PAID, tests=frozenset({"cs_test_3"})))
    return found[1] if found else []


@pytest.mark.parametrize(
    ("column", "live", "test"),
    [
        ("livemode", "true", "false"),
        ("is_live", "1", "0"),
        ("isTest", "f", "t"),
        ("test_mode", "no", "yes"),
        ("environment", "production", "staging"),
        ("mode", "live", "test"),
    ],
)
def test_a_column_tells_what_is_of_test_mode(column, live, test):
    rows = ((live, "cs_1"), (live, "cs_2"), (test, "cs_test_3"), (test, "cs_test_4"))
    assert marked(*rows, column=column) == [test]


@pytest.mark.parametrize(
    "rows",
    [
        pytest.param([("true", "cs_1"), ("false", "cs_2")], id="a live payment is marked so"),
        pytest.param([("false", "cs_test_3"), ("false", "cs_test_4")], id="nothing is live"),
        pytest.param([("true", "cs_1"), ("false", None)], id="nothing marked names a payment"),
        pytest.param([("true", "cs_1"), ("true", "cs_test_3")], id="nothing is marked"),
    ],
)
def test_else_every_entry_counts(rows):
    assert marked(*rows) == []


def test_another_column_tells_nothing():
    assert marked(("true", "cs_1"), ("false", "cs_test_3"), column="notified") == []


LEDGER = """CREATE TABLE credit_ledger (id INTEGER PRIMARY KEY, user_id INTEGER, delta INTEGER,
    reason TEXT, session_id TEXT, livemode BOOLEAN);
INSERT INTO credit_ledger VALUES
    (1, 7, 100, 'purchase', 'cs_1', 1), (2, 8, 100, 'purchase', 'cs_2', 1),
    (3, 7, -30, 'usage', NULL, 1), (4, 8, 100, 'purchase', 'cs_test_9', 0);"""
BALANCES = """CREATE TABLE user_credits (user_id INTEGER PRIMARY KEY, balance INTEGER);
INSERT INTO user_credits VALUES (7, 70), (8, {});"""


def test_what_was_tried_is_not_read_and_a_gap_says_so(tmp_path):
    evidence = load(tmp_path, LEDGER)
    assert moved(evidence) == WANTED
    gaps = [
        gap.consequence
        for gap in evidence.custody.gaps().itertuples()
        if gap.problem == "test_mode"
    ]
    assert gaps == [
        "entries of livemode 0 are of test mode, and are not read; [ledger.entries] where says it "
        "otherwise."
    ]


@pytest.mark.parametrize(("balance", "read"), [(100, False), (200, True)])
def test_stored_balances_tell_whether_what_is_marked_could_be_spent(tmp_path, balance, read):
    entries = moved(load(tmp_path, LEDGER + BALANCES.format(balance)))
    assert len(entries) == 3 + read


def test_of_a_large_table_the_marked_rows_are_asked_for(tmp_path):
    many = ", ".join(f"({n}, 7, -1, 'usage', NULL, 1)" for n in range(10, 600))
    late = "INSERT INTO credit_ledger VALUES (700, 8, 100, 'purchase', 'cs_test_10', 0);"
    script = LEDGER.replace(", (4, 8, 100, 'purchase', 'cs_test_9', 0)", "")
    evidence = load(tmp_path, f"{script} INSERT INTO credit_ledger VALUES {many}; {late}")
    assert evidence.ledger["delta"].max() == 100
    assert (evidence.ledger["delta"] > 0).sum() == 2
