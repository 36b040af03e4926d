"""The stage that a scenario plays on: deliveries of what its cast pays, and what is expected."""

from __future__ import annotations

import copy
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from credit_forensics.checks.handler.books import Books, Entry
from credit_forensics.checks.handler.cast import (
    PRICES,
    Cast,
    Metadata,
    Person,
    Price,
    original_metadata,
)
from credit_forensics.checks.handler.transport import Answer, Delivery, Transport
from credit_forensics.scenarios import stripe_objects
from credit_forensics.scenarios.signing import sign

USER_AGENT = "Stripe/1.0 (+https://stripe.com/docs/webhooks)"
_POLL_SECONDS = 0.05


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


class Stage(Cast):
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
        super().__init__(f"{run_id}:{name}", books, metadata, prices)
        self.name, self.transport, self.secret = name, transport, secret
        self.settle_seconds = settle_seconds
        self.events: list[dict[str, Any]] = []
        self.checks: list[Check] = []
        self.statuses: list[int] = []
        self.raised = ""
        self.at_fault: Snapshot | None = None
        self._unanswered: dict[str, dict[str, Any]] = {}

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
        card = self.cards[held["id"]]
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
