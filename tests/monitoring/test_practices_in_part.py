"""What most others of a price show to be the shop's practice holds for a tick as for an analysis."""

from __future__ import annotations

import datetime as dt
import json
import sqlite3
from pathlib import Path

import pytest

from credit_forensics.monitoring.stored_look import StoredLook

NOW = dt.datetime(2026, 4, 1, tzinfo=dt.UTC)
BEGUN = 1_772_500_000


class Shop:
    """A shop on disk whose sales are written one after the other; no price says what it is worth."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.sold = folder, 0
        (folder / "case.toml").write_text(
            '[stripe]\nfiles = "*.jsonl"\n[ledger]\nurl = "sqlite:///ledger.db"\n'
        )
        with sqlite3.connect(folder / "ledger.db") as db:
            db.execute(
                "CREATE TABLE credit_ledger (id INTEGER PRIMARY KEY, user_id TEXT, delta INTEGER,"
                " reason TEXT, session_id TEXT, created_at TEXT)"
            )
            db.execute("CREATE TABLE users (id TEXT PRIMARY KEY, email TEXT)")

    def sell(
        self, *granted: int, refunded: int = 0, taken: int = 0, worth: int = 0, amount: int = 1200
    ) -> str:
        """A sale with its grants, what it is worth, and what went back; its session."""
        self.sold += 1
        n, at = self.sold, BEGUN + self.sold * 7_300
        user, session = f"user_{n}", f"cs_live_{n:04}"
        common = {"created": at, "currency": "eur", "customer": f"cus_{n}", "livemode": True}
        objects = [
            {
                "id": session,
                "object": "checkout.session",
                "mode": "payment",
                "status": "complete",
                "payment_status": "paid",
                "amount_total": amount,
                "client_reference_id": user,
                "metadata": {"credits": str(worth)} if worth else {},
                "payment_intent": f"pi_{n:04}",
                "customer_details": {"email": f"{user}@example.com"},
                **common,
            },
            {
                "id": f"ch_{n:04}",
                "object": "charge",
                "payment_intent": f"pi_{n:04}",
                "paid": True,
                "status": "succeeded",
                "amount": amount,
                "amount_refunded": refunded,
                **common,
            },
        ]
        with (self.folder / "stripe.jsonl").open("a") as file:
            file.writelines(json.dumps(one) + "\n" for one in objects)
        entries = [(delta, "purchase", at + 5) for delta in granted]
        entries += [(-(taken or sum(granted)), "refund", at + 600)] if refunded else []
        with sqlite3.connect(self.folder / "ledger.db") as db:
            db.execute("INSERT INTO users VALUES (?, ?)", (user, f"{user}@example.com"))
            db.executemany(
                "INSERT INTO credit_ledger (user_id, delta, reason, session_id, created_at)"
                " VALUES (?, ?, ?, ?, ?)",
                [
                    (user, delta, reason, session, dt.datetime.fromtimestamp(t, dt.UTC).isoformat())
                    for delta, reason, t in entries
                ],
            )
        return session

    def give(self, credits: int) -> None:
        """Credits that the latest buyer had before the sale."""
        at = dt.datetime.fromtimestamp(BEGUN + self.sold * 7_300 - 3_600, dt.UTC).isoformat()
        with sqlite3.connect(self.folder / "ledger.db") as db:
            db.execute(
                "INSERT INTO credit_ledger (user_id, delta, reason, created_at)"
                " VALUES (?, ?, 'welcome gift', ?)",
                (f"user_{self.sold}", credits, at),
            )


def look_once(look: StoredLook) -> set[tuple[str, str]]:
    watched = look(NOW, ())
    watched.remembered()
    found = watched.findings
    return set(zip(found["finding"], found["payment_id"], strict=True))


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)


def test_two_parts_of_a_pack_are_no_duplicate_in_a_tick_either(shop):
    for _ in range(12):
        shop.sell(100, 10)
    look = StoredLook(shop.folder / "case.toml")
    assert look_once(look) == set()
    shop.sell(100, 10)
    twice = shop.sell(50, 50)
    assert look_once(look) == {("duplicate_credit", twice)}


def test_a_fee_that_every_refund_keeps_is_kept_in_a_tick_too(shop):
    for n in range(12):
        shop.sell(100, refunded=1080 if n % 3 == 0 else 0)
    look = StoredLook(shop.folder / "case.toml")
    assert look_once(look) == set()
    shop.sell(100, refunded=1080)
    half = shop.sell(100, refunded=600)
    assert look_once(look) == {("refund_over_reversed", half)}


def test_credits_that_every_whole_refund_costs_are_taken_in_a_tick_too(shop):
    for n in range(12):
        shop.sell(100, refunded=1200 if n % 3 == 0 else 0, taken=115)
    look = StoredLook(shop.folder / "case.toml")
    assert look_once(look) == set()
    shop.sell(100, refunded=1200, taken=115)
    assert look_once(look) == set()


def test_a_bonus_for_a_size_is_one_in_a_tick_too(shop):
    for n in range(12):
        shop.sell(*((550,) if n % 2 else (100,)), worth=500 if n % 2 else 100,
                  amount=6000 if n % 2 else 1200)  # fmt: skip
    look = StoredLook(shop.folder / "case.toml")
    assert look_once(look) == set()
    shop.sell(550, worth=500, amount=6000)
    less = shop.sell(450, worth=500, amount=6000)
    assert look_once(look) == {("wrong_amount", less)}


def test_a_refill_is_one_in_a_tick_too(shop):
    """Each account had something left, as its first entry, and was filled up to its allowance."""
    for n in range(8):
        shop.sell(100 - n, worth=100)
        shop.give(n)
    look = StoredLook(shop.folder / "case.toml")
    assert look_once(look) == set()
    shop.sell(60, worth=100)
    shop.give(40)
    less = shop.sell(60, worth=100)
    shop.give(30)
    assert look_once(look) == {("wrong_amount", less)}
