"""Small shops from their files to the findings: what is right in each is told above it."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from credit_forensics.case.case import Case
from credit_forensics.case.write_analysis import summary
from credit_forensics.reporting.in_short import in_short
from credit_forensics.reporting.incident_report import case_view

DAY = 86_400
MARCH = 1_772_000_000
PEOPLE = {
    f"u{number}": name
    for number, name in enumerate(
        ["Ada Bell", "Ben Cole", "Cat Dorn", "Dan Ekman", "Eva Falk", "Finn Groth"], start=1
    )
}


def when(seconds: int) -> str:
    return pd.Timestamp(seconds, unit="s", tz="UTC").isoformat()


def order(number: int, **fields: Any) -> dict[str, Any]:
    """The number-th order: one a day, of one person after the other, for 50 credits."""
    user = f"u{number % len(PEOPLE) + 1}"
    return {
        "id": f"cs_live_order{number:04d}",
        "object": "checkout.session",
        "created": MARCH + number * DAY,
        "livemode": True,
        "mode": "payment",
        "status": "complete",
        "payment_status": "paid",
        "amount_total": 500,
        "currency": "eur",
        "payment_intent": f"pi_order{number:04d}",
        "customer_details": {"email": f"{user}@example.com", "name": PEOPLE[user]},
        "metadata": {"user_id": user},
        **fields,
    }


def charge(session: dict[str, Any]) -> dict[str, Any]:
    details = session["customer_details"]
    return {
        "id": session["payment_intent"].replace("pi_", "ch_"),
        "object": "charge",
        "created": session["created"] + 60,
        "payment_intent": session["payment_intent"],
        "paid": True,
        "status": "succeeded",
        "amount": session["amount_total"],
        "currency": "eur",
        "livemode": True,
        "billing_details": details,
        "payment_method_details": {"card": {"fingerprint": f"card of {details['email']}"}},
    }


def bought(session: dict[str, Any], user: str | None = None, credits: int = 50) -> tuple[Any, ...]:
    """The entry of an order: user, credits, type, what it names, when."""
    user = user or session["metadata"]["user_id"]
    return (user, credits, "purchase", session["id"], session["created"] + 90)


def findings(folder: Path, objects: list[dict[str, Any]], entries: list[tuple[Any, ...]]):
    """``finding, payment, credits`` of the shop, but for what it has no view of."""
    (folder / "stripe.jsonl").write_text("".join(json.dumps(one) + "\n" for one in objects))
    with sqlite3.connect(folder / "ledger.db") as ledger:
        ledger.execute("CREATE TABLE users (id TEXT, email TEXT, name TEXT, created_at TEXT)")
        ledger.executemany(
            "INSERT INTO users VALUES (?, ?, ?, ?)",
            [
                (user, f"{user}@example.com", name, when(MARCH - DAY))
                for user, name in PEOPLE.items()
            ],
        )
        ledger.execute(
            "CREATE TABLE credit_transactions (id INTEGER PRIMARY KEY, user_id TEXT,"
            " amount INTEGER, type TEXT, reference TEXT, created_at TEXT)"
        )
        ledger.executemany(
            "INSERT INTO credit_transactions (user_id, amount, type, reference, created_at)"
            " VALUES (?, ?, ?, ?, ?)",
            [(*entry[:4], when(entry[4])) for entry in entries],
        )
    ledger.close()
    (folder / "case.toml").write_text(
        '[stripe]\nfiles = "stripe.jsonl"\n[ledger]\nurl = "sqlite:///ledger.db"\n'
    )
    found = Case.open(folder / "case.toml", store=False).findings
    found = found[found["finding"] != "balance_unreadable"]
    rows = found[["finding", "payment_id", "credits"]].astype(object)
    return sorted(tuple(row) for row in rows.where(rows.notna(), None).values.tolist())


@pytest.fixture
def orders() -> list[dict[str, Any]]:
    return [order(number) for number in range(18)]


def test_a_bonus_that_is_more_than_the_friends_order_makes_nobody_its_holder(tmp_path, orders):
    entries = [bought(one) for one in orders]
    entries += [("u6", 100, "referral_bonus", one["id"], one["created"] + 95) for one in orders[:5]]
    assert findings(tmp_path, [*orders, *map(charge, orders)], entries) == []


def test_a_gift_is_its_recipients_and_a_missing_one_is_found(tmp_path, orders):
    for gift in (orders[8], orders[15]):
        gift["metadata"]["recipient_id"] = "u1"
    entries = [bought(one) for one in orders if one not in (orders[8], orders[15])]
    entries.append(bought(orders[8], "u1"))
    found = findings(tmp_path, [*orders, *map(charge, orders)], entries)
    assert [row[:2] for row in found] == [("missing_credit", orders[15]["id"])]


def test_what_a_connected_account_sells_lacks_no_credits(tmp_path, orders):
    theirs = [
        {
            "id": f"evt_{number}",
            "object": "event",
            "account": "acct_seller",
            "type": "checkout.session.completed",
            "created": order(number)["created"] + 60,
            "livemode": True,
            "data": {"object": order(number) | {"id": f"cs_live_sale{number}", "metadata": {}}},
        }
        for number in range(4, 9)
    ]
    for sale in theirs:
        sale["data"]["object"]["payment_intent"] = f"pi_of_{sale['id']}"
    entries = [bought(one) for one in orders if one is not orders[9]]
    found = findings(tmp_path, [*orders, *map(charge, orders), *theirs], entries)
    assert [row[:2] for row in found] == [("missing_credit", orders[9]["id"])]


def test_what_a_dispute_took_is_given_again_when_it_is_won(tmp_path, orders):
    disputes = [
        {
            "id": f"du_dispute{number}",
            "object": "dispute",
            "created": MARCH + 20 * DAY,
            "amount": 500,
            "currency": "eur",
            "charge": f"ch_order{number:04d}",
            "payment_intent": f"pi_order{number:04d}",
            "status": status,
        }
        for number, status in ((2, "won"), (3, "won"), (4, "lost"), (5, "lost"))
    ]
    charges = [charge(one) | {"disputed": one in orders[2:6]} for one in orders]
    entries = [bought(one) for one in orders]
    for number in (2, 3, 4):
        user, reference = orders[number]["metadata"]["user_id"], f"du_dispute{number}"
        entries.append((user, -50, "dispute", reference, MARCH + 21 * DAY))
        if number == 2:
            entries.append((user, 50, "dispute", reference, MARCH + 30 * DAY))
    assert findings(tmp_path, [*orders, *charges, *disputes], entries) == [
        ("refund_not_reversed", orders[5]["id"], 50),
        ("refund_over_reversed", orders[3]["id"], 50),
    ]


def test_the_payments_of_deleted_accounts_lack_no_credits_and_a_living_ones_do(tmp_path, orders):
    entries = [bought(one) for one in orders if one is not orders[9]]
    entries = [(None, *entry[1:]) if entry[0] == "u2" else entry for entry in entries]
    found = findings(tmp_path, [*orders, *map(charge, orders)], entries)
    assert [row[:2] for row in found] == [("missing_credit", orders[9]["id"])]


def test_what_support_moved_without_a_reference_is_repaired_and_the_rest_is_not(tmp_path, orders):
    wrong = [orders[6], orders[8], orders[10]]
    entries = [bought(one) if one not in wrong else bought(one, "u6") for one in orders]
    for one in wrong[:2]:
        user, at = one["metadata"]["user_id"], one["created"] + 3 * DAY
        entries.append(("u6", -50, "correction", "ticket 7", at))
        entries.append((user, 50, "correction", "ticket 7", at + 60))
    found = findings(tmp_path, [*orders, *map(charge, orders)], entries)
    assert [row[:2] for row in found] == [("wrong_user", wrong[2]["id"])]


def test_one_of_many_unverifiable_payments_whose_witness_names_another_is_asked_about(tmp_path):
    intents = [
        {
            "id": f"pi_recharge{number:04d}",
            "object": "payment_intent",
            "created": MARCH + number * DAY,
            "amount": 500,
            "amount_received": 500,
            "currency": "eur",
            "livemode": True,
            "status": "succeeded",
            "metadata": {"user_id": f"u{number % len(PEOPLE) + 1}"},
        }
        for number in range(18)
    ]
    entries = [bought(one) for one in intents]
    assert findings(tmp_path, intents, entries) == []
    assert summary(Case.open(tmp_path / "case.toml", store=False))["asked"] == 0
    (tmp_path / "ledger.db").unlink()
    wrong = bought(intents[7], "u5")
    assert findings(tmp_path, intents, [wrong if e[3] == wrong[3] else e for e in entries]) == []
    case = Case.open(tmp_path / "case.toml", store=False)
    assert summary(case)["asked"] == 1
    # The report's first screen counts as the command line does.
    [now] = [line for line in in_short(case_view(case)) if "asks about" in line]
    assert "asks about 1 payment" in now
