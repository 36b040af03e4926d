"""A small case on disk, written by hand: the two ids of the original incident among a few payments."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

RIGHTFUL = "e747de39-1b54-4cd0-96eb-e68f155931e2"
WRONG = "7675e93c-341b-412d-a41c-cfe1dc519172"
START = 1_756_710_000
HOUR = 3_600
HOSTILE_NAME = "<script>alert(1)</script> Payer"


def _session(number: int, claimed: str, payer: int, hour: int, **changes: object) -> dict:
    email = f"payer{payer}@example.com"
    return {
        "id": f"cs_test_{number:04d}",
        "object": "checkout.session",
        "created": START + hour * HOUR,
        "livemode": True,
        "mode": "payment",
        "status": "complete",
        "payment_status": "paid",
        "amount_total": 500,
        "currency": "eur",
        "customer": f"cus_{payer:04d}",
        "customer_creation": "always",
        "customer_email": None,
        "client_reference_id": claimed,
        "payment_intent": f"pi_{number:04d}",
        "customer_details": {
            "email": email,
            "name": HOSTILE_NAME if payer == 1 else f"Payer Number{payer}",
        },
        "metadata": {
            "user_id": claimed,
            "user_id_backup": claimed,
            "session_user_id": claimed,
            "credits": "50",
            "price_id": "price_small",
            "frontend_version": "2.0-bulletproof" if hour >= 30 else "1.9",
        },
        **changes,
    }


def user_id(number: int) -> str:
    """Account ids by number; the first two are the original handler's."""
    fixed = {1: RIGHTFUL, 2: WRONG}
    return fixed.get(number, f"00000000-0000-4000-8000-{number:012d}")


def write_case(folder: Path, *, payments: int = 24, wrong: int = 5) -> Path:
    """Write sessions, events, charges, a log and a ledger; gives the case file's path.

    The last ``wrong`` payments of user 1 were credited to user 2. One payment's delivery was
    refused, one was booked twice, one ledger entry has no payment.
    """
    folder.mkdir(parents=True, exist_ok=True)
    sessions, events, charges, log, ledger = [], [], [], [], []
    for number in range(1, payments + 1):
        stale = number > payments - wrong
        payer = 1 if stale else 1 + number % 6
        claimed = user_id(2) if stale else user_id(payer)
        # A guest's e-mail was typed, not prefilled, so it stands against the stale session.
        guest = {"customer": None} if stale else {}
        session = _session(number, claimed, payer, hour=number * 2, **guest)
        sessions.append(session)
        charges.append(
            {
                "id": f"ch_{number:04d}",
                "object": "charge",
                "created": session["created"] + 30,
                "livemode": True,
                "payment_intent": session["payment_intent"],
                "customer": session["customer"],
                "status": "succeeded",
                "paid": True,
                "amount": 500,
                "currency": "eur",
                "amount_refunded": 0,
                "disputed": False,
                "payment_method_details": {"card": {"fingerprint": f"card{payer:04d}"}},
                "billing_details": {"email": f"payer{payer}@example.com", "name": "Payer"},
            }
        )
        event = f"evt_{number:04d}"
        events.append(
            {
                "id": event,
                "object": "event",
                "type": "checkout.session.completed",
                "created": session["created"] + 60,
                "livemode": True,
                "api_version": "2024-06-20",
                "data": {"object": session},
            }
        )
        refused = number == 3
        log.append(_log_lines(session, event, refused=refused))
        if not refused:
            entry = (claimed, 50, f"stripe_purchase:event_{event}", event, number)
            ledger.append(entry)
            if number == 4:
                ledger.append(entry)
    ledger.append((user_id(5), 50, "stripe_purchase:event_evt_9999", "evt_9999", payments))
    for name, rows in (("sessions", sessions), ("events", events), ("charges", charges)):
        lines = "".join(json.dumps(row) + "\n" for row in rows)
        (folder / f"{name}.jsonl").write_text(lines, encoding="utf-8")
    (folder / "webhook.log").write_text("".join(log), encoding="utf-8")
    _write_ledger(folder / "ledger.db", ledger)
    case = folder / "case.toml"
    case.write_text(
        'name = "credits on the wrong account"\n[stripe]\nsessions = "sessions.jsonl"\n'
        'events = "events.jsonl"\ncharges = "charges.jsonl"\n[webhook_log]\n'
        'files = "webhook.log"\n[ledger]\nurl = "sqlite:///ledger.db"\n[prices]\n'
        "price_small = 50\n",
        encoding="utf-8",
    )
    return case


def _log_lines(session: dict, event: str, *, refused: bool) -> str:
    from datetime import UTC, datetime

    moment = datetime.fromtimestamp(session["created"] + 61, UTC).strftime("%Y-%m-%dT%H:%M:%S+0000")
    request = f"req-{event}"
    lines = [f"🔍 WEBHOOK REQUEST ANALYSIS [ID: {request}]", "   User-Agent: Stripe/1.0"]
    if refused:
        lines.append("❌ Stripe signature verification failed: No signatures found")
    else:
        user = session["metadata"]["user_id"]
        lines += [
            f"✅ Stripe signature verified [Event: {event}]",
            f"🔍 FORENSIC EVENT ANALYSIS [Event: {event}]",
            f"   Session ID: {session['id']}",
            f"   Customer ID: {session['customer']}",
            "   Payment Status: paid",
            f"   Payment Intent: {session['payment_intent']}",
            f"✅ RESOLUTION METHOD 1: user_id from metadata = {user}",
            "✅ USER RESOLUTION SUCCESS:",
            f"   User ID: {user}",
            "   Method: PRIMARY_METADATA",
            "   Credits: 50",
            f"🎉 PERFECT SUCCESS: 50 credits added to user {user}",
            f"   Event: {event}",
            f"   Session: {session['id']}",
            "   Resolution: PRIMARY_METADATA",
        ]
    return "".join(f"[{moment} - app.base - INFO] {line}\n" for line in lines)


def _write_ledger(path: Path, entries: list[tuple]) -> None:
    path.unlink(missing_ok=True)
    connection = sqlite3.connect(path)
    connection.executescript(
        "CREATE TABLE users (id TEXT, email TEXT, name TEXT, created_at TEXT);"
        "CREATE TABLE stripe_customers (user_id TEXT, stripe_customer_id TEXT, created_at TEXT);"
        "CREATE TABLE credit_ledger (id INTEGER PRIMARY KEY, user_id TEXT, delta INTEGER,"
        " reason TEXT, stripe_event_id TEXT, created_at TEXT);"
        "CREATE TABLE user_credits (user_id TEXT, total_credits INTEGER);"
    )
    for number in range(1, 8):
        connection.execute(
            "INSERT INTO users VALUES (?, ?, ?, ?)",
            (
                user_id(number),
                f"payer{number}@example.com",
                HOSTILE_NAME if number == 1 else f"Payer Number{number}",
                "2025-01-01T00:00:00Z",
            ),
        )
    totals: dict[str, int] = {}
    for user, delta, reason, event, number in entries:
        connection.execute(
            "INSERT INTO credit_ledger (user_id, delta, reason, stripe_event_id, created_at)"
            " VALUES (?, ?, ?, ?, datetime(?, 'unixepoch'))",
            (user, delta, reason, event, START + number * 2 * HOUR + 62),
        )
        totals[user] = totals.get(user, 0) + delta
    for user, total in totals.items():
        drift = 7 if user == user_id(6) else 0
        connection.execute("INSERT INTO user_credits VALUES (?, ?)", (user, total + drift))
    connection.commit()
    connection.close()


def write_empty_case(folder: Path) -> Path:
    """Write a case in which nothing happened: a ledger with users and one welcome grant."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "sessions.jsonl").write_text("", encoding="utf-8")
    _write_ledger(folder / "ledger.db", [])
    connection = sqlite3.connect(folder / "ledger.db")
    connection.execute(
        "INSERT INTO credit_ledger (user_id, delta, reason, stripe_event_id, created_at)"
        " VALUES (?, 5, 'welcome grant', NULL, '2025-09-01 00:00:00')",
        (user_id(3),),
    )
    connection.execute("INSERT INTO user_credits VALUES (?, 5)", (user_id(3),))
    connection.commit()
    connection.close()
    case = folder / "case.toml"
    case.write_text(
        'name = "nothing"\n[stripe]\nsessions = "sessions.jsonl"\n[ledger]\n'
        'url = "sqlite:///ledger.db"\n',
        encoding="utf-8",
    )
    return case
