"""Credits that were taken for money which is the shop's again: a person gives them, once."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from credit_forensics.intake.checkout_object import text
from credit_forensics.intake.losses import Loss, read_loss
from credit_forensics.intake.reversals import Standing, enter, standing, taken_in_silence


@dataclass(frozen=True)
class Owed:
    """Credits that a payment's account lacks, and from whom they were taken."""

    user_id: str
    credits: int
    currency: str


async def owed(engine: AsyncEngine, money: Loss) -> Owed | None:
    """What is owed now that money came back; None where nothing is, or no payment is booked.

    Nothing is owed where nothing was taken, or as much is refunded anew by now.
    """
    transacting = engine.execution_options(isolation_level="READ COMMITTED")
    async with transacting.begin() as connection:
        paid = await standing(connection, money.intent)
        if paid is None:
            return None
        credits = await _missing(connection, paid)
        return Owed(_lacking(paid), credits, paid.currency) if credits > 0 else None


async def give_back(
    connection: AsyncConnection, money: Loss, user_id: str, most: int, event_id: str
) -> int:
    """Give credits that are owed, as far as they still are; the number of credits.

    The entry is the payment's own, so that a later refund takes them again.

    Parameters
    ----------
    connection
        in the transaction that decides.
    most
        as many are given as are owed, and no more than these.
    """
    paid = await standing(connection, money.intent)
    if paid is None:
        return 0
    credits = min(most, await _missing(connection, paid))
    if credits <= 0:
        return 0
    await enter(
        connection,
        paid,
        user_id,
        credits,
        reason=f"{money.problem}:event_{event_id}:payment_{paid.payment_id}",
        event_id=event_id,
        key=f"back:{money.object_id}",
    )
    return credits


async def money_of(connection: AsyncConnection, event_id: str) -> Loss | None:
    """The money that a kept event tells is back."""
    query = sa.text("SELECT type, body FROM intake_events WHERE event_id = :id")
    row = (await connection.execute(query, {"id": event_id})).one_or_none()
    event = None if row is None else json.loads(bytes(row.body))
    if not isinstance(event, Mapping) or not isinstance(event.get("data"), Mapping):
        return None
    loss = read_loss(text(event.get("type")) or "", event["data"].get("object"), event)
    return loss if loss is not None and loss.problem else None


async def _missing(connection: AsyncConnection, paid: Standing) -> int:
    held = sum(delta for _, delta, _ in paid.entries)
    missing = paid.credits - paid.target - held
    # What is missing beyond the share of the money was taken for another reason; one is rounding.
    share = paid.ever - paid.target
    if missing <= 0 < share:
        # It may be that a person took them, naming no payment.
        missing += await taken_in_silence(connection, paid, _lacking(paid), share)
    return min(missing, share + 1)


def _lacking(paid: Standing) -> str:
    """From whom most was taken; the account that was credited where nothing shows it."""
    taken: Counter[str] = Counter()
    for user_id, delta, refund in paid.entries:
        taken[user_id] -= delta if refund else 0
    most = min(taken, key=lambda user_id: (-taken[user_id], user_id), default=paid.user_id)
    return most if taken[most] > 0 else paid.user_id
