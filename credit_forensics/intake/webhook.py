"""Handles a delivery: verified, kept, resolved by agreement, booked once or put before a person.

What is answered: 200 for what is done, safely waits, or is kept to be booked from the table; 400
where the signature does not hold; 503 where not even that was possible, so that Stripe sends again.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
import traceback
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy.exc import (
    DBAPIError,
    InterfaceError,
    InternalError,
    OperationalError,
    SQLAlchemyError,
)
from sqlalchemy.ext.asyncio import AsyncEngine

from credit_forensics.intake import booking, kept_events, reversals
from credit_forensics.intake.checkout_object import (
    Checkout,
    UnreadableError,
    read_checkout,
    reference,
    text,
    unreadable_checkout,
    whole,
)
from credit_forensics.intake.delivery_log import log_delivery
from credit_forensics.intake.expected_credits import expected_credits
from credit_forensics.intake.resolution import (
    Known,
    Resolution,
    candidate_emails,
    candidate_ids,
    resolve,
)
from credit_forensics.intake.seal import is_sealed
from credit_forensics.intake.settings import IntakeSettings
from credit_forensics.intake.signature import SignatureRefusedError, verify_signature

COMPLETIONS = ("checkout.session.completed", "checkout.session.async_payment_succeeded")
KEPT = "kept"
"""The answer to a delivery that is in the table and not booked yet."""
_MOST_RUNNING = 200
_LOGGER = logging.getLogger("credit_forensics.intake")


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


class Webhook:
    """The webhook handler over a database.

    Parameters
    ----------
    engine
        in AUTOCOMMIT: each statement of ``booking`` is a transaction of its own.
    clock
        seconds since the epoch.
    """

    def __init__(
        self,
        settings: IntakeSettings,
        engine: AsyncEngine,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.settings, self.engine, self.clock = settings, engine, clock
        self._running: set[asyncio.Task[Outcome]] = set()
        # Some connections are left to keep events with, and for who asks.
        self._turns = asyncio.Semaphore(max(1, settings.pool_size - 3))

    async def deliver(self, body: bytes, signature: str | None) -> Outcome:
        """Handle a delivery and log it; never raises.

        What cannot be booked at once is answered as ``kept`` as soon as it is, and booked while
        nobody waits, or by ``recovery``.
        """
        request_id = uuid.uuid4().hex
        now = self.clock()
        read = self._verified(body, signature, now)
        if isinstance(read, Outcome):
            self._log(read, request_id, now)
            return read
        event, event_id, kind = read
        if len(self._running) >= _MOST_RUNNING:
            # Booked from the table: one more that waits for a connection helps nobody.
            return await self._keep(event_id, kind, body) or self._refuse(event_id, request_id, now)
        task = asyncio.create_task(
            self._attempt(
                event, event_id, kind, body, request_id=request_id, now=now, answered=False
            )
        )
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        await asyncio.wait({task}, timeout=self.settings.answer_seconds)
        if task.done():
            return task.result()
        # The attempt goes on; should it fail, the event is in the table.
        return await self._keep(event_id, kind, body) or await task

    def _refuse(self, event_id: str, request_id: str, now: float) -> Outcome:
        outcome = Outcome(503, "database_error", event_id, error="could not be kept")
        self._log(outcome, request_id, now)
        return outcome

    async def _keep(self, event_id: str, kind: str, body: bytes) -> Outcome | None:
        try:
            await kept_events.keep(self.engine, event_id, kind, body)
        except (SQLAlchemyError, OSError, TimeoutError):
            return None
        return Outcome(200, KEPT, event_id)

    async def _attempt(
        self,
        event: Mapping[str, Any],
        event_id: str,
        kind: str,
        body: bytes,
        *,
        request_id: str,
        now: float,
        answered: bool,
        signed: bool = True,
    ) -> Outcome:
        """Handle an event and log what became of it; one that failed is kept for another time."""
        async with self._turns:
            outcome = await self._guarded(event, event_id, kind, body, request_id)
        # What Stripe's list gave has no signature that could be right or wrong.
        outcome = outcome if signed else replace(outcome, signature_valid=None)
        self._log(outcome, request_id, now)
        if outcome.status == 200:
            return outcome
        kept = None if answered else await self._keep(event_id, kind, body)
        if kept is None and not answered:
            return replace(outcome, status=503)
        try:
            dead = await kept_events.failed(
                self.engine, event_id, outcome.error or "", lasting=outcome.lasting
            )
        except (SQLAlchemyError, OSError, TimeoutError):
            # The sweep finds it all the same: it has no delivery that ended.
            dead = False
        if dead:
            _LOGGER.error("event %s is dead: %s", event_id, outcome.error)
        return kept or outcome

    async def finish(self) -> None:
        """Wait for what is being handled, for a while."""
        if self._running:
            await asyncio.wait(self._running, timeout=self.settings.database_timeout_seconds)

    async def handle_stored(self, kept: kept_events.Kept) -> Outcome:
        """Handle an event that was kept before, and log it; never raises."""
        event = json.loads(kept.body)
        return await self._attempt(
            event,
            kept.event_id,
            text(event.get("type")) or "",
            kept.body,
            request_id=uuid.uuid4().hex,
            now=self.clock(),
            answered=True,
            signed=kept.signed,
        )

    def _log(self, outcome: Outcome, request_id: str, now: float) -> None:
        log_delivery(
            at=datetime.fromtimestamp(now, UTC),
            request_id=request_id,
            outcome=outcome.outcome,
            event_id=outcome.event_id,
            payment_id=outcome.payment_id,
            signature_valid=outcome.signature_valid,
            method=outcome.method,
            resolved_user_id=outcome.user_id,
            credits=outcome.credits,
            error=outcome.error,
        )

    def _verified(
        self, body: bytes, signature: str | None, now: float
    ) -> Outcome | tuple[dict[str, Any], str, str]:
        try:
            verify_signature(
                body,
                signature,
                self.settings.webhook_secrets,
                now=now,
                tolerance=self.settings.tolerance_seconds,
            )
        except SignatureRefusedError as error:
            return Outcome(400, "signature_refused", signature_valid=False, error=str(error))
        event = _parse(body)
        if event is None:
            return Outcome(400, "ignored", error="not a Stripe event")
        event_id = text(event.get("id"))
        kind = text(event.get("type"))
        if event.get("object") == "v2.core.event":
            return Outcome(400, "ignored", event_id, error=f"thin event {kind}")
        if event_id is None or kind is None:
            return Outcome(400, "ignored", error="not a Stripe event")
        return event, event_id, kind

    async def _guarded(
        self,
        event: Mapping[str, Any],
        event_id: str,
        kind: str | None,
        body: bytes,
        request_id: str,
    ) -> Outcome:
        # A connection that died while it was idle shows only when it is used, so once is no proof.
        for last in (False, True):
            try:
                return await self._handle(event, event_id, kind or "", body, request_id)
            except (SQLAlchemyError, OSError, TimeoutError) as error:
                lost = isinstance(error, DBAPIError) and error.connection_invalidated
                if last or not lost:
                    lasting = isinstance(error, DBAPIError) and not isinstance(
                        error, OperationalError | InterfaceError | InternalError
                    )
                    return Outcome(
                        503, "database_error", event_id, error=_name(error), lasting=lasting
                    )
            except Exception as error:
                # Its text, and a traceback's, may quote what the event holds.
                _LOGGER.error(
                    "delivery %s of event %s failed: %s", request_id, event_id, _where(error)
                )
                return Outcome(500, "incomplete", event_id, error=_name(error), lasting=True)
        raise AssertionError("the loop returns")

    async def _handle(
        self, event: Mapping[str, Any], event_id: str, kind: str, body: bytes, request_id: str
    ) -> Outcome:
        data = event.get("data")
        about = data.get("object") if isinstance(data, Mapping) else None
        checkout, unreadable = None, None
        if kind.startswith("checkout.session."):
            try:
                checkout = read_checkout(about, event)
            except UnreadableError as error:
                unreadable = str(error)
        async with self.engine.connect() as connection:
            _, facts = await booking.store_and_look_up(
                connection,
                event_id=event_id,
                kind=kind,
                body=body,
                checkout=checkout,
                ids=candidate_ids(checkout) if checkout else (),
                emails=candidate_emails(checkout) if checkout else (),
            )
            if event.get("livemode") is not self.settings.livemode:
                outcome = Outcome(200, "ignored", event_id, error="event of the other mode")
            elif text(event.get("account")) != self.settings.stripe_account:
                outcome = Outcome(200, "ignored", event_id, error="event of another account")
            elif unreadable is not None:
                outcome = await self._unreadable(connection, event_id, kind, unreadable)
            elif checkout is not None:
                outcome = await self._session(connection, checkout, facts, event_id, kind)
            else:
                outcome = await self._loss(connection, about, event_id, kind)
            losses = await booking.finish(
                connection,
                event_id=event_id,
                payment_id=outcome.payment_id,
                payment_intent_id=outcome.payment_intent_id,
                request_id=request_id,
                outcome=outcome.outcome,
                error=outcome.error,
                method=outcome.method,
                resolved_user_id=outcome.user_id,
                credits=outcome.credits,
            )
        if losses and outcome.payment_intent_id is not None:
            await reversals.settle(self.engine, outcome.payment_intent_id)
        return outcome

    async def _session(
        self, connection: Any, checkout: Checkout, facts: Known, event_id: str, kind: str
    ) -> Outcome:
        def made(outcome: str, **more: Any) -> Outcome:
            return Outcome(
                200,
                outcome,
                event_id,
                checkout.payment_id,
                checkout.payment_intent_id,
                **more,
            )

        if kind not in COMPLETIONS or checkout.mode == "setup":
            failed = kind == "checkout.session.async_payment_failed"
            return made("unpaid", error="payment failed") if failed else made("ignored")
        if not checkout.paid:
            return made("unpaid")
        found = self.resolution(checkout, facts)
        value = expected_credits(checkout, self.settings.prices)
        problem = found.problem or value.problem
        if problem is None and found.user_id is not None and value.credits is not None:
            booked = await booking.book(
                connection,
                checkout,
                event_id=event_id,
                user_id=found.user_id,
                credits=value.credits,
                method=found.method or "",
                families=found.families,
                # One family alone may be wrong, so it binds no customer for later payments.
                bind=len(found.families) >= self.settings.min_families,
            )
            told: dict[str, Any] = {"method": found.method, "user_id": found.user_id}
            if booked not in (booking.INTENT_BOOKED, booking.BY_HAND):
                return made(booked, credits=value.credits if booked == "credited" else None, **told)
            problem = booked
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

    async def _unreadable(self, connection: Any, event_id: str, kind: str, why: str) -> Outcome:
        """A session that nothing can be booked from waits under its event's id."""
        if kind in COMPLETIONS:
            await booking.queue(
                connection,
                unreadable_checkout(event_id),
                event_id=event_id,
                problem="unreadable",
                claims=(),
                credits=None,
            )
        return Outcome(200, "resolution_failed", event_id, error=why)

    async def _loss(self, connection: Any, about: Any, event_id: str, kind: str) -> Outcome:
        """A refund or a dispute that was lost; anything else is none of ours."""
        if not isinstance(about, Mapping):
            return Outcome(200, "ignored", event_id)
        source = amount = None
        if kind == "charge.refunded":
            source, amount = f"charge:{reference(about)}", whole(about.get("amount_refunded"))
        elif kind == "charge.dispute.closed" and about.get("status") == "lost":
            source, amount = f"dispute:{reference(about)}", whole(about.get("amount"))
        intent = reference(about.get("payment_intent"))
        if source is None or amount is None or amount < 0 or intent is None:
            return Outcome(200, "ignored", event_id)
        await reversals.lose(
            connection, payment_intent_id=intent, source=source, amount=amount, event_id=event_id
        )
        return Outcome(200, "ignored", event_id, payment_intent_id=intent)


def _parse(body: bytes) -> dict[str, Any] | None:
    try:
        event = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return event if isinstance(event, dict) else None


def _where(error: BaseException) -> str:
    """What went wrong and in which line, without its text."""
    frames = traceback.extract_tb(error.__traceback__)
    last = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    return _name(error) + last


def _name(error: BaseException) -> str:
    """What went wrong without the text of it: that may quote values."""
    cause = getattr(error, "orig", None)
    return (
        type(error).__name__ if cause is None else f"{type(error).__name__}: {type(cause).__name__}"
    )
