"""Stripe objects as several API versions send them, for the tests of the loaders."""

from __future__ import annotations

import json
from typing import Any

ADDRESS = {
    "city": "Köln",
    "country": "DE",
    "line1": "Musterstraße 1",
    "line2": None,
    "postal_code": "50667",
    "state": None,
}
METADATA = {"user_id": "00123", "credits": "50", "price_id": "price_small"}


def session_2020(i: int = 1, **fields: Any) -> dict[str, Any]:
    """2020-08-27: ``shipping`` at the top; no ``created``, no ``customer_creation``."""
    return {
        "id": f"cs_live_a{i}",
        "object": "checkout.session",
        "allow_promotion_codes": None,
        "amount_subtotal": 999,
        "amount_total": 999,
        "billing_address_collection": None,
        "cancel_url": "https://shop.example.com/cancel",
        "client_reference_id": "00123",
        "currency": "eur",
        "customer": f"cus_a{i}",
        "customer_details": {"email": "ada@example.com", "tax_exempt": "none", "tax_ids": []},
        "customer_email": None,
        "livemode": True,
        "locale": None,
        "metadata": METADATA,
        "mode": "payment",
        "payment_intent": f"pi_a{i}",
        "payment_method_types": ["card"],
        "payment_status": "paid",
        "setup_intent": None,
        "shipping": {"address": ADDRESS, "name": "Ada Example"},
        "shipping_address_collection": None,
        "submit_type": None,
        "subscription": None,
        "success_url": "https://shop.example.com/ok",
        "total_details": {"amount_discount": 0, "amount_tax": 0},
    } | fields


def session_2022(i: int = 1, **fields: Any) -> dict[str, Any]:
    """2022-11-15: ``shipping_details``, ``customer_creation``, ``created``, ``status``."""
    old = session_2020(i)
    del old["shipping"]
    return (
        old
        | {
            "created": 1_668_500_000 + i,
            "customer_creation": "always",
            "customer_details": {
                "address": ADDRESS,
                "email": "ada@example.com",
                "name": "Ada Exämple",
                "phone": None,
                "tax_exempt": "none",
                "tax_ids": [],
            },
            "custom_text": {"shipping_address": None, "submit": None},
            "expires_at": 1_668_586_400 + i,
            "payment_link": None,
            "phone_number_collection": {"enabled": False},
            "shipping_cost": None,
            "shipping_details": {"address": ADDRESS, "name": "Ada Example"},
            "status": "complete",
            "url": None,
        }
        | fields
    )


def session_2025(i: int = 1, **fields: Any) -> dict[str, Any]:
    """2025-03-31.basil: ``collected_information`` instead of ``shipping_details``."""
    old = session_2022(i)
    del old["shipping_details"]
    return (
        old
        | {
            "adaptive_pricing": {"enabled": True},
            "collected_information": {
                "shipping_details": {"address": ADDRESS, "name": "Ada Example"}
            },
            "created": 1_756_700_000 + i,
            "permissions": None,
            "ui_mode": "hosted",
            "wallet_options": None,
        }
        | fields
    )


SESSIONS = (session_2020, session_2022, session_2025)


def charge(i: int = 1, **fields: Any) -> dict[str, Any]:
    """A charge of 2022-11-15 and later."""
    return {
        "id": f"ch_a{i}",
        "object": "charge",
        "amount": 999,
        "amount_captured": 999,
        "amount_refunded": 0,
        "balance_transaction": f"txn_a{i}",
        "billing_details": {
            "address": ADDRESS,
            "email": "billing@example.com",
            "name": "Billing Example",
            "phone": None,
        },
        "captured": True,
        "created": 1_756_700_002 + i,
        "currency": "eur",
        "customer": f"cus_a{i}",
        "disputed": False,
        "livemode": True,
        "metadata": {},
        "outcome": {"network_status": "approved_by_network", "type": "authorized"},
        "paid": True,
        "payment_intent": f"pi_a{i}",
        "payment_method_details": {
            "card": {"brand": "visa", "fingerprint": f"fp_a{i}", "last4": "4242"},
            "type": "card",
        },
        "receipt_email": None,
        "refunded": False,
        "source": None,
        "status": "succeeded",
    } | fields


def intent(i: int = 1, **fields: Any) -> dict[str, Any]:
    """A PaymentIntent of 2022-11-15 and later (``latest_charge``)."""
    return {
        "id": f"pi_a{i}",
        "object": "payment_intent",
        "amount": 999,
        "created": 1_756_700_001 + i,
        "currency": "eur",
        "customer": f"cus_a{i}",
        "latest_charge": f"ch_a{i}",
        "livemode": True,
        "metadata": {"order": "7"},
        "receipt_email": "receipt@example.com",
        "status": "succeeded",
    } | fields


def event(carried: dict[str, Any], i: int = 1, **fields: Any) -> dict[str, Any]:
    """An event that carries an object; ``request`` is an object, as since 2017-05-25."""
    return {
        "id": f"evt_a{i}",
        "object": "event",
        "api_version": "2025-03-31.basil",
        "created": 1_756_700_010 + i,
        "data": {"object": carried},
        "livemode": True,
        "pending_webhooks": 1,
        "request": {"id": None, "idempotency_key": None},
        "type": "checkout.session.completed",
    } | fields


def refund(i: int = 1, **fields: Any) -> dict[str, Any]:
    """A refund."""
    return {
        "id": f"re_a{i}",
        "object": "refund",
        "amount": 300,
        "charge": f"ch_a{i}",
        "created": 1_756_800_000 + i,
        "currency": "eur",
        "metadata": {},
        "payment_intent": f"pi_a{i}",
        "reason": None,
        "status": "succeeded",
    } | fields


def dispute(i: int = 1, **fields: Any) -> dict[str, Any]:
    """A dispute."""
    return {
        "id": f"du_a{i}",
        "object": "dispute",
        "amount": 999,
        "charge": f"ch_a{i}",
        "created": 1_756_900_000 + i,
        "currency": "eur",
        "evidence": {"customer_name": None},
        "livemode": True,
        "metadata": {},
        "payment_intent": f"pi_a{i}",
        "status": "lost",
    } | fields


def customer(i: int = 1, **fields: Any) -> dict[str, Any]:
    """A customer."""
    return {
        "id": f"cus_a{i}",
        "object": "customer",
        "created": 1_756_600_000 + i,
        "email": "ada@example.com",
        "livemode": True,
        "metadata": {"tier": "gold"},
        "name": "Ada Example",
    } | fields


def lines(*values: Any) -> bytes:
    """Values as JSON lines; bytes stand as they are."""
    rows = [
        value if isinstance(value, bytes) else json.dumps(value, ensure_ascii=False).encode()
        for value in values
    ]
    return b"\n".join(rows) + b"\n"


def page(*values: Any, **fields: Any) -> dict[str, Any]:
    """A list page as the API gives it."""
    return {
        "object": "list",
        "data": list(values),
        "has_more": False,
        "url": "/v1/checkout/sessions",
    } | fields
