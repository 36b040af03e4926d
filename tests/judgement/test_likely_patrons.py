"""Payers who disagree with several accounts, in a case of few such payers, are asked about."""

from __future__ import annotations

import ibis
import pandas as pd
import pytest

from credit_forensics.engines.duckdb import DuckDBEngine
from credit_forensics.judgement.likely_patrons import ACCOUNTS, PAYERS, likely_patrons


def asked(rows, mode="hindsight"):
    """Payments asked about, of ``(payer, account, session, probability that another paid)``."""
    columns = ["best_person", "credited", "v_session", "misattributed"]
    frame = pd.DataFrame(rows, columns=columns).assign(patron=0.0)
    frame["payment_id"] = [f"cs_{number:02d}" for number in range(len(frame))]
    day = pd.to_timedelta(range(len(frame)), unit="D")
    frame["created_at"] = pd.Timestamp("2026-05-01", tz="UTC") + day
    engine = DuckDBEngine()
    engine.register("judged", frame)
    judged = _table(frame)
    found = likely_patrons(judged, judged.best_person, mode, 0.9)
    return sorted(engine.frame(found)["patron_payment"])


def _table(frame):
    types = dict.fromkeys(frame.columns, "string")
    types |= {"misattributed": "float64", "patron": "float64", "created_at": "timestamp('UTC')"}
    return ibis.table(types, name="judged")


def boss(accounts, sure=0.97):
    return [("boss", f"u{number}", f"u{number}", sure) for number in range(accounts)]


@pytest.mark.parametrize(("accounts", "asks"), [(ACCOUNTS - 1, 0), (ACCOUNTS, ACCOUNTS)])
def test_from_three_accounts_of_others_on_a_payer_is_asked_about(accounts, asks):
    assert len(asked(boss(accounts))) == asks


def test_one_account_again_and_again_is_one_account():
    assert asked([("boss", "u1", "u1", 0.97)] * 5) == []


@pytest.mark.parametrize(("sure", "asks"), [(0.89, 0), (0.9, 3)])
def test_only_payments_that_surely_another_paid_count(sure, asks):
    assert len(asked(boss(3, sure))) == asks


def test_what_no_session_named_says_nothing_of_a_habit():
    elsewhere = [("boss", f"u{number}", "x", 0.97) for number in range(3)]
    assert asked(elsewhere) == []


@pytest.mark.parametrize(("payers", "asks"), [(PAYERS - 1, 3), (PAYERS, 0)])
def test_where_many_payers_disagree_the_model_decides(payers, asks):
    others = [(f"p{n}", f"a{n}", f"a{n}", 0.97) for n in range(payers - 1)]
    assert len(asked([*boss(3), *others])) == asks


def test_as_of_counts_the_past_alone():
    assert asked(boss(4), mode="as_of") == ["cs_02", "cs_03"]
