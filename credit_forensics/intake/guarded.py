"""Lets in who may ask: signed-in users, services, reviewers; and nobody too often."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from typing import TypeVar, cast

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
_CALLER = "credit_forensics.caller"
Caller = TypeVar("Caller")


class Guard:
    """Reads the caller's token and counts its requests.

    Who comes with a valid token is counted by name, who fails by address: so neither can use up
    what the other may ask. Whom the door let in is not counted again by the route.

    Raises from each method ``HTTPException``: 401 without a valid token, 429 when there were too
    many requests.
    """

    def __init__(self, settings: IntakeSettings, clock: Callable[[], float]) -> None:
        self.settings, self.clock = settings, clock
        self.limit = RateLimit(settings.requests_per_minute)
        self.failures = RateLimit(settings.requests_per_minute)

    def user(self, request: Request) -> SignedIn:
        """The signed-in user."""
        return self._let_in(request, "user", self._signed_in)

    def user_or_service(self, request: Request) -> SignedIn | str:
        """The signed-in user, or the name of a service."""

        def read(token: str | None) -> SignedIn | str | None:
            return self._service(token) or self._signed_in(token)

        return cast("SignedIn | str", self._let_in(request, "user or service", read))

    def reviewer(self, request: Request) -> str:
        """The reviewer's name."""
        return self._let_in(request, "reviewer", self._reviewer)

    def _let_in(
        self, request: Request, role: str, read: Callable[[str | None], Caller | None]
    ) -> Caller:
        # Who was let in as one thing was not let in as another.
        known: Caller | None = request.scope.get(f"{_CALLER}.{role}")
        if known is not None:
            return known
        caller = read(bearer(request.headers.get("authorization")))
        if caller is None:
            _take(self.failures, _network(request.client.host if request.client else "unknown"))
            raise HTTPException(401, "not signed in", _CHALLENGE)
        _take(self.limit, f"{type(caller).__name__}:{getattr(caller, 'user_id', caller)}")
        request.scope[f"{_CALLER}.{role}"] = caller
        return caller

    def _service(self, token: str | None) -> str | None:
        name = name_of_token(token, self.settings.service_tokens)
        return None if name is None else f"service:{name}"

    def _reviewer(self, token: str | None) -> str | None:
        return name_of_token(token, self.settings.reviewers)

    def _signed_in(self, token: str | None) -> SignedIn | None:
        settings = self.settings
        return read_user_token(
            token or "",
            settings.session_keys,
            now=self.clock(),
            audience=settings.session_audience,
            issuer=settings.session_issuer,
            leeway=settings.session_leeway_seconds,
        )


def _network(host: str) -> str:
    """An address, or the network of one where a caller has as many as it likes (IPv6: /64).

    Examples
    --------
    >>> _network("1.2.3.4"), _network("2001:db8::1:2")
    ('1.2.3.4', '2001:db8::/64')
    """
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    if address.version == 4:
        return host
    return str(ipaddress.ip_network((address, 64), strict=False))


def _take(limit: RateLimit, caller: str) -> None:
    if not limit.allows(caller):
        raise HTTPException(429, "too many requests", {"Retry-After": "60"})
