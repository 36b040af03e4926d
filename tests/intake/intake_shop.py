"""A shop for tests: the intake running in the test, its deliveries and its tables by hand."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import httpx
import sqlalchemy as sa
from fastapi import FastAPI
from pydantic import SecretStr

from credit_forensics.intake.app import WEBHOOK_PATH, make_engine
from credit_forensics.intake.schema import create_schema
from credit_forensics.intake.settings import IntakeSettings
from credit_forensics.intake.signed_in import make_user_token
from credit_forensics.scenarios.signing import sign

SECRET = "whsec_intake_test"
KEY = "seal-key-for-tests-0123456789abcdef"
SIGN_IN_KEY = "sign-in-key-for-tests-0123456789abcdef"
REVIEWER_TOKEN = "reviewer-token-for-tests"
SERVICE_TOKEN = "service-token-for-tests"
HELD = "SELECT payment_id FROM review_queue"


def prepared(settings: IntakeSettings) -> None:
    async def prepare() -> None:
        engine = make_engine(settings)
        await create_schema(engine)
        await engine.dispose()

    asyncio.run(prepare())


class Shop:
    """The intake, running in the test: deliveries, requests and its tables by hand."""

    def __init__(self, app: FastAPI, client: httpx.AsyncClient, engine: sa.Engine) -> None:
        self.app, self.client, self.engine = app, client, engine

    def rows(self, query: str, **values: Any) -> list[tuple[Any, ...]]:
        with self.engine.begin() as connection:
            return [tuple(row) for row in connection.execute(sa.text(query), values)]

    def run(self, statement: str, **values: Any) -> None:
        with self.engine.begin() as connection:
            connection.execute(sa.text(statement), values)

    def account(self, user_id: str, email: str | None = None) -> None:
        self.run(
            "INSERT INTO users (id, email, name) VALUES (:id, :email, 'A Name')",
            id=user_id,
            email=email or f"{user_id}@example.com",
        )

    def ledger(self) -> list[tuple[str, int]]:
        return self.rows("SELECT user_id, delta FROM credit_ledger ORDER BY id")

    async def deliver(
        self, event: dict[str, Any] | bytes, secret: str = SECRET, age: int = 0
    ) -> httpx.Response:
        body = event if isinstance(event, bytes) else json.dumps(event).encode()
        header = sign(body, secret, int(time.time()) - age)
        return await self.client.post(
            WEBHOOK_PATH, content=body, headers={"stripe-signature": header}
        )


def completed(number: str, user: str | None, email: str | None, **more: Any) -> dict[str, Any]:
    """A paid session's event; keywords change the session."""
    metadata = {"price_id": "price_small"} | ({"user_id": user} if user else {})
    session = {
        "id": f"cs_{number}",
        "object": "checkout.session",
        "created": int(time.time()),
        "amount_total": 500,
        "currency": "eur",
        "customer": None,
        "customer_details": {"email": email, "name": "A Payer"},
        "livemode": True,
        "metadata": metadata,
        "mode": "payment",
        "payment_intent": f"pi_{number}",
        "payment_status": "paid",
    } | more
    return {
        "id": f"evt_{number}",
        "object": "event",
        "type": "checkout.session.completed",
        "created": session["created"],
        "livemode": session["livemode"],
        "data": {"object": session},
    }


def user_token(user_id: str, email: str, lasts: int = 600) -> dict[str, str]:
    """The header of a signed-in user."""
    token = make_user_token(
        user_id, email, SecretStr(SIGN_IN_KEY), expires_at=int(time.time()) + lasts
    )
    return {"authorization": f"Bearer {token}"}
