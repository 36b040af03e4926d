"""Payers who disagree with several accounts, in a case of few such payers, are asked about."""

from __future__ import annotations

import ibis
import pandas as pd
import pytest

from credit_forensics.engines.duckdb import DuckDBEngine
from credit_forensics.judgement.likely_patrons import (
    ACCOUNTS,
    PAYERS,
    REGULAR,
    habit,
    likely_patrons,
    named_third_persons,
    unnamed_recipients,
)


def habits(rows, mode="hindsight", burst=0.0):
    """Payments asked about, of ``(payer, account, session, probability that another paid)``.

    With how often such a payer pays for others. ``burst``: the probability of one, of all of them.
    """
    columns = ["best_person", "credited", "v_session", "misattributed"]
    frame = pd.DataFrame(rows, columns=columns).assign(patron=0.0, burst=burst)
    frame["payment_id"] = [f"cs_{number:02d}" for number in range(len(frame))]
    day = pd.to_timedelta(range(len(frame)), unit="D")
    frame["created_at"] = pd.Timestamp("2026-05-01", tz="UTC") + day
    engine = DuckDBEngine()
    engine.register("judged", frame)
    judged = _table(frame)
    patrons = likely_patrons(judged, judged.best_person, mode, 0.9)
    # Times a number of the table's own: engines keep a written 0.9 as a decimal.
    rows = patrons.inner_join(judged, patrons.patron_payment == judged.payment_id)
    rows = rows.select("patron_payment", habit=habit(rows) * (rows.burst * 0 + 1))
    found = engine.frame(rows)
    return dict(sorted(zip(found["patron_payment"], found["habit"], strict=True)))


def asked(rows, mode="hindsight"):
    """Payments asked about though all of them lie in a burst."""
    return list(habits(rows, mode, burst=1.0))


def _table(frame):
    types = dict.fromkeys(frame.columns, "string")
    types |= dict.fromkeys(("misattributed", "patron", "burst"), "float64")
    types |= {"created_at": "timestamp('UTC')"}
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


LONE_ONE = [("eve", "u1", "u1", 0.97)]


@pytest.mark.parametrize(("burst", "asks"), [(0.19, [0.25]), (0.2, [])])
def test_a_lone_payer_is_asked_about_where_no_cause_in_common_is_seen(burst, asks):
    assert list(habits(LONE_ONE, burst=burst).values()) == asks


@pytest.mark.parametrize(("payments", "asks"), [(2, 2), (3, 0)])
def test_once_or_twice_is_lone(payments, asks):
    assert len(habits(LONE_ONE * payments)) == asks


@pytest.mark.parametrize(("own", "asks"), [(REGULAR - 1, [0.25]), (REGULAR, [])])
def test_a_lone_payer_who_always_bought_for_no_one_else_is_left_to_the_model(own, asks):
    assert list(habits([("eve", "eve", "eve", 0.0)] * own + LONE_ONE).values()) == asks


def test_as_of_later_purchases_of_ones_own_tell_nothing():
    rows = LONE_ONE + [("eve", "eve", "eve", 0.0)] * REGULAR
    assert (len(habits(rows)), len(habits(rows, mode="as_of"))) == (0, 1)


def test_an_account_that_several_others_sessions_name_has_a_cause_of_its_own():
    assert habits([*LONE_ONE, ("fay", "u1", "u1", 0.97)]) == {}


@pytest.mark.parametrize(("payers", "asks"), [(PAYERS - 1, PAYERS - 1), (PAYERS, 0)])
def test_where_many_are_lone_the_model_decides(payers, asks):
    rows = [(f"p{number}", f"u{number}", f"u{number}", 0.97) for number in range(payers)]
    assert len(habits(rows)) == asks


def test_a_habit_of_several_accounts_is_surer_than_a_lone_payment():
    assert set(habits(boss(ACCOUNTS)).values()) == {0.9}


def for_others(rows, mode="hindsight"):
    """The share for others of payments without a session: (payer, session, patron) in order."""
    frame = pd.DataFrame(rows, columns=["best_person", "v_session", "patron"])
    frame["payment_id"] = [f"cs_{number:02d}" for number in range(len(frame))]
    day = pd.to_timedelta(range(len(frame)), unit="D")
    frame["created_at"] = pd.Timestamp("2026-05-01", tz="UTC") + day
    frame = frame.astype({"v_session": "str"})
    engine = DuckDBEngine()
    engine.register("judged", frame)
    types = dict.fromkeys(frame.columns, "string")
    types |= {"patron": "float64", "created_at": "timestamp('UTC')"}
    judged = ibis.table(types, name="judged")
    found = engine.frame(unnamed_recipients(judged, judged.best_person, mode))
    return dict(zip(found["silent_payment"], found["for_others"], strict=True))


SILENT = ("boss", None, 0.0)
OWN, FOR_ANN = ("boss", "boss", 0.0), ("boss", "ann", 0.95)


def test_who_pays_for_others_elsewhere_may_do_so_where_no_session_says_it():
    assert for_others([FOR_ANN, FOR_ANN, OWN, SILENT]) == {"cs_03": pytest.approx(2 / 4)}
    assert for_others([FOR_ANN, ("ann", None, 0.0)]) == {}


@pytest.mark.parametrize(("patron", "asked"), [(0.49, {}), (0.5, {"cs_01": 0.5})])
def test_who_may_have_paid_for_another_once_counts_from_one_half(patron, asked):
    assert for_others([("boss", "ann", patron), SILENT]) == asked


def test_as_of_a_habit_is_what_was_seen_before():
    rows = [SILENT, FOR_ANN, SILENT]
    assert for_others(rows, mode="as_of") == {"cs_02": 0.5}
    assert set(for_others(rows)) == {"cs_00", "cs_02"}


def thirds(rows, mode="hindsight"):
    """Payments whose session names a third person: (payer, credited, session, patron) in order."""
    frame = pd.DataFrame(rows, columns=["best_person", "credited", "v_session", "patron"])
    frame["payment_id"] = [f"cs_{number:02d}" for number in range(len(frame))]
    day = pd.to_timedelta(range(len(frame)), unit="D")
    frame["created_at"] = pd.Timestamp("2026-05-01", tz="UTC") + day
    engine = DuckDBEngine()
    engine.register("judged", frame)
    types = dict.fromkeys(frame.columns, "string")
    types |= {"patron": "float64", "created_at": "timestamp('UTC')"}
    judged = ibis.table(types, name="judged")
    found = engine.frame(named_third_persons(judged, judged.best_person, mode))
    return sorted(found["third_payment"])


GYM, VET = ("agency", "gym", "gym", 0.95), ("agency", "vet", "vet", 0.95)
VETS_AT_GYM = ("agency", "gym", "vet", 0.0)


@pytest.mark.parametrize(
    ("rows", "asked"),
    [
        ([GYM, VET, VETS_AT_GYM], ["cs_02"]),
        ([GYM, VETS_AT_GYM], []),
        # Who keeps for himself what a session meant for another pays for none.
        ([GYM, VET, ("agency", "agency", "vet", 0.0), VETS_AT_GYM], []),
        # What went to whom the session named, or to the payer, is about no third person.
        ([GYM, VET, ("agency", "gym", "agency", 0.0)], []),
        ([GYM, VET, ("agency", "gym", None, 0.0)], []),
        # Another's habit says nothing of this payer.
        ([GYM, VET, ("ann", "gym", "vet", 0.0)], []),
    ],
    ids=["third", "once before", "keeps", "own", "silent", "another"],
)
def test_whom_a_payer_for_others_meant_is_neither_payer_nor_credited(rows, asked):
    assert thirds(rows) == asked


def test_as_of_a_payment_what_came_later_shows_no_habit():
    assert thirds([VETS_AT_GYM, GYM, VET], "as_of") == []
    assert thirds([VETS_AT_GYM, GYM, VET]) == ["cs_00"]
