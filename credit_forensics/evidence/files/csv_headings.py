"""Tells flat tables of Stripe objects from the Dashboard's exports by their headings."""

from __future__ import annotations

import re
from collections.abc import Sequence

# A tool's own columns begin with an underscore: _fivetran_synced, _airbyte_extracted_at.
_MACHINE = re.compile(r"^_?[a-z][a-z0-9_]*$")
_CAPITALS = re.compile(r"^_?[A-Z][A-Z0-9_]*$")
# What an object nests, in the names of a tool that joins them with two lines.
_NESTS = ("metadata__", "customer_details__", "billing_details__", "payment_method_details__")
_REFERENCES = frozenset((
    "checkout_session_id", "payment_intent_id", "charge_id", "invoice_id", "subscription_id",
    "customer_id", "latest_charge_id", "price_id", "product_id", "metadata", "customer_details",
    "billing_details",
))  # fmt: skip
# Tables of lines and of metadata name their object and have no id of Stripe's of their own.
_OWNED = ({"key", "value"}, {"price_id", "quantity"})

# A session's own id beside what only a session has, in the answer of a query.
_SESSION_IDS = ("checkout_session_id", "session_id")
_OF_SESSIONS = frozenset({"payment_status", "amount_total"})


def in_small_letters(names: Sequence[str]) -> list[str]:
    """The names as they are, or in small letters where a warehouse wrote all of them in capitals.

    Examples
    --------
    >>> in_small_letters(["ID", "CUSTOMER_ID"]), in_small_letters(["id", "Customer ID"])
    (['id', 'customer_id'], ['id', 'Customer ID'])
    """
    return [n.lower() for n in names] if all(map(_CAPITALS.match, names)) else list(names)


def id_column(names: Sequence[str]) -> str | None:
    """The column with the id of the object that a row is.

    Examples
    --------
    >>> id_column(["checkout_session_id", "payment_status", "amount_total"])
    'checkout_session_id'
    >>> id_column(["checkout_session_id", "key", "value"]) is None
    True
    """
    if "id" in names:
        return "id"
    if not set(names) & _OF_SESSIONS:
        return None
    return next((name for name in _SESSION_IDS if name in names), None)


def is_flat_heading(names: Sequence[str]) -> bool:
    """Whether every name is a column's, one is an id and one refers to another object.

    Examples
    --------
    >>> is_flat_heading(["id", "amount", "payment_intent_id"])
    True
    >>> is_flat_heading(["checkout_session_id", "key", "value"])
    True
    >>> is_flat_heading(["id", "amount", "customer_id", "_fivetran_synced"])
    True
    >>> is_flat_heading(["id", "Created date (UTC)", "Customer ID"])
    False
    """
    names = in_small_letters(names)
    found = set(names)
    if len(found) < len(names) or not all(_MACHINE.match(name) for name in names):
        return False
    owned = any(columns <= found for columns in _OWNED)
    refers = bool(found & _REFERENCES) or any(
        name.endswith("_id") or name.startswith(_NESTS) for name in found
    )
    return refers and (owned or id_column(names) is not None)
