"""Builds Stripe objects as Stripe sends them: sessions, charges, disputes and their events.

Only what a handler may read is filled in; the rest of the public shape is there, empty.
"""

from __future__ import annotations

import copy
from typing import Any

API_VERSION = "2025-08-27.basil"


def checkout_session(
    session_id: str,
    *,
    created: int,
    amount: int,
    currency: str,
    metadata: dict[str, str] | None,
    client_reference_id: str | None,
    customer: str | None,
    given_customer: bool,
    payment_intent: str | None,
    payer_email: str | None,
    payer_name: str | None,
    payment_status: str = "paid",
    livemode: bool = True,
) -> dict[str, Any]:
    """A completed Checkout Session.

    Parameters
    ----------
    given_customer
        the session was given its customer, so ``customer_creation`` is null; else it made one
        (``always``) or, for a guest, none.
    payer_email, payer_name
        what the payer typed.

    Examples
    --------
    >>> session = checkout_session("cs_test_1", created=0, amount=500, currency="eur",
    ...     metadata={}, client_reference_id=None, customer=None, given_customer=False,
    ...     payment_intent="pi_1", payer_email="a@example.com", payer_name="A")
    >>> session["customer_creation"], session["payment_status"]
    ('if_required', 'paid')
    """
    made = "always" if customer else "if_required"
    creation = None if given_customer else made
    return {
        "id": session_id,
        "object": "checkout.session",
        "adaptive_pricing": {"enabled": False},
        "after_expiration": None,
        "allow_promotion_codes": None,
        "amount_subtotal": amount,
        "amount_total": amount,
        "automatic_tax": {"enabled": False, "liability": None, "provider": None, "status": None},
        "billing_address_collection": "required",
        "cancel_url": "https://shop.example.com/cancel",
        "client_reference_id": client_reference_id,
        "collected_information": None,
        "created": created,
        "currency": currency,
        "customer": customer,
        "customer_creation": creation,
        "customer_details": {
            "address": None,
            "email": payer_email,
            "name": payer_name,
            "phone": None,
            "tax_exempt": "none",
            "tax_ids": [],
        },
        "customer_email": None,
        "expires_at": created + 86_400,
        "invoice": None,
        "livemode": livemode,
        "locale": None,
        "metadata": dict(metadata or {}),
        "mode": "payment",
        "payment_intent": payment_intent,
        "payment_link": None,
        "payment_method_types": ["card"],
        "payment_status": payment_status,
        "setup_intent": None,
        "shipping_cost": None,
        "status": "complete",
        "submit_type": None,
        "subscription": None,
        "success_url": "https://shop.example.com/success",
        "total_details": {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0},
        "ui_mode": "hosted",
        "url": None,
    }


def charge(
    charge_id: str,
    *,
    created: int,
    session: dict[str, Any],
    card_fingerprint: str,
    amount_refunded: int = 0,
    disputed: bool = False,
) -> dict[str, Any]:
    """The charge of a session's payment. ``amount_refunded`` is cumulative, as Stripe's is."""
    amount = session["amount_total"]
    return {
        "id": charge_id,
        "object": "charge",
        "amount": amount,
        "amount_captured": amount,
        "amount_refunded": amount_refunded,
        "balance_transaction": charge_id.replace("ch_", "txn_"),
        "billing_details": {
            "address": None,
            "email": session["customer_details"]["email"],
            "name": session["customer_details"]["name"],
            "phone": None,
        },
        "captured": True,
        "created": created,
        "currency": session["currency"],
        "customer": session["customer"],
        "disputed": disputed,
        "livemode": session["livemode"],
        "metadata": {},
        "outcome": {"network_status": "approved_by_network", "type": "authorized"},
        "paid": True,
        "payment_intent": session["payment_intent"],
        "payment_method_details": {
            "card": {
                "brand": "visa",
                "country": "DE",
                "exp_month": 4,
                "exp_year": 2031,
                "fingerprint": card_fingerprint,
                "funding": "debit",
                "last4": "4242",
            },
            "type": "card",
        },
        "receipt_email": None,
        "refunded": amount_refunded >= amount,
        "status": "succeeded",
    }


def dispute(
    dispute_id: str, *, created: int, of: dict[str, Any], status: str, amount: int | None = None
) -> dict[str, Any]:
    """A dispute of a charge."""
    return {
        "id": dispute_id,
        "object": "dispute",
        "amount": of["amount"] if amount is None else amount,
        "charge": of["id"],
        "created": created,
        "currency": of["currency"],
        "evidence": {},
        "is_charge_refundable": False,
        "livemode": of["livemode"],
        "metadata": {},
        "payment_intent": of["payment_intent"],
        "reason": "fraudulent",
        "status": status,
    }


def event(event_id: str, kind: str, *, created: int, of: dict[str, Any]) -> dict[str, Any]:
    """The event of a kind about an object, which it holds as it is now.

    Examples
    --------
    >>> about = {"id": "cs_1", "livemode": True}
    >>> event("evt_1", "checkout.session.completed", created=0, of=about)["data"]["object"]["id"]
    'cs_1'
    """
    return {
        "id": event_id,
        "object": "event",
        "account": None,
        "api_version": API_VERSION,
        "created": created,
        "data": {"object": copy.deepcopy(of)},
        "livemode": of["livemode"],
        "pending_webhooks": 1,
        "request": {"id": None, "idempotency_key": None},
        "type": kind,
    }
