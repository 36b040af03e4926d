"""Takes back the credits of refunds and lost disputes, once, from whoever has them now."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from credit_forensics.intake.losses import lost_so_far
from credit_forensics.intake.named_entries import named, taken_by_hand

_REVERSE = sa.text(
    """
    WITH entry AS (
        INSERT INTO credit_ledger
            (user_id, delta, reason, stripe_event_id, payment_id, entry_key)
        VALUES (:user_id, :delta, :reason, :event_id, :payment_id, :entry_key)
        ON CONFLICT (entry_key) DO NOTHING RETURNING user_id, delta
    ), balance AS (
        INSERT INTO user_credits (user_id, total_credits) SELECT user_id, delta FROM entry
        ON CONFLICT (user_id)
        DO UPDATE SET total_credits = user_credits.total_credits + EXCLUDED.total_credits
    )
    SELECT EXISTS (SELECT FROM entry)
    """
).bindparams(sa.bindparam("entry_key", type_=sa.Text))


class SwallowedError(Exception):
    """The ledger took no entry and said nothing: a trigger of its own may do so."""


_PAYMENT = sa.text(
    "SELECT payment_id, user_id, credits, amount, currency, event_id, created_at "
    "FROM intake_payments "
    "WHERE payment_intent_id = :id FOR UPDATE"
)
_NAMED = sa.text(named())
_TAKEN_BY_HAND = sa.text(taken_by_hand()).bindparams(
    sa.bindparam("created_at", type_=sa.DateTime(timezone=True)),
    sa.bindparam("credits", type_=sa.BigInteger),
)


@dataclass(frozen=True)
class Standing:
    """A booked payment, its entries, and what its losses take of its credits.

    Attributes
    ----------
    entries
        account, credits and whether it is a refund's, of each.
    target
        credits that the money lost by now takes in all.
    ever
        credits that all the money takes that ever went back, also what came back since.
    """

    payment_id: str
    user_id: str
    credits: int
    amount: int
    currency: str
    created_at: datetime
    entries: list[tuple[str, int, bool]]
    target: int
    ever: int
    event_id: str | None

    @property
    def taken(self) -> int:
        """Credits that refunds ever took, also those that were given again."""
        return -sum(delta for _, delta, refund in self.entries if refund and delta < 0)


async def standing(connection: AsyncConnection, payment_intent_id: str) -> Standing | None:
    """How a payment stands, its row locked; None where none is booked that cost something.

    The lock is held until the transaction ends, so that two who take or give credits of a payment,
    or a refund and a repair, do so one after the other.
    """
    row = (await connection.execute(_PAYMENT, {"id": payment_intent_id})).one_or_none()
    if row is None or row.amount <= 0:
        return None
    losses = await lost_so_far(connection, payment_intent_id)
    ids = {"payment_id": row.payment_id, "event_id": row.event_id}
    entries = (await connection.execute(_NAMED, ids)).all()
    target = credits_lost(row.credits, row.amount, losses.lost)
    return Standing(
        row.payment_id,
        row.user_id,
        row.credits,
        row.amount,
        row.currency,
        row.created_at,
        [(one.user_id, int(one.delta), bool(one.refund)) for one in entries],
        target,
        target + _share(row.credits, row.amount, losses.back),
        losses.event_id,
    )


async def settle(engine: AsyncEngine, payment_intent_id: str) -> int:
    """Take back the credits of a payment's losses, as far as that was not done yet.

    Credits are taken in proportion to the money lost, half a credit rounded up; at most all. What
    was taken already counts whoever took it, and they are taken from the accounts that have the
    payment's credits now, which a repair or a person may have moved.

    Returns
    -------
    Credits taken back by this call.
    """
    transacting = engine.execution_options(isolation_level="READ COMMITTED")
    async with transacting.begin() as connection:
        paid = await standing(connection, payment_intent_id)
        if paid is None:
            return 0
        parts = to_take(paid.entries, paid.target, paid.credits, paid.ever)
        taken = 0
        for user_id, credits in parts:
            if await taken_in_silence(connection, paid, user_id, credits):
                continue
            await enter(
                connection,
                paid,
                user_id,
                -credits,
                reason=f"refund:event_{paid.event_id}:payment_{paid.payment_id}",
                event_id=paid.event_id,
                # What was given again and is taken again is another entry.
                key=str(paid.taken + taken + credits),
            )
            taken += credits
        return taken


async def taken_in_silence(
    connection: AsyncConnection, paid: Standing, user_id: str, credits: int
) -> int:
    """Credits that a person took from an account in a refund's words, naming no payment."""
    values = {"user_id": user_id, "credits": credits, "created_at": paid.created_at}
    return int((await connection.execute(_TAKEN_BY_HAND, values)).scalar_one())


async def enter(
    connection: AsyncConnection,
    paid: Standing,
    user_id: str,
    delta: int,
    *,
    reason: str,
    event_id: str | None,
    key: str,
) -> None:
    """Write an entry of a refund, with its balance.

    Raises
    ------
    SwallowedError
        when it was not written: an entry of that key is there, or a trigger keeps it out.
    """
    entered = await connection.execute(
        _REVERSE,
        {
            "user_id": user_id,
            "delta": delta,
            "reason": reason,
            "event_id": event_id,
            "payment_id": paid.payment_id,
            "entry_key": f"refund:{paid.payment_id}:{key}",
        },
    )
    if not entered.scalar_one():
        raise SwallowedError


def to_take(
    entries: Iterable[tuple[str, int, bool]], target: int, credits: int, ever: int | None = None
) -> list[tuple[str, int]]:
    """From whom how many credits are to be taken, the account with the most of them first.

    Parameters
    ----------
    entries
        account, credits and whether it is a refund, of each entry of the payment.
    target
        credits that the losses so far take in all.
    credits
        what the payment is worth.
    ever
        credits that all losses took, also those whose money came back; without, as ``target``.

    Examples
    --------
    Bought by ben, moved to ada by hand, then refunded by two fifths:

    >>> moved = [("ben", 50, False), ("ben", -50, False), ("ada", 50, False)]
    >>> to_take(moved, 20, 50)
    [('ada', 20)]

    What was taken in other words than a refund's counts all the same:

    >>> to_take([*moved, ("ada", -20, False)], 20, 50)
    []

    A refund of two fifths failed, support gave the credits again, and as much is refunded anew:

    >>> again = [("ada", 50, False), ("ada", -20, True), ("ada", 20, False)]
    >>> to_take(again, 20, 50, ever=40)
    [('ada', 20)]
    """
    net: dict[str, int] = {}
    refunded = taken = 0
    for user_id, delta, refund in entries:
        net[user_id] = net.get(user_id, 0) + delta
        refunded -= delta if refund else 0
        taken -= min(delta, 0) if refund else 0
    # Credits given for another reason than a loss that came back are no refund's to take.
    allowed = max(target - refunded, (target if ever is None else ever) - taken)
    left = min(sum(net.values()) - (credits - target), allowed)
    parts = []
    for user_id, has in sorted(net.items(), key=lambda pair: (-pair[1], pair[0])):
        part = min(has, left)
        if part <= 0:
            break
        parts.append((user_id, part))
        left -= part
    return parts


def credits_lost(credits: int, amount: int, lost: int) -> int:
    """Credits that a loss takes, in proportion, half a credit rounded up; at most all.

    Examples
    --------
    >>> credits_lost(50, 500, 200), credits_lost(50, 500, 900), credits_lost(1, 2, 1)
    (20, 50, 1)
    """
    return _share(credits, amount, min(lost, amount))


def _share(credits: int, amount: int, part: int) -> int:
    return (2 * credits * part + amount) // (2 * amount)
