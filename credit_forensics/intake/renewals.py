"""Reads a subscription's paid invoice as the payment that it is.

Nobody opens a checkout for a renewal: whom it is for stands in the subscription's metadata, which
Stripe copies to the invoice (``subscription_details``, since 2025-03-31 inside ``parent``), and
what was bought in its one line. The first invoice of a subscription that began with a checkout is
the session's payment and is booked by it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from credit_forensics.intake.checkout_object import (
    EPOCH,
    Checkout,
    UnreadableError,
    moment,
    read_checkout,
    reference,
    text,
    texts,
    whole,
)

PAID = ("invoice.paid", "invoice.payment_succeeded")
"""Both tell of one payment; it is booked by whichever comes first."""
PAYMENT_OF_INVOICE = "invoice_payment.paid"
"""Since 2025-03-31 an invoice does not name its PaymentIntent; this event names both."""

NO_RENEWAL = "no_renewal"
"""The problem of an upgrade or an invoice by hand: what it is worth, a person must say."""

_RENEWAL, _BEGUN = "subscription_cycle", "subscription_create"


def read_payment(about: Any, event: Mapping[str, Any]) -> Checkout:
    """A session or an invoice, as the payment that it tells of.

    Raises
    ------
    UnreadableError
        when it is neither, or lacks what no booking can do without.
    """
    if isinstance(about, Mapping) and about.get("object") == "invoice":
        return read_renewal(about, event)
    return read_checkout(about, event)


def read_renewal(invoice: Any, event: Mapping[str, Any]) -> Checkout:
    """Read an invoice out of an event's ``data.object``.

    Raises
    ------
    UnreadableError
        without an id, amount or currency, or when it is no invoice.

    Examples
    --------
    >>> invoice = {"id": "in_1", "object": "invoice", "amount_paid": 900, "subtotal": 900,
    ...     "currency": "eur", "status": "paid", "customer": "cus_1",
    ...     "parent": {"subscription_details": {"metadata": {"user_id": "u1"}}},
    ...     "lines": {"data": [{"pricing": {"price_details": {"price": "price_month"}}}]}}
    >>> renewal = read_renewal(invoice, {"created": 0, "livemode": True})
    >>> renewal.paid, renewal.metadata
    (True, {'user_id': 'u1', 'price_id': 'price_month'})
    """
    if not isinstance(invoice, Mapping) or invoice.get("object") != "invoice":
        raise UnreadableError("no invoice")
    payment_id = text(invoice.get("id"))
    paid = whole(invoice.get("amount_paid"))
    currency = text(invoice.get("currency"))
    if payment_id is None or paid is None or currency is None:
        raise UnreadableError("no id, amount or currency")
    subtotal = whole(invoice.get("subtotal"))
    metadata = {key: value for key, value in _metadata(invoice).items() if key != "price_id"}
    lines = _lines(invoice)
    price = _price(lines[0]) if len(lines) == 1 else None
    return Checkout(
        payment_id=payment_id,
        payment_intent_id=_intent(invoice),
        customer_id=reference(invoice.get("customer")),
        customer_made=False,
        client_reference_id=None,
        prefilled_email=None,
        payer_email=text(invoice.get("customer_email")),
        metadata=metadata if price is None else metadata | {"price_id": price},
        mode="subscription",
        payment_status="paid" if invoice.get("status") == "paid" else "unpaid",
        livemode=event.get("livemode") is True and invoice.get("livemode") is not False,
        amount=paid,
        list_amount=paid if subtotal is None else subtotal,
        currency=currency.lower(),
        created_at=moment(invoice.get("created")) or moment(event.get("created")) or EPOCH,
        invoice_id=payment_id,
        renewal=True,
    )


def why_ignored(invoice: Mapping[str, Any], sold: Collection[str]) -> str | None:
    """Why an invoice is none of the intake's: its session books it, or it sold no credits.

    Parameters
    ----------
    sold
        the prices of credits.

    Examples
    --------
    >>> why_ignored({"billing_reason": "subscription_create"}, [])
    'its session books it'
    >>> lines = {"data": [{"price": "price_plan"}]}
    >>> plan = {"billing_reason": "subscription_cycle", "lines": lines}
    >>> why_ignored(plan, ["price_credits"])
    'none of its prices is of credits'
    >>> why_ignored(plan, ["price_plan"])
    """
    if invoice.get("billing_reason") == _BEGUN:
        return "its session books it"
    if whole(invoice.get("subtotal")) == 0:
        return "nothing was sold"
    prices = [_price(line) for line in _lines(invoice)]
    # A line that names no price may be of anything.
    if prices and None not in prices and not set(prices) & set(sold):
        return "none of its prices is of credits"
    return None


def is_renewal(invoice: Mapping[str, Any]) -> bool:
    """Whether it is for a further period of a subscription."""
    return invoice.get("billing_reason") == _RENEWAL


def named_by_payment(about: Any) -> tuple[str, str] | None:
    """Invoice and PaymentIntent that an ``invoice_payment`` names.

    Examples
    --------
    >>> named_by_payment({"object": "invoice_payment", "invoice": "in_1",
    ...     "payment": {"type": "payment_intent", "payment_intent": "pi_1"}})
    ('in_1', 'pi_1')
    """
    if not isinstance(about, Mapping) or about.get("object") != "invoice_payment":
        return None
    payment = about.get("payment")
    invoice = reference(about.get("invoice"))
    intent = reference(payment.get("payment_intent")) if isinstance(payment, Mapping) else None
    return None if invoice is None or intent is None else (invoice, intent)


def _intent(invoice: Mapping[str, Any]) -> str | None:
    intent = reference(invoice.get("payment_intent"))
    payments = _inside(invoice, "payments").get("data")
    for one in payments if isinstance(payments, list) else ():
        named = named_by_payment(one)
        intent = intent or (named[1] if named else None)
    return intent


def _metadata(invoice: Mapping[str, Any]) -> dict[str, str]:
    details = _inside(invoice, "parent", "subscription_details") or _inside(
        invoice, "subscription_details"
    )
    return texts(details.get("metadata"))


def _lines(invoice: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    data = _inside(invoice, "lines").get("data")
    return [line for line in data if isinstance(line, Mapping)] if isinstance(data, list) else []


def _price(line: Mapping[str, Any]) -> str | None:
    return reference(line.get("price")) or reference(
        _inside(line, "pricing", "price_details").get("price")
    )


def _inside(value: Mapping[str, Any], *names: str) -> Mapping[str, Any]:
    for name in names:
        inner = value.get(name)
        value = inner if isinstance(inner, Mapping) else {}
    return value
