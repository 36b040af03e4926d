"""Notes which PaymentIntent pays an invoice, and as which payment the invoice is booked."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

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
