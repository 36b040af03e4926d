"""The layouts of credit ledgers that need no mapping of one's own.

A layout names, for each evidence table, the tables it may lie in and, for each column, the
columns it may come from, best first. Several columns for one target are coalesced in order.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class SourceTable:
    """Where one evidence table comes from: candidate tables, and candidate columns a target."""

    tables: tuple[str, ...]
    columns: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Layout:
    """A credit ledger's layout; ``entries`` must be there, the other parts may be absent.

    ``payments`` and ``processed_events`` are the shop's own bookkeeping: they say which Stripe
    objects a payment number or an event stands for. ``aliases`` are old ids of an account.
    """

    name: str
    entries: SourceTable
    users: SourceTable
    customers: SourceTable
    balances: SourceTable
    payments: SourceTable | None = None
    processed_events: SourceTable | None = None
    admin_actions: SourceTable | None = None
    aliases: SourceTable = field(
        default_factory=lambda: SourceTable(
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
        )
    )


CREDIT_LEDGER = Layout(
    name="credit_ledger",
    entries=SourceTable(
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
    users=SourceTable(
        ("users",),
        {
            "user_id": ("id",),
            "email": ("email",),
            "name": ("name",),
            "created_at": ("created_at",),
        },
    ),
    customers=SourceTable(
        ("stripe_customers",),
        {
            "customer_id": ("stripe_customer_id",),
            "user_id": ("user_id",),
            "bound_at": ("created_at",),
        },
    ),
    balances=SourceTable(
        ("user_credits",),
        {"user_id": ("user_id",), "balance": ("total_credits",)},
    ),
)

LAYOUTS: tuple[Layout, ...] = (CREDIT_LEDGER,)

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
        "reason",
        "kind",
        "event_id",
        "payment_id",
        "created_at",
    ),
    "users": ("user_id", "email", "name", "created_at"),
    "customers": ("customer_id", "user_id", "bound_at"),
    "balances": ("user_id", "balance"),
}

# Parts that most ledgers do without; nobody is told when they are absent.
OPTIONAL_PARTS = ("payments", "processed_events", "admin_actions", "aliases")

# What is lost with a part (the column is empty) or with one of its columns.
CONSEQUENCES: dict[tuple[str, str], str] = {
    ("users", ""): "nobody can be told by e-mail or name, nor whether an id has an account.",
    ("users", "email"): "nobody can be told by e-mail.",
    ("users", "name"): "nobody can be told by the name typed at Checkout.",
    ("customers", ""): "customer_mapping and poisoned_mapping cannot be had.",
    ("customers", "bound_at"): "a binding counts as if it had always been there.",
    ("balances", ""): "balance_drift cannot be had, and a balance shown as 0 may mean nothing.",
    ("entries", "reason"): "an entry's kind is told by its sign and its event alone.",
    ("entries", "event_id"): "entries are matched to payments by their reason alone.",
    ("entries", "created_at"): "neither coverage nor what was known at a time can be told.",
    ("entries", "entry_id"): "entries are numbered in order of time instead.",
}
