"""Booking a plan on SQLite: once, whole or not at all, never below zero, and clean afterwards."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time

import pytest

from credit_forensics.errors import CaseError
from credit_forensics.repair import make_plan
from credit_forensics.repair.apply import apply_plan
from credit_forensics.repair.literals import comment, text_literal
from credit_forensics.repair.plan_files import write_plan
from credit_forensics.scenarios.case_writer import write_case
from credit_forensics.scenarios.demo import ORIGINAL_PAYER as PAYER
from credit_forensics.scenarios.demo import ORIGINAL_WRONG_USER as WRONG
from credit_forensics.scenarios.settings import FaultRates, WorldSettings
from credit_forensics.scenarios.world import make_world

MOVE = [("reversal", -50), ("correction", 50)]
REPAIRABLE = {
    # The session that poisoned it, and the payment that it misrouted.
    "poisoned_mapping": ("wrong_user", MOVE * 2),
    "handler_ledger_mismatch": ("wrong_user", MOVE),
    "id_namespace": ("wrong_user", MOVE * 2),
    # The other one signed in to an account, which holds its credits: nothing is wrong.
    "relogin_ids": ("split_identity", MOVE),
    "redelivery": ("duplicate_credit", [("reversal", -50)]),
    "async_failure": ("unpaid_credit", [("reversal", -50)]),
    "test_mode": ("test_mode_credit", [("reversal", -50)]),
    "dispute_lost": ("refund_not_reversed", [("refund", -50)]),
    "refund_over_reversed": ("refund_over_reversed", [("refund", 25)]),
    "missing_metadata": ("missing_credit", [("correction", 50)]),
}


# One a kind of entry; the others book by the same steps.
OFTEN = ("poisoned_mapping", "redelivery", "refund_over_reversed", "missing_metadata")


@pytest.mark.parametrize(
    "name",
    [
        *OFTEN,
        *(
            pytest.param(name, marks=pytest.mark.thorough)
            for name in REPAIRABLE
            if name not in OFTEN
        ),
    ],
)
def test_applied_it_is_clean_and_applied_again_it_changes_nothing(books, name):
    ledger = books(name)
    plan = make_plan(ledger.case())
    finding, expected = REPAIRABLE[name]
    rows = plan.rows[plan.rows["finding"] == finding]
    assert rows[["action", "delta"]].apply(tuple, axis=1).tolist() == expected
    payments = {one.payment_id for one in plan.corrections}
    applied = apply_plan(plan)
    assert applied.complete and len(applied.of("booked")) == len(plan.corrections)
    after = ledger.everything()

    case = ledger.case()
    left = case.findings[case.findings["payment_id"].isin(payments)]
    assert set(left["finding"]) <= {"failed_delivery"}  # the log's past stays as it was
    assert "balance_drift" not in set(case.findings["finding"])
    again = make_plan(case)
    assert again.corrections == ()
    assert apply_plan(again).steps == ()
    assert len(apply_plan(plan).of("already there")) == len(plan.corrections)
    assert ledger.everything() == after


def test_credits_and_binding_end_where_they_belong(books):
    ledger = books("stale_session")
    before = {user: ledger.balance(user) for user in (PAYER, WRONG)}
    apply_plan(make_plan(ledger.case()))
    assert ledger.balance(PAYER) == before[PAYER] + 50
    assert ledger.balance(WRONG) == before[WRONG] - 50
    booked = ledger.rows(
        "SELECT user_id, delta, substr(reason, 1, 19) FROM credit_ledger ORDER BY id DESC LIMIT 2"
    )
    assert booked == [(PAYER, 50, "correction:wrong_us"), (WRONG, -50, "reversal:wrong_user")]


def test_every_finding_of_a_world_is_put_right_at_once(tmp_path):
    faults = FaultRates(
        redelivered=0.01,
        two_events=0.01,
        not_delivered=0.01,
        async_failed=0.01,
        test_mode=0.01,
        split_without_account=0.01,
        refunded=0.1,
        refund_not_reversed=0.3,
        balance_drift=0.0,
        unknown_user=0.0,
    )
    settings = WorldSettings(payments=600, wrong_session_rate=0.06, faults=faults)
    path = write_case(make_world(settings, 11), tmp_path)
    from credit_forensics.case.case import Case

    plan = make_plan(Case.open(path, store=False), allow_negative=True)
    assert len({one.finding for one in plan.corrections}) >= 6
    applied = apply_plan(plan)
    assert applied.complete
    moved = {(one.finding, one.payment_id) for one in plan.corrections}
    found = Case.open(path, store=False).findings
    assert not moved & set(zip(found["finding"], found["payment_id"], strict=True))
    assert "balance_drift" not in set(found["finding"])


def test_a_spent_credit_is_held_back_until_it_is_allowed(books):
    ledger = books("stale_session")
    ledger.run(f"UPDATE user_credits SET total_credits = 20 WHERE user_id = '{WRONG}'")
    entries = ledger.rows("SELECT count(*) FROM credit_ledger")
    applied = apply_plan(make_plan(ledger.case()))
    assert [one.finding for one in applied.of("held back")] == ["wrong_user"]
    assert not applied.complete
    # The payer's half is not booked without the other; the binding does no harm to anyone.
    assert ledger.rows("SELECT count(*) FROM credit_ledger") == entries
    assert ledger.balance(WRONG) == 20
    apply_plan(make_plan(ledger.case(), allow_negative=True))
    assert ledger.balance(WRONG) == -30


def test_what_is_spent_between_plan_and_apply_is_seen(books):
    ledger = books("stale_session")
    plan = make_plan(ledger.case())
    ledger.run(f"UPDATE user_credits SET total_credits = 49 WHERE user_id = '{WRONG}'")
    assert [one.finding for one in apply_plan(plan).of("held back")] == ["wrong_user"]
    assert ledger.balance(WRONG) == 49


def test_a_balance_may_be_booked_down_to_zero(books):
    ledger = books("stale_session")
    ledger.run(f"UPDATE user_credits SET total_credits = 50 WHERE user_id = '{WRONG}'")
    assert apply_plan(make_plan(ledger.case())).complete
    assert ledger.balance(WRONG) == 0


# Taken back by hand; or taken and given again, which leaves the sum as it was.
@pytest.mark.parametrize("deltas", [[-50], [-50, 50]])
def test_what_was_corrected_by_hand_since_the_plan_is_left_alone(books, deltas):
    ledger = books("stale_session")
    plan = make_plan(ledger.case())
    payment = next(one.payment_id for one in plan.corrections if one.finding == "wrong_user")
    for delta in deltas:
        ledger.run(
            "INSERT INTO credit_ledger (user_id, delta, reason, created_at) VALUES "
            f"('{WRONG}', {delta}, 'by hand for {payment}', '2025-09-03 00:00:00')"
        )
    before = ledger.rows("SELECT count(*) FROM credit_ledger")
    assert [one.finding for one in apply_plan(plan).of("changed")] == ["wrong_user"]
    assert ledger.rows("SELECT count(*) FROM credit_ledger") == before


def test_a_binding_that_was_mended_since_is_left_alone(books):
    ledger = books("stale_session")
    plan = make_plan(ledger.case())
    rebinding = next(one.rebinding for one in plan.corrections if one.rebinding)
    ledger.run(
        "UPDATE stripe_customers SET user_id = 'somebody' "
        f"WHERE stripe_customer_id = '{rebinding.customer_id}'"
    )
    assert [one.finding for one in apply_plan(plan).of("changed")] == ["poisoned_mapping"]
    assert ("somebody",) in ledger.rows("SELECT user_id FROM stripe_customers")


def test_a_trigger_that_keeps_the_balances_does_not_book_them_twice(books):
    ledger = books("stale_session")
    before = ledger.balance(PAYER)
    ledger.run(
        "CREATE TRIGGER keep AFTER INSERT ON credit_ledger BEGIN UPDATE user_credits "
        "SET total_credits = total_credits + NEW.delta WHERE user_id = NEW.user_id; END"
    )
    apply_plan(make_plan(ledger.case()))
    assert ledger.balance(PAYER) == before + 50


def test_a_view_of_balances_is_left_alone_and_the_entries_are_booked(books):
    ledger = books("stale_session")
    ledger.run(
        "DROP TABLE user_credits",
        "CREATE VIEW user_credits AS SELECT user_id, sum(delta) AS total_credits "
        "FROM credit_ledger GROUP BY user_id",
    )
    before = ledger.balance(WRONG)
    assert apply_plan(make_plan(ledger.case())).complete
    assert ledger.balance(WRONG) == before - 50


def test_a_payer_without_a_balance_row_gets_one(books):
    ledger = books("not_delivered")
    user = make_plan(ledger.case()).corrections[0].entries[0].user_id
    ledger.run(f"DELETE FROM user_credits WHERE user_id = '{user}'")
    apply_plan(make_plan(ledger.case()))
    assert ledger.balance(user) == 50


def test_a_refusal_of_the_database_changes_nothing_and_is_one_sentence(books):
    ledger = books("stale_session")
    ledger.run(
        "CREATE TRIGGER refuse BEFORE INSERT ON credit_ledger WHEN NEW.delta > 0 "
        "BEGIN SELECT RAISE(ABORT, 'grants are frozen'); END"
    )
    before = ledger.everything()
    with pytest.raises(CaseError, match="nothing was changed: grants are frozen"):
        apply_plan(make_plan(ledger.case()))
    assert ledger.everything() == before


def test_a_ledger_mapped_by_a_query_has_a_plan_and_refuses_to_apply(books):
    ledger = books("stale_session")
    text = ledger.path.read_text(encoding="utf-8")
    own = '\n[ledger.entries]\nquery = "SELECT * FROM credit_ledger"\n'
    columns = 'columns = {entry_id = "id", user_id = "user_id", delta = "delta", '
    columns += 'reason = "reason", event_id = "stripe_event_id", created_at = "created_at"}\n'
    ledger.path.write_text(text + own + columns, encoding="utf-8")
    plan = make_plan(ledger.case())
    assert plan.script is None and len(plan.corrections) == 2
    with pytest.raises(CaseError, match="because the ledger's entries are mapped by a query"):
        apply_plan(plan)


def test_a_ledger_of_ones_own_with_plain_columns_is_written(books):
    ledger = books("stale_session")
    ledger.run(
        "CREATE TABLE points (uid TEXT PRIMARY KEY, who TEXT NOT NULL, n INTEGER NOT NULL, "
        "why TEXT NOT NULL, session TEXT, at INTEGER)",
        "INSERT INTO points SELECT 'p' || l.id, l.user_id, l.delta, coalesce(l.reason, '-'), NULL, "
        "CAST(strftime('%s', l.created_at) AS INTEGER) * 1000 FROM credit_ledger AS l",
    )
    text = ledger.path.read_text(encoding="utf-8") + (
        '\n[ledger.entries]\ntable = "points"\ncolumns = {entry_id = "uid", user_id = "who", '
        'delta = "n", reason = "why", payment_id = "session", created_at = "at"}\n'
    )
    ledger.path.write_text(text, encoding="utf-8")
    plan = make_plan(ledger.case())
    payment = next(one.payment_id for one in plan.corrections if one.finding == "wrong_user")
    assert apply_plan(plan).complete
    rows = ledger.rows("SELECT who, n, session, at > 1700000000000 FROM points ORDER BY rowid")
    assert rows[-2:] == [(WRONG, -50, payment, 1), (PAYER, 50, payment, 1)]
    assert ledger.findings_of(payment) == []


HOSTILE = "x'); DROP TABLE credit_ledger; --\n; DELETE FROM users; /* \\' "


def test_hostile_ids_are_values_and_nothing_else(books, tmp_path):
    ledger = books("stale_session")
    for table, column in (
        ("users", "id"),
        ("credit_ledger", "user_id"),
        ("user_credits", "user_id"),
        ("stripe_customers", "user_id"),
    ):
        ledger.run(f"UPDATE {table} SET {column} = ? WHERE {column} = '{WRONG}'", values=(HOSTILE,))
    for file in ledger.path.parent.glob("*.jsonl"):
        escaped = HOSTILE.replace("\\", "\\\\").replace("\n", "\\n")
        text = file.read_text(encoding="utf-8")
        file.write_text(text.replace(WRONG, escaped), encoding="utf-8")
    plan = make_plan(ledger.case())
    assert HOSTILE in {e.user_id for one in plan.corrections for e in one.entries}
    write_plan(plan, tmp_path / "plan")
    connection = sqlite3.connect(ledger.path.parent / "ledger.db")
    connection.isolation_level = None
    connection.executescript((tmp_path / "plan" / "plan.sql").read_text(encoding="utf-8"))
    connection.close()
    assert len(ledger.rows("SELECT 1 FROM credit_ledger WHERE reason LIKE 'reversal:%'")) == 1
    assert ledger.rows("SELECT count(*) FROM users") > [(5,)]
    assert len(apply_plan(plan).of("already there")) == len(plan.corrections)


def test_literals_and_comments_cannot_be_left():
    assert text_literal("a'b", "sqlite") == "'a''b'"
    assert text_literal("a\\", "postgresql") == "E'a\\\\'"
    assert "\n" not in comment(HOSTILE) and "\u2028" not in comment("a\u2028b")
    with pytest.raises(CaseError, match="NUL"):
        text_literal("a\x00b", "sqlite")


def test_nothing_writes_before_apply(books, tmp_path):
    ledger = books("stale_session")
    before = (ledger.path.parent / "ledger.db").read_bytes()
    write_plan(make_plan(ledger.case()), tmp_path / "plan")
    assert (ledger.path.parent / "ledger.db").read_bytes() == before


KILLED = """
import sys
from credit_forensics.case.case import Case
from credit_forensics.repair import make_plan
from credit_forensics.repair.apply import apply_plan
plan = make_plan(Case.open(sys.argv[1], store=False))
print("ready", flush=True)
apply_plan(plan)
"""


def test_killed_in_the_middle_nothing_is_booked(books):
    ledger = books("stale_session")
    before = ledger.everything()
    # A trigger that never ends holds the transaction open after its first entries.
    ledger.run(
        "CREATE TRIGGER slow AFTER INSERT ON credit_ledger WHEN NEW.delta > 0 BEGIN "
        "SELECT count(*) FROM (WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n "
        "WHERE i < 4000000000) SELECT i FROM n); END"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(ledger.path)], stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None and child.stdout.readline() == "ready\n"
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and not _locked(ledger.path.parent / "ledger.db"):
        time.sleep(0.02)
    time.sleep(0.2)
    assert child.poll() is None
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    child.stdout.close()
    ledger.run("DROP TRIGGER slow")
    assert ledger.everything() == before
    assert apply_plan(make_plan(ledger.case())).complete


def _locked(path) -> bool:
    connection = sqlite3.connect(path, timeout=0, isolation_level=None)
    try:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("ROLLBACK")
    except sqlite3.OperationalError:
        return True
    finally:
        connection.close()
    return False
