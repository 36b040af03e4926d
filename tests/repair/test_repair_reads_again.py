"""What was booked is what was planned, in the ledger that was planned for, or nothing is booked."""

from __future__ import annotations

import sqlite3

import psycopg
import pytest

from credit_forensics.errors import CaseError
from credit_forensics.repair import make_plan
from credit_forensics.repair.apply import apply_plan
from credit_forensics.repair.plan_files import write_plan
from credit_forensics.repair.plan_json import (
    document_bytes,
    plan_document,
    read_plan_document,
)
from credit_forensics.scenarios.demo import ORIGINAL_PAYER as PAYER
from credit_forensics.scenarios.demo import ORIGINAL_WRONG_USER as WRONG


def trigger(body, when="BEFORE"):
    return (
        f"CREATE FUNCTION meddle() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body} END $$",
        f"CREATE TRIGGER meddles {when} INSERT ON credit_ledger "
        "FOR EACH ROW EXECUTE FUNCTION meddle()",
    )


MEDDLERS = {
    "swallows": trigger("RETURN NULL;"),
    "swallows some": trigger("IF NEW.delta < 0 THEN RETURN NULL; END IF; RETURN NEW;"),
    "halves": trigger("NEW.delta = NEW.delta / 2; RETURN NEW;"),
    "redirects": trigger(f"NEW.user_id = '{WRONG}'; RETURN NEW;"),
    "renames": trigger("NEW.reason = upper(NEW.reason); RETURN NEW;"),
    "adds": trigger(
        "IF NEW.reason NOT LIKE 'fee%' THEN INSERT INTO credit_ledger (user_id, delta, reason) "
        "VALUES ('the-house', 1, 'fee'); END IF; RETURN NULL;",
        when="AFTER",
    ),
    "removes": trigger(
        "DELETE FROM credit_ledger WHERE user_id = 'the-house'; RETURN NULL;", when="AFTER"
    ),
    "keeps balances low": (
        "CREATE FUNCTION meddle() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN NEW.total_credits = least(NEW.total_credits, OLD.total_credits); "
        "RETURN NEW; END $$",
        "CREATE TRIGGER meddles BEFORE UPDATE ON user_credits "
        "FOR EACH ROW EXECUTE FUNCTION meddle()",
    ),
}


@pytest.mark.parametrize("meddler", MEDDLERS)
def test_a_trigger_that_changes_what_is_booked_undoes_all_of_it(postgres_books, meddler):
    ledger = postgres_books("stale_session")
    ledger.run(
        "SELECT setval(pg_get_serial_sequence('credit_ledger', 'id'), 1000)",
        "INSERT INTO credit_ledger (user_id, delta, reason) VALUES ('the-house', 5, 'fee')",
    )
    plan = make_plan(ledger.case())
    ledger.run(*MEDDLERS[meddler])
    before = ledger.everything()
    with pytest.raises(CaseError, match="nothing was changed"):
        apply_plan(plan)
    assert ledger.everything() == before


def test_plan_sql_by_hand_reads_again_too(postgres_books, tmp_path):
    ledger = postgres_books("stale_session")
    write_plan(make_plan(ledger.case()), tmp_path)
    ledger.run(*MEDDLERS["halves"])
    before = ledger.everything()
    text = (tmp_path / "plan.sql").read_text(encoding="utf-8")
    with (
        psycopg.connect(ledger.psycopg_url, autocommit=True) as connection,
        pytest.raises(psycopg.errors.CheckViolation, match="the_ledger_is_as_planned"),
    ):
        connection.execute(text.encode())
    assert ledger.everything() == before


def test_a_trigger_of_sqlite_undoes_all_of_it_too(books, tmp_path):
    ledger = books("stale_session")
    plan = make_plan(ledger.case())
    ledger.run(
        "CREATE TRIGGER meddles AFTER INSERT ON credit_ledger BEGIN "
        "UPDATE credit_ledger SET delta = delta / 2 WHERE id = NEW.id; END"
    )
    before = ledger.everything()
    with pytest.raises(CaseError, match="was not booked as planned"):
        apply_plan(plan)
    write_plan(plan, tmp_path)
    connection = sqlite3.connect(ledger.path.parent / "ledger.db", isolation_level=None)
    with pytest.raises(sqlite3.IntegrityError, match="the_ledger_is_as_planned"):
        connection.executescript((tmp_path / "plan.sql").read_text(encoding="utf-8"))
    assert not connection.in_transaction
    connection.close()
    assert ledger.everything() == before


def test_a_trigger_that_keeps_the_balance_does_no_harm(postgres_books):
    ledger = postgres_books("stale_session")
    plan = make_plan(ledger.case())
    before = ledger.balance(PAYER)
    ledger.run(
        *trigger(
            "UPDATE user_credits SET total_credits = total_credits + NEW.delta "
            "WHERE user_id = NEW.user_id; RETURN NULL;",
            when="AFTER",
        )
    )
    assert apply_plan(plan).complete
    assert ledger.balance(PAYER) == before + 50


def test_a_balance_that_the_database_computes_is_refused(postgres_books):
    ledger = postgres_books("stale_session")
    ledger.run(
        "ALTER TABLE user_credits RENAME total_credits TO granted",
        "ALTER TABLE user_credits ADD total_credits integer GENERATED ALWAYS AS (granted) STORED",
    )
    assert "total_credits is computed by the database" in make_plan(ledger.case()).refusal


@pytest.mark.parametrize("shows", [True, False])
def test_a_view_of_balances_must_show_what_was_booked(postgres_books, shows):
    ledger = postgres_books("stale_session")
    which = "" if shows else "WHERE reason LIKE 'stripe_purchase%'"
    ledger.run(
        "DROP TABLE user_credits",
        "CREATE VIEW user_credits AS SELECT user_id, sum(delta) AS total_credits "
        f"FROM credit_ledger {which} GROUP BY user_id",
    )
    plan = make_plan(ledger.case())
    if shows:
        assert apply_plan(plan).complete
        return
    with pytest.raises(CaseError, match="the balance of account"):
        apply_plan(plan)
    assert ledger.rows("SELECT 1 FROM credit_ledger WHERE reason LIKE '%:wrong_user:%'") == []


def test_another_database_with_the_same_tables_is_not_booked_in(books, tmp_path):
    ledger, other = books("not_delivered"), books("stale_session")
    plan = make_plan(ledger.case())
    write_plan(plan, tmp_path)
    before = other.everything()
    connection = sqlite3.connect(other.path.parent / "ledger.db", isolation_level=None)
    with pytest.raises(sqlite3.IntegrityError):
        connection.executescript((tmp_path / "plan.sql").read_text(encoding="utf-8"))
    connection.close()
    assert other.everything() == before


def test_credits_that_changed_after_planning_leave_the_correction_out(postgres_books):
    ledger = postgres_books("stale_session")
    plan = make_plan(ledger.case())
    ledger.run(
        "UPDATE credit_ledger SET delta = 45 WHERE delta = 50 AND stripe_event_id = "
        f"(SELECT stripe_event_id FROM credit_ledger WHERE user_id = '{WRONG}' "
        "ORDER BY created_at DESC LIMIT 1)"
    )
    assert len(apply_plan(plan).of("changed")) == 1


def test_a_plan_says_where_what_and_how_much_and_knows_itself(books, tmp_path):
    ledger = books("stale_session")
    document = plan_document(make_plan(ledger.case()))
    assert document["target"]["table"] == '"credit_ledger"'
    assert (document["credits_given"], document["credits_taken"], document["credits_sum"]) == (
        50,
        50,
        0,
    )
    assert plan_document(make_plan(ledger.case())) == document
    path = tmp_path / "plan.json"
    path.write_bytes(document_bytes(document))
    assert read_plan_document(path) == document
    path.write_bytes(path.read_bytes().replace(b'"delta": 50', b'"delta": 5000'))
    with pytest.raises(CaseError, match="changed after it was written"):
        read_plan_document(path)
