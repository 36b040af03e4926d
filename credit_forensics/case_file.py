"""Reads and checks ``case.toml``: what the inputs are, and the settings of the analysis."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from credit_forensics.did_you_mean import did_you_mean
from credit_forensics.errors import CaseError

Paths = str | list[str]
LARGEST_PRICE = 10**12
"""Credits that one price may be worth."""


class Section(BaseModel):
    """A section of the case file; unknown keys are refused, with the nearest right one named."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class StripeSection(Section):
    """``[stripe]``: exports, or the API."""

    sessions: Paths = Field(default_factory=list)
    events: Paths = Field(default_factory=list)
    charges: Paths = Field(default_factory=list)
    intents: Paths = Field(default_factory=list)
    refunds: Paths = Field(default_factory=list)
    disputes: Paths = Field(default_factory=list)
    customers: Paths = Field(default_factory=list)
    invoices: Paths = Field(default_factory=list)
    invoice_payments: Paths = Field(default_factory=list)
    subscriptions: Paths = Field(default_factory=list)
    prices: Paths = Field(default_factory=list)
    products: Paths = Field(default_factory=list)
    credit_grants: Paths = Field(default_factory=list)
    credit_balance_transactions: Paths = Field(default_factory=list)
    files: Paths = Field(default_factory=list)
    database: str | None = None
    schema_: str | None = Field(default=None, alias="schema")
    api_key: str | None = None
    api_base: str | None = None
    since: Any = None
    until: Any = None


class WebhookLogSection(Section):
    """``[webhook_log]``: the handler's logs."""

    files: Paths = Field(default_factory=list)
    patterns: dict[str, str] = Field(default_factory=dict)


class TableMapping(Section):
    """``[ledger.entries]`` and its like: a table (or query) and its columns.

    ``where`` is SQL for the rows that count; ``sign`` gives 1 or -1 by the value of the column
    ``type``; ``scale`` is how many of the table's units are one credit.
    """

    table: str | None = None
    query: str | None = None
    columns: dict[str, str] = Field(default_factory=dict)
    where: str | None = None
    sign: dict[str, Literal[-1, 1]] = Field(default_factory=dict)
    scale: int | None = Field(default=None, ge=1)


class LedgerSection(Section):
    """``[ledger]``: the credit ledger's database, files exported from one, or Stripe Billing."""

    url: str = ""
    files: dict[str, Paths] = Field(default_factory=dict)
    stripe_billing: bool = False
    schema_: str = Field(default="auto", alias="schema")
    database_schema: str | None = None
    view_seconds: int = Field(default=45, ge=1)
    entries: TableMapping | None = None
    users: TableMapping | None = None
    customers: TableMapping | None = None
    balances: TableMapping | None = None
    until: Any = None
    memberships: TableMapping | None = None
    kinds: dict[str, str] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _one_source(self) -> LedgerSection:
        if bool(self.url) + bool(self.files) + self.stripe_billing != 1:
            raise ValueError("give one of url, files and stripe_billing")
        return self


class IdsSection(Section):
    """``[ids]``: what a user id looks like."""

    shape: str = "any"
    user_keys: list[str] = Field(default_factory=list)


class PersonsSection(Section):
    """``[persons]``: which ids are one person, overruling what the evidence says."""

    same: list[list[str]] = Field(default_factory=list)
    different: list[list[str]] = Field(default_factory=list)
    aliases: str | None = None


class Price(Section):
    """A price of ``[prices]``: the credits that one of it is worth, and what it costs."""

    credits: int = Field(ge=0, le=LARGEST_PRICE)
    amount: int | None = Field(default=None, ge=0, le=LARGEST_PRICE)
    currency: str | None = None

    @field_validator("currency")
    @classmethod
    def _lower(cls, value: str | None) -> str | None:
        return value.lower() if value else value


def as_price(value: int | Price) -> Price:
    """A price, also where only its credits are given.

    Examples
    --------
    >>> as_price(50).credits
    50
    """
    return value if isinstance(value, Price) else Price(credits=value)


class CreditsSection(Section):
    """``[credits]``: how the shop works; nothing is asserted about what is not said."""

    free: Literal["granted", "not_granted"] | None = None
    reset: Literal["monthly"] | None = None
    rollover: bool | None = None
    expires_days: int | None = Field(default=None, ge=1)


class EngineSection(Section):
    """``[engine]``: where the analysis runs."""

    name: Literal["duckdb", "spark", "postgres", "clickhouse"] = "duckdb"
    memory_limit: str | None = None
    temp_directory: str | None = None
    keep: str | None = None
    threads: int | None = Field(default=None, ge=1, le=1024)
    master: str | None = None
    url: str | None = None


class AnalysisSection(Section):
    """``[analysis]``: how to judge."""

    mode: Literal["hindsight", "as_of"] = "hindsight"
    judged_at_least: float = Field(default=0.95, ge=0.0, le=1.0)


class ReportSection(Section):
    """``[report]``: how to render."""

    language: Literal["en", "de"] = "en"
    mask_key: str | None = None


class MonitorSection(Section):
    """``[monitor]``: how to watch and whom to tell."""

    targets: list[str] = Field(default_factory=list)
    grace_minutes: int = 60
    silence_minutes: int = 60
    quiet_hours: str | None = None
    timezone: str = "UTC"
    dead_man_url: str | None = None
    listen: str | None = None
    update_minutes: int = Field(default=15, ge=0)
    settle_minutes: int = Field(default=360, ge=1)
    digest_above: int = Field(default=5, ge=1)
    pull: bool = True
    keep_evidence: bool = True
    whole_hours: int = Field(default=24, ge=1)


class CaseFile(Section):
    """A case file, checked. ``folder`` is where its relative paths start."""

    name: str = "credit forensics"
    stripe: StripeSection = Field(default_factory=StripeSection)
    webhook_log: WebhookLogSection = Field(default_factory=WebhookLogSection)
    ledger: LedgerSection | None = None
    ledgers: list[LedgerSection] = Field(default_factory=list)
    ids: IdsSection = Field(default_factory=IdsSection)
    prices: dict[str, Annotated[int, Field(ge=0, le=LARGEST_PRICE)] | Price] = Field(
        default_factory=dict
    )
    credits: CreditsSection = Field(default_factory=CreditsSection)
    persons: PersonsSection = Field(default_factory=PersonsSection)
    engine: EngineSection = Field(default_factory=EngineSection)
    analysis: AnalysisSection = Field(default_factory=AnalysisSection)
    report: ReportSection = Field(default_factory=ReportSection)
    monitor: MonitorSection = Field(default_factory=MonitorSection)
    folder: Path = Path()

    @model_validator(mode="before")
    @classmethod
    def _without_nul(cls, values: Any) -> Any:
        if key := _key_with_nul(values):
            raise ValueError(f"{key} holds a NUL character")
        return values

    @field_validator("engine", mode="before")
    @classmethod
    def _engine_by_name(cls, value: Any) -> Any:
        return {"name": value} if isinstance(value, str) else value

    @property
    def all_ledgers(self) -> list[LedgerSection]:
        """The ledgers: ``[ledger]`` and each ``[[ledgers]]``."""
        return ([self.ledger] if self.ledger else []) + list(self.ledgers)

    @property
    def ledger_databases(self) -> list[LedgerSection]:
        """The ledgers that lie in a database or in files exported from one."""
        return [ledger for ledger in self.all_ledgers if not ledger.stripe_billing]


def read_case_file(path: Path | str) -> CaseFile:
    """Read and check a case file.

    Parameters
    ----------
    path
        the TOML file, or a folder that holds ``case.toml``.

    Raises
    ------
    CaseError
        when it is missing, not TOML, or has a key or value that cannot be used; the message names
        the key and, for a misspelt one, the nearest right one.
    """
    path = Path(path)
    if path.is_dir():
        path = path / "case.toml"
    if path.exists() and not path.is_file():
        raise CaseError(f"{path} is no file: a pipe or a device has no end.")
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise CaseError(
            f"There is no case file at {path}; give the path of a case.toml, or let "
            "credit-forensics init write one."
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise CaseError(f"{path} cannot be read: {error}.") from None
    except tomllib.TOMLDecodeError as error:
        raise CaseError(f"{path} is not valid TOML: {error}.") from None
    if "folder" in raw:
        raise CaseError(f"{path}: unknown key 'folder'; paths are relative to the case file.")
    try:
        read = CaseFile.model_validate({**raw, "folder": path.resolve().parent})
    except ValidationError as error:
        raise CaseError(f"{path}: {_sentence(error)}") from None
    aliases = read.folder / (read.persons.aliases or "")
    if read.persons.aliases and aliases.exists() and not aliases.is_file():
        raise CaseError(f"persons.aliases names {read.persons.aliases}, which is no file.")
    return read


def from_environment(value: str, what: str) -> str:
    """The value itself, or for ``env:NAME`` that environment variable's.

    Raises
    ------
    CaseError
        when the variable is not set.

    Examples
    --------
    >>> from_environment("sqlite:///ledger.db", "ledger.url")
    'sqlite:///ledger.db'
    """
    if not value.startswith("env:"):
        return value
    name = value.removeprefix("env:")
    found = os.environ.get(name)
    if not found:
        raise CaseError(f"{what} reads the environment variable {name}, which is not set.")
    return found


def _key_with_nul(value: Any, key: str = "") -> str:
    """The first key in which, or below which, a NUL character stands; else empty."""
    if isinstance(value, str):
        return (key or "it") if "\0" in value else ""
    if isinstance(value, dict):
        parts = [(f"{key}.{name}".strip("."), one) for name, one in value.items()]
        if any("\0" in str(name) for name in value):
            return key or "a key"
    elif isinstance(value, list):
        parts = [(key, one) for one in value]
    else:
        return ""
    return next((found for name, one in parts if (found := _key_with_nul(one, name))), "")


def _sentence(error: ValidationError) -> str:
    first = error.errors()[0]
    location = [str(part) for part in first["loc"]]
    if not location:
        return f"{first['msg'].removeprefix('Value error, ')}."
    key = ".".join(location)
    if first["type"] == "extra_forbidden":
        known = _known_keys(location[:-1])
        return f"unknown key '{key}'; {did_you_mean(location[-1], known)}"
    if first["type"] == "missing":
        return f"the key '{key}' is missing."
    return f"the key '{key}' cannot be used: {first['msg'].removeprefix('Value error, ')}."


def _known_keys(section: list[str]) -> list[str]:
    model: Any = CaseFile
    for part in section:
        if part.isdigit() or not hasattr(model, "model_fields"):
            continue
        field = model.model_fields.get(part)
        if field is None:
            return []
        candidates = [field.annotation, *getattr(field.annotation, "__args__", ())]
        model = next(
            (c for c in candidates if isinstance(c, type) and issubclass(c, BaseModel)), None
        )
    if model is None:
        return []
    keys = [field.alias or name for name, field in model.model_fields.items()]
    return sorted(key for key in keys if key != "folder")
