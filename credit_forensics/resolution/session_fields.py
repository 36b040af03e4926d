"""Pivots each payment's metadata once, so that no method scans it again: wide first."""

from __future__ import annotations

from collections.abc import Sequence

from credit_forensics.resolution.method import ANY_OTHER, SESSION, Field, Method
from credit_forensics.resolution.methods import METHODS
from credit_forensics.tables.catalogue import Tables
from credit_forensics.tables.expressions import ibis, ir


def session_fields(tables: Tables, methods: Sequence[Method] = METHODS) -> ir.Table:
    """One row a payment: what the session and the Checkout page wrote that can name a user.

    Parameters
    ----------
    tables
        the evidence.
    methods
        whose fields are wanted.

    Returns
    -------
    payment_id, created_at, customer_id, customer_preset, email_prefilled, payer_email_key,
    payer_name_key, card_fingerprint, reference_user_id, and a column for each field of metadata
    that a method reads: the first of its keys that holds a value of an accepted shape, or an
    address. Under any other key the first in order counts.

    Examples
    --------
    >>> "metadata_user_id" in session_fields(Tables()).columns
    True
    """
    fields = [one.field for one in methods if one.field is not None and one.field.keys]
    fields = list(dict.fromkeys(fields))
    places = _places(fields)
    named = _named_values(tables, fields, places)
    values = {}
    for place, key in places.items():
        if key == ANY_OTHER:
            values[key] = named.value.argmin(named.position, where=named.place == place)
        else:
            values[key] = named.value.max(where=named.place == place)
    pivot = named.group_by(given_id="payment_id").agg(
        **{f"of_{key}": value for key, value in values.items()}
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
        **{field.column: _first(rows, field) for field in fields},
    )


def _place_names(field: Field) -> tuple[str, ...]:
    """What the places of a field are called: a session's keys each have one, others share one."""
    return field.keys if field.sources == (SESSION,) else (field.column,)


def _places(fields: Sequence[Field]) -> dict[int, str]:
    names = dict.fromkeys(name for field in fields for name in _place_names(field))
    return dict(enumerate(names))


def _first(rows: ir.Table, field: Field) -> ir.Value:
    values = [rows[f"of_{name}"] for name in _place_names(field)]
    return values[0] if len(values) == 1 else ibis.coalesce(*values)


def _named_values(tables: Tables, fields: Sequence[Field], places: dict[int, str]) -> ir.Table:
    """``payment_id, position, place, value``: the ids and addresses that can name a user.

    ``place`` is a number, given once an entry, so that each aggregate compares a number and not
    two texts.
    """
    metadata = tables.metadata
    rows = metadata.filter(metadata.user_id.notnull() | metadata.email_key.notnull())
    rows = rows.mutate(key=ibis.coalesce(rows.role, rows.key))
    number = {name: place for place, name in places.items()}
    keys = [key for field in fields if field.sources == (SESSION,) for key in field.keys]
    of_session = rows.key.cases(
        *((key, number[key]) for key in dict.fromkeys(keys) if key != ANY_OTHER),
        else_=ibis.literal(number[ANY_OTHER]) if ANY_OTHER in number else ibis.null("int8"),
    )
    of_others = [
        (
            rows.source.isin(list(field.sources)) & rows.key.isin(list(field.keys)),
            number[field.column],
        )
        for field in fields
        if field.sources != (SESSION,)
    ]
    emails = list(dict.fromkeys(key for field in fields if field.emails for key in field.keys))
    user_id = ibis.ifelse(rows.valid, rows.user_id, ibis.null(str))
    placed = rows.select(
        "payment_id",
        "position",
        place=ibis.cases((rows.source == SESSION, of_session), *of_others, else_=ibis.null("int8")),
        value=ibis.ifelse(rows.key.isin(emails), rows.email_key, user_id) if emails else user_id,
    )
    return placed.filter(
        placed.payment_id.notnull() & placed.place.notnull() & placed.value.notnull()
    )
