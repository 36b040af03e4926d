"""Reads and checks the intake's settings: a TOML file whose secrets stand in the environment."""

from __future__ import annotations

import ipaddress
import tomllib
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator

from credit_forensics.case_file import from_environment
from credit_forensics.errors import CaseError

WEBHOOK_PATH = "/api/v1/stripe/webhook"


class SoldPrice(BaseModel):
    """A price: the credits it is worth, and what it costs in minor units.

    ``least`` is what a discount may leave to be charged; without it, a price that is not free is
    never credited for a charge of 0 or 1.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    credits: int = Field(gt=0, le=1_000_000_000)
    amount: int = Field(ge=0)
    currency: str = "eur"
    least: int | None = Field(default=None, ge=0)


class IntakeSettings(BaseModel):
    """Settings of the intake; everything secret is a ``SecretStr``, so it is never printed.

    Lists of secrets serve rotation: the first signs, each is accepted.

    Attributes
    ----------
    database_url
        ``postgresql+psycopg://…``.
    webhook_secrets
        the endpoint's signing secrets, ``whsec_…``.
    seal_keys
        keys of the metadata's signature (at least 32 characters each).
    session_keys
        keys of the signed-in user's token (HS256; at least 32 characters each).
    session_audience, session_issuer
        what that token's ``aud`` must have and its ``iss`` must be; without an audience here, a
        token that names one is refused.
    session_leeway_seconds
        by how much the clock of who signs those tokens may differ.
    service_tokens
        name to token: who may ask whether a user exists.
    reviewers
        name to token: who may decide in the review queue.
    livemode
        whether this ledger is of Stripe's live mode; events of the other mode book nothing.
    catch_up_at_start
        whether, with a Stripe key, events that never arrived are fetched when the intake starts.
    min_families
        how many independent evidence families must agree before anything is booked.
    single_family
        what to do where only the session family speaks and nothing contradicts it: ``sealed``
        books if the session carries this intake's own seal, ``queue`` never does. The seal proves
        that the checkout guard wrote the metadata and had checked the account against the
        signed-in e-mail; it is no second family.
    max_body_bytes, max_json_bytes, request_seconds
        how large a delivery and any other body may be, and in what time a request must be there.
    max_connections
        how many connections are served at once; half of them may wait for their request.
    trusted_proxies
        addresses or networks whose ``X-Forwarded-For`` is believed; nobody's without.
    api_docs
        whether ``/docs`` and ``/openapi.json`` are served.
    database_timeout_seconds, lock_timeout_seconds
        how long a statement may run, and how long it may wait for what another holds.
    answer_seconds
        in what time a delivery that is kept is answered, booked by then or not.
    stripe_account
        the connected account whose events are booked; without it only the platform's own, which
        name no account.
    second_person_above
        credits above which a reviewer's decision takes a second reviewer.

    Examples
    --------
    >>> IntakeSettings(database_url="postgresql+psycopg://db", webhook_secrets=["whsec_1"]
    ...     ).webhook_secrets[0]
    SecretStr('**********')
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    database_url: str
    webhook_secrets: tuple[SecretStr, ...] = Field(min_length=1)
    seal_keys: tuple[SecretStr, ...] = ()
    session_keys: tuple[SecretStr, ...] = ()
    session_audience: str | None = Field(default=None, min_length=1)
    session_issuer: str | None = Field(default=None, min_length=1)
    session_leeway_seconds: int = Field(default=0, ge=0, le=300)
    service_tokens: dict[str, SecretStr] = Field(default_factory=dict)
    reviewers: dict[str, SecretStr] = Field(default_factory=dict)
    prices: dict[str, SoldPrice] = Field(default_factory=dict)
    stripe_api_key: SecretStr | None = None
    stripe_api_base: str | None = None
    catch_up_at_start: bool = True
    success_url: str = "https://shop.example.com/success"
    cancel_url: str = "https://shop.example.com/cancel"
    livemode: bool = True
    min_families: int = Field(default=2, ge=2, le=5)
    single_family: Literal["sealed", "queue"] = "sealed"
    tolerance_seconds: int = Field(default=300, gt=0)
    max_body_bytes: int = Field(default=1 << 20, gt=0)
    max_json_bytes: int = Field(default=1 << 16, gt=0)
    request_seconds: float = Field(default=10, gt=0)
    max_connections: int = Field(default=1000, ge=10)
    trusted_proxies: tuple[str, ...] = ()
    api_docs: bool = False
    requests_per_minute: int = Field(default=120, gt=0)
    pool_size: int = Field(default=10, gt=0)
    database_timeout_seconds: int = Field(default=5, gt=0)
    lock_timeout_seconds: float = Field(default=2, gt=0)
    answer_seconds: float = Field(default=1.5, gt=0)
    stripe_account: str | None = Field(default=None, min_length=1)
    second_person_above: int | None = Field(default=None, ge=0)

    @field_validator("database_url")
    @classmethod
    def _by_psycopg(cls, value: str) -> str:
        if value.startswith("postgresql://"):
            value = "postgresql+psycopg://" + value.removeprefix("postgresql://")
        if not value.startswith("postgresql+psycopg://"):
            raise ValueError("the intake needs PostgreSQL, postgresql+psycopg://…")
        return value

    @field_validator("trusted_proxies")
    @classmethod
    def _networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for one in value:
            ipaddress.ip_network(one)
        return value

    @field_validator("webhook_secrets", "seal_keys", "session_keys")
    @classmethod
    def _not_blank(cls, value: tuple[SecretStr, ...], info: Any) -> tuple[SecretStr, ...]:
        least = 1 if info.field_name == "webhook_secrets" else 32
        if any(len(secret.get_secret_value().strip()) < least for secret in value):
            raise ValueError(f"each must have at least {least} characters")
        return value

    @field_validator("service_tokens", "reviewers")
    @classmethod
    def _long_tokens(cls, value: dict[str, SecretStr]) -> dict[str, SecretStr]:
        if any(len(token.get_secret_value()) < 16 for token in value.values()):
            raise ValueError("each token must have at least 16 characters")
        return value


def read_intake_settings(path: Path | str) -> IntakeSettings:
    """Read ``intake.toml``; ``"env:NAME"`` reads the environment, at any depth.

    Raises
    ------
    CaseError
        when the file is missing or has something that cannot be used; no secret is in the message.
    """
    path = Path(path)
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise CaseError(f"There are no intake settings at {path}.") from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise CaseError(f"{path} cannot be read: {error}.") from None
    try:
        return IntakeSettings.model_validate(_resolved(raw, str(path)))
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        key = ".".join(str(part) for part in first["loc"])
        reason = first["msg"].removeprefix("Value error, ")
        raise CaseError(f"{path}: the key '{key}' cannot be used: {reason}.") from None


def _resolved(value: Any, what: str) -> Any:
    if isinstance(value, dict):
        return {key: _resolved(inner, f"{what}: {key}") for key, inner in value.items()}
    if isinstance(value, list):
        return [_resolved(inner, what) for inner in value]
    if isinstance(value, str):
        return from_environment(value, what)
    return value
