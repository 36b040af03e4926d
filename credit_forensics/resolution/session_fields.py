"""Pivots each payment's metadata once, so that no method scans it again: wide first."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from credit_forensics.evidence.prepare import EMAIL_KEYS, NAMED_KEYS
from credit_forensics.evidence.tables import Tables


def session_fields(tables: Tables) -> ir.Table:
    """One row a payment: what the session and the Checkout page wrote that can name a user.

    Returns
    -------
    payment_id, created_at, customer_id, customer_preset, email_prefilled, payer_email_key,
    payer_name_key, reference_user_id, and from the metadata: ``metadata_<key>`` for the seed's
    three keys, ``scanned_user_id`` (first id-shaped value under another key, in order),
    ``intent_user_id`` (PaymentIntent or charge metadata) and ``session_email_key``. Only values of
    an accepted shape are kept.

    Examples
    --------
    >>> "metadata_user_id" in session_fields(Tables()).columns
    True
    """
    metadata = tables.metadata
    entries = metadata.filter(
        metadata.payment_id.notnull()
        & ((metadata.user_id.notnull() & metadata.valid) | metadata.email_key.notnull())
    )
    session = entries.source == "session"
    is_id = entries.user_id.notnull() & entries.valid
    other_key = entries.key.notin([*NAMED_KEYS, *EMAIL_KEYS])
    pivot = entries.group_by("payment_id").agg(
        **{
            f"metadata_{key}": entries.user_id.max(where=session & is_id & (entries.key == key))
            for key in NAMED_KEYS
        },
        scanned_position=entries.position.min(where=session & is_id & other_key),
        intent_user_id=entries.user_id.max(
            where=entries.source.isin(["intent", "charge"])
            & is_id
            & entries.key.isin(list(NAMED_KEYS))
        ),
        session_email_key=entries.email_key.max(where=session & entries.key.isin(list(EMAIL_KEYS))),
    )
    # The scan is rare, so its value is joined for the few rows that have one.
    scanned = entries.filter(session & is_id & other_key).select(
        scanned_payment_id=entries.payment_id,
        at_position=entries.position,
        scanned_user_id=entries.user_id,
    )
    payments = tables.payments
    rows = payments.left_join(pivot, "payment_id").drop("payment_id_right")
    return rows.left_join(
        scanned,
        (rows.payment_id == scanned.scanned_payment_id)
        & (rows.scanned_position == scanned.at_position),
    ).select(
        "payment_id",
        "created_at",
        "customer_id",
        customer_preset=ibis.coalesce(rows.customer_preset, rows.customer_id.notnull()),
        email_prefilled=ibis.coalesce(rows.email_prefilled, False),
        payer_email_key=rows.payer_email_key,
        payer_name_key=rows.payer_name_key,
        card_fingerprint=rows.card_fingerprint,
        reference_user_id=ibis.ifelse(rows.reference_valid, rows.reference_user_id, ibis.null(str)),
        metadata_user_id=rows.metadata_user_id,
        metadata_user_id_backup=rows.metadata_user_id_backup,
        metadata_session_user_id=rows.metadata_session_user_id,
        scanned_user_id=scanned.scanned_user_id,
        intent_user_id=rows.intent_user_id,
        session_email_key=rows.session_email_key,
    )
