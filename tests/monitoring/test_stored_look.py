"""A tick over stored rows finds what a whole analysis finds of the payments that were touched."""

from __future__ import annotations

import datetime as dt
import sqlite3
from pathlib import Path

import pandas as pd
import pytest
from growing_case import grow, shorten

from credit_forensics.case.case import Case
from credit_forensics.case_file import read_case_file
from credit_forensics.evidence.stored.rows import StoredRows
from credit_forensics.monitoring.monitor import monitor_status, run_monitor
from credit_forensics.monitoring.stored_look import StoredLook
from credit_forensics.scenarios.case_writer import write_case
from credit_forensics.scenarios.settings import WorldSettings
from credit_forensics.scenarios.world import make_world

NOW = dt.datetime(2025, 12, 1, tzinfo=dt.UTC)


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("whole")
    write_case(make_world(WorldSettings(payments=700), seed=5), folder)
    return folder


@pytest.fixture(scope="module")
def expected(whole) -> pd.DataFrame:
    return Case.open(whole, store=False).findings


def names(findings: pd.DataFrame, without: tuple[str, ...] = ()) -> set[tuple[str, ...]]:
    rows = findings[~findings["finding"].isin(list(without))]
    keys = rows[["finding", "payment_id", "event_id", "credited_user_id"]].fillna("")
    return {
        (finding, payment or event or user)
        for finding, payment, event, user in keys.itertuples(index=False)
    }


def look_once(look: StoredLook, standing: tuple[str, ...] = ()) -> pd.DataFrame:
    watched = look(NOW, standing)
    watched.remembered()
    return watched.findings


def test_what_comes_later_is_found_as_a_whole_analysis_finds_it(tmp_path, whole, expected):
    folder = shorten(whole, tmp_path, 0.8)
    look = StoredLook(folder / "case.toml")
    before = names(look_once(look))
    grow(whole, folder)
    found = names(look_once(look))
    everything = names(expected)
    assert found <= everything
    # What is read, not inferred, is found to the last.
    read = names(expected, without=("wrong_user", "split_identity", "poisoned_mapping"))
    assert read <= before | found
    # An inference about an old payment may wait for the next whole judgement.
    inferred = everything - read
    assert len(inferred - (before | found)) <= 0.1 * len(inferred)


def test_a_whole_judgement_of_stored_rows_is_the_analysis_itself(tmp_path, whole, expected):
    folder = shorten(whole, tmp_path, 0.6)
    look = StoredLook(folder / "case.toml")
    look_once(look)
    grow(whole, folder)
    look_once(look)
    with StoredRows(folder / ".store" / "rows.duckdb", read_case_file(folder)) as rows:
        rows.put("judged_at", "2020-01-01T00:00:00+00:00")
    found = look_once(look)
    pd.testing.assert_frame_equal(found, expected)


def test_nothing_new_means_nothing_touched_and_nothing_read(tmp_path, whole):
    folder = shorten(whole, tmp_path, 0.5)
    look = StoredLook(folder / "case.toml")
    look_once(look)
    watched = look(NOW, ())
    look.close()
    with StoredRows(folder / ".store" / "rows.duckdb", read_case_file(folder)) as rows:
        assert rows.count("stored.touched") == 0
        # What waits for its credits is looked at again all the same.
        assert rows.count("stored.pending") == len(watched.payments) > 0


def test_news_stay_new_until_they_are_remembered(tmp_path, whole):
    folder = shorten(whole, tmp_path, 0.8)
    look = StoredLook(folder / "case.toml")
    look_once(look)
    grow(whole, folder)
    first = names(look(NOW, ()).findings)  # and the process dies before it could be cached_property
    look.close()
    assert names(look_once(StoredLook(folder / "case.toml"))) == first
    assert len(first) > len(names(look_once(look)))


def test_the_monitor_itself_watches_a_case_in_part(tmp_path, whole):
    folder = shorten(whole, tmp_path, 0.8)
    assert run_monitor(folder, once=True, clock=lambda: NOW) == 0
    before = {i.cause: i.items for i in monitor_status(folder).incidents}
    grow(whole, folder)
    results: list = []
    assert run_monitor(folder, once=True, clock=lambda: NOW, on_tick=results.append) == 0
    after = {i.cause: i.items for i in monitor_status(folder).incidents}
    assert (folder / ".store" / "rows.duckdb").stat().st_mode & 0o077 == 0
    assert results[0].errors == {}
    assert after != before
    truth = Case.open(folder, store=False).findings
    lost = set(truth[truth["finding"] == "missing_credit"]["payment_id"])
    assert after["paid_not_credited"] >= len(lost) > 0


def test_entries_that_name_no_payment_are_paired_in_part_as_in_whole(tmp_path):
    whole = tmp_path / "whole"
    write_case(make_world(WorldSettings(payments=300), seed=6), whole)
    text = (whole / "case.toml").read_text()
    (whole / "case.toml").write_text(text.replace('schema = "credit_ledger"', ""))
    with sqlite3.connect(whole / "ledger.db") as connection:
        connection.executescript(
            """ALTER TABLE credit_ledger ADD COLUMN status TEXT DEFAULT 'completed';
            UPDATE credit_ledger SET stripe_event_id = NULL, reason = CASE
                WHEN reason LIKE 'stripe_purchase%' THEN 'purchase'
                ELSE substr(reason, 1, instr(reason || ':', ':') - 1) END;"""
        )
    expected = Case.open(whole, store=False)
    ties = expected.evidence.ledger["tie"].value_counts()
    assert ties["inferred"] > 200
    assert "named" not in ties
    folder = shorten(whole, tmp_path / "part", 0.8)
    look = StoredLook(folder / "case.toml")
    before = names(look_once(look))
    grow(whole, folder)
    found = names(look_once(look))
    read = ("missing_credit", "duplicate_credit", "refund_not_reversed")
    wanted = {one for one in names(expected.findings) if one[0] in read}
    late = {one for one in found if one[0] in read}
    assert len(wanted) > 5
    assert wanted <= before | late
    assert late <= wanted


def test_what_support_made_good_later_is_seen_in_part_as_in_whole(tmp_path):
    whole = tmp_path / "whole"
    write_case(make_world(WorldSettings(payments=700), seed=7), whole)
    case = Case.open(whole, store=False)
    lost = case.findings[case.findings["finding"] == "missing_credit"].merge(
        case.evidence.payments[["payment_id", "completed_at"]], on="payment_id"
    )
    lost = lost.dropna(subset=["rightful_user_id"]).sort_values("completed_at")
    assert len(lost) > 9
    with sqlite3.connect(whole / "ledger.db") as connection:
        connection.executemany(
            "INSERT INTO credit_ledger (user_id, delta, reason, created_at) VALUES (?, ?, ?, ?)",
            [
                # Hours later, by hand, without a word of which payment.
                (row.rightful_user_id, int(row.credits), "admin_grant:by hand", str(later))
                for row in lost.itertuples()
                for later in [row.completed_at + pd.Timedelta(hours=7)]
            ],
        )
    expected = Case.open(whole, store=False)
    missing = {one for one in names(expected.findings) if one[0] == "missing_credit"}
    settled = set(lost["payment_id"]) - {payment for _, payment in missing}
    assert len(settled) >= 4
    folder = shorten(whole, tmp_path / "part", 0.8)
    look = StoredLook(folder / "case.toml")
    before = names(look_once(look))
    waiting = {payment for finding, payment in before if finding == "missing_credit"}
    assert waiting & settled
    grow(whole, folder)
    found = {one for one in names(look_once(look)) if one[0] == "missing_credit"}
    assert found <= missing
    assert missing <= before | found
    # Looked at again, such a payment has its entry beside it, though nothing of either is new.
    again = names(look_once(look, tuple(sorted(settled))))
    assert not settled & {payment for finding, payment in again if finding == "missing_credit"}
