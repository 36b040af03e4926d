"""Other ledgers' layouts: written where a plan can fill a row, refused in a sentence where not."""

from __future__ import annotations

import pytest

from credit_forensics.errors import CaseError
from credit_forensics.repair import make_plan
from credit_forensics.repair.apply import apply_plan
from credit_forensics.scenarios.demo import ORIGINAL_PAYER as PAYER
from credit_forensics.scenarios.demo import ORIGINAL_WRONG_USER as WRONG


def relaid(ledger, schema, *statements):
    """The same case with its ledger in another layout."""
    ledger.run(*statements)
    text = ledger.path.read_text(encoding="utf-8")
    ledger.path.write_text(
        text.replace('schema = "credit_ledger"', f'schema = "{schema}"'), encoding="utf-8"
    )
    return ledger


def test_transactions_with_a_type_column_and_a_payments_table(books):
    ledger = relaid(
        books("stale_session"),
        "credit_transactions",
        "CREATE TABLE credit_transactions (id INTEGER PRIMARY KEY, user_id TEXT NOT NULL, "
        "delta_credits INTEGER NOT NULL, type TEXT NOT NULL, description TEXT, "
        "payment_id INTEGER, stripe_event_id TEXT, created_at TEXT)",
        "INSERT INTO credit_transactions SELECT id, user_id, delta, 'purchase', reason, NULL, "
        "stripe_event_id, replace(created_at, ' ', 'T') || 'Z' FROM credit_ledger",
        "DROP TABLE credit_ledger",
    )
    plan = make_plan(ledger.case())
    payment = next(one.payment_id for one in plan.corrections if one.finding == "wrong_user")
    assert plan.refusal == "" and apply_plan(plan).complete
    rows = ledger.rows(
        "SELECT user_id, delta_credits, type, created_at LIKE '20__-__-__T__:__:__Z' "
        "FROM credit_transactions ORDER BY id DESC LIMIT 2"
    )
    assert rows == [(PAYER, 50, "correction", 1), (WRONG, -50, "reversal", 1)]
    case = ledger.case()
    assert case.findings[case.findings["payment_id"] == payment].empty
    assert make_plan(case).corrections == ()


PRISMA = (
    'CREATE TABLE "CreditTransaction" (id text PRIMARY KEY, "userId" text NOT NULL, '
    'delta integer NOT NULL, type {type} NOT NULL, reason text, "stripeEventId" text, '
    '"createdAt" timestamp(3) without time zone NOT NULL DEFAULT CURRENT_TIMESTAMP)',
    "INSERT INTO \"CreditTransaction\" SELECT 'c' || id, user_id, delta, {purchase}, reason, "
    "stripe_event_id, created_at AT TIME ZONE 'UTC' FROM credit_ledger",
    'CREATE TABLE "User" (id text PRIMARY KEY, email text, name text, '
    '"createdAt" timestamp, "creditBalance" integer NOT NULL DEFAULT 0)',
    'INSERT INTO "User" SELECT u.id, u.email, u.name, u.created_at, '
    "coalesce(b.total_credits, 0) FROM users AS u "
    "LEFT JOIN user_credits AS b ON b.user_id = u.id",
)


def test_quoted_camel_case_text_keys_and_balances_in_the_users_table(postgres_books):
    statements = [s.format(type="text", purchase="'purchase'") for s in PRISMA]
    ledger = relaid(postgres_books("stale_session"), "prisma", *statements)
    balance = f"""SELECT "creditBalance" FROM "User" WHERE id = '{PAYER}'"""
    before = ledger.rows(balance)[0][0]
    plan = make_plan(ledger.case())
    assert [one.finding for one in plan.corrections] == ["wrong_user"]
    assert apply_plan(plan).complete
    assert ledger.rows(balance) == [(before + 50,)]
    assert len(apply_plan(plan).of("already there")) == 1
    assert make_plan(ledger.case()).corrections == ()


def test_an_enumeration_that_knows_no_reversal_is_refused(postgres_books):
    statements = [s.format(type="entry_type", purchase="'PURCHASE'::entry_type") for s in PRISMA]
    ledger = relaid(
        postgres_books("stale_session"),
        "prisma",
        "CREATE TYPE entry_type AS ENUM ('PURCHASE', 'USAGE')",
        *statements,
    )
    plan = make_plan(ledger.case())
    assert plan.refusal == "type takes only values of its own enumeration"
    assert plan.rows["delta"].dropna().tolist() == [-50, 50]
    with pytest.raises(CaseError, match="cannot be applied, because type takes only values"):
        apply_plan(plan)


def test_a_column_that_a_plan_cannot_fill_is_refused(books):
    ledger = books("stale_session")
    ledger.run(
        "CREATE TABLE entries AS SELECT * FROM credit_ledger",
        "DROP TABLE credit_ledger",
        "CREATE TABLE credit_ledger (id INTEGER PRIMARY KEY, user_id TEXT, delta INTEGER, "
        "reason TEXT, stripe_event_id TEXT, created_at TEXT, tenant TEXT NOT NULL)",
        "INSERT INTO credit_ledger SELECT *, 'one' FROM entries",
    )
    assert (
        make_plan(ledger.case()).refusal == "credit_ledger.tenant must be filled, and not by a plan"
    )


def test_a_view_of_entries_is_refused(books):
    ledger = books("stale_session")
    ledger.run(
        "ALTER TABLE credit_ledger RENAME TO entries",
        "CREATE VIEW credit_ledger AS SELECT * FROM entries",
    )
    assert make_plan(ledger.case()).refusal == "credit_ledger is a view"


def test_an_id_that_the_ledgers_type_cannot_hold_is_told_not_crashed_on(postgres_books):
    ledger = postgres_books("stale_session")
    ledger.run(
        "DROP TABLE user_credits",
        "CREATE TABLE user_credits (user_id bigint PRIMARY KEY, total_credits integer NOT NULL)",
        "INSERT INTO user_credits VALUES (7, 1)",
        "ALTER TABLE credit_ledger ALTER user_id TYPE uuid USING user_id::uuid",
    )
    plan = make_plan(ledger.case())
    assert plan.corrections
    with pytest.raises(CaseError, match="nothing was changed: invalid input syntax"):
        apply_plan(plan)
