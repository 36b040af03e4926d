"""Builds Stripe objects in their real shapes from rows of the evidence tables.

Shapes follow Stripe's API reference (version 2025-08-27.basil): Checkout Session, PaymentIntent,
Charge, Dispute, Event.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

Json = dict[str, Any]


def derived_id(prefix: str, *parts: str) -> str:
    """An id that follows from others, for objects that the evidence does not name.

    Examples
    --------
    >>> derived_id("ch_3", "cs_live_1") == derived_id("ch_3", "cs_live_1")
    True
    """
    return prefix + hashlib.sha256("/".join(parts).encode()).hexdigest()[:23]


def session(row: Mapping[str, Any], metadata: Mapping[str, str], *, status: str) -> Json:
    """A Checkout Session; ``status`` is its payment_status at that moment."""
    preset = bool(row["customer_preset"])
    typed = row["payer_email"] is not None and row["completed_at"] is not None
    creation = None if preset else "always" if row["customer_id"] else "if_required"
    details = {
        "address": {
            "city": None,
            "country": "DE",
            "line1": None,
            "line2": None,
            "postal_code": None,
            "state": None,
        },
        "business_name": None,
        "email": row["payer_email"],
        "individual_name": None,
        "name": row["payer_name"],
        "phone": None,
        "tax_exempt": "none",
        "tax_ids": [],
    }
    return {
        "id": row["payment_id"],
        "object": "checkout.session",
        "adaptive_pricing": {"enabled": False},
        "after_expiration": None,
        "allow_promotion_codes": None,
        "amount_subtotal": row["amount"],
        "amount_total": row["amount"],
        "automatic_tax": {"enabled": False, "liability": None, "provider": None, "status": None},
        "billing_address_collection": "required",
        "cancel_url": "https://shop.example.com/credits",
        "client_reference_id": row["client_reference_id"],
        "client_secret": None,
        "collected_information": {"business_name": None, "shipping_details": None},
        "consent": None,
        "consent_collection": None,
        "created": row["created"],
        "currency": row["currency"],
        "currency_conversion": None,
        "custom_fields": [],
        "customer": row["customer_id"],
        "customer_creation": creation,
        "customer_details": details if typed else None,
        "customer_email": None,
        "discounts": [],
        "expires_at": row["created"] + 86_400,
        "invoice": None,
        "livemode": row["livemode"],
        "locale": None,
        "metadata": dict(metadata),
        "mode": row["mode"],
        "payment_intent": row["payment_intent_id"] if typed else None,
        "payment_link": None,
        "payment_method_collection": "if_required",
        "payment_method_types": ["card", "sepa_debit"],
        "payment_status": status,
        "phone_number_collection": {"enabled": False},
        "presentment_details": None,
        "recovered_from": None,
        "saved_payment_method_options": None,
        "setup_intent": None,
        "shipping_address_collection": None,
        "shipping_cost": None,
        "status": row["status"],
        "submit_type": None,
        "subscription": None,
        "success_url": "https://shop.example.com/credits/thanks",
        "total_details": {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0},
        "ui_mode": "hosted",
        "url": None,
    }


def subscribed(data: Json, row: Mapping[str, Any]) -> Json:
    """A session in mode subscription: its money is its first invoice's."""
    invoice_id = derived_id("in_1", row["payment_id"])
    subscription = row["subscription_id"]
    return data | {"subscription": subscription, "invoice": invoice_id, "payment_intent": None}


def invoice(row: Mapping[str, Any], metadata: Mapping[str, str]) -> Json:
    """The invoice of a subscription's payment, in the shape since API version 2025-03-31."""
    renewal = row["kind"] == "invoice"
    invoice_id = row["payment_id"] if renewal else derived_id("in_1", row["payment_id"])
    paid = row["payment_status"] == "paid"
    details = {"metadata": dict(metadata), "subscription": row["subscription_id"]}
    begins = row["created"]
    line = {
        "id": derived_id("il_1", row["payment_id"]),
        "object": "line_item",
        "amount": row["amount"],
        "currency": row["currency"],
        "metadata": dict(metadata),
        "period": {"start": begins, "end": begins + 30 * 86_400},
        "pricing": {"price_details": {"price": row["price_id"]}, "type": "price_details"},
        "quantity": 1,
    }
    payment = {
        "id": derived_id("inpay_1", row["payment_id"]),
        "object": "invoice_payment",
        "invoice": invoice_id,
        "payment": {"payment_intent": row["payment_intent_id"], "type": "payment_intent"},
        "status": "paid" if paid else "open",
    }
    return {
        "id": invoice_id,
        "object": "invoice",
        "amount_due": row["amount"],
        "amount_paid": row["amount"] if paid else 0,
        "billing_reason": row["billing_reason"],
        "created": begins,
        "currency": row["currency"],
        "customer": row["customer_id"],
        "customer_email": row["payer_email"],
        "customer_name": row["payer_name"],
        "lines": {"object": "list", "data": [line], "has_more": False},
        "livemode": row["livemode"],
        "metadata": {},
        "parent": {"subscription_details": details, "type": "subscription_details"},
        "payments": {"object": "list", "data": [payment], "has_more": False},
        "period_end": begins,
        "period_start": begins,
        "status": "paid" if paid else "open",
        "status_transitions": {"paid_at": row["completed"] if paid else None},
        "subtotal": row["amount"],
        "total": row["amount"],
    }


def line_items(row: Mapping[str, Any]) -> Json:
    """The session's line items, as an export with ``expand[]=data.line_items`` holds them."""
    item = {
        "id": derived_id("li_1", row["payment_id"]),
        "object": "item",
        "amount_total": row["amount"],
        "currency": row["currency"],
        "price": {"id": row["price_id"], "object": "price", "unit_amount": row["amount"]},
        "quantity": 1,
    }
    return {"object": "list", "data": [item], "has_more": False}


def intent(row: Mapping[str, Any], metadata: Mapping[str, str], *, status: str) -> Json:
    """A PaymentIntent."""
    return {
        "id": row["payment_intent_id"],
        "object": "payment_intent",
        "amount": row["amount"],
        "amount_received": row["amount"] if status == "succeeded" else 0,
        "capture_method": "automatic_async",
        "confirmation_method": "automatic",
        "created": row["created"],
        "currency": row["currency"],
        "customer": row["customer_id"],
        "latest_charge": row["charge_id"],
        "livemode": row["livemode"],
        "metadata": dict(metadata),
        "payment_method_types": ["card", "sepa_debit"],
        "receipt_email": None,
        "status": status,
    }


def charge(row: Mapping[str, Any], *, refunded: int, disputed: bool, status: str) -> Json:
    """A charge; ``refunded`` is the cumulative amount at that moment."""
    fingerprint = row["card_fingerprint"]
    if fingerprint is None and row["delayed"]:
        method: Json = {
            "type": "sepa_debit",
            "sepa_debit": {
                "bank_code": "37040044",
                "country": "DE",
                "fingerprint": derived_id("", row["payment_id"])[:16],
                "last4": "3000",
            },
        }
    elif fingerprint is None:
        method = {"type": "link", "link": {"country": "DE"}}
    else:
        digits = int(hashlib.sha256(fingerprint.encode()).hexdigest()[:8], 16) % 10_000
        method = {
            "type": "card",
            "card": {
                "brand": "visa",
                "country": "DE",
                "exp_month": 1 + digits % 12,
                "exp_year": 2027 + digits % 4,
                "fingerprint": fingerprint,
                "funding": "credit",
                "last4": f"{digits:04d}",
                "network": "visa",
                "wallet": None,
            },
        }
    return {
        "id": row["charge_id"],
        "object": "charge",
        "amount": row["amount"],
        "amount_captured": row["amount"] if status == "succeeded" else 0,
        "amount_refunded": refunded,
        "balance_transaction": derived_id("txn_3", row["payment_id"]),
        "billing_details": {
            "address": {"country": "DE"},
            "email": row["payer_email"],
            "name": row["payer_name"],
            "phone": None,
        },
        "captured": status == "succeeded",
        "created": row["completed"],
        "currency": row["currency"],
        "customer": row["customer_id"],
        "description": None,
        "disputed": disputed,
        "failure_code": "insufficient_funds" if status == "failed" else None,
        "livemode": row["livemode"],
        "metadata": {},
        "paid": status == "succeeded",
        "payment_intent": row["payment_intent_id"],
        "payment_method_details": method,
        "refunded": refunded >= row["amount"],
        "status": status,
    }


def dispute(row: Mapping[str, Any], dispute_id: str, *, created: int, status: str) -> Json:
    """A dispute over the whole amount."""
    return {
        "id": dispute_id,
        "object": "dispute",
        "amount": row["amount"],
        "charge": row["charge_id"],
        "created": created,
        "currency": row["currency"],
        "is_charge_refundable": False,
        "livemode": row["livemode"],
        "metadata": {},
        "payment_intent": row["payment_intent_id"],
        "reason": "fraudulent",
        "status": status,
    }


def event(row: Mapping[str, Any], data: Json) -> Json:
    """An event that embeds the object as it was then."""
    return {
        "id": row["event_id"],
        "object": "event",
        "api_version": row["api_version"],
        "created": row["created"],
        "data": {"object": data},
        "livemode": row["livemode"],
        "pending_webhooks": 0,
        "request": {"id": None, "idempotency_key": None},
        "type": row["type"],
    }
