"""Builds single Stripe objects by what a test or a probe names: sessions, charges, disputes.

Their shapes are those of ``stripe_shapes``, which a world's exports have, too.
"""

from __future__ import annotations

import copy

from credit_forensics.scenarios import stripe_shapes as shapes
from credit_forensics.scenarios.stripe_shapes import Json

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
    payer_email: str,
    payer_name: str | None,
    payment_status: str = "paid",
    livemode: bool = True,
) -> Json:
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
    row = {
        "payment_id": session_id,
        "created": created,
        "completed_at": created,
        "amount": amount,
        "currency": currency,
        "client_reference_id": client_reference_id,
        "customer_id": customer,
        "customer_preset": given_customer,
        "livemode": livemode,
        "mode": "payment",
        "payer_email": payer_email,
        "payer_name": payer_name,
        "payment_intent_id": payment_intent,
        "status": "complete",
    }
    return shapes.session(row, metadata or {}, status=payment_status)


def charge(
    charge_id: str,
    *,
    created: int,
    session: Json,
    card_fingerprint: str,
    amount_refunded: int = 0,
    disputed: bool = False,
) -> Json:
    """The charge of a session's payment. ``amount_refunded`` is cumulative, as Stripe's is."""
    row = {
        "charge_id": charge_id,
        "payment_id": session["id"],
        "completed": created,
        "amount": session["amount_total"],
        "currency": session["currency"],
        "card_fingerprint": card_fingerprint,
        "customer_id": session["customer"],
        "delayed": False,
        "livemode": session["livemode"],
        "payer_email": session["customer_details"]["email"],
        "payer_name": session["customer_details"]["name"],
        "payment_intent_id": session["payment_intent"],
    }
    return shapes.charge(row, refunded=amount_refunded, disputed=disputed, status="succeeded")


def invoice(
    invoice_id: str,
    *,
    created: int,
    session: Json,
    payment_intent: str,
    price: str,
    billing_reason: str,
    amount: int | None = None,
    older: bool = False,
) -> Json:
    """A paid invoice of the subscription that a session began; of the session's amount.

    ``older`` is the shape before API version 2025-03-31.

    Examples
    --------
    >>> session = {"amount_total": 500, "currency": "eur", "customer": "cus_1", "livemode": True,
    ...     "customer_details": {"email": "a@example.com", "name": "A"}, "subscription": "sub_1",
    ...     "metadata": {"user_id": "u1"}}
    >>> made = invoice("in_1", created=0, session=session, payment_intent="pi_1", price="price_1",
    ...     billing_reason="subscription_cycle")
    >>> made["parent"]["subscription_details"]["metadata"], made["amount_paid"]
    ({'user_id': 'u1'}, 500)
    """
    row = {
        "payment_id": invoice_id,
        "kind": "invoice",
        "payment_status": "paid",
        "created": created,
        "completed": created,
        "amount": session["amount_total"] if amount is None else amount,
        "currency": session["currency"],
        "price_id": price,
        "payment_intent_id": payment_intent,
        "billing_reason": billing_reason,
        "customer_id": session["customer"],
        "payer_email": session["customer_details"]["email"],
        "payer_name": session["customer_details"]["name"],
        "livemode": session["livemode"],
        "subscription_id": session["subscription"],
    }
    made = shapes.invoice(row, session["metadata"])
    if older:
        details = made.pop("parent")["subscription_details"]
        made.pop("payments")
        line = made["lines"]["data"][0]
        line["price"] = {"id": line.pop("pricing")["price_details"]["price"], "object": "price"}
        made |= {
            "payment_intent": payment_intent,
            "subscription": details.pop("subscription"),
            "subscription_details": details,
        }
    return made


def dispute(
    dispute_id: str, *, created: int, of: Json, status: str, amount: int | None = None
) -> Json:
    """A dispute of a charge; over the whole of it without ``amount``."""
    row = {
        "amount": of["amount"] if amount is None else amount,
        "charge_id": of["id"],
        "currency": of["currency"],
        "livemode": of["livemode"],
        "payment_intent_id": of["payment_intent"],
    }
    return shapes.dispute(row, dispute_id, created=created, status=status)


def event(event_id: str, kind: str, *, created: int, of: Json) -> Json:
    """The event of a kind about an object, which it holds as it is now.

    Examples
    --------
    >>> about = {"id": "cs_1", "livemode": True}
    >>> event("evt_1", "checkout.session.completed", created=0, of=about)["data"]["object"]["id"]
    'cs_1'
    """
    row = {
        "event_id": event_id,
        "api_version": API_VERSION,
        "created": created,
        "livemode": of["livemode"],
        "type": kind,
    }
    return shapes.event(row, copy.deepcopy(of))
