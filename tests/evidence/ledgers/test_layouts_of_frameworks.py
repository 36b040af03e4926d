"""Ledgers as frameworks and event stores make them: read as what they are, in the user's accounts."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from small_ledgers import WANTED, load, moved, table

from credit_forensics.evidence.evidence import Evidence
from credit_forensics.evidence.ledgers.pair_unread import pair_unread_sessions

_DAY = 1756720800000

READ = {
    "a log whose only time is a number called ts": table(
        "coin_log", "id INTEGER PRIMARY KEY, user_id, delta, reason, ref, ts INTEGER",
        f"1, 7, 100, 'shop', 'cs_1', {_DAY}", f"2, 8, 100, 'shop', 'cs_2', {_DAY + 1000}",
        f"3, 7, -30, 'imagine', NULL, {_DAY + 9000}",
    ),
    "kinds whose table says which way they go": table(
        "tx_types", "id INTEGER, code, sign INTEGER", "1, 'BUY', 1", "2, 'XYZ', -1", "3, 'ABC', 1",
    ) + table(
        "point_tx", "id INTEGER, user_id, type_id INTEGER, points, ref, created_at",
        "1, 7, 1, 100, 'cs_1', '2025-09-01'", "2, 8, 1, 100, 'cs_2', '2025-09-01'",
        "3, 7, 2, 30, NULL, '2025-09-02'",
    ),
    "lots with what they were at first and what is left": table(
        "credit_lots", "id, user_id, source, initial_amount, remaining_amount, session, created_at",
        "1, 7, 'PURCHASE', 100, 70, 'cs_1', '2025-09-01'",
        "2, 8, 'PURCHASE', 100, 100, 'cs_2', '2025-09-01'",
    ) + table(
        "credit_usages", "id, lot_id, user_id, amount, created_at", "1, 1, 7, 30, '2025-09-02'",
    ),
    "lines in books, of which one has the users": table(
        "lines", "id INTEGER, account VARCHAR, scope VARCHAR, code, amount, partner_account,"
        " partner_scope VARCHAR, ref, created_at",
        "1, 'credits', '7', 'buy', 100, 'sales', NULL, 'cs_1', '2025-09-01'",
        "2, 'sales', NULL, 'buy', -100, 'credits', '7', 'cs_1', '2025-09-01'",
        "3, 'credits', '8', 'buy', 100, 'sales', NULL, 'cs_2', '2025-09-01'",
        "4, 'sales', NULL, 'buy', -100, 'credits', '8', 'cs_2', '2025-09-01'",
        "5, 'credits', '7', 'spend', -30, 'used', NULL, NULL, '2025-09-02'",
        "6, 'used', NULL, 'spend', 30, 'credits', '7', NULL, '2025-09-02'",
    ),
    "holds that a capture of their own takes": table(
        "credit_entries", "id, user_id, kind, status, amount, ref, created_at",
        "1, 7, 'topup', 'posted', 100, 'cs_1', '2025-09-01'",
        "2, 8, 'topup', 'posted', 100, 'cs_2', '2025-09-01'",
        "3, 7, 'hold', 'captured', -30, NULL, '2025-09-02'",
        "4, 8, 'hold', 'released', -10, NULL, '2025-09-02'",
        "5, 7, 'capture', 'posted', -30, NULL, '2025-09-02'",
    ),
    "a history of a wallet's movements": table(
        "wallet_history", "id, user_id, amount_cents, credits, event, ref, created_at",
        "1, 7, 990, 100, 'credits_bought', 'cs_1', '2025-09-01'",
        "2, 8, 990, 100, 'credits_bought', 'cs_2', '2025-09-01'",
        "3, 7, NULL, -30, 'credits_spent', NULL, '2025-09-02'",
    ),
    "a store of events, some of which move nothing": table(
        "stored_events", "id INTEGER, user_id, event_class, credits, ref, created_at",
        "1, 7, 'WalletOpened', NULL, NULL, '2025-08-01'",
        "2, 8, 'WalletOpened', NULL, NULL, '2025-08-01'",
        "3, 7, 'CreditsPurchased', 100, 'cs_1', '2025-09-01'",
        "4, 8, 'CreditsPurchased', 100, 'cs_2', '2025-09-01'",
        "5, 7, 'CreditsSpent', 30, NULL, '2025-09-02'",
    ),
}  # fmt: skip


@pytest.mark.parametrize("layout", READ)
def test_it_is_read_as_what_it_is(tmp_path: Path, layout: str) -> None:
    assert moved(load(tmp_path, READ[layout])) == WANTED


def test_a_purchase_that_was_refunded_takes_its_credits(tmp_path: Path) -> None:
    evidence = load(tmp_path, table(
        "credit_entries", "id, user_id, credits, type, ref, created_at",
        "1, 7, 100, 'CreditsPurchased', 'cs_1', '2025-09-01'",
        "2, 8, 100, 'CreditsPurchased', 'cs_2', '2025-09-01'",
        "3, 7, 30, 'CreditsSpent', NULL, '2025-09-02'",
        "4, 8, 100, 'PurchaseRefunded', 'cs_2', '2025-09-03'",
    ))  # fmt: skip
    assert moved(evidence) == WANTED | {("8", -100, "cs_2")}
    assert evidence.ledger.set_index("entry_id")["kind"]["4"] == "refund"


@pytest.mark.parametrize(("seconds", "paired"), [(840, 1), (960, 0)])
def test_an_entry_of_a_session_that_was_not_exported_is_soon_after_its_payment(
    seconds: int, paired: int
) -> None:
    at = pd.Timestamp("2026-03-01 10:00", tz="UTC")
    evidence = Evidence()
    evidence.add("payments", pd.DataFrame({
        "payment_id": ["pi_1", "cs_2"], "kind": ["intent", "checkout"],
        "payment_status": "paid", "completed_at": at,
    }))  # fmt: skip
    evidence.add("ledger", pd.DataFrame({
        "entry_id": ["1", "2"], "user_id": "7", "delta": 100, "kind": "purchase",
        "payment_id": ["cs_1", "cs_2"], "created_at": at + pd.Timedelta(seconds=seconds),
    }))  # fmt: skip
    assert pair_unread_sessions(evidence) == paired
    assert set(evidence.ledger["payment_id"]) == {"pi_1" if paired else "cs_1", "cs_2"}


def test_families_own_the_credits_that_their_members_pay_for(tmp_path):
    users = table(
        "users", "id TEXT, email TEXT", "'u1', 'ada@example.com'", "'u2', 'bo@example.com'"
    )
    script = table(
        "families", "id TEXT, name TEXT, owner_id TEXT", "'7', 'A', 'u1'", "'8', 'B', 'u2'"
    )
    script += table(
        "family_members",
        "family_id TEXT, user_id TEXT, role TEXT",
        "'7', 'u1', 'parent'",
        "'8', 'u2', 'parent'",
    )
    script += table(
        "credit_entries",
        "id INTEGER, family_id TEXT, created_by TEXT, amount INTEGER, kind TEXT, session TEXT",
        "1, '7', 'u1', 100, 'top_up', 'cs_1'",
        "2, '8', 'u2', 100, 'top_up', 'cs_2'",
        "3, '7', 'u1', -30, 'spend', NULL",
    )
    assert moved(load(tmp_path, script, users, ("u1", "u2"))) == WANTED


def test_a_refund_that_names_the_intent_takes_back_where_only_sessions_were_exported(tmp_path):
    script = table(
        "MovimentoCredito",
        "id INTEGER, usuario_id INTEGER, quantidade INTEGER, tipo TEXT, paymentIntentId TEXT",
        "1, 7, 100, 'COMPRA', 'pi_1'",
        "2, 8, 100, 'COMPRA', 'pi_2'",
        "3, 8, 100, 'ESTORNO', 'pi_2'",
        "4, 7, 30, 'CONSUMO', NULL",
    )
    evidence = load(tmp_path, script)
    assert moved(evidence) == {
        ("7", 100, "pi_1"), ("8", 100, "pi_2"), ("8", -100, "pi_2"), ("7", -30, None)
    }  # fmt: skip
