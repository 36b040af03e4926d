"""What is true of a simulated payment, and the objects and events by which Stripe tells of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from credit_forensics.intake.reversals import credits_lost

CREDITS, AMOUNT = 50, 500
PRICE = "price_small"


@dataclass
class Payment:
    """A payment: whose it is, and what of its money went back.

    ``kind`` is ``once`` (a session), ``first`` (a session that begins a subscription, with its
    invoice) or ``renewal`` (an invoice); ``old`` is the shape of the API before 2025-03-31.
    """

    number: int
    key: str
    kind: str
    old: bool
    user: str
    payer: str
    created: int
    refunded: int = 0
    disputed: int = 0
    disputes: int = 0
    granted_by_hand: bool = False
    # Amounts of its refunds, in the order in which they were made, and which of them failed.
    refunds: list[int] = field(default_factory=list)
    failed: set[int] = field(default_factory=set)

    @property
    def payment_id(self) -> str:
        """By what it is booked."""
        return self.invoice_id if self.kind == "renewal" else f"cs_test_{self.key}"

    @property
    def queued_as(self) -> set[str]:
        """Under what ids it, or what of its money came back, may wait for a person."""
        refunds = {f"re_{self.key}n{number}" for number in self.failed}
        disputes = {f"dp_{self.key}n{number + 1}" for number in range(self.disputes)}
        return {self.payment_id} | refunds | disputes

    @property
    def invoice_id(self) -> str:
        return f"in_1Sim{self.key}"

    @property
    def intent(self) -> str:
        return f"pi_{self.key}"

    @property
    def due(self) -> int:
        """Credits that its account must have of it."""
        return CREDITS - credits_lost(CREDITS, AMOUNT, self.refunded + self.disputed)

    @property
    def left(self) -> int:
        """Money that has not gone back."""
        return AMOUNT - self.refunded - self.disputed

    def session(self) -> dict[str, Any]:
        once = self.kind == "once"
        return {
            "id": self.payment_id,
            "object": "checkout.session",
            "created": self.created,
            "amount_total": AMOUNT,
            "amount_subtotal": AMOUNT,
            "currency": "eur",
            "customer": None,
            "customer_details": {"email": f"{self.payer}@example.com", "name": "A Payer"},
            "livemode": True,
            "metadata": {"price_id": PRICE, "user_id": self.user},
            "mode": "payment" if once else "subscription",
            "invoice": None if once else self.invoice_id,
            "payment_intent": self.intent if once else None,
            "payment_status": "paid",
            "status": "complete",
        }

    def invoice(self) -> dict[str, Any]:
        """The paid invoice, as the account's version of the API shows it."""
        details = {"metadata": {"user_id": self.user}}
        shared = {
            "id": self.invoice_id,
            "object": "invoice",
            "created": self.created,
            "billing_reason": "subscription_cycle"
            if self.kind == "renewal"
            else "subscription_create",
            "status": "paid",
            "amount_due": AMOUNT,
            "amount_paid": AMOUNT,
            "subtotal": AMOUNT,
            "total": AMOUNT,
            "currency": "eur",
            "customer": None,
            "customer_email": f"{self.payer}@example.com",
            "livemode": True,
        }
        subscription = f"sub_{self.key}"
        if self.old:
            return shared | {
                "subscription": subscription,
                "subscription_details": details,
                "payment_intent": self.intent,
                "lines": {"data": [{"price": {"id": PRICE}, "quantity": 1}]},
            }
        return shared | {
            "parent": {"subscription_details": details | {"subscription": subscription}},
            "lines": {"data": [{"pricing": {"price_details": {"price": PRICE}}, "quantity": 1}]},
        }

    def invoice_payment(self) -> dict[str, Any]:
        return {
            "id": f"inpay_{self.key}",
            "object": "invoice_payment",
            "invoice": self.invoice_id,
            "created": self.created,
            "status": "paid",
            "amount_paid": AMOUNT,
            "currency": "eur",
            "livemode": True,
            "payment": {"type": "payment_intent", "payment_intent": self.intent},
        }

    def charge(self) -> dict[str, Any]:
        return {
            "id": f"ch_{self.key}",
            "object": "charge",
            "created": self.created,
            "amount": AMOUNT,
            "currency": "eur",
            "paid": True,
            "status": "succeeded",
            "livemode": True,
            "payment_intent": self.intent,
            "amount_refunded": self.refunded,
            "refunded": self.refunded == AMOUNT,
        }

    def refund(self, number: int) -> dict[str, Any]:
        """A refund as it is by now; ``created`` when its charge told of it."""
        return {
            "id": f"re_{self.key}n{number}",
            "object": "refund",
            "charge": f"ch_{self.key}",
            "payment_intent": self.intent,
            "amount": self.refunds[number],
            "currency": "eur",
            "status": "failed" if number in self.failed else "succeeded",
        }

    def dispute(self, status: str) -> dict[str, Any]:
        return {
            "id": f"dp_{self.key}n{self.disputes}",
            "object": "dispute",
            "payment_intent": self.intent,
            "amount": AMOUNT,
            "status": status,
        }

    def tellings(self) -> list[tuple[str, dict[str, Any]]]:
        """The events that tell that it was paid."""
        told: list[tuple[str, dict[str, Any]]] = []
        if self.kind != "renewal":
            told.append(("checkout.session.completed", self.session()))
        if self.kind != "once":
            told += [
                ("invoice.paid", self.invoice()),
                ("invoice.payment_succeeded", self.invoice()),
            ]
            if not self.old:
                told.append(("invoice_payment.paid", self.invoice_payment()))
        return told
