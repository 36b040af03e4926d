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
from dataclasses import replace
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

from credit_forensics.intake import kept_events
from credit_forensics.intake.checkout_object import (
    text,
)
from credit_forensics.intake.delivery_log import log_delivery
from credit_forensics.intake.event_handler import EventHandler, Outcome
from credit_forensics.intake.rate_limit import RateLimit
from credit_forensics.intake.settings import IntakeSettings
from credit_forensics.intake.signature import SignatureRefusedError, verify_signature

KEPT = "kept"
"""The answer to a delivery that is in the table and not booked yet."""
MOST_REFUSED_LINES = 600
"""Lines a minute of deliveries that were refused; the next line says how many have none."""
_MOST_RUNNING = 200
_LOGGER = logging.getLogger("credit_forensics.intake")


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
        self.handler = EventHandler(settings, engine)
        self._running: set[asyncio.Task[Outcome]] = set()
        self._refusals, self._unlogged = RateLimit(MOST_REFUSED_LINES), 0

    async def deliver(self, body: bytes, signature: str | None) -> Outcome:
        """Handle a delivery and log it; never raises.

        What cannot be booked at once is answered as ``kept`` as soon as it is, and booked while
        nobody waits, or by ``recovery``.
        """
        request_id = uuid.uuid4().hex
        now = self.clock()
        read = self._verified(body, signature, now)
        if isinstance(read, Outcome):
            self._log_refused(read, request_id, now)
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
            async with asyncio.timeout(self.handler.turns.seconds):
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
            async with asyncio.timeout(self.handler.turns.seconds):
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

    def _log_refused(self, outcome: Outcome, request_id: str, now: float) -> None:
        # Anybody may send these, and a line for each would fill a disk.
        if not self._refusals.allows("refused"):
            self._unlogged += 1
            return
        more = f" ({self._unlogged} more without a line)" if self._unlogged else ""
        self._unlogged = 0
        self._log(replace(outcome, error=f"{outcome.error}{more}"), request_id, now)

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
                return await self.handler.handle(event, event_id, kind or "", body, request_id)
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
