"""The cast of a scenario: people with accounts and cards, and what they pay for."""

from __future__ import annotations

import random
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from credit_forensics.checks.handler.books import Books
from credit_forensics.scenarios import stripe_objects

_FIRST_NAMES = ("Ada", "Berit", "Carlo", "Dunja", "Emil", "Farah", "Goran", "Hedda")
# Surnames are put together, so that two people of a run hardly ever share a name: a shared name is
# weak evidence, and each scenario is about one weakness only.
_SYLLABLES = ("bar", "dol", "fen", "gris", "hal", "kem", "lor", "mis", "nor", "pel", "rud", "win")


@dataclass(frozen=True)
class Price:
    """A price as the handler must know it: credits it is worth, and minor units it costs."""

    price_id: str
    credits: int
    amount: int
    currency: str = "eur"


PRICES = (Price("price_small", 50, 500), Price("price_large", 500, 3990))


@dataclass(frozen=True)
class Person:
    """Someone with an account and a card."""

    role: str
    user_id: str
    email: str
    name: str
    card: str
    created_at: datetime


Metadata = Callable[[Person, Price], dict[str, str]]


def original_metadata(person: Person, price: Price) -> dict[str, str]:
    """The metadata that the original checkout writes for a signed-in person.

    Examples
    --------
    >>> since = datetime(2025, 9, 1, tzinfo=UTC)
    >>> person = Person("payer", "u1", "ada@example.com", "Ada Holm", "card1", since)
    >>> original_metadata(person, PRICES[0])["session_user_id"]
    'u1'
    """
    return {
        "user_id": person.user_id,
        "user_id_backup": person.user_id,
        "session_user_id": person.user_id,
        "credits": str(price.credits),
        "price_id": price.price_id,
        "plan_id": price.price_id.removeprefix("price_"),
        "frontend_version": "2.0",
        "session_email": person.email,
        "session_name": person.name,
    }


class Cast:
    """People and their payments; ids come from the seed.

    Parameters
    ----------
    books
        the handler's database, where the accounts are written.
    metadata
        what the handler's own checkout writes into a session.
    """

    def __init__(
        self, seed: str, books: Books, metadata: Metadata, prices: tuple[Price, ...]
    ) -> None:
        self.books, self.metadata, self.prices = books, metadata, prices
        self.random = random.Random(seed)
        self.people: list[Person] = []
        self.sessions: list[dict[str, Any]] = []
        self.charges: dict[str, dict[str, Any]] = {}
        self.invoices: dict[str, dict[str, Any]] = {}
        self.cards: dict[str, str] = {}

    def person(self, role: str, user_id: str | None = None) -> Person:
        """Someone with an account: its id is a UUID of version 4 unless one is given."""
        number = self.random.getrandbits(32)
        surname = "".join(self.random.choices(_SYLLABLES, k=3)).capitalize()
        name = f"{self.random.choice(_FIRST_NAMES)} {surname}"
        email = f"{name.split(maxsplit=1)[0].lower()}.{number:08x}@example.com"
        user_id = user_id or str(uuid.UUID(int=self.random.getrandbits(128), version=4))
        since = datetime.now(UTC) - timedelta(days=30)
        person = Person(role, user_id, email, name, self.token("card"), since)
        self.books.add_user(user_id, email, name, since)
        self.people.append(person)
        return person

    def later(self) -> None:
        """Let a second pass: Stripe tells whole seconds, and what came first must be tellable."""
        time.sleep(1.0 - time.time() % 1.0 + 0.01)

    def token(self, prefix: str) -> str:
        """A fresh id: ``cus_…``, ``cs_…``, …"""
        letters = "".join(
            self.random.choices("ABCDEFGHJKLMNPQRSTUVWXYZabcdefghjkmnpqrstuvwxyz", k=20)
        )
        return f"{prefix}_{letters}"

    def session(
        self,
        payer: Person,
        *,
        signed_in: Person | None = None,
        price: Price | None = None,
        customer: str | None = "new",
        given: bool = False,
        metadata: dict[str, str] | None = None,
        reference: str | None = "signed-in",
        payment_status: str = "paid",
        livemode: bool = True,
        subscription: str | None = None,
    ) -> dict[str, Any]:
        """A completed Checkout Session.

        Parameters
        ----------
        payer
            who types e-mail and name and holds the card.
        signed_in
            whom the web session takes the payer to be; the payer, unless it is stale.
        customer
            ``new`` (Checkout makes one), an id, or None for a guest.
        given
            the session was given that customer.
        metadata
            instead of what the checkout writes.
        subscription
            it begins this one: its money is that of its first invoice.
        """
        price = price or self.prices[0]
        account = signed_in or payer
        written = self.metadata(account, price) if metadata is None else metadata
        prefix = "cs_live" if livemode else "cs_test"
        session = stripe_objects.checkout_session(
            self.token(prefix),
            created=int(time.time()),
            amount=price.amount,
            currency=price.currency,
            metadata=written,
            client_reference_id=account.user_id if reference == "signed-in" else reference,
            customer=self.token("cus") if customer == "new" else customer,
            given_customer=given,
            payment_intent=self.token("pi"),
            payer_email=payer.email,
            payer_name=payer.name,
            payment_status=payment_status,
            livemode=livemode,
        )
        if subscription is not None:
            session |= {
                "mode": "subscription",
                "subscription": subscription,
                "invoice": self.token("in"),
                "payment_intent": None,
            }
        self.sessions.append(session)
        self.cards[session["id"]] = payer.card
        if payment_status == "paid" and subscription is None:
            self.charge(session)
        return session

    def charge(self, session: dict[str, Any], refunded: int = 0) -> dict[str, Any]:
        """The charge of a session, with what was refunded so far."""
        known = self.charges.get(session["id"])
        made = stripe_objects.charge(
            known["id"] if known else self.token("ch"),
            created=session["created"],
            session=session,
            card_fingerprint=self.cards[session["id"]],
            amount_refunded=refunded,
        )
        self.charges[session["id"]] = made
        return made

    def invoice(
        self,
        session: dict[str, Any],
        *,
        first: bool = False,
        reason: str = "subscription_cycle",
        amount: int | None = None,
        older: bool = False,
    ) -> dict[str, Any]:
        """A paid invoice of the subscription that a session began; a further one unless ``first``.

        ``older`` is the shape before 2025-03-31: it names its PaymentIntent itself.
        """
        price = session["metadata"].get("price_id") or self.prices[0].price_id
        made = stripe_objects.invoice(
            session["invoice"] if first else self.token("in"),
            created=int(time.time()),
            session=session,
            payment_intent=self.token("pi"),
            price=price,
            billing_reason="subscription_create" if first else reason,
            amount=amount,
            older=older,
        )
        self.invoices[made["id"]] = made
        return made

    def charge_of(self, invoice: dict[str, Any], refunded: int = 0) -> dict[str, Any]:
        """The charge of an invoice, with what was refunded of it."""
        intent = invoice["payments"]["data"][0]["payment"]["payment_intent"]
        session = next(s for s in self.sessions if s["customer"] == invoice["customer"])
        of_invoice = session | {"payment_intent": intent}
        made = stripe_objects.charge(
            self.token("ch"),
            created=invoice["created"],
            session=of_invoice,
            card_fingerprint=self.cards[session["id"]],
            amount_refunded=refunded,
        )
        self.charges[invoice["id"]] = made
        return made
