"""What is read of each Stripe object, and how it becomes a row of its staging table.

The shapes are those of Stripe's API reference, over the API versions: what moved is looked for
in each of its places, what is absent stays empty, what is not listed here is not read.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

import duckdb

from credit_forensics.tables.catalogue import spec

# A field's type: DuckDB's name of it, or for a nested object the fields that are read of it.
Type: TypeAlias = "str | Mapping[str, Type]"

_MAP = "MAP(VARCHAR, VARCHAR)"
_PERSON: Type = {"email": "VARCHAR", "name": "VARCHAR"}


@dataclass(frozen=True)
class ObjectKind:
    """A kind of Stripe object.

    ``object`` is Stripe's own name of it, ``prefixes`` how its ids begin, ``table`` its staging
    table, ``fields`` the JSON fields that are read with their DuckDB types, ``columns`` the
    staging columns (without ``source`` and ``snapshot_at``) as SQL over ``o``.
    """

    object: str
    prefixes: tuple[str, ...]
    table: str
    fields: Mapping[str, Type]
    columns: Mapping[str, str]

    @property
    def key(self) -> str:
        """The staging table's key column."""
        return next(iter(self.columns))


_COMMON: dict[str, Type] = {
    "id": "VARCHAR",
    "object": "VARCHAR",
    "created": "BIGINT",
    "livemode": "BOOLEAN",
}


def _time(seconds: str) -> str:
    """Seconds since 1970; what lies outside four-digit years is no time of Stripe's."""
    return (
        f"CASE WHEN {seconds} BETWEEN 0 AND 253402300799"
        f" THEN make_timestamptz({seconds} * 1000000) END"
    )


CREATED = _time("o.created")
_CURRENCY = "lower(o.currency)"

SESSION = ObjectKind(
    object="checkout.session",
    prefixes=("cs_",),
    table="stripe_sessions",
    fields={
        **_COMMON,
        "mode": "VARCHAR",
        "status": "VARCHAR",
        "payment_status": "VARCHAR",
        "amount_total": "BIGINT",
        "currency": "VARCHAR",
        "customer": "VARCHAR",
        "customer_creation": "VARCHAR",
        "customer_email": "VARCHAR",
        "customer_details": _PERSON,
        "client_reference_id": "VARCHAR",
        "payment_intent": "VARCHAR",
        "subscription": "VARCHAR",
        "invoice": "VARCHAR",
        "amount_subtotal": "BIGINT",
        "line_items": "JSON",
        "metadata": _MAP,
    },
    columns={
        "session_id": "o.id",
        "created_at": CREATED,
        "livemode": "o.livemode",
        "mode": "o.mode",
        "status": "o.status",
        "payment_status": "o.payment_status",
        "amount_total": "o.amount_total",
        "currency": _CURRENCY,
        "customer_id": "o.customer",
        "customer_creation": "o.customer_creation",
        "customer_email": "o.customer_email",
        "details_email": "o.customer_details.email",
        "details_name": "o.customer_details.name",
        "client_reference_id": "o.client_reference_id",
        "payment_intent_id": "o.payment_intent",
        "subscription_id": "o.subscription",
        "invoice_id": "o.invoice",
        "amount_subtotal": "o.amount_subtotal",
        "price_id": (
            "CASE WHEN o.line_items IS NOT NULL THEN coalesce("
            "json_extract_string(o.line_items, '$.data[0].price.id'),"
            " json_extract_string(o.line_items, '$.data[0].price')) END"
        ),
        "lines": "o.line_items::VARCHAR",
        "metadata": "o.metadata",
    },
)

# Payments without a session often say in their description alone what was ordered.
_ORDER_NUMBER = (
    "nullif(regexp_extract(o.description, '(?:\\border|\\bbestellung|\\bcommande|\\bpedido"
    "|\\bordine|#)[^A-Za-z0-9]{0,3}(?:no|nr|number|id)?[^A-Za-z0-9]{0,3}"
    "([A-Za-z0-9_-]*[0-9][A-Za-z0-9_-]*)', 1, 'i'), '')"
)

INTENT = ObjectKind(
    object="payment_intent",
    prefixes=("pi_",),
    table="stripe_intents",
    fields={
        **_COMMON,
        "status": "VARCHAR",
        "amount": "BIGINT",
        "amount_received": "BIGINT",
        "currency": "VARCHAR",
        "customer": "VARCHAR",
        "receipt_email": "VARCHAR",
        "invoice": "VARCHAR",
        "description": "VARCHAR",
        "metadata": _MAP,
    },
    columns={
        "payment_intent_id": "o.id",
        "created_at": CREATED,
        "livemode": "o.livemode",
        "status": "o.status",
        "amount": "CASE WHEN o.status = 'succeeded' AND o.amount_received > 0"
        " THEN least(o.amount, o.amount_received) ELSE o.amount END",
        "currency": _CURRENCY,
        "customer_id": "o.customer",
        "receipt_email": "o.receipt_email",
        "invoice_id": "o.invoice",
        "order_number": _ORDER_NUMBER,
        "metadata": "o.metadata",
    },
)

# An authorisation succeeds before the money is taken, and counts as refunded when it is let go.
_CHARGE_STATUS = (
    "CASE WHEN o.status = 'succeeded' AND NOT o.captured"
    " THEN CASE WHEN o.refunded THEN 'failed' ELSE 'pending' END ELSE o.status END"
)
# What was authorised beyond what is taken counts as refunded as well.
_CAPTURED = (
    "CASE WHEN o.captured AND o.amount_captured > 0"
    " AND o.amount_refunded >= o.amount - o.amount_captured"
    " THEN least(o.amount, o.amount_captured) ELSE o.amount END"
)

CHARGE = ObjectKind(
    object="charge",
    prefixes=("ch_", "py_"),
    table="stripe_charges",
    fields={
        **_COMMON,
        "payment_intent": "VARCHAR",
        "customer": "VARCHAR",
        "status": "VARCHAR",
        "paid": "BOOLEAN",
        "captured": "BOOLEAN",
        "refunded": "BOOLEAN",
        "amount": "BIGINT",
        "amount_captured": "BIGINT",
        "currency": "VARCHAR",
        "amount_refunded": "BIGINT",
        "disputed": "BOOLEAN",
        "payment_method_details": {"card": {"fingerprint": "VARCHAR"}},
        # Before payment_method_details (2019) the card stood in `source`.
        "source": "JSON",
        "billing_details": _PERSON,
        "receipt_email": "VARCHAR",
        "invoice": "VARCHAR",
        "description": "VARCHAR",
        "metadata": _MAP,
    },
    columns={
        "charge_id": "o.id",
        "created_at": CREATED,
        "livemode": "o.livemode",
        "payment_intent_id": "o.payment_intent",
        "customer_id": "o.customer",
        "status": _CHARGE_STATUS,
        "paid": "o.paid",
        "amount": _CAPTURED,
        "currency": _CURRENCY,
        "amount_refunded": (
            f"CASE WHEN NOT o.captured THEN 0 ELSE o.amount_refunded - (o.amount - {_CAPTURED}) END"
        ),
        "disputed": "o.disputed",
        "card_fingerprint": (
            "coalesce(o.payment_method_details.card.fingerprint, CASE WHEN o.source IS NOT NULL"
            " THEN coalesce(json_extract_string(o.source, '$.fingerprint'),"
            " json_extract_string(o.source, '$.card.fingerprint')) END)"
        ),
        "billing_email": "coalesce(o.billing_details.email, o.receipt_email)",
        "billing_name": "o.billing_details.name",
        "invoice_id": "o.invoice",
        "order_number": _ORDER_NUMBER,
        "metadata": "o.metadata",
    },
)

_RETURN: dict[str, Type] = {
    **_COMMON,
    "charge": "VARCHAR",
    "payment_intent": "VARCHAR",
    "amount": "BIGINT",
    "currency": "VARCHAR",
    "status": "VARCHAR",
}
_RETURN_COLUMNS = {
    "charge_id": "o.charge",
    "payment_intent_id": "o.payment_intent",
    "amount": "o.amount",
    "currency": _CURRENCY,
    "status": "o.status",
    "created_at": CREATED,
}

REFUND = ObjectKind(
    object="refund",
    prefixes=("re_", "pyr_"),
    table="stripe_refunds",
    fields=_RETURN,
    columns={"refund_id": "o.id", **_RETURN_COLUMNS},
)

DISPUTE = ObjectKind(
    object="dispute",
    prefixes=("dp_", "du_", "pdp_"),
    table="stripe_disputes",
    fields=_RETURN,
    columns={"dispute_id": "o.id", **_RETURN_COLUMNS},
)

CUSTOMER = ObjectKind(
    object="customer",
    prefixes=("cus_",),
    table="stripe_customers",
    fields={**_COMMON, "email": "VARCHAR", "name": "VARCHAR", "metadata": _MAP},
    columns={
        "customer_id": "o.id",
        "created_at": CREATED,
        "email": "o.email",
        "name": "o.name",
        "metadata": "o.metadata",
    },
)

_PARENT = "json_extract(o.parent, '$.subscription_details')"
_LINE = "json_extract(o.lines, '$.data[0]')"

INVOICE = ObjectKind(
    object="invoice",
    prefixes=("in_",),
    table="stripe_invoices",
    fields={
        **_COMMON,
        "number": "VARCHAR",
        "status": "VARCHAR",
        "paid": "BOOLEAN",
        "status_transitions": {"paid_at": "BIGINT"},
        "billing_reason": "VARCHAR",
        "subtotal": "BIGINT",
        "total": "BIGINT",
        "amount_paid": "BIGINT",
        "currency": "VARCHAR",
        "customer": "VARCHAR",
        "customer_email": "VARCHAR",
        "customer_name": "VARCHAR",
        "subscription": "VARCHAR",
        "subscription_details": "JSON",
        "parent": "JSON",
        "payment_intent": "VARCHAR",
        "charge": "VARCHAR",
        "period_start": "BIGINT",
        "period_end": "BIGINT",
        "lines": "JSON",
        "metadata": _MAP,
    },
    columns={
        "invoice_id": "o.id",
        "invoice_number": "o.number",
        "created_at": CREATED,
        "livemode": "o.livemode",
        "status": "coalesce(o.status, CASE WHEN o.paid THEN 'paid' END)",
        "paid_at": _time("o.status_transitions.paid_at"),
        "billing_reason": "o.billing_reason",
        "subtotal": "o.subtotal",
        "total": "coalesce(o.total, o.amount_paid)",
        "amount_paid": "o.amount_paid",
        "currency": _CURRENCY,
        "customer_id": "o.customer",
        "customer_email": "o.customer_email",
        "customer_name": "o.customer_name",
        # Since 2025-03-31 it stands under parent; a line names it in both shapes.
        "subscription_id": (
            f"coalesce(o.subscription, json_extract_string({_PARENT}, '$.subscription'),"
            f" json_extract_string({_LINE}, '$.subscription'), json_extract_string({_LINE},"
            " '$.parent.subscription_item_details.subscription'))"
        ),
        "payment_intent_id": "o.payment_intent",
        "charge_id": "o.charge",
        # An invoice's own period is the one before; what was bought is its line's.
        "period_start": _time(
            f"coalesce(json_extract({_LINE}, '$.period.start')::BIGINT, o.period_start)"
        ),
        "period_end": _time(
            f"coalesce(json_extract({_LINE}, '$.period.end')::BIGINT, o.period_end)"
        ),
        "lines": "o.lines::VARCHAR",
        "subscription_metadata": (
            "coalesce(json_extract(o.subscription_details, '$.metadata'),"
            f" json_extract({_PARENT}, '$.metadata'))::VARCHAR"
        ),
        "metadata": "o.metadata",
    },
)

INVOICE_PAYMENT = ObjectKind(
    object="invoice_payment",
    prefixes=("inpay_",),
    table="stripe_invoice_payments",
    fields={**_COMMON, "invoice": "VARCHAR", "payment": "JSON", "status": "VARCHAR"},
    columns={
        "invoice_payment_id": "o.id",
        "created_at": CREATED,
        "invoice_id": "o.invoice",
        "payment_intent_id": "json_extract_string(o.payment, '$.payment_intent')",
        "charge_id": "json_extract_string(o.payment, '$.charge')",
        "status": "o.status",
    },
)

SUBSCRIPTION = ObjectKind(
    object="subscription",
    prefixes=("sub_",),
    table="stripe_subscriptions",
    fields={
        **_COMMON,
        "status": "VARCHAR",
        "customer": "VARCHAR",
        "ended_at": "BIGINT",
        "latest_invoice": "VARCHAR",
        "metadata": _MAP,
    },
    columns={
        "subscription_id": "o.id",
        "created_at": CREATED,
        "livemode": "o.livemode",
        "status": "o.status",
        "customer_id": "o.customer",
        "ended_at": _time("o.ended_at"),
        "latest_invoice_id": "o.latest_invoice",
        "metadata": "o.metadata",
    },
)

PRICE = ObjectKind(
    object="price",
    prefixes=("price_",),
    table="stripe_prices",
    fields={
        **_COMMON,
        "product": "VARCHAR",
        "unit_amount": "BIGINT",
        "currency": "VARCHAR",
        "metadata": _MAP,
    },
    columns={
        "price_id": "o.id",
        "product_id": "o.product",
        "unit_amount": "o.unit_amount",
        "currency": _CURRENCY,
        "metadata": "o.metadata",
    },
)

PRODUCT = ObjectKind(
    object="product",
    prefixes=("prod_",),
    table="stripe_products",
    fields={**_COMMON, "name": "VARCHAR", "metadata": _MAP},
    columns={"product_id": "o.id", "name": "o.name", "metadata": "o.metadata"},
)

KINDS: tuple[ObjectKind, ...] = (
    SESSION,
    INTENT,
    CHARGE,
    REFUND,
    DISPUTE,
    CUSTOMER,
    INVOICE,
    INVOICE_PAYMENT,
    SUBSCRIPTION,
    PRICE,
    PRODUCT,
)
# Credits of Stripe Billing: read apart, for their ``amount`` is an object and no number.
CREDIT_PREFIXES = {
    "billing.credit_grant": "credgr_",
    "billing.credit_balance_transaction": "cbtxn_",
}
BY_OBJECT: dict[str, ObjectKind] = {kind.object: kind for kind in KINDS}

# One structure that holds the fields of every kind, for inputs that mix them.
WIDE: dict[str, Type] = {name: type_ for kind in KINDS for name, type_ in kind.fields.items()}
# Objects that Stripe nests in an intent or an invoice, where they were expanded.
NESTED: dict[str, Type] = {"latest_charge": "JSON", "charges": "JSON"}
NESTED_PAYMENTS: dict[str, Type] = {"payments": "JSON"}


def kind_sql(object_: str, id_: str) -> str:
    """SQL that names an object's kind: its ``object``, else what its id begins with.

    Examples
    --------
    >>> duckdb.sql("SELECT " + kind_sql("NULL", "'cs_live_1'")).fetchall()
    [('checkout.session',)]
    """
    cases = [
        f"WHEN starts_with({id_}, '{prefix}') THEN '{kind.object}'"
        for kind in KINDS
        for prefix in kind.prefixes
    ]
    cases += [
        f"WHEN starts_with({id_}, '{p}') THEN '{name}'" for name, p in CREDIT_PREFIXES.items()
    ]
    return (
        f"coalesce({object_}, CASE {' '.join(cases)} WHEN starts_with({id_}, 'evt_')"
        " THEN 'event' END)"
    )


def type_sql(type_: Type) -> str:
    """A field's type in DuckDB's SQL.

    Examples
    --------
    >>> type_sql({"card": {"fingerprint": "VARCHAR"}})
    'STRUCT("card" STRUCT("fingerprint" VARCHAR))'
    """
    if isinstance(type_, str):
        return type_
    return "STRUCT(" + ", ".join(f'"{name}" {type_sql(of)}' for name, of in type_.items()) + ")"


def insert_sql(kind: ObjectKind, from_: str, source: str, snapshot: str, key: str = "") -> str:
    """``INSERT`` into the staging table of a kind.

    Parameters
    ----------
    from_
        what follows ``FROM``; its rows have the fields as ``o.field``.
    source, snapshot
        SQL of the columns ``source`` and ``snapshot_at``.
    key
        SQL of the key column, where it is not simply ``o.id``.
    """
    columns = {**kind.columns, **({kind.key: key} if key else {})}
    names = ", ".join([*columns, "source", "snapshot_at"])
    return (
        f"INSERT INTO {kind.table} ({names})"
        f" SELECT {', '.join([*columns.values(), source, snapshot])} FROM {from_}"
    )


def row_count(connection: duckdb.DuckDBPyConnection, table: str) -> int:
    """Rows of a table."""
    [(count,)] = connection.execute(f"SELECT count(*) FROM {table}").fetchall()
    return int(count)


def structure(fields: Mapping[str, Type]) -> str:
    """The structure of these fields as ``from_json`` takes it."""
    return json.dumps(fields)


assert all(
    [*kind.columns, "source", "snapshot_at"] == spec(kind.table).column_names for kind in KINDS
)
