"""The checkout guard: who is signed in is checked before Stripe is asked for a session."""

from __future__ import annotations

import hashlib
import hmac
import logging
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
import stripe
from fastapi import APIRouter, Header, HTTPException, Request
from pydantic import BaseModel, Field
from sqlalchemy.ext.asyncio import AsyncEngine

from credit_forensics.intake.guarded import Guard
from credit_forensics.intake.seal import SEAL, seal
from credit_forensics.intake.settings import IntakeSettings, SoldPrice
from credit_forensics.intake.signed_in import SignedIn
from credit_forensics.intake.users import account_email
from credit_forensics.resolution.one_session import email_key

_LOGGER = logging.getLogger("credit_forensics.intake")


class Order(BaseModel):
    """What is to be bought."""

    price_id: str = Field(min_length=1, max_length=200)


class Opened(BaseModel):
    """Where to pay."""

    url: str


def router(
    guard: Guard, engine: AsyncEngine, settings: IntakeSettings, clock: Callable[[], float]
) -> APIRouter:
    """The route."""
    routes = APIRouter(prefix="/api/v1", tags=["checkout"])
    sessions = _Sessions(settings)

    @routes.post(
        "/checkout",
        responses={
            401: {"description": "not signed in"},
            404: {"description": "no such user or price"},
            429: {"description": "too many requests"},
            502: {"description": "Stripe did not answer"},
        },
    )
    async def open_checkout(
        request: Request,
        order: Order,
        idempotency_key: str | None = Header(default=None, min_length=8, max_length=200),
    ) -> Opened:
        """Open a Checkout Session for the signed-in user."""
        user = guard.user(request)
        email = await account_email(engine, user.user_id)
        if email is None:
            raise HTTPException(404, "no such user")
        # A token whose e-mail is not the account's is a stale or mixed-up sign-in.
        if not email_key(email) or email_key(email) != email_key(user.email):
            raise HTTPException(401, "not signed in", {"WWW-Authenticate": "Bearer"})
        price = settings.prices.get(order.price_id)
        if price is None:
            raise HTTPException(404, "no such price")
        key = attempt_key(user, order.price_id, idempotency_key, settings, clock())
        started, customer = await _start(engine, user.user_id, key)
        params = session_params(
            user, order.price_id, price, settings, started_at=started, customer=customer
        )
        try:
            url = await sessions.create(params, key)
        except Exception as error:
            # Stripe's message may quote what it was sent.
            _LOGGER.error("checkout: Stripe refused or did not answer: %s", type(error).__name__)
            raise HTTPException(502, "payment provider did not answer") from None
        return Opened(url=url)

    return routes


def attempt_key(
    user: SignedIn, price_id: str, given: str | None, settings: IntakeSettings, now: float
) -> str:
    """The idempotency key of an attempt: the caller's where it gave one, else one a minute.

    It is keyed, so that nobody can guess another user's.
    """
    part = given if given is not None else f"minute:{int(now // 60)}"
    secret = settings.seal_keys[0].get_secret_value() if settings.seal_keys else ""
    told = "\x1f".join((user.user_id, price_id, part)).encode("utf-8", "replace")
    return hmac.new(secret.encode(), told, hashlib.sha256).hexdigest()


def session_metadata(
    user: SignedIn,
    price_id: str,
    price: SoldPrice,
    settings: IntakeSettings,
    *,
    started_at: datetime,
) -> dict[str, str]:
    """The metadata that the guard writes: each value once, and the seal over them.

    Examples
    --------
    >>> settings = IntakeSettings(database_url="postgresql+psycopg://db",
    ...     webhook_secrets=["whsec_1"], seal_keys=["k" * 32])
    >>> sorted(session_metadata(SignedIn("u1", "ada@example.com"), "price_small",
    ...     SoldPrice(credits=50, amount=500), settings,
    ...     started_at=datetime(2025, 9, 1, tzinfo=UTC)))[-3:]
    ['seal', 'session_email', 'user_id']
    """
    metadata = {
        "user_id": user.user_id,
        "session_email": email_key(user.email) or "",
        "credits": str(price.credits),
        "price_id": price_id,
        "purchase_timestamp": started_at.astimezone(UTC).isoformat(timespec="seconds"),
        "checkout_version": "intake-1",
    }
    if settings.seal_keys:
        metadata[SEAL] = seal(metadata, settings.seal_keys[0])
    return metadata


def session_params(
    user: SignedIn,
    price_id: str,
    price: SoldPrice,
    settings: IntakeSettings,
    *,
    started_at: datetime,
    customer: str | None,
) -> dict[str, Any]:
    """What Stripe is asked for: the same values for the same attempt.

    The metadata is built once, sealed, and given to the session and to the PaymentIntent. A known
    customer is given; else Checkout makes one, and the e-mail stays the payer's to type, so that
    it is a word of its own.

    Examples
    --------
    >>> settings = IntakeSettings(database_url="postgresql+psycopg://db",
    ...     webhook_secrets=["whsec_1"], seal_keys=["k" * 32])
    >>> params = session_params(SignedIn("u1", "ada@example.com"), "price_small",
    ...     SoldPrice(credits=50, amount=500), settings,
    ...     started_at=datetime(2025, 9, 1, tzinfo=UTC), customer=None)
    >>> params["client_reference_id"], params["metadata"]["credits"]
    ('u1', '50')
    """
    metadata = session_metadata(user, price_id, price, settings, started_at=started_at)
    params: dict[str, Any] = {
        "mode": "payment",
        "line_items": [{"price": price_id, "quantity": 1}],
        "client_reference_id": user.user_id,
        "metadata": metadata,
        "payment_intent_data": {"metadata": metadata},
        "success_url": settings.success_url,
        "cancel_url": settings.cancel_url,
    }
    if customer is not None:
        params["customer"] = customer
    else:
        params["customer_creation"] = "always"
    return params


async def _start(engine: AsyncEngine, user_id: str, key: str) -> tuple[datetime, str | None]:
    """When the attempt first began, and the user's customer where there is one."""
    query = sa.text(
        """
        WITH begun AS (
            INSERT INTO checkout_attempts (attempt_key, user_id) VALUES (:key, :user_id)
            ON CONFLICT (attempt_key) DO UPDATE SET user_id = EXCLUDED.user_id RETURNING started_at
        )
        SELECT (SELECT started_at FROM begun),
               (SELECT stripe_customer_id FROM stripe_customers WHERE user_id = :user_id
                ORDER BY created_at DESC, stripe_customer_id LIMIT 1)
        """
    ).bindparams(sa.bindparam("user_id", type_=sa.Text))
    async with engine.connect() as connection:
        row = (await connection.execute(query, {"key": key, "user_id": user_id})).one()
    return row[0], row[1]


class _Sessions:
    """Creates sessions by the Stripe SDK; the client is made when first needed."""

    def __init__(self, settings: IntakeSettings) -> None:
        self.settings = settings
        self._client: Any = None

    async def create(self, params: dict[str, Any], key: str) -> str:
        if self.settings.stripe_api_key is None:
            raise RuntimeError("no Stripe key")
        if self._client is None:
            base = self.settings.stripe_api_base
            self._client = stripe.StripeClient(
                self.settings.stripe_api_key.get_secret_value(),
                http_client=stripe.HTTPXClient(timeout=20),
                max_network_retries=2,
                **({"base_addresses": {"api": base}} if base else {}),
            )
        session = await self._client.v1.checkout.sessions.create_async(
            params=params, options={"idempotency_key": key}
        )
        return str(session.url)
