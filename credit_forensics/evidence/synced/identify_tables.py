"""Recognises Stripe objects that a tool keeps synced in a database, by tables and columns.

Known: stripe-sync-engine (a column an object's field, or the object whole in ``_raw_data``),
dj-stripe (``djstripe_…``, newer ones with the object whole in ``stripe_data``), Airbyte (typed
tables, or raw ones with ``_airbyte_data``) and Fivetran (ids as ``…_id``, nested fields
flattened, JSON as text).
"""

from __future__ import annotations

from dataclasses import dataclass

from credit_forensics.databases.read_only import ReadOnlyDatabase
from credit_forensics.databases.relations import Relation

# Stripe's name of an object, and what its table is called (singular; plurals are tried as well).
NAMES: dict[str, str] = {
    "checkout.session": "checkout_session",
    "payment_intent": "payment_intent",
    "charge": "charge",
    "refund": "refund",
    "dispute": "dispute",
    "customer": "customer",
    "invoice": "invoice",
    "invoice_payment": "invoice_payment",
    "subscription": "subscription",
    "price": "price",
    "product": "product",
    "event": "event",
}
_DJSTRIPE = {"checkout.session": "djstripe_session", "payment_intent": "djstripe_paymentintent"}
# Where a tool keeps the whole object.
WHOLE = ("_raw_data", "raw_data", "stripe_data", "_airbyte_data")
# When the row was last written.
SYNCED = (
    "_last_synced_at",
    "last_synced_at",
    "_updated_at",
    "updated_at",
    "djstripe_updated",
    "_fivetran_synced",
    "_airbyte_extracted_at",
    "_airbyte_emitted_at",
)
# What tells a tool by its columns.
_MARKS = (
    ("dj-stripe", ("djstripe_id", "djstripe_updated")),
    ("Fivetran", ("_fivetran_synced",)),
    ("Airbyte", ("_airbyte_extracted_at", "_airbyte_emitted_at", "_airbyte_raw_id")),
    ("stripe-sync-engine", ("_raw_data", "raw_data", "_updated_at", "updated_at", "object")),
)
# Columns without which a table of that name is somebody else's.
_TELLING: dict[str, tuple[tuple[str, ...], ...]] = {
    "checkout.session": (("payment_status", "mode", "client_reference_id"),),
    "payment_intent": (("amount",), ("status",)),
    "charge": (("amount",), ("paid", "status", "captured")),
    "refund": (("amount",), ("charge", "charge_id", "payment_intent", "payment_intent_id")),
    "dispute": (("amount",), ("charge", "charge_id", "payment_intent", "payment_intent_id")),
    "customer": (("email", "subscriber_id"),),
    "invoice": (("amount_paid", "amount_due"), ("billing_reason", "subscription", "status")),
    "invoice_payment": (("invoice", "invoice_id"), ("payment", "payment_intent", "amount_paid")),
    "subscription": (("status",), ("customer", "customer_id")),
    "price": (("unit_amount",), ("product", "product_id")),
    "product": (("name",), ("active", "livemode")),
    "event": (("type",), ("data",)),
}


@dataclass(frozen=True)
class SyncedTable:
    """A table of Stripe objects: the object's name, the tool that keeps it, and where it is."""

    object: str
    tool: str
    relation: Relation

    def column(self, *names: str) -> str | None:
        """The first of these columns that is there."""
        found = [column for name in names if (column := self.relation.column(name))]
        return found[0] if found else None

    @property
    def whole(self) -> str | None:
        """The column that holds the object whole, if any does."""
        return self.column(*WHOLE)


def identify_tables(database: ReadOnlyDatabase, schema: str | None) -> dict[str, SyncedTable]:
    """The tables of Stripe objects in a database, by Stripe's name of the object.

    Without a schema, the one that holds the most kinds is taken, ``stripe`` on a tie, so that two
    tools' copies of one object do not count twice.
    """
    per_schema: dict[str, dict[str, SyncedTable]] = {}
    for relation in database.relations():
        if schema and relation.schema and relation.schema != schema:
            continue
        for found in _kinds(relation):
            kinds = per_schema.setdefault(relation.schema, {})
            # dj-stripe's names go first: they are nobody else's.
            if found.object not in kinds or found.tool == "dj-stripe":
                kinds[found.object] = found
    if not per_schema:
        return {}
    order = sorted(per_schema, key=lambda name: (-len(per_schema[name]), name != "stripe", name))
    return per_schema[order[0]]


def tool_of(relation: Relation) -> str | None:
    """The tool that keeps a table, by its columns."""
    for tool, marks in _MARKS:
        if any(relation.column(mark) for mark in marks):
            return tool
    return None


def _kinds(relation: Relation) -> list[SyncedTable]:
    tool = tool_of(relation)
    if tool is None:
        return []
    name = relation.name.lower()
    for prefix in ("stripe_raw__stream_", "_airbyte_raw_", "stripe_"):
        name = name.removeprefix(prefix)
    found = []
    for object_, singular in NAMES.items():
        django = _DJSTRIPE.get(object_, f"djstripe_{object_}")
        if name not in (singular, f"{singular}s", django):
            continue
        table = SyncedTable(object_, tool, relation)
        columns_tell = all(table.column(*any_of) for any_of in _TELLING[object_])
        if table.whole or (table.column("id", "_id") and columns_tell):
            found.append(table)
    return found
