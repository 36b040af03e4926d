"""Books: a purchase with its entry, balance and binding in one transaction.

Each statement is its own transaction, whole or not at all. What must be unique is unique in the
database, so that repeats, concurrent ones too, change nothing.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from credit_forensics.intake.checkout_object import Checkout
from credit_forensics.intake.named_entries import given_by_hand, named
from credit_forensics.intake.resolution import Claim

_BOOK = sa.text(
    f"""
    WITH patience AS MATERIALIZED (
        SELECT set_config('lock_timeout', coalesce(:patience, current_setting('lock_timeout')),
            true)
    ), asked AS MATERIALIZED (
        SELECT a.* FROM patience, json_to_recordset(CAST(:asked AS json)) AS a (n bigint,
            payment_id text, payment_intent_id text, customer_id text, user_id text,
            credits bigint, amount bigint, currency text, event_id text, method text,
            families text, created_at timestamptz, reason text, decided boolean, bind boolean)
    ), given AS MATERIALIZED (
        SELECT asked.*, g.entries, g.entered, g.own, g.by_hand FROM asked, LATERAL (
            SELECT count(*) AS entries, coalesce(sum(delta), 0) AS entered,
                coalesce(bool_and(named.user_id = asked.user_id), false) AS own,
                {given_by_hand("asked.")} AS by_hand
            FROM ({named("asked.")}) AS named) AS g
    ), payment AS (
        INSERT INTO intake_payments (payment_id, payment_intent_id, customer_id, user_id, credits,
            amount, currency, event_id, method, families, created_at)
        SELECT payment_id, payment_intent_id, customer_id, user_id, credits, amount,
            currency, event_id, method, families, created_at
        FROM given
        WHERE decided OR (
            NOT EXISTS (SELECT FROM review_queue AS q WHERE q.payment_id = given.payment_id)
            AND (entries = 0 AND NOT by_hand OR own AND entered = credits))
        ORDER BY payment_id
        ON CONFLICT DO NOTHING RETURNING payment_id, user_id, credits
    ), entry AS (
        INSERT INTO credit_ledger
            (user_id, delta, reason, stripe_event_id, payment_id, entry_key)
        SELECT payment.user_id, payment.credits, reason, event_id, payment_id,
            'purchase:' || payment_id
        FROM payment JOIN given USING (payment_id) WHERE decided OR entries = 0
        RETURNING payment_id, user_id, delta
    ), balance AS (
        -- In one order, so that two who book for the same accounts wait and do not lock each other.
        INSERT INTO user_credits (user_id, total_credits)
        SELECT user_id, sum(delta)::bigint FROM entry GROUP BY user_id ORDER BY user_id
        ON CONFLICT (user_id)
        DO UPDATE SET total_credits = user_credits.total_credits + EXCLUDED.total_credits
        RETURNING user_id
    ), binding AS (
        INSERT INTO stripe_customers (user_id, stripe_customer_id)
        SELECT payment.user_id, customer_id FROM payment JOIN given USING (payment_id)
        WHERE bind ORDER BY customer_id
        ON CONFLICT (stripe_customer_id) DO NOTHING
    )
    SELECT EXISTS (SELECT FROM entry AS e WHERE e.payment_id = given.payment_id) AS booked,
        -- A trigger may swallow or change what is written: then nothing is, and a person sees it.
        CASE WHEN (decided OR entries = 0)
            AND EXISTS (SELECT FROM payment AS p WHERE p.payment_id = given.payment_id)
            AND NOT EXISTS (SELECT FROM entry AS e JOIN balance AS b USING (user_id)
                WHERE e.payment_id = given.payment_id AND e.user_id = given.user_id
                AND e.delta = given.credits)
        THEN 1 / (n - n) END AS swallowed,
        EXISTS (SELECT FROM payment AS p WHERE p.payment_id = given.payment_id)
            OR EXISTS (SELECT FROM intake_payments AS p WHERE p.payment_id = given.payment_id)
            AS known,
        (SELECT state FROM review_queue AS q WHERE q.payment_id = given.payment_id) AS state,
        EXISTS (SELECT FROM intake_payments AS p
            WHERE p.payment_intent_id = given.payment_intent_id
            AND p.payment_id <> given.payment_id) AS intent_booked,
        by_hand OR entries > 0 AS granted
    FROM given ORDER BY n
    """
).bindparams(sa.bindparam("patience", type_=sa.Text))

INTENT_BOOKED, BY_HAND = "intent_booked", "granted_by_hand"
"""Why a payment that the evidence is clear about is a person's all the same: its money is booked
under another session; or somebody gave the credits, or some of them, by hand."""

_QUEUE = sa.text(
    """
    WITH item AS (
        INSERT INTO review_queue (payment_id, event_id, problem, claims, suggested_user_id,
            credits, amount, currency)
        SELECT :payment_id, :event_id, :problem, :claims, :suggested, :credits, :amount, :currency
        WHERE NOT EXISTS (SELECT FROM intake_payments WHERE payment_id = :payment_id)
        ON CONFLICT (payment_id) DO NOTHING RETURNING id
    )
    SELECT EXISTS (SELECT FROM item)
        OR EXISTS (SELECT FROM review_queue WHERE payment_id = :payment_id AND state = 'open')
    """
).bindparams(sa.bindparam("payment_id", type_=sa.Text))

_FINISH = sa.text(
    """
    WITH asked AS MATERIALIZED (
        SELECT * FROM json_to_recordset(CAST(:asked AS json)) AS a (n bigint, event_id text,
            payment_id text, payment_intent_id text, request_id text, outcome text, error text,
            method text, resolved_user_id text, credits bigint)
    ), told AS (
        INSERT INTO intake_deliveries (event_id, payment_id, request_id, outcome, error,
            signature_valid, method, resolved_user_id, credits)
        SELECT event_id, payment_id, request_id, outcome, error,
            (SELECT true FROM intake_events AS e WHERE e.event_id = asked.event_id AND signed),
            method, resolved_user_id, credits
        FROM asked
    )
    SELECT EXISTS (SELECT FROM intake_losses AS l
        WHERE l.payment_intent_id = asked.payment_intent_id)
    FROM asked ORDER BY n
    """
)


@dataclass(frozen=True)
class Purchase:
    """A payment to book.

    Attributes
    ----------
    decided
        a person decided, so the review queue does not stop it.
    bind
        whether the customer may be bound to the user.
    """

    checkout: Checkout
    event_id: str
    user_id: str
    credits: int
    method: str
    families: Sequence[str]
    decided: bool = False
    bind: bool = True


async def book(connection: AsyncConnection, purchase: Purchase) -> str:
    """Book a purchase: payment, entry, balance and binding, or nothing.

    Returns
    -------
    ``credited`` where this call booked, ``queued`` where the payment waits for a person,
    ``duplicate`` where it is booked or decided already (by whomever: a repair and the handler
    before this one count), else ``INTENT_BOOKED`` or ``BY_HAND``, and nothing was booked.
    """
    # What another statement booked while this one ran is seen only by the next.
    for _ in range(2):
        (told,) = await book_all(connection, [purchase])
        if told is not None:
            return told
    return "duplicate"


async def book_all(
    connection: AsyncConnection, purchases: Sequence[Purchase], patience: str | None = None
) -> list[str | None]:
    """Book purchases of different payments, all in one transaction.

    ``patience`` is the ``lock_timeout`` of the statement, the connection's own without.

    Returns
    -------
    As of ``book``, for each; None where another statement that ran beside it may have booked it,
    which asking again says.
    """
    asked = [_asked(number, purchase) for number, purchase in enumerate(purchases)]
    values = {"asked": json.dumps(asked), "patience": patience}
    rows = (await connection.execute(_BOOK, values)).all()
    return [_told(row, one.decided) for row, one in zip(rows, purchases, strict=True)]


def _asked(number: int, purchase: Purchase) -> dict[str, Any]:
    paid = purchase.checkout
    told = f"method_{purchase.method}:event_{purchase.event_id}:payment_{paid.payment_id}"
    return {
        "n": number,
        "payment_id": paid.payment_id,
        "payment_intent_id": paid.payment_intent_id,
        "customer_id": paid.customer_id,
        "user_id": purchase.user_id,
        "credits": purchase.credits,
        "amount": paid.amount,
        "currency": paid.currency,
        "event_id": purchase.event_id,
        "method": purchase.method,
        "families": ",".join(purchase.families),
        "created_at": paid.created_at.isoformat(),
        "reason": f"stripe_purchase:{told}",
        "decided": purchase.decided,
        "bind": purchase.bind and paid.customer_id is not None,
    }


def _told(row: Any, decided: bool) -> str | None:
    if row.booked:
        return "credited"
    if row.state == "open" and not decided:
        return "queued"
    if row.known or (row.state is not None and not decided):
        return "duplicate"
    if row.intent_booked:
        return INTENT_BOOKED
    return BY_HAND if row.granted else None


async def queue(
    connection: AsyncConnection,
    checkout: Checkout,
    *,
    event_id: str,
    problem: str,
    claims: Sequence[Claim],
    credits: int | None,
    suggested: str | None = None,
) -> bool:
    """Put a payment before a person; nothing is booked.

    Returns
    -------
    Whether it waits there; False where it is booked or decided already.
    """
    result = await connection.execute(
        _QUEUE,
        {
            "payment_id": checkout.payment_id,
            "event_id": event_id,
            "problem": problem,
            "claims": json.dumps([asdict(claim) for claim in claims]),
            "suggested": suggested,
            "credits": credits,
            "amount": checkout.amount,
            "currency": checkout.currency,
        },
    )
    return bool(result.scalar_one())


@dataclass(frozen=True)
class Ended:
    """A delivery that is done, with what the delivery log says of it."""

    event_id: str
    payment_id: str | None
    payment_intent_id: str | None
    request_id: str
    outcome: str
    error: str | None
    method: str | None = None
    resolved_user_id: str | None = None
    credits: int | None = None


async def finish(
    connection: AsyncConnection, ended: Sequence[Ended], patience: str | None = None
) -> list[bool]:
    """Note that deliveries are done; no row is waited for, so ``patience`` changes nothing.

    Returns
    -------
    Whether losses of the payment are known, for each. They are looked for after the booking is
    committed, as the reversal looks for the payment after the loss is: one of the two sees the
    other.
    """
    asked = [{"n": number} | vars(one) for number, one in enumerate(ended)]
    found = await connection.execute(_FINISH, {"asked": json.dumps(asked)})
    return [bool(row[0]) for row in found]
