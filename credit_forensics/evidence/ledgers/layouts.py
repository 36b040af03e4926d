"""The layouts of credit ledgers that need no mapping of one's own.

A layout names, for each evidence table, the tables it may lie in and, for each column, the
columns it may come from, best first. Several columns for one target are coalesced in order.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class SourceTable:
    """Where one evidence table comes from: candidate tables, and candidate columns a target."""

    tables: tuple[str, ...]
    columns: Mapping[str, tuple[str, ...]]


# Where a part comes from: the table made for it first, then others that may hold it as well.
Sources = tuple[SourceTable, ...]


@dataclass(frozen=True)
class Layout:
    """A credit ledger's layout; ``entries`` must be there, the other parts may be absent.

    ``payments`` and ``processed_events`` are the shop's own bookkeeping: they say which Stripe
    objects a payment number or an event stands for. ``aliases`` are old ids of an account,
    ``mergers`` the accounts that became a part of another one.
    """

    name: str
    entries: Sources
    users: Sources
    customers: Sources
    balances: Sources
    payments: Sources = ()
    processed_events: Sources = ()
    admin_actions: Sources = ()
    memberships: Sources = ()
    aliases: Sources = (
        SourceTable(
            ("user_aliases", "user_id_aliases", "user_id_map", "UserAlias"),
            {
                "user_id": ("user_id", "userId", "new_user_id", "newUserId", "canonical_user_id"),
                "linked_user_id": (
                    "alias_user_id",
                    "alias_id",
                    "aliasId",
                    "alias",
                    "old_user_id",
                    "oldUserId",
                    "previous_user_id",
                ),
            },
        ),
    )
    mergers: Sources = (
        SourceTable(
            ("users", "accounts", "profiles", "User", "Account"),
            {
                "user_id": ("id", "user_id"),
                "survivor_id": (
                    "merged_into",
                    "merged_into_id",
                    "merged_into_user_id",
                    "merged_to",
                    "merged_to_id",
                    "merged_to_user_id",
                    "duplicate_of",
                    "duplicate_of_id",
                    "replaced_by_user_id",
                    "mergedInto",
                    "mergedIntoId",
                    "mergedToId",
                    "duplicateOfId",
                ),
                "merged_at": ("merged_at", "mergedAt"),
            },
        ),
    )


CREDIT_LEDGER = Layout(
    name="credit_ledger",
    entries=(
        SourceTable(
            ("credit_ledger",),
            {
                "entry_id": ("id",),
                "user_id": ("user_id",),
                "delta": ("delta",),
                "reason": ("reason",),
                "event_id": ("stripe_event_id",),
                "created_at": ("created_at",),
            },
        ),
    ),
    users=(
        SourceTable(
            ("users",),
            {
                "user_id": ("id",),
                "email": ("email",),
                "name": ("name",),
                "created_at": ("created_at",),
            },
        ),
    ),
    customers=(
        SourceTable(
            ("stripe_customers",),
            {
                "customer_id": ("stripe_customer_id",),
                "user_id": ("user_id",),
                "bound_at": ("created_at",),
            },
        ),
    ),
    balances=(
        SourceTable(
            ("user_credits",),
            {"user_id": ("user_id",), "balance": ("total_credits",)},
        ),
    ),
)

_SESSION = (
    "provider_checkout_session_id",
    "stripe_checkout_session_id",
    "checkout_session_id",
    "stripe_session_id",
    "session_id",
)
_INTENT = ("provider_payment_intent_id", "stripe_payment_intent_id", "payment_intent_id")

_BALANCE = (
    "total_credits",
    "balance_credits",
    "credits_balance",
    "credit_balance",
    "balance",
    "credits",
)

# Transactions beside the shop's own payments: payment_id is the shop's number, which its table
# of payments turns into Stripe's. An entry may name Stripe's objects itself, or keep them in meta.
CREDIT_TRANSACTIONS = Layout(
    name="credit_transactions",
    entries=(
        SourceTable(
            ("credit_transactions", "credits_transactions", "credit_transaction"),
            {
                "entry_id": ("id", "transaction_id", "uuid"),
                "user_id": ("user_id", "account_id", "owner_id"),
                "delta": ("delta_credits", "delta", "credits_delta", "credits", "amount"),
                "type": ("type", "transaction_type", "kind", "entry_type"),
                "reason": ("reason", "description", "note"),
                "event_id": ("stripe_event_id", "provider_event_id", "event_id"),
                "session_id": _SESSION,
                "intent_id": _INTENT,
                "local_payment_id": ("payment_id",),
                "meta": ("meta", "metadata", "meta_json", "metadata_json"),
                "created_at": ("created_at", "inserted_at", "timestamp"),
            },
        ),
    ),
    users=(
        SourceTable(
            ("users", "profiles", "accounts"),
            {
                "user_id": ("id", "user_id"),
                "email": ("email",),
                "name": ("name", "full_name", "display_name", "username"),
                "created_at": ("created_at", "inserted_at"),
            },
        ),
    ),
    customers=(
        SourceTable(
            ("stripe_customers", "customers"),
            {
                "customer_id": ("stripe_customer_id", "provider_customer_id", "customer_id"),
                "user_id": ("user_id", "account_id"),
                "bound_at": ("bound_at", "created_at", "inserted_at"),
            },
        ),
        SourceTable(
            ("users", "profiles", "accounts"),
            {
                "customer_id": ("stripe_customer_id", "provider_customer_id", "customer_id"),
                "user_id": ("id", "user_id"),
                "bound_at": ("customer_bound_at",),
            },
        ),
    ),
    balances=(
        SourceTable(
            (
                "user_credits",
                "credit_balances",
                "user_credit_balances",
                "credit_accounts",
                "wallets",
            ),
            {
                "user_id": ("user_id", "account_id", "owner_id", "id"),
                "balance": _BALANCE,
            },
        ),
        SourceTable(
            ("users", "profiles", "accounts"),
            {"user_id": ("id", "user_id"), "balance": _BALANCE},
        ),
    ),
    payments=(
        SourceTable(
            ("payments", "payment"),
            {"local_id": ("id", "payment_id"), "session_id": _SESSION, "intent_id": _INTENT},
        ),
    ),
    processed_events=(
        SourceTable(
            ("processed_events", "processed_webhook_events", "webhook_events"),
            {
                "event_id": ("provider_event_id", "stripe_event_id", "event_id", "id"),
                "local_payment_id": ("payment_id",),
            },
        ),
    ),
    admin_actions=(
        SourceTable(
            ("admin_actions",),
            {
                "user_id": ("target_user_id", "user_id"),
                "delta": ("delta_credits", "delta", "credits"),
                "created_at": ("created_at", "inserted_at"),
            },
        ),
    ),
)


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(word.capitalize() for word in others)


def _quoted(part: Sources, *tables: tuple[str, ...]) -> Sources:
    """A part in tables of other names, with the same columns in camelCase."""
    return tuple(
        SourceTable(names, {to: tuple(map(_camel, columns)) for to, columns in one.columns.items()})
        for one, names in zip(part, tables, strict=True)
    )


# Prisma quotes what it creates: models in PascalCase, fields in camelCase.
PRISMA = Layout(
    name="prisma",
    entries=_quoted(
        CREDIT_TRANSACTIONS.entries,
        ("CreditTransaction", "CreditLedger", "CreditLedgerEntry", "CreditEntry", "CreditHistory"),
    ),
    users=_quoted(CREDIT_TRANSACTIONS.users, ("User", "Account")),
    customers=_quoted(CREDIT_TRANSACTIONS.customers, ("StripeCustomer", "Customer"), ("User",)),
    balances=_quoted(
        CREDIT_TRANSACTIONS.balances, ("UserCredits", "CreditBalance", "Wallet"), ("User",)
    ),
    payments=_quoted(CREDIT_TRANSACTIONS.payments, ("Payment", "Purchase", "Order")),
    processed_events=_quoted(
        CREDIT_TRANSACTIONS.processed_events, ("ProcessedEvent", "WebhookEvent", "StripeEvent")
    ),
)

LAYOUTS: tuple[Layout, ...] = (CREDIT_LEDGER, CREDIT_TRANSACTIONS, PRISMA)

# What must be there for a table to be of use at all.
REQUIRED: dict[str, tuple[str, ...]] = {
    "entries": ("user_id", "delta"),
    "users": ("user_id",),
    "customers": ("customer_id", "user_id"),
    "balances": ("user_id", "balance"),
    "payments": ("local_id",),
    "processed_events": ("event_id", "local_payment_id"),
    "admin_actions": ("user_id", "delta", "created_at"),
    "aliases": ("user_id", "linked_user_id"),
    "mergers": ("user_id", "survivor_id"),
    "memberships": ("user_id", "account_id"),
}


def layout_names() -> list[str]:
    """Names that ``schema`` takes in the case file, besides ``auto``.

    Examples
    --------
    >>> "credit_ledger" in layout_names()
    True
    """
    return [layout.name for layout in LAYOUTS]


TARGETS: dict[str, tuple[str, ...]] = {
    "entries": (
        "entry_id",
        "user_id",
        "delta",
        "type",
        "reason",
        "kind",
        "event_id",
        "payment_id",
        "created_at",
    ),
    "users": ("user_id", "email", "name", "created_at"),
    "customers": ("customer_id", "user_id", "bound_at"),
    "balances": ("user_id", "balance"),
    "memberships": ("user_id", "account_id", "role", "since", "until", "email", "name"),
}

# Parts that most ledgers do without; nobody is told when they are absent.
OPTIONAL_PARTS = (
    "payments",
    "processed_events",
    "admin_actions",
    "aliases",
    "mergers",
    "memberships",
)

# What is lost with a part (the column is empty) or with one of its columns.
CONSEQUENCES: dict[tuple[str, str], str] = {
    ("users", ""): "nobody can be told by e-mail or name, nor whether an id has an account.",
    ("users", "email"): "nobody can be told by e-mail.",
    ("users", "name"): "nobody can be told by the name typed at Checkout.",
    ("customers", ""): "customer_mapping and poisoned_mapping cannot be had.",
    ("customers", "bound_at"): "a binding counts as if it had always been there.",
    ("balances", ""): "balance_drift cannot be had, and a balance shown as 0 may mean nothing.",
    ("entries", ""): "who was credited, and for what, cannot be known.",
    ("entries", "reason"): "an entry's kind is told by its sign and its event alone.",
    ("entries", "event_id"): "entries are matched to payments by their reason alone.",
    ("entries", "created_at"): "neither coverage nor what was known at a time can be told.",
    ("entries", "entry_id"): "entries are numbered in order of time instead.",
}

# A column that is not missed where one of these is there.
MADE_UP_BY: dict[tuple[str, str], tuple[str, ...]] = {
    ("entries", "reason"): ("type",),
    ("entries", "event_id"): ("session_id", "intent_id", "local_payment_id"),
}
