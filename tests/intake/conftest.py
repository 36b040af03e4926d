"""A real PostgreSQL with the intake's schema, made fresh for each test that asks."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from intake_shop import KEY, REVIEWER_TOKEN, SECRET, SERVICE_TOKEN, SIGN_IN_KEY, Shop

from credit_forensics.intake.app import create_app
from credit_forensics.intake.delivery_log import LOGGER
from credit_forensics.intake.settings import IntakeSettings, SoldPrice


@pytest.fixture
def intake_url(postgres_database: str) -> str:
    """A database of its own for one test, by psycopg."""
    return postgres_database.replace("postgresql://", "postgresql+psycopg://", 1)


@pytest.fixture
def intake_settings(intake_url: str) -> Callable[..., IntakeSettings]:
    """Settings over that database; keywords change them."""

    def make(**more: Any) -> IntakeSettings:
        values: dict[str, Any] = {
            "database_url": intake_url,
            "webhook_secrets": [SECRET],
            "seal_keys": [KEY],
            "session_keys": [SIGN_IN_KEY],
            "service_tokens": {"shop": SERVICE_TOKEN},
            "reviewers": {"reviewer one": REVIEWER_TOKEN},
            "prices": {
                "price_small": SoldPrice(credits=50, amount=500),
                "price_large": SoldPrice(credits=500, amount=3990),
            },
            "requests_per_minute": 100_000,
        }
        return IntakeSettings(**(values | more))

    return make


@pytest.fixture
def in_shop(
    intake_settings: Callable[..., IntakeSettings],
) -> Callable[..., None]:
    """Runs an async story in a started intake: ``in_shop(story, **settings)``."""

    def play(story: Callable[[Shop], Awaitable[None]], **more: Any) -> None:
        settings = intake_settings(**more)
        app = create_app(settings)
        engine = sa.create_engine(settings.database_url, poolclass=sa.NullPool)

        async def run() -> None:
            transport = httpx.ASGITransport(app=app)
            async with (
                app.router.lifespan_context(app),
                httpx.AsyncClient(transport=transport, base_url="http://intake") as client,
            ):
                await story(Shop(app, client, engine))

        try:
            asyncio.run(run())
        finally:
            engine.dispose()

    return play


@pytest.fixture
def delivery_lines() -> Iterator[list[dict[str, Any]]]:
    """The lines that deliveries log, parsed."""
    lines: list[dict[str, Any]] = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(json.loads(record.getMessage()))

    logger = logging.getLogger(LOGGER)
    handler = Keep()
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    yield lines
    logger.removeHandler(handler)
    logger.setLevel(level)
