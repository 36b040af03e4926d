"""The example shop's webhook handler, over SQLite.

It asks ``resolve_payer``, the code that the audit runs, and books only what independent families
agree on. What they do not agree on waits in ``waiting_payments`` for a person.
"""

from __future__ import annotations

import json
from typing import Any

import sqlalchemy as sa
import stripe
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from credit_forensics.checks import resolve_payer

PRICES = {("eur", 500): 50, ("eur", 3990): 500}
PAID = ("checkout.session.completed", "checkout.session.async_payment_succeeded")

SCHEMA = """
CREATE TABLE users (id TEXT PRIMARY KEY, email TEXT, name TEXT, created_at TEXT);
CREATE TABLE stripe_customers (user_id TEXT, stripe_customer_id TEXT UNIQUE, created_at TEXT);
CREATE TABLE credit_ledger (
    id INTEGER PRIMARY KEY, user_id TEXT, delta INTEGER, reason TEXT, stripe_event_id TEXT,
    payment_id TEXT UNIQUE, created_at TEXT
);
CREATE VIEW user_credits AS
    SELECT user_id, SUM(delta) AS total_credits FROM credit_ledger GROUP BY user_id;
CREATE TABLE waiting_payments (payment_id TEXT PRIMARY KEY, why TEXT);
"""


def create_schema(engine: sa.Engine) -> None:
    """The shop's tables."""
    with engine.begin() as connection:
        for statement in SCHEMA.split(";\n"):
            if statement.strip():
                connection.exec_driver_sql(statement)


def book(engine: sa.Engine, event: dict[str, Any]) -> str:
    """Book a paid session once, or put it before a person."""
    session = event["data"]["object"]
    if event["type"] not in PAID or session["payment_status"] != "paid":
        return "ignored"
    if not event["livemode"]:
        return "ignored"
    with engine.connect() as connection:
        # All accounts, for a shop of a few; a larger one asks for those that the session names.
        users = [dict(row._mapping) for row in connection.execute(sa.text("SELECT * FROM users"))]
    payer = resolve_payer(session, users=users)
    credits = PRICES.get((session["currency"], session["amount_total"]))
    with engine.begin() as connection:
        if not payer.agreed or credits is None:
            connection.execute(
                sa.text("INSERT OR IGNORE INTO waiting_payments VALUES (:payment, :why)"),
                {"payment": session["id"], "why": payer.verdict},
            )
            return "waiting"
        connection.execute(
            sa.text(
                "INSERT OR IGNORE INTO credit_ledger "
                "(user_id, delta, reason, stripe_event_id, payment_id, created_at) VALUES "
                "(:user, :credits, :reason, :event, :payment, CURRENT_TIMESTAMP)"
            ),
            {
                "user": payer.user_id,
                "credits": credits,
                "reason": f"stripe_purchase:event_{event['id']}:payment_{session['id']}",
                "event": event["id"],
                "payment": session["id"],
            },
        )
    return "booked"


def create_app(engine: sa.Engine, secret: str) -> Starlette:
    """The handler as an ASGI app, at ``/webhook``."""

    async def webhook(request: Request) -> JSONResponse:
        body = await request.body()
        header = request.headers.get("stripe-signature", "")
        try:
            stripe.WebhookSignature.verify_header(body.decode(), header, secret, 300)
        except (stripe.SignatureVerificationError, UnicodeDecodeError):
            return JSONResponse({"error": "bad signature"}, 400)
        try:
            outcome = await run_in_threadpool(book, engine, json.loads(body))
        except sa.exc.SQLAlchemyError:
            # Stripe sends again what is answered with 5xx.
            return JSONResponse({"error": "try again"}, 503)
        return JSONResponse({"outcome": outcome})

    return Starlette(routes=[Route("/webhook", webhook, methods=["POST"])])
