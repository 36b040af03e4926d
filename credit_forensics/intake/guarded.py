"""Lets in who may ask: signed-in users, services, reviewers; and nobody too often."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import HTTPException, Request

from credit_forensics.intake.rate_limit import RateLimit
from credit_forensics.intake.settings import IntakeSettings
from credit_forensics.intake.signed_in import (
    SignedIn,
    bearer,
    name_of_token,
    read_user_token,
)

# Answers for a failed and for an absent token are the same, so they tell nothing apart.
_CHALLENGE = {"WWW-Authenticate": "Bearer"}


class Guard:
    """Reads the caller's token and counts its requests.

    Raises from each method ``HTTPException``: 401 without a valid token, 429 when there were too
    many requests.
    """

    def __init__(self, settings: IntakeSettings, clock: Callable[[], float]) -> None:
        self.settings, self.clock = settings, clock
        self.limit = RateLimit(settings.requests_per_minute)
        # A proxy's address gathers many callers, so an address may ask ten times as often.
        self.address_limit = RateLimit(settings.requests_per_minute * 10)

    def user(self, request: Request) -> SignedIn:
        """The signed-in user."""
        self._count_address(request)
        return self._signed_in(bearer(request.headers.get("authorization")))

    def user_or_service(self, request: Request) -> SignedIn | str:
        """The signed-in user, or the name of a service."""
        self._count_address(request)
        token = bearer(request.headers.get("authorization"))
        service = name_of_token(token, self.settings.service_tokens)
        if service is not None:
            self._count(f"service:{service}")
            return service
        return self._signed_in(token)

    def reviewer(self, request: Request) -> str:
        """The reviewer's name."""
        self._count_address(request)
        token = bearer(request.headers.get("authorization"))
        name = name_of_token(token, self.settings.reviewers)
        if name is None:
            raise HTTPException(401, "not signed in", _CHALLENGE)
        self._count(f"reviewer:{name}")
        return name

    def _signed_in(self, token: str | None) -> SignedIn:
        settings = self.settings
        user = read_user_token(
            token or "",
            settings.session_keys,
            now=self.clock(),
            audience=settings.session_audience,
            issuer=settings.session_issuer,
            leeway=settings.session_leeway_seconds,
        )
        if user is None:
            raise HTTPException(401, "not signed in", _CHALLENGE)
        self._count(f"user:{user.user_id}")
        return user

    def _count_address(self, request: Request) -> None:
        # Counted before the token is looked at: guessing tokens is slowed down, too.
        host = request.client.host if request.client else "unknown"
        _take(self.address_limit, host)

    def _count(self, caller: str) -> None:
        _take(self.limit, caller)


def _take(limit: RateLimit, caller: str) -> None:
    if not limit.allows(caller):
        raise HTTPException(429, "too many requests", {"Retry-After": "60"})
