"""Sets each payment's metadata beside it once, so that no method scans it again: wide first."""

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
    ``intent_user_id`` (PaymentIntent or charge metadata) and ``session_email_key`` (the first of
    ``EMAIL_KEYS`` that holds an address). Only values of an accepted shape are kept.

    Examples
    --------
    >>> "metadata_user_id" in session_fields(Tables()).columns
    True
    """
    metadata = tables.metadata
    ids = metadata.filter(metadata.user_id.notnull() & metadata.valid)
    session_ids = ids.filter(ids.source == "session")
    session_emails = metadata.filter((metadata.source == "session") & metadata.email_key.notnull())
    rows = tables.payments
    # An object has each key once, so a join a key is a pivot, at half the cost of grouping.
    for key in NAMED_KEYS:
        said = session_ids.filter(session_ids.key == key)
        rows = _beside(rows, said.select("payment_id", found="user_id"), f"metadata_{key}")
    for key in EMAIL_KEYS:
        known = session_emails.filter(session_emails.key == key)
        rows = _beside(rows, known.select("payment_id", found="email_key"), f"email_of_{key}")
    rows = _beside(rows, _scanned(session_ids), "scanned_user_id")
    of_money = ids.filter(ids.source.isin(["intent", "charge"]) & ids.key.isin(list(NAMED_KEYS)))
    intent = of_money.group_by("payment_id").agg(found=of_money.user_id.max())
    rows = _beside(rows, intent, "intent_user_id")
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


def _scanned(session_ids: ir.Table) -> ir.Table:
    """``payment_id, found``: the first id under a key that is none of the known ones."""
    others = session_ids.filter(session_ids.key.notin([*NAMED_KEYS, *EMAIL_KEYS]))
    first = others.group_by("payment_id").agg(place=others.position.min())
    at_first = others.inner_join(
        first, (others.payment_id == first.payment_id) & (others.position == first.place)
    )
    return at_first.select("payment_id", found=others.user_id)


def _beside(rows: ir.Table, found: ir.Table, column: str) -> ir.Table:
    """The rows with what was found for their payment in a column."""
    given = found.rename(found_payment_id="payment_id")
    joined = rows.left_join(given, rows.payment_id == given.found_payment_id)
    return joined.select(*(rows[name] for name in rows.columns), **{column: given.found})
