"""The review queue: what waits, who decided what and why, and resolving again."""

from __future__ import annotations

import logging
from collections import Counter
from datetime import datetime
from typing import Any, Literal

import sqlalchemy as sa
from fastapi import APIRouter, HTTPException, Path, Query, Request
from pydantic import AwareDatetime, BaseModel, Field
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from credit_forensics.intake import booking, came_back, kept_events
from credit_forensics.intake.checkout_object import (
    unreadable_checkout,
)
from credit_forensics.intake.expected_credits import expected_credits
from credit_forensics.intake.guarded import Guard
from credit_forensics.intake.look_up import Arrival, keep_and_look_up
from credit_forensics.intake.losses import DISPUTE_WON, REFUND_FAILED
from credit_forensics.intake.renewals import NO_RENEWAL
from credit_forensics.intake.review_items import (
    Item,
    checkout_of,
    item_of,
    open_row,
    plain_text,
    row_of,
    seconded,
    settle,
    transacting,
    write_decision,
)
from credit_forensics.intake.users import exists
from credit_forensics.intake.webhook import Webhook

_MAX_ID = 2**63 - 1
_MOST_AT_ONCE = 200
_LOGGER = logging.getLogger("credit_forensics.intake")


class Decision(BaseModel):
    """What a reviewer decides, and why."""

    action: Literal["credit", "refuse"]
    user_id: str | None = Field(default=None, min_length=1, max_length=200)
    credits: int | None = Field(default=None, gt=0, le=1_000_000_000)
    why: str = Field(min_length=3, max_length=2000)


class Reason(BaseModel):
    """Why it is to be resolved again."""

    why: str = Field(min_length=3, max_length=2000)


class Decided(BaseModel):
    """What came of it: what was booked, not what was meant."""

    state: str
    user_id: str | None = None
    credits: int | None = None
    awaits: str | None = None


class Dead(BaseModel):
    """An event that could not be handled, and is not tried again by itself."""

    event_id: str
    type: str
    received_at: datetime
    dead_at: datetime
    attempts: int
    last_error: str | None


class Span(BaseModel):
    """A time whose events are to be handled again, and why."""

    since: AwareDatetime
    until: AwareDatetime
    why: str = Field(min_length=3, max_length=2000)
    after: str = Field(default="", max_length=500)


class Handled(BaseModel):
    """Outcomes of handling again; ``after`` pages on where there is more."""

    outcomes: dict[str, int]
    after: str | None


_RESPONSES: dict[int | str, dict[str, Any]] = {
    401: {"description": "not signed in"},
    404: {"description": "no such item"},
    409: {"description": "already decided"},
    429: {"description": "too many requests"},
}


def router(guard: Guard, engine: AsyncEngine, webhook: Webhook) -> APIRouter:
    """The routes."""
    routes = APIRouter(prefix="/api/v1/review", tags=["review"])

    @routes.get("", responses={401: _RESPONSES[401], 429: _RESPONSES[429]})
    async def list_items(
        request: Request,
        state: Literal["open", "credited", "refused"] = "open",
        after: int = Query(default=0, ge=0, le=_MAX_ID),
        limit: int = Query(default=50, ge=1, le=500),
    ) -> list[Item]:
        """What waits, oldest first; ``after`` pages on."""
        guard.reviewer(request)
        query = sa.text(
            "SELECT * FROM review_queue WHERE state = :state AND id > :after ORDER BY id LIMIT :n"
        )
        async with engine.connect() as connection:
            rows = await connection.execute(query, {"state": state, "after": after, "n": limit})
            return [item_of(row) for row in rows]

    @routes.get("/dead-events", responses={401: _RESPONSES[401], 429: _RESPONSES[429]})
    async def list_dead(
        request: Request,
        after: str = Query(default="", max_length=500),
        limit: int = Query(default=50, ge=1, le=500),
    ) -> list[Dead]:
        """Events that could not be handled and are not tried again by themselves."""
        guard.reviewer(request)
        async with engine.connect() as connection:
            rows = await kept_events.dead(connection, after=plain_text(after), most=limit)
        return [Dead.model_validate(row) for row in rows]

    @routes.post("/dead-events/{event_id}/retry", responses=_RESPONSES)
    async def retry(
        request: Request, reason: Reason, event_id: str = Path(min_length=1, max_length=500)
    ) -> Decided:
        """Handle a dead event again, now."""
        reviewer = guard.reviewer(request)
        async with engine.connect() as connection:
            kept = await kept_events.revive(connection, plain_text(event_id))
        if kept is None:
            raise HTTPException(404, "no such event that is dead")
        _LOGGER.warning("%s had a dead event handled again", reviewer)
        outcome = await webhook.handle_stored(kept)
        return Decided(state=outcome.outcome, user_id=outcome.user_id, credits=outcome.credits)

    @routes.post("/replay-events", responses={401: _RESPONSES[401], 429: _RESPONSES[429]})
    async def replay_events(request: Request, span: Span) -> Handled:
        """Handle again what was received in a time, 200 events a call; nothing is booked twice."""
        reviewer = guard.reviewer(request)
        async with engine.connect() as connection:
            rows = await kept_events.between(
                connection, span.since, span.until, after=plain_text(span.after), most=_MOST_AT_ONCE
            )
        _LOGGER.warning("%s had %d events handled again", reviewer, len(rows))
        outcomes: Counter[str] = Counter()
        for kept in rows:
            outcome = await webhook.handle_stored(kept)
            outcomes[outcome.outcome] += 1
        more = rows[-1].event_id if len(rows) == _MOST_AT_ONCE else None
        return Handled(outcomes=dict(outcomes), after=more)

    @routes.get("/{item_id}", responses=_RESPONSES)
    async def show_item(request: Request, item_id: int = Path(ge=1, le=_MAX_ID)) -> Item:
        """One item."""
        guard.reviewer(request)
        async with engine.connect() as connection:
            return item_of(await row_of(connection, item_id))

    @routes.post(
        "/{item_id}/decide", responses=_RESPONSES | {422: {"description": "cannot be done"}}
    )
    async def decide(
        request: Request, decision: Decision, item_id: int = Path(ge=1, le=_MAX_ID)
    ) -> Decided:
        """Credit somebody, or refuse; either way with who decided and why."""
        reviewer = guard.reviewer(request)
        if decision.action == "credit":
            if decision.user_id is None:
                raise HTTPException(422, "user_id is needed to credit")
            if not await exists(engine, decision.user_id):
                raise HTTPException(422, "no such user")
        async with transacting(engine).begin() as connection:
            row = await open_row(connection, item_id)
            checkout = await checkout_of(connection, row.event_id)
            state, credits = "refused", None
            if decision.action == "credit":
                credits = decision.credits or row.credits
                if credits is None:
                    raise HTTPException(422, "credits are needed: the price is not known")
                limit = webhook.settings.second_person_above
                if (
                    limit is not None
                    and credits > limit
                    and not await seconded(connection, row.id, decision.user_id, credits, reviewer)
                ):
                    await write_decision(
                        connection,
                        row,
                        action="propose",
                        user_id=decision.user_id,
                        reviewer=reviewer,
                        why=decision.why,
                        state="open",
                        credits=credits,
                    )
                    return Decided(state="open", awaits="another reviewer's same decision")
                if row.problem in (REFUND_FAILED, DISPUTE_WON):
                    credits = await _given_back(connection, row, str(decision.user_id), credits)
                else:
                    purchase = booking.Purchase(
                        checkout or unreadable_checkout(row.payment_id, row.amount, row.currency),
                        row.event_id,
                        str(decision.user_id),
                        credits,
                        "review",
                        ("review",),
                        decided=True,
                    )
                    booked = await booking.book(connection, purchase)
                    if booked != "credited":
                        raise HTTPException(409, _NOT_BOOKED[booked])
                state = "credited"
            await write_decision(
                connection,
                row,
                action=decision.action,
                user_id=decision.user_id,
                reviewer=reviewer,
                why=decision.why,
                state=state,
                credits=credits,
            )
        if state == "refused":
            return Decided(state=state)
        if checkout is not None:
            await settle(engine, checkout)
        return Decided(state=state, user_id=decision.user_id, credits=credits)

    @routes.post("/{item_id}/replay", responses=_RESPONSES)
    async def replay(
        request: Request, reason: Reason, item_id: int = Path(ge=1, le=_MAX_ID)
    ) -> Decided:
        """Resolve again with what is known now; booked only if the families agree by now."""
        reviewer = guard.reviewer(request)
        async with transacting(engine).begin() as connection:
            row = await open_row(connection, item_id)
            checkout = await checkout_of(connection, row.event_id)
            if checkout is None:
                raise HTTPException(409, "nothing can be booked from this session")
            (facts,) = await keep_and_look_up(
                connection, [Arrival(row.event_id, "", b"", checkout)]
            )
            found = webhook.handler.resolution(checkout, facts)
            value = expected_credits(checkout, webhook.settings.prices)
            state = "open"
            booked = None
            user_id = None if row.problem == NO_RENEWAL else found.user_id
            if user_id is not None and value.credits is not None:
                purchase = booking.Purchase(
                    checkout,
                    row.event_id,
                    user_id,
                    value.credits,
                    found.method or "",
                    found.families,
                    # A person who gave the credits by hand, too, is a person's to look at.
                    decided=row.problem not in (booking.BY_HAND, booking.INTENT_BOOKED),
                )
                booked = await booking.book(connection, purchase)
                state = "credited" if booked == "credited" else "open"
            await write_decision(
                connection,
                row,
                action="replay",
                user_id=found.user_id,
                reviewer=reviewer,
                why=reason.why,
                state=state,
            )
        await settle(engine, checkout)
        if state == "open":
            return Decided(state=state)
        return Decided(state=state, user_id=found.user_id, credits=value.credits)

    return routes


async def _given_back(connection: AsyncConnection, row: Any, user_id: str, credits: int) -> int:
    """Give what was taken for money that came back, as far as it is still owed; or 409."""
    money = await came_back.money_of(connection, row.event_id)
    given = (
        0
        if money is None
        else await came_back.give_back(connection, money, user_id, credits, row.event_id)
    )
    if not given:
        raise HTTPException(
            409, "nothing was booked: no credits are owed, they were given or refunded since"
        )
    return given


_NOT_BOOKED = {
    "duplicate": "nothing was booked: the payment is booked already",
    booking.INTENT_BOOKED: "nothing was booked: its money is booked under another session",
    booking.BY_HAND: "nothing was booked: the credits were given by hand",
}
