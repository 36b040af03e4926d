"""Reads what the intake needs from a Checkout Session, and tolerates the rest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

_LONGEST = 500


@dataclass(frozen=True)
class Checkout:
    """A Checkout Session as far as it matters for booking. Money is in minor units."""

    payment_id: str
    payment_intent_id: str | None
    customer_id: str | None
    customer_made: bool
    client_reference_id: str | None
    prefilled_email: str | None
    payer_email: str | None
    metadata: Mapping[str, str]
    mode: str
    payment_status: str
    livemode: bool
    amount: int
    list_amount: int
    currency: str
    created_at: datetime
    invoice_id: str | None = None
    renewal: bool = False
    """A subscription's invoice: its customer is older than it, and no web session chose it."""

    @property
    def paid(self) -> bool:
        """Whether Stripe says that the money is there, or that none is due."""
        return self.payment_status in ("paid", "no_payment_required")


class UnreadableError(ValueError):
    """The object lacks what no booking can do without."""


def read_checkout(session: Any, event: Mapping[str, Any]) -> Checkout:
    """Read a session out of an event's ``data.object``.

    Raises
    ------
    UnreadableError
        without an id, amount or currency, or when it is no session.

    Examples
    --------
    >>> session = {"id": "cs_1", "object": "checkout.session", "amount_total": 500,
    ...            "currency": "eur", "payment_status": "paid", "metadata": {"user_id": "u1"}}
    >>> checkout = read_checkout(session, {"created": 0, "livemode": True})
    >>> checkout.paid, checkout.metadata["user_id"], checkout.customer_id
    (True, 'u1', None)
    """
    if not isinstance(session, Mapping) or session.get("object") != "checkout.session":
        raise UnreadableError("no checkout session")
    payment_id = text(session.get("id"))
    total = whole(session.get("amount_total"))
    currency = text(session.get("currency"))
    if payment_id is None or total is None or currency is None:
        raise UnreadableError("no id, amount or currency")
    details = session.get("customer_details")
    details = details if isinstance(details, Mapping) else {}
    metadata = session.get("metadata")
    subtotal = whole(session.get("amount_subtotal"))
    return Checkout(
        payment_id=payment_id,
        payment_intent_id=reference(session.get("payment_intent")),
        customer_id=reference(session.get("customer")),
        customer_made=session.get("customer_creation") in ("always", "if_required"),
        client_reference_id=text(session.get("client_reference_id")),
        prefilled_email=text(session.get("customer_email")),
        payer_email=text(details.get("email")) or text(session.get("customer_email")),
        metadata=texts(metadata),
        mode=text(session.get("mode")) or "payment",
        payment_status=text(session.get("payment_status")) or "unpaid",
        livemode=event.get("livemode") is True and session.get("livemode") is not False,
        amount=total,
        # Discounts and taxes move the total; what the price costs is the subtotal.
        list_amount=total if subtotal is None else subtotal,
        currency=currency.lower(),
        created_at=moment(session.get("created")) or moment(event.get("created")) or EPOCH,
        invoice_id=reference(session.get("invoice")),
    )


def unreadable_checkout(payment_id: str, amount: int = 0, currency: str = "") -> Checkout:
    """What stands for a session that cannot be read, for a person to decide on."""
    return Checkout(
        payment_id=payment_id,
        payment_intent_id=None,
        customer_id=None,
        customer_made=False,
        client_reference_id=None,
        prefilled_email=None,
        payer_email=None,
        metadata={},
        mode="payment",
        payment_status="unpaid",
        livemode=True,
        amount=amount,
        list_amount=amount,
        currency=currency,
        created_at=EPOCH,
    )


def text(value: Any) -> str | None:
    """A string that PostgreSQL can hold, trimmed; None for anything else or for an empty one.

    Examples
    --------
    >>> text(" a\\x00b "), text(""), text(5)
    ('a\\ufffdb', None, None)
    """
    if not isinstance(value, str):
        return None
    # NUL and lone surrogates are valid JSON, and no database takes them.
    cleaned = value.replace("\x00", "\ufffd").encode("utf-8", "replace").decode().strip()
    return cleaned[:_LONGEST] or None


def reference(value: Any) -> str | None:
    """The id of an object that may be expanded.

    Examples
    --------
    >>> reference("cus_1"), reference({"id": "cus_2"})
    ('cus_1', 'cus_2')
    """
    return text(value.get("id")) if isinstance(value, Mapping) else text(value)


def whole(value: Any) -> int | None:
    """An integer that a BIGINT holds; None for anything else.

    Examples
    --------
    >>> whole(5), whole(True), whole("5"), whole(2**70)
    (5, None, None, None)
    """
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if -(2**62) < value < 2**62 else None


def moment(value: Any) -> datetime | None:
    """Stripe's seconds since the epoch as UTC; None for what is none.

    Examples
    --------
    >>> moment(0).isoformat(), moment("soon")
    ('1970-01-01T00:00:00+00:00', None)
    """
    seconds = whole(value)
    if seconds is None or not 0 <= seconds < 253_402_300_800:
        return None
    return datetime.fromtimestamp(seconds, UTC)


def texts(metadata: Any) -> dict[str, str]:
    """The pairs of a map whose key and value are texts."""
    if not isinstance(metadata, Mapping):
        return {}
    pairs = ((text(key), text(value)) for key, value in metadata.items())
    return {key: value for key, value in pairs if key is not None and value is not None}


EPOCH = datetime.fromtimestamp(0, UTC)
