"""Books: a purchase with its entry, balance and binding in one transaction.

Each statement is its own transaction, whole or not at all. What must be unique is unique in the
database, so that repeats, concurrent ones too, change nothing.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from credit_forensics.intake.checkout_object import Checkout
from credit_forensics.intake.named_entries import GIVEN_BY_HAND, NAMED
from credit_forensics.intake.resolution import Claim, Known

_STORE_AND_LOOK_UP = sa.text(
    """
    WITH kept AS (
        INSERT INTO intake_events (event_id, type, body) VALUES (:event_id, :type, :body)
        ON CONFLICT (event_id) DO NOTHING RETURNING event_id
    )
    SELECT
        EXISTS (SELECT FROM kept) AS fresh,
        (SELECT json_agg(json_build_array(id, lower(btrim(email)))) FROM users
         WHERE id = ANY(:ids) OR lower(id) = ANY(:folded) OR lower(btrim(email)) = ANY(:emails)
        ) AS accounts,
        (SELECT json_agg(json_build_array(user_id, extract(epoch FROM created_at))
                         ORDER BY created_at)
         FROM stripe_customers WHERE stripe_customer_id = :customer_id) AS bindings,
        (SELECT json_agg(json_build_array(user_id, extract(epoch FROM created_at))
                         ORDER BY created_at)
         FROM (SELECT user_id, created_at FROM intake_payments
               WHERE customer_id = :customer_id AND payment_id <> :payment_id
               ORDER BY created_at DESC LIMIT 100) AS latest) AS other_payments
    """
).bindparams(
    sa.bindparam("ids", type_=sa.ARRAY(sa.Text)),
    sa.bindparam("folded", type_=sa.ARRAY(sa.Text)),
    sa.bindparam("emails", type_=sa.ARRAY(sa.Text)),
)

_BOOK = sa.text(
    f"""
    WITH named AS MATERIALIZED ({NAMED}
    ), given AS MATERIALIZED (
        SELECT count(*) AS entries, coalesce(sum(delta), 0) AS credits,
            coalesce(bool_and(user_id = :user_id), false) AS own,
            {GIVEN_BY_HAND} AS by_hand
        FROM named
    ), payment AS (
        INSERT INTO intake_payments (payment_id, payment_intent_id, customer_id, user_id, credits,
            amount, currency, event_id, method, families, created_at)
        SELECT :payment_id, :payment_intent_id, :customer_id, :user_id, :credits, :amount,
            :currency, :event_id, :method, :families, :created_at
        FROM given
        WHERE :decided OR (
            NOT EXISTS (SELECT FROM review_queue WHERE payment_id = :payment_id)
            AND (given.entries = 0 AND NOT given.by_hand
                OR given.own AND given.credits = :credits))
        ON CONFLICT DO NOTHING RETURNING user_id, credits
    ), entry AS (
        INSERT INTO credit_ledger
            (user_id, delta, reason, stripe_event_id, payment_id, entry_key)
        SELECT user_id, payment.credits, :reason, :event_id, :payment_id,
            'purchase:' || :payment_id
        FROM payment, given WHERE :decided OR given.entries = 0 RETURNING user_id, delta
    ), balance AS (
        INSERT INTO user_credits (user_id, total_credits) SELECT user_id, delta FROM entry
        ON CONFLICT (user_id)
        DO UPDATE SET total_credits = user_credits.total_credits + EXCLUDED.total_credits
    ), binding AS (
        INSERT INTO stripe_customers (user_id, stripe_customer_id)
        SELECT user_id, :customer_id FROM payment WHERE :bind
        ON CONFLICT (stripe_customer_id) DO NOTHING
    )
    SELECT EXISTS (SELECT FROM entry) AS booked,
        EXISTS (SELECT FROM payment)
            OR EXISTS (SELECT FROM intake_payments WHERE payment_id = :payment_id) AS known,
        (SELECT state FROM review_queue WHERE payment_id = :payment_id) AS state,
        EXISTS (SELECT FROM intake_payments WHERE payment_intent_id = :payment_intent_id
            AND payment_id <> :payment_id) AS intent_booked,
        (SELECT by_hand OR entries > 0 FROM given) AS granted
    """
).bindparams(
    sa.bindparam("payment_id", type_=sa.Text),
    sa.bindparam("customer_id", type_=sa.Text),
    sa.bindparam("payment_intent_id", type_=sa.Text),
    sa.bindparam("created_at", type_=sa.DateTime(timezone=True)),
    sa.bindparam("since", type_=sa.DateTime(timezone=True)),
    sa.bindparam("user_id", type_=sa.Text),
    sa.bindparam("event_id", type_=sa.Text),
    sa.bindparam("credits", type_=sa.BigInteger),
    sa.bindparam("decided", type_=sa.Boolean),
    sa.bindparam("bind", type_=sa.Boolean),
)

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
    WITH told AS (
        INSERT INTO intake_deliveries (event_id, payment_id, request_id, outcome, error,
            signature_valid, method, resolved_user_id, credits)
        VALUES (:event_id, :payment_id, :request_id, :outcome, :error,
            (SELECT true FROM intake_events WHERE event_id = :event_id AND signed),
            :method, :resolved_user_id, :credits)
    )
    SELECT EXISTS (SELECT FROM intake_losses WHERE payment_intent_id = :payment_intent_id)
    """
).bindparams(sa.bindparam("payment_intent_id", type_=sa.Text))


_NOTE_INVOICE = sa.text(
    """
    INSERT INTO intake_invoices AS noted (invoice_id, payment_id, payment_intent_id)
    VALUES (:invoice_id, :payment_id, :payment_intent_id)
    ON CONFLICT (invoice_id) DO UPDATE
    SET payment_id = coalesce(noted.payment_id, EXCLUDED.payment_id),
        payment_intent_id = coalesce(noted.payment_intent_id, EXCLUDED.payment_intent_id)
    """
).bindparams(
    sa.bindparam("payment_id", type_=sa.Text), sa.bindparam("payment_intent_id", type_=sa.Text)
)
_GIVE_INTENT = sa.text(
    """
    UPDATE intake_payments AS booked SET payment_intent_id = noted.payment_intent_id
    FROM intake_invoices AS noted
    WHERE noted.invoice_id = :invoice_id AND noted.payment_intent_id IS NOT NULL
        AND booked.payment_id = coalesce(noted.payment_id, noted.invoice_id)
        AND coalesce(booked.payment_intent_id, noted.payment_intent_id)
            = noted.payment_intent_id
        AND NOT EXISTS (SELECT FROM intake_payments AS other
            WHERE other.payment_intent_id = noted.payment_intent_id
                AND other.payment_id <> booked.payment_id)
    RETURNING booked.payment_intent_id
    """
)


async def store_and_look_up(
    connection: AsyncConnection,
    *,
    event_id: str,
    kind: str,
    body: bytes,
    checkout: Checkout | None,
    ids: Sequence[str],
    emails: Sequence[str],
) -> tuple[bool, Known]:
    """Keep an event, and look up what the database knows about its session.

    Returns
    -------
    Whether the event is new, and the facts.
    """
    row = (
        await connection.execute(
            _STORE_AND_LOOK_UP,
            {
                "event_id": event_id,
                "type": kind,
                "body": body,
                "ids": list(ids),
                "folded": [value.lower() for value in ids],
                "emails": list(emails),
                "customer_id": checkout.customer_id if checkout else None,
                "payment_id": checkout.payment_id if checkout else None,
            },
        )
    ).one()
    return bool(row.fresh), known_of(row.accounts, row.bindings, row.other_payments)


def known_of(accounts: object, bindings: object, other_payments: object) -> Known:
    """Facts from the JSON that the look-up gives; absent is empty."""
    return Known(
        accounts=dict(accounts or ()),  # type: ignore[call-overload]
        bindings=[(user, _at(at)) for user, at in bindings or ()],  # type: ignore[attr-defined]
        other_payments=[
            (user, datetime.fromtimestamp(float(at), UTC))
            for user, at in other_payments or ()  # type: ignore[attr-defined]
        ],
    )


async def book(
    connection: AsyncConnection,
    checkout: Checkout,
    *,
    event_id: str,
    user_id: str,
    credits: int,
    method: str,
    families: Sequence[str],
    decided: bool = False,
    bind: bool = True,
) -> str:
    """Book a purchase: payment, entry, balance and binding, or nothing.

    Parameters
    ----------
    decided
        a person decided, so the review queue does not stop it.
    bind
        whether the customer may be bound to the user.

    Returns
    -------
    ``credited`` where this call booked, ``queued`` where the payment waits for a person,
    ``duplicate`` where it is booked or decided already (by whomever: a repair and the handler
    before this one count), else ``INTENT_BOOKED`` or ``BY_HAND``, and nothing was booked.
    """
    reason = f"stripe_purchase:method_{method}:event_{event_id}:payment_{checkout.payment_id}"
    values = {
        "payment_id": checkout.payment_id,
        "payment_intent_id": checkout.payment_intent_id,
        "customer_id": checkout.customer_id,
        "user_id": user_id,
        "credits": credits,
        "amount": checkout.amount,
        "currency": checkout.currency,
        "event_id": event_id,
        "method": method,
        "families": ",".join(families),
        "created_at": checkout.created_at,
        "since": checkout.created_at,
        "reason": reason,
        "decided": decided,
        "bind": bind and checkout.customer_id is not None,
    }
    # What another statement booked while this one ran is seen only by the next.
    for _ in range(2):
        row = (await connection.execute(_BOOK, values)).one()
        if row.booked:
            return "credited"
        if row.state == "open" and not decided:
            return "queued"
        if row.known or (row.state is not None and not decided):
            return "duplicate"
        if row.intent_booked:
            return INTENT_BOOKED
        if row.granted:
            return BY_HAND
    return "duplicate"


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


async def note_invoice(
    connection: AsyncConnection,
    invoice_id: str,
    *,
    payment_id: str | None = None,
    payment_intent_id: str | None = None,
) -> str | None:
    """Note what pays an invoice or what it is booked as, and give the booked payment its intent.

    A note comes before what looks for it, and a booking is committed before the note is looked
    for: whichever event came last finds the other.

    Returns
    -------
    The PaymentIntent that the booked payment has by now through this invoice.
    """
    values = {
        "invoice_id": invoice_id,
        "payment_id": payment_id,
        "payment_intent_id": payment_intent_id,
    }
    await connection.execute(_NOTE_INVOICE, values)
    return (await connection.execute(_GIVE_INTENT, {"invoice_id": invoice_id})).scalar()


async def finish(
    connection: AsyncConnection,
    *,
    event_id: str,
    payment_id: str | None,
    payment_intent_id: str | None,
    request_id: str,
    outcome: str,
    error: str | None,
    method: str | None = None,
    resolved_user_id: str | None = None,
    credits: int | None = None,
) -> bool:
    """Note that a delivery is done, with what the delivery log says of it.

    Returns
    -------
    Whether losses of its payment are known. They are looked for after the booking is committed,
    as the reversal looks for the payment after the loss is: one of the two sees the other.
    """
    result = await connection.execute(
        _FINISH,
        {
            "event_id": event_id,
            "payment_id": payment_id,
            "payment_intent_id": payment_intent_id,
            "request_id": request_id,
            "outcome": outcome,
            "error": error,
            "method": method,
            "resolved_user_id": resolved_user_id,
            "credits": credits,
        },
    )
    return bool(result.scalar_one())


def _at(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(float(seconds), UTC)
