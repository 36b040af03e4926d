"""Pivots each payment's metadata once, so that no method scans it again: wide first."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from credit_forensics.evidence.fold_and_match import EMAIL_KEYS, NAMED_KEYS
from credit_forensics.tables.catalogue import Tables

_KEYS = (*NAMED_KEYS, *EMAIL_KEYS)
_ANOTHER = len(_KEYS)
_INTENT = _ANOTHER + 1


def session_fields(tables: Tables) -> ir.Table:
    """One row a payment: what the session and the Checkout page wrote that can name a user.

    Returns
    -------
    payment_id, created_at, customer_id, customer_preset, email_prefilled, payer_email_key,
    payer_name_key, reference_user_id, and from the metadata: ``metadata_<key>`` for the original
    handler's three keys, ``scanned_user_id`` (first id-shaped value under another key, in order),
    ``intent_user_id`` (PaymentIntent or charge metadata) and ``session_email_key`` (the first of
    ``EMAIL_KEYS`` that holds an address). Only values of an accepted shape are kept.

    Examples
    --------
    >>> "metadata_user_id" in session_fields(Tables()).columns
    True
    """
    named = _named_values(tables)
    at = {key: named.value.max(where=named.place == place) for place, key in enumerate(_KEYS)}
    pivot = named.group_by(given_id="payment_id").agg(
        **{f"metadata_{key}": at[key] for key in NAMED_KEYS},
        **{f"email_of_{key}": at[key] for key in EMAIL_KEYS},
        scanned_user_id=named.value.argmin(named.position, where=named.place == _ANOTHER),
        intent_user_id=named.value.max(where=named.place == _INTENT),
    )
    payments = tables.payments
    # Dropped, the join is closed: left open, it would be one with the joins of whoever reads it.
    rows = payments.left_join(pivot, payments.payment_id == pivot.given_id).drop("given_id")
    return rows.select(
        "payment_id",
        "created_at",
        "customer_id",
        customer_preset=ibis.coalesce(rows.customer_preset, rows.customer_id.notnull()),
        email_prefilled=ibis.coalesce(rows.email_prefilled, False),
        payer_email_key=rows.payer_email_key,
        payer_name_key=rows.payer_name_key,
        card_fingerprint=rows.card_fingerprint,
        reference_user_id=ibis.ifelse(rows.reference_valid, rows.reference_user_id, ibis.null(str)),
        **{f"metadata_{key}": rows[f"metadata_{key}"] for key in NAMED_KEYS},
        scanned_user_id=rows.scanned_user_id,
        intent_user_id=rows.intent_user_id,
        session_email_key=ibis.coalesce(*(rows[f"email_of_{key}"] for key in EMAIL_KEYS)),
    )


def _named_values(tables: Tables) -> ir.Table:
    """``payment_id, position, place, value``: the ids and addresses that can name a user.

    ``place`` is the key's in ``_KEYS``, ``_ANOTHER`` or ``_INTENT``: told once an entry, so that
    each aggregate compares a number and not two texts.
    """
    metadata = tables.metadata
    rows = metadata.filter(metadata.user_id.notnull() | metadata.email_key.notnull())
    of_session = rows.key.cases(*((key, place) for place, key in enumerate(_KEYS)), else_=_ANOTHER)
    of_money = rows.source.isin(["intent", "charge"]) & rows.key.isin(list(NAMED_KEYS))
    user_id = ibis.ifelse(rows.valid, rows.user_id, ibis.null(str))
    placed = rows.select(
        "payment_id",
        "position",
        place=ibis.cases(
            (rows.source == "session", of_session), (of_money, _INTENT), else_=ibis.null("int8")
        ),
        value=ibis.ifelse(rows.key.isin(list(EMAIL_KEYS)), rows.email_key, user_id),
    )
    return placed.filter(
        placed.payment_id.notnull() & placed.place.notnull() & placed.value.notnull()
    )
