"""Takes back the credits of refunds and lost disputes, once, from whoever has them now."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from credit_forensics.intake.checkout_object import reference, text, whole
from credit_forensics.intake.named_entries import named, taken_by_hand

REFUND_CHANGES = ("refund.failed", "refund.updated", "charge.refund.updated")
DISPUTE_CHANGES = ("charge.dispute.closed", "charge.dispute.funds_reinstated")
"""Events by which money that had gone back may be the shop's again."""

_LOSE = sa.text(
    """
    INSERT INTO intake_losses (payment_intent_id, source, amount, event_id)
    VALUES (:payment_intent_id, :source, :amount, :event_id)
    ON CONFLICT (payment_intent_id, source)
    DO UPDATE SET amount = EXCLUDED.amount, event_id = EXCLUDED.event_id
    WHERE EXCLUDED.amount > intake_losses.amount
    """
)

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
        OR EXISTS (SELECT FROM credit_ledger WHERE entry_key = :entry_key)
    """
).bindparams(sa.bindparam("entry_key", type_=sa.Text))


class SwallowedError(Exception):
    """The ledger took no entry and said nothing: a trigger of its own may do so."""


_PAYMENT = sa.text(
    "SELECT payment_id, credits, amount, event_id, created_at FROM intake_payments "
    "WHERE payment_intent_id = :id FOR UPDATE"
)
_LOSSES = sa.text(
    """SELECT coalesce(sum(amount), 0)::BIGINT AS lost,
        (array_agg(event_id ORDER BY amount DESC, event_id))[1] AS event_id
    FROM intake_losses WHERE payment_intent_id = :id"""
)
_NAMED = sa.text(named())
_TAKEN_BY_HAND = sa.text(taken_by_hand()).bindparams(
    sa.bindparam("created_at", type_=sa.DateTime(timezone=True)),
    sa.bindparam("credits", type_=sa.BigInteger),
)


_BOOKED_FOR = sa.text(
    "SELECT user_id, credits, amount, currency FROM intake_payments "
    "WHERE payment_intent_id = :intent AND (:source IS NULL OR EXISTS (SELECT FROM intake_losses "
    "WHERE payment_intent_id = :intent AND source = :source))"
).bindparams(sa.bindparam("source", type_=sa.Text))

REFUND_FAILED, DISPUTE_WON = "refund_failed", "dispute_won"
"""Money that had gone back is the shop's again, and its credits are taken: a person's to give."""


@dataclass(frozen=True)
class CameBack:
    """Money that is the shop's again: by which object, of which PaymentIntent, and why."""

    object_id: str
    intent: str
    amount: int
    problem: str


def came_back(kind: str, about: Mapping[str, Any]) -> CameBack | None:
    """The refund that failed or the dispute that was won of an event; None for any other.

    Examples
    --------
    >>> refund = {"id": "re_1", "object": "refund", "payment_intent": "pi_1", "amount": 500}
    >>> came_back("refund.failed", refund | {"status": "failed"}).problem
    'refund_failed'
    >>> came_back("refund.updated", refund | {"status": "succeeded"})
    """
    problem = None
    if kind in REFUND_CHANGES and about.get("status") in ("failed", "canceled"):
        problem = REFUND_FAILED
    elif kind in DISPUTE_CHANGES and about.get("status") == "won":
        problem = DISPUTE_WON
    object_id, intent = text(about.get("id")), reference(about.get("payment_intent"))
    amount = whole(about.get("amount"))
    if problem is None or object_id is None or intent is None or not amount or amount < 0:
        return None
    return CameBack(object_id, intent, amount, problem)


async def owed(connection: AsyncConnection, money: CameBack) -> tuple[str, int, str] | None:
    """Whose credits were taken for money that came back, how many, and its currency.

    None where no payment is booked for it; of a dispute also where it was never lost.
    """
    lost = f"dispute:{money.object_id}" if money.problem == DISPUTE_WON else None
    found = await connection.execute(_BOOKED_FOR, {"intent": money.intent, "source": lost})
    row = found.one_or_none()
    if row is None or row.amount <= 0:
        return None
    return row.user_id, credits_lost(row.credits, row.amount, money.amount), row.currency


async def lose(
    connection: AsyncConnection, *, payment_intent_id: str, source: str, amount: int, event_id: str
) -> None:
    """Keep a loss: refunds of a charge so far (cumulative), or a lost dispute. Never shrinks."""
    await connection.execute(
        _LOSE,
        {
            "payment_intent_id": payment_intent_id,
            "source": source,
            "amount": amount,
            "event_id": event_id,
        },
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
    # The payment's row is locked, so that two refunds at once, or a refund and a repair, are
    # settled one after the other.
    transacting = engine.execution_options(isolation_level="READ COMMITTED")
    async with transacting.begin() as connection:
        payment = (await connection.execute(_PAYMENT, {"id": payment_intent_id})).one_or_none()
        if payment is None or payment.amount <= 0:
            return 0
        losses = (await connection.execute(_LOSSES, {"id": payment_intent_id})).one()
        ids = {"payment_id": payment.payment_id, "event_id": payment.event_id}
        rows = (await connection.execute(_NAMED, ids)).all()
        target = credits_lost(payment.credits, payment.amount, losses.lost)
        parts = to_take(
            [(r.user_id, int(r.delta), bool(r.refund)) for r in rows], target, payment.credits
        )
        taken = 0
        for number, (user_id, credits) in enumerate(parts, start=1):
            by_hand = (
                await connection.execute(
                    _TAKEN_BY_HAND,
                    {"user_id": user_id, "credits": credits, "created_at": payment.created_at},
                )
            ).scalar_one()
            if by_hand:
                continue
            suffix = f":{number}" if number > 1 else ""
            taken_now = await connection.execute(
                _REVERSE,
                {
                    "user_id": user_id,
                    "delta": -credits,
                    "reason": f"refund:event_{losses.event_id}:payment_{payment.payment_id}",
                    "event_id": losses.event_id,
                    "payment_id": payment.payment_id,
                    "entry_key": f"refund:{payment.payment_id}:{target}{suffix}",
                },
            )
            if not taken_now.scalar_one():
                raise SwallowedError
            taken += credits
        return taken


def to_take(
    entries: Iterable[tuple[str, int, bool]], target: int, credits: int
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

    Examples
    --------
    Bought by ben, moved to ada by hand, then refunded by two fifths:

    >>> moved = [("ben", 50, False), ("ben", -50, False), ("ada", 50, False)]
    >>> to_take(moved, 20, 50)
    [('ada', 20)]

    What was taken in other words than a refund's counts all the same:

    >>> to_take([*moved, ("ada", -20, False)], 20, 50)
    []
    """
    net: dict[str, int] = {}
    refunded = 0
    for user_id, delta, refund in entries:
        net[user_id] = net.get(user_id, 0) + delta
        refunded -= delta if refund else 0
    left = min(sum(net.values()) - (credits - target), target - refunded)
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
    lost = min(lost, amount)
    return (2 * credits * lost + amount) // (2 * amount)
