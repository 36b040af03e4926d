"""Handles one event: what it books, what it puts before a person, what it takes back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine

from credit_forensics.intake import booking, came_back, invoices, renewals, reversals
from credit_forensics.intake.checkout_object import (
    Checkout,
    UnreadableError,
    text,
    unreadable_checkout,
)
from credit_forensics.intake.expected_credits import expected_credits
from credit_forensics.intake.gathered import Gathered, Turns
from credit_forensics.intake.look_up import Arrival, keep_and_look_up
from credit_forensics.intake.losses import Loss, keep_loss, read_loss
from credit_forensics.intake.resolution import Known, Resolution, resolve
from credit_forensics.intake.seal import is_sealed
from credit_forensics.intake.settings import IntakeSettings

COMPLETIONS = ("checkout.session.completed", "checkout.session.async_payment_succeeded")


@dataclass(frozen=True)
class Outcome:
    """What was made of a delivery."""

    status: int
    outcome: str
    event_id: str | None = None
    payment_id: str | None = None
    payment_intent_id: str | None = None
    signature_valid: bool | None = True
    method: str | None = None
    user_id: str | None = None
    credits: int | None = None
    error: str | None = None
    lasting: bool = False


class EventHandler:
    """Events over a database.

    Parameters
    ----------
    engine
        in AUTOCOMMIT: each statement of ``booking`` is a transaction of its own.
    """

    def __init__(self, settings: IntakeSettings, engine: AsyncEngine) -> None:
        self.settings = settings
        # The database's own timeouts come first, where it answers at all.
        seconds = settings.database_timeout_seconds + 1.0
        self.turns = Turns(engine, settings.pool_size, seconds)
        self._look_up = Gathered(
            keep_and_look_up, self.turns, unlike=lambda arrival: arrival.event_id
        )
        self._book = Gathered(
            booking.book_all,
            self.turns,
            unlike=lambda purchase: purchase.checkout.payment_id,
        )
        self._finish = Gathered(booking.finish, self.turns, unlike=lambda ended: ended.request_id)

    async def handle(
        self, event: Mapping[str, Any], event_id: str, kind: str, body: bytes, request_id: str
    ) -> Outcome:
        """What one event makes of the books; every statement may be repeated."""
        data = event.get("data")
        about = data.get("object") if isinstance(data, Mapping) else None
        checkout, unreadable = None, None
        if kind.startswith("checkout.session.") or kind in renewals.PAID:
            try:
                checkout = renewals.read_payment(about, event)
            except UnreadableError as error:
                unreadable = str(error)
        facts = await self._look_up(Arrival(event_id, kind, body, checkout))
        if event.get("livemode") is not self.settings.livemode:
            outcome = Outcome(200, "ignored", event_id, error="event of the other mode")
        elif text(event.get("account")) != self.settings.stripe_account:
            outcome = Outcome(200, "ignored", event_id, error="event of another account")
        elif unreadable is not None:
            outcome = await self._unreadable(event_id, kind, unreadable)
        elif checkout is not None and checkout.renewal:
            outcome = await self._renewal(checkout, facts, event_id, about)
        elif checkout is not None:
            outcome = await self._session(checkout, facts, event_id, kind)
        elif named := renewals.named_by_payment(about):
            invoice_id, intent = named
            await self._note_invoice(invoice_id, payment_intent_id=intent)
            outcome = Outcome(200, "ignored", event_id, payment_intent_id=intent)
        else:
            outcome = await self._loss(about, event, event_id, kind)
        losses = await self._finish(
            booking.Ended(
                event_id,
                outcome.payment_id,
                outcome.payment_intent_id,
                request_id,
                outcome.outcome,
                outcome.error,
                outcome.method,
                outcome.user_id,
                outcome.credits,
            )
        )
        if losses and outcome.payment_intent_id is not None:
            async with self.turns.turn() as engine:
                await reversals.settle(engine, outcome.payment_intent_id)
        return outcome

    async def _session(self, checkout: Checkout, facts: Known, event_id: str, kind: str) -> Outcome:
        if kind not in COMPLETIONS or checkout.mode == "setup":
            failed = kind == "checkout.session.async_payment_failed"
            told = ("unpaid", "payment failed") if failed else ("ignored", None)
            return _of(checkout, event_id, told[0], error=told[1])
        outcome = await self._paid(checkout, facts, event_id)
        return await self._with_intent(checkout, outcome)

    async def _renewal(
        self, renewal: Checkout, facts: Known, event_id: str, invoice: Any
    ) -> Outcome:
        why = renewals.why_ignored(invoice, self.settings.prices)
        if why is not None:
            await self._note_invoice(
                renewal.payment_id, payment_intent_id=renewal.payment_intent_id
            )
            return _of(renewal, event_id, "ignored", error=why)
        problem = None if renewals.is_renewal(invoice) else renewals.NO_RENEWAL
        outcome = await self._paid(renewal, facts, event_id, problem)
        return await self._with_intent(renewal, outcome)

    async def _note_invoice(self, invoice_id: str, **more: str | None) -> str | None:
        async with self.turns.connection() as connection:
            return await invoices.note_invoice(connection, invoice_id, **more)

    async def _with_intent(self, checkout: Checkout, outcome: Outcome) -> Outcome:
        """What came of a payment, with the PaymentIntent that only its invoice leads to."""
        if checkout.payment_intent_id is not None or checkout.invoice_id is None:
            return outcome
        intent = await self._note_invoice(checkout.invoice_id, payment_id=checkout.payment_id)
        return replace(outcome, payment_intent_id=intent)

    async def _paid(
        self, checkout: Checkout, facts: Known, event_id: str, problem: str | None = None
    ) -> Outcome:
        """Book a payment, or put it before a person: for a problem that is known, or is found."""

        def made(outcome: str, **more: Any) -> Outcome:
            return _of(checkout, event_id, outcome, **more)

        if not checkout.paid:
            return made("unpaid")
        found = self.resolution(checkout, facts)
        value = expected_credits(checkout, self.settings.prices)
        problem = problem or found.problem or value.problem
        if problem is None and found.user_id is not None and value.credits is not None:
            purchase = booking.Purchase(
                checkout,
                event_id,
                found.user_id,
                value.credits,
                found.method or "",
                found.families,
                # One family alone may be wrong, so it binds no customer for later payments.
                bind=len(found.families) >= self.settings.min_families,
            )
            # What was booked beside it is seen the second time.
            booked = await self._book(purchase) or await self._book(purchase) or "duplicate"
            told: dict[str, Any] = {"method": found.method, "user_id": found.user_id}
            if booked not in (booking.INTENT_BOOKED, booking.BY_HAND):
                return made(booked, credits=value.credits if booked == "credited" else None, **told)
            problem = booked
        async with self.turns.connection() as connection:
            waits = await booking.queue(
                connection,
                checkout,
                event_id=event_id,
                problem=problem or "unresolved",
                claims=found.claims,
                credits=value.credits,
                suggested=found.user_id,
            )
        return made("queued", error=problem) if waits else made("duplicate")

    def resolution(self, checkout: Checkout, facts: Known) -> Resolution:
        """Whom the payment belongs to, by the settings' policy."""
        return resolve(
            checkout,
            facts,
            min_families=self.settings.min_families,
            sealed=is_sealed(
                checkout.metadata, self.settings.seal_keys, session_created=checkout.created_at
            ),
            single_family=self.settings.single_family,
        )

    async def _unreadable(self, event_id: str, kind: str, why: str) -> Outcome:
        """A session that nothing can be booked from waits under its event's id."""
        if kind in COMPLETIONS or kind in renewals.PAID:
            async with self.turns.connection() as connection:
                await booking.queue(
                    connection,
                    unreadable_checkout(event_id),
                    event_id=event_id,
                    problem="unreadable",
                    claims=(),
                    credits=None,
                )
        return Outcome(200, "resolution_failed", event_id, error=why)

    async def _loss(
        self, about: Any, event: Mapping[str, Any], event_id: str, kind: str
    ) -> Outcome:
        """Money that went back, or that is the shop's again; anything else is none of ours."""
        loss = read_loss(kind, about, event)
        if loss is None:
            return Outcome(200, "ignored", event_id)
        async with self.turns.connection() as connection:
            await keep_loss(connection, loss, event_id)
        if loss.problem is not None and await self._is_owed(loss, event_id):
            outcome, error = "queued", loss.problem
        else:
            outcome, error = "ignored", None
        return Outcome(200, outcome, event_id, payment_intent_id=loss.intent, error=error)

    async def _is_owed(self, money: Loss, event_id: str) -> bool:
        """What was taken for money that is the shop's again is a person's to give back."""
        async with self.turns.turn() as engine:
            found = await came_back.owed(engine, money)
        if found is None:
            return False
        async with self.turns.connection() as connection:
            return await booking.queue(
                connection,
                unreadable_checkout(money.object_id, money.amount, found.currency),
                event_id=event_id,
                problem=money.problem or "",
                claims=(),
                credits=found.credits,
                suggested=found.user_id,
            )


def _of(checkout: Checkout, event_id: str, outcome: str, **more: Any) -> Outcome:
    return Outcome(200, outcome, event_id, checkout.payment_id, checkout.payment_intent_id, **more)
