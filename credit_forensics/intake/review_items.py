"""The review queue's rows: what waits, what was decided, and what is taken back after it."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from fastapi import HTTPException
from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from credit_forensics.intake import invoices, reversals
from credit_forensics.intake.checkout_object import Checkout, UnreadableError
from credit_forensics.intake.renewals import read_payment


class Item(BaseModel):
    """A payment that waits for a person."""

    id: int
    payment_id: str
    event_id: str
    problem: str
    claims: list[dict[str, Any]]
    suggested_user_id: str | None
    credits: int | None
    amount: int
    currency: str
    state: str
    queued_at: datetime


async def seconded(
    connection: AsyncConnection, item_id: int, user_id: str | None, credits: int, reviewer: str
) -> bool:
    """Whether another reviewer decided the very same before."""
    query = sa.text(
        "SELECT EXISTS (SELECT FROM review_decisions WHERE item_id = :item AND action = 'propose' "
        "AND user_id = :user AND credits = :credits AND decided_by <> :reviewer)"
    )
    values = {
        "item": item_id,
        "user": user_id,
        "credits": credits,
        "reviewer": reviewer,
    }
    return bool((await connection.execute(query, values)).scalar_one())


def plain_text(value: str) -> str:
    """A text that PostgreSQL can be asked for."""
    return value.replace("\x00", "\ufffd").encode("utf-8", "replace").decode()


def transacting(engine: AsyncEngine) -> AsyncEngine:
    """The engine with real transactions."""
    return engine.execution_options(isolation_level="READ COMMITTED")


async def row_of(connection: AsyncConnection, item_id: int, lock: bool = False) -> Any:
    """An item's row, or 404."""
    query = sa.text(f"SELECT * FROM review_queue WHERE id = :id{' FOR UPDATE' if lock else ''}")
    row = (await connection.execute(query, {"id": item_id})).one_or_none()
    if row is None:
        raise HTTPException(404, "no such item")
    return row


async def open_row(connection: AsyncConnection, item_id: int) -> Any:
    """The row of an item that waits, locked; 404 without it, 409 once it is decided."""
    # Two reviewers at once: the second finds it decided.
    row = await row_of(connection, item_id, lock=True)
    if row.state != "open":
        raise HTTPException(409, "already decided")
    return row


async def checkout_of(connection: AsyncConnection, event_id: str) -> Checkout | None:
    """The session as it was delivered; None where nothing can be booked from it."""
    query = sa.text("SELECT body FROM intake_events WHERE event_id = :id")
    body = (await connection.execute(query, {"id": event_id})).scalar_one()
    event = json.loads(bytes(body))
    try:
        return read_payment((event.get("data") or {}).get("object"), event)
    except (UnreadableError, AttributeError):
        return None


async def settle(engine: AsyncEngine, checkout: Checkout) -> None:
    """Take back what was lost of a payment before it was booked."""
    intent = checkout.payment_intent_id
    if intent is None and checkout.invoice_id is not None:
        async with engine.connect() as connection:
            intent = await invoices.note_invoice(
                connection, checkout.invoice_id, payment_id=checkout.payment_id
            )
    if intent is not None:
        await reversals.settle(engine, intent)


async def write_decision(
    connection: AsyncConnection,
    row: Any,
    *,
    action: str,
    user_id: str | None,
    reviewer: str,
    why: str,
    state: str,
    credits: int | None = None,
) -> None:
    """Write who decided what and why, and the item's state."""
    await connection.execute(
        sa.text("UPDATE review_queue SET state = :state WHERE id = :id"),
        {"state": state, "id": row.id},
    )
    await connection.execute(
        sa.text(
            "INSERT INTO review_decisions "
            "(item_id, payment_id, action, user_id, decided_by, why, credits) "
            "VALUES (:item_id, :payment_id, :action, :user_id, :decided_by, :why, :credits)"
        ),
        {
            "item_id": row.id,
            "payment_id": row.payment_id,
            "action": action,
            "user_id": user_id,
            "decided_by": reviewer,
            "credits": credits,
            "why": plain_text(why),
        },
    )


def item_of(row: Any) -> Item:
    """A row as it is shown."""
    values = dict(row._mapping)
    return Item(**(values | {"claims": json.loads(values["claims"])}))
