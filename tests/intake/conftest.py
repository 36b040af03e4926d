"""A real PostgreSQL with the intake's schema, made fresh for each test that asks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from credit_forensics.intake.settings import IntakeSettings, SoldPrice

SECRET = "whsec_intake_test"
KEY = "seal-key-for-tests-0123456789abcdef"
SIGN_IN_KEY = "sign-in-key-for-tests-0123456789abcdef"
HELD = "SELECT payment_id FROM review_queue"


@pytest.fixture
def intake_url(postgres_database: str) -> str:
    """A database of its own for one test, by psycopg."""
    return postgres_database.replace("postgresql://", "postgresql+psycopg://", 1)


@pytest.fixture
def intake_settings(intake_url: str) -> Callable[..., IntakeSettings]:
    def make(**more: Any) -> IntakeSettings:
        values: dict[str, Any] = {
            "database_url": intake_url,
            "webhook_secrets": [SECRET],
            "seal_keys": [KEY],
            "session_keys": [SIGN_IN_KEY],
            "service_tokens": {"shop": "service-token-for-tests"},
            "reviewers": {"reviewer one": "reviewer-token-for-tests"},
            "prices": {
                "price_small": SoldPrice(credits=50, amount=500),
                "price_large": SoldPrice(credits=500, amount=3990),
            },
            "requests_per_minute": 100_000,
        }
        return IntakeSettings(**(values | more))

    return make
