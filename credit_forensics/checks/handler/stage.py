"""The stage that a scenario plays on: people, payments, deliveries, and what is expected."""

from __future__ import annotations

import copy
import json
import random
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from credit_forensics.checks.handler.books import Books, Entry
from credit_forensics.checks.handler.transport import Answer, Delivery, Transport
from credit_forensics.scenarios import stripe_objects
from credit_forensics.scenarios.signing import sign

USER_AGENT = "Stripe/1.0 (+https://stripe.com/docs/webhooks)"
_POLL_SECONDS = 0.05
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


@dataclass(frozen=True)
class Check:
    """One thing that was looked at: what a right handler leaves, and what was there."""

    right: bool
    expected: str
    happened: str


@dataclass
class Snapshot:
    """What a scenario had told the handler, and what the handler had written, at one moment."""

    people: list[Person] = field(default_factory=list)
    sessions: list[dict[str, Any]] = field(default_factory=list)
    charges: list[dict[str, Any]] = field(default_factory=list)
    invoices: list[dict[str, Any]] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    bindings: list[tuple[str, str, datetime | None]] = field(default_factory=list)
    balances: dict[str, int] = field(default_factory=dict)


class Stage:
    """One scenario's world. Its people and payments are its own, so that scenarios cannot mix.

    Parameters
    ----------
    name, run_id
        scenario and run; together they seed every id.
    transport, books
        the handler and its database.
    secret
        the endpoint's signing secret.
    settle_seconds
        how long to wait for a handler that books after it has answered.
    metadata
        what the handler's own checkout writes into a session.
    """

    def __init__(
        self,
        name: str,
        run_id: str,
        transport: Transport,
        books: Books,
        secret: str,
        *,
        settle_seconds: float = 0.0,
        metadata: Metadata = original_metadata,
        prices: tuple[Price, ...] = PRICES,
    ) -> None:
        self.name, self.transport, self.books, self.secret = name, transport, books, secret
        self.settle_seconds, self.metadata, self.prices = settle_seconds, metadata, prices
        self.random = random.Random(f"{run_id}:{name}")
        self.people: list[Person] = []
        self.sessions: list[dict[str, Any]] = []
        self.charges: dict[str, dict[str, Any]] = {}
        self.invoices: dict[str, dict[str, Any]] = {}
        self.events: list[dict[str, Any]] = []
        self.checks: list[Check] = []
        self.statuses: list[int] = []
        self.raised = ""
        self.at_fault: Snapshot | None = None
        self._cards: dict[str, str] = {}
        self._unanswered: dict[str, dict[str, Any]] = {}

    # People and payments

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
        self._cards[session["id"]] = payer.card
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
            card_fingerprint=self._cards[session["id"]],
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
            card_fingerprint=self._cards[session["id"]],
            amount_refunded=refunded,
        )
        self.charges[invoice["id"]] = made
        return made

    # Events and deliveries

    def event(self, kind: str, of: dict[str, Any]) -> dict[str, Any]:
        """A new event about an object as it is now."""
        made = stripe_objects.event(self.token("evt"), kind, created=int(time.time()), of=of)
        self.events.append(made)
        return made

    def completed(self, session: dict[str, Any]) -> dict[str, Any]:
        """The session's ``checkout.session.completed``."""
        return self.event("checkout.session.completed", session)

    def deliver(self, event: dict[str, Any], times: int = 1) -> list[Answer]:
        """Post an event, properly signed; several times means at once."""
        answers = self.transport.post([self.delivery(event)] * times)
        self.statuses += [answer.status for answer in answers]
        self.raised = next((answer.error for answer in answers if answer.error), self.raised)
        # Stripe sends again what was not accepted, so the stage remembers it.
        if any(answer.accepted for answer in answers):
            self._unanswered.pop(event["id"], None)
        else:
            self._unanswered[event["id"]] = event
        return answers

    def forge(self, event: dict[str, Any], secret: str, age: int = 0) -> Answer:
        """Post an event signed with a wrong secret or long ago; nobody sends it again."""
        (answer,) = self.transport.post([self.delivery(event, secret, age)])
        self.statuses.append(answer.status)
        return answer

    def delivery(self, event: dict[str, Any], secret: str | None = None, age: int = 0) -> Delivery:
        """The request that Stripe would send for an event."""
        body = json.dumps(event, indent=2).encode()
        return Delivery(
            body,
            {
                "content-type": "application/json; charset=utf-8",
                "user-agent": USER_AGENT,
                "stripe-signature": sign(body, secret or self.secret, int(time.time()) - age),
            },
        )

    def retry(self, rounds: int = 3) -> None:
        """Send again what was not accepted, as Stripe does for three days."""
        for _ in range(rounds):
            for event in list(self._unanswered.values()):
                self.deliver(event)

    # Expectations

    def expect(self, credits: Mapping[Person, int], *, held: dict[str, Any] | None = None) -> None:
        """Look into the ledger: these people hold these credits, and nobody else any.

        Parameters
        ----------
        credits
            net credits a person should hold; people who are not named should hold none.
        held
            a payment that may instead wait in the handler's queue, with its credits not booked.
        """
        self.retry()
        expected = {p: credits.get(p, 0) for p in self.people}
        deadline = time.monotonic() + self.settle_seconds
        while True:
            net, strangers = self._net()
            right = not any(strangers.values()) and all(
                net.get(p.user_id, 0) == n for p, n in expected.items()
            )
            waits = False
            if held is not None and not right:
                less = self._without(expected, held)
                waits = (
                    held["id"] in self.books.held()
                    and not any(strangers.values())
                    and all(net.get(p.user_id, 0) == n for p, n in less.items())
                )
            if right or waits or time.monotonic() >= deadline:
                break
            time.sleep(_POLL_SECONDS)
        drift = self._drift(net)
        wish = ", ".join(f"{p.role} {n}" for p, n in expected.items())
        if held is not None:
            wish += ", or held for a person"
        happened = ", ".join(f"{p.role} {net.get(p.user_id, 0)}" for p in self.people)
        happened += "".join(f", an id without an account {n}" for n in strangers.values() if n)
        happened += "".join(f", {role}'s stored balance {n}" for role, n in drift.items())
        if held is not None and not right:
            happened += ", held" if waits else self._lost(held)
        if self.raised and not (right or waits):
            happened += f"; the handler raised {self.raised[:200]}"
        self.note((right or waits) and not drift, wish, happened)

    def holds(self, person: Person) -> int:
        """Net credits that a person holds now."""
        return self._net()[0].get(person.user_id, 0)

    def note(self, right: bool, expected: str, happened: str) -> None:
        """Keep a check; at the first that fails, keep what the handler had written by then."""
        self.checks.append(Check(right, expected, happened))
        if not right and self.at_fault is None:
            self.at_fault = self.snapshot()

    def snapshot(self) -> Snapshot:
        """Everything told and written so far."""
        entries = self._entries()
        users = {p.user_id for p in self.people} | {entry.user_id for entry in entries}
        customers = {s["customer"] for s in self.sessions if s["customer"]}
        return Snapshot(
            people=list(self.people),
            sessions=copy.deepcopy(self.sessions),
            charges=copy.deepcopy(list(self.charges.values())),
            invoices=copy.deepcopy(list(self.invoices.values())),
            events=copy.deepcopy(self.events),
            entries=entries,
            bindings=self.books.bindings(customers),
            balances=self.books.balances(users),
        )

    def _entries(self) -> list[Entry]:
        return self.books.entries(
            [p.user_id for p in self.people], [event["id"] for event in self.events]
        )

    def _net(self) -> tuple[dict[str, int], dict[str, int]]:
        known = {p.user_id for p in self.people}
        net: dict[str, int] = {}
        strangers: dict[str, int] = {}
        for entry in self._entries():
            book = net if entry.user_id in known else strangers
            book[entry.user_id] = book.get(entry.user_id, 0) + entry.delta
        return net, strangers

    def _without(self, expected: dict[Person, int], held: dict[str, Any]) -> dict[Person, int]:
        due = next(p.credits for p in self.prices if p.amount == held["amount_total"])
        card = self._cards[held["id"]]
        return {p: n - due if p.card == card else n for p, n in expected.items()}

    def _drift(self, net: dict[str, int]) -> dict[str, int]:
        if not self.books.has_balances:
            return {}
        stored = self.books.balances([p.user_id for p in self.people])
        return {
            p.role: stored.get(p.user_id, 0)
            for p in self.people
            if stored.get(p.user_id, 0) != net.get(p.user_id, 0)
        }

    def _lost(self, held: dict[str, Any]) -> str:
        about = [e["id"] for e in self.events if e["data"]["object"].get("id") == held["id"]]
        if any(event_id in self._unanswered for event_id in about):
            return f", never accepted (answered {self.statuses[-1]})"
        return ", accepted and not held"
