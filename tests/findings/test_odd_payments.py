"""Odd payments: which they are. That findings find the same among them, ``find`` holds."""

from __future__ import annotations

import pandas as pd
import pytest

from credit_forensics.engines.duckdb import engine_of
from credit_forensics.findings.catalogue import examine
from credit_forensics.findings.odd_payments import odd_payments
from credit_forensics.tables.catalogue import Tables


@pytest.fixture
def engine_with(make):
    """An engine with one payment as nearly all are, and with other rows where they are given."""

    def build(**tables):
        plain = {
            "coverage": [{"source": "users"}],
            "users": [{"user_id": "a"}],
            "payments": [make.payment("cs_1")],
            "credited": [make.credit("cs_1")],
            "verdicts": [make.verdict("cs_1", "confirmed", "a", "a", 0.0)],
        }
        return engine_of(**{name: pd.DataFrame(rows) for name, rows in (plain | tables).items()})

    return build


def odd(engine):
    return engine.frame(odd_payments(Tables()))["payment_id"].tolist()


def test_what_was_paid_booked_once_and_kept_is_not_odd(engine_with):
    assert odd(engine_with()) == []


@pytest.mark.parametrize(
    "columns",
    [
        {"livemode": False},
        {"payment_status": "unpaid"},
        {"status": "expired"},
        {"for_credits": "no"},
        {"amount_lost": 1},
        {"expected_credits": 60},
    ],
)
def test_a_payment_is_odd_by_what_stripe_says(engine_with, make, columns):
    assert odd(engine_with(payments=[make.payment("cs_1", **columns)])) == ["cs_1"]


@pytest.mark.parametrize(
    "columns", [{"credited_user_id": "nobody"}, {"grants": 2}, {"reversed": 50}, {"granted": 40}]
)
def test_a_payment_is_odd_by_what_is_credited(engine_with, make, columns):
    assert odd(engine_with(credited=[make.credit("cs_1") | columns])) == ["cs_1"]


@pytest.mark.parametrize("kind", ["misattributed", "split_identity", "not_credited"])
def test_a_payment_is_odd_by_its_verdict(engine_with, make, kind):
    assert odd(engine_with(verdicts=[make.verdict("cs_1", kind, "a", "b")])) == ["cs_1"]


def test_a_payment_is_odd_where_an_entry_was_reversed(engine_with):
    reversal = {"entry_id": "2", "payment_id": "cs_1", "kind": "reversal", "delta": -50}
    assert odd(engine_with(ledger=[reversal])) == ["cs_1"]


def test_what_is_credited_of_no_payment_that_was_read_is_odd(engine_with, make):
    assert odd(engine_with(credited=[make.credit("cs_1"), make.credit("cs_2")])) == ["cs_2"]


def test_an_id_without_an_account_is_not_odd_where_accounts_show_nothing(engine_with):
    without = {"users": [{"user_id": "b"}], "coverage": [{"source": "users", "reason": "few_tied"}]}
    assert odd(engine_with(**without)) == []


def test_where_odd_payments_cannot_be_told_findings_read_all(engine_with, make):
    engine = engine_with(verdicts=[make.verdict("cs_1", "misattributed", "a", "b")])
    among_odd = examine(engine)[0]
    # Of what tells odd payments, only what looks at instalments reads this column.
    engine.connection.execute("ALTER TABLE payments RENAME period_start TO others")
    among_all, runs = examine(engine)
    assert "wrong_user" in among_all["finding"].tolist()
    pd.testing.assert_frame_equal(among_odd, among_all)
    assert "duplicate_credit" in runs.loc[~runs["ran"], "finding"].tolist()
