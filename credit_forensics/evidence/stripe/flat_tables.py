"""Reads tables of Stripe objects as Data Pipeline, Sigma and warehouses keep them.

A row is an object; what it nests is flattened (``customer_details_email``), what it refers to
ends with ``_id``, and its metadata and lines lie in tables of their own beside it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import duckdb

from credit_forensics.evidence.custody import Custody, Input
from credit_forensics.evidence.stripe.objects import KINDS, ObjectKind

# Nested objects that may lie in a text column as JSON; a text elsewhere is left a text.
_JSON_COLUMNS = frozenset(
    [
        *("data", "detail", "metadata", "customer_details", "billing_details", "object"),
        *("payment_method_details", "line_items", "charges", "latest_charge", "source"),
        *("payment_intent", "customer", "subscription", "invoice", "charge", "lines", "parent"),
        *("payments", "payment", "subscription_details", "status_transitions", "product"),
    ]
)
# Where a flat table has what an object nests; the first column that is there.
_NESTED: dict[str, dict[str, tuple[str, ...]]] = {
    "customer_details": {
        "email": ("customer_details_email", "customer_detail_email"),
        "name": ("customer_details_name", "customer_detail_name"),
    },
    "billing_details": {
        "email": ("billing_details_email", "billing_detail_email", "receipt_email"),
        "name": ("billing_details_name", "billing_detail_name"),
    },
    "status_transitions": {"paid_at": ("status_transitions_paid_at", "paid_at")},
    "payment": {
        "payment_intent": ("payment_payment_intent_id", "payment_payment_intent"),
        "charge": ("payment_charge_id", "payment_charge"),
    },
}
# A warehouse without maps keeps metadata as a list of pairs.
_PAIRS = re.compile(r'STRUCT\("?key"? VARCHAR, "?value"? VARCHAR\)\[\]')
_METADATA = "metadata__"
_CARDS = ("payment_method_details_card_fingerprint", "card_fingerprint")
_TIMES = ("created", "period_start", "period_end")
_REFERENCES = ("customer", "payment_intent", "charge", "invoice", "subscription", "product")
# Tables of an object's metadata or lines, by the column that names the object.
_OWNERS: dict[str, ObjectKind] = {
    {"checkout.session": "checkout_session"}.get(kind.object, kind.object): kind for kind in KINDS
}


def take_sibling(
    connection: duckdb.DuckDBPyConnection, rows: str, names: Sequence[str], source: Input
) -> bool:
    """Take a table of metadata or of lines, if the columns say that it is one.

    Parameters
    ----------
    connection
        with the staging tables.
    rows
        what follows ``FROM``.
    names
        the table's columns.
    source
        its entry in custody, whose rows are raised.
    """
    owner = next(
        (
            (column, kind)
            for name, kind in _OWNERS.items()
            for column in (f"{name}_id", name)
            if column in names
        ),
        None,
    )
    if {"key", "value"} <= set(names) and "id" not in names and owner is not None:
        column, kind = owner
        value = "map_from_entries(list((key::VARCHAR, value::VARCHAR) ORDER BY key))"
        where, into = "key IS NOT NULL", "metadata"
        if into not in kind.columns:
            return False
    elif {"price_id", "quantity"} <= set(names) and (
        column := next((n for n in ("checkout_session_id", "invoice_id") if n in names), "")
    ):
        kind = _OWNERS[column.removesuffix("_id")]
        amount = next((n for n in ("amount_subtotal", "amount") if n in names), "NULL")
        proration = "proration" if "proration" in names else "NULL"
        order = "id" if "id" in names else "price_id"
        value = f"""json_object('data', list(json_object('price', price_id, 'quantity', quantity,
            'amount', {amount}, 'proration', {proration}) ORDER BY {order}))::VARCHAR"""
        where, into = "true", "lines"
    else:
        return False
    [(count,)] = connection.execute(f"SELECT count(*) FROM {rows}").fetchall()
    connection.execute(
        f"""INSERT INTO {kind.table} ({kind.key}, {into}, source)
        SELECT {column}::VARCHAR, {value}, 'table' FROM {rows}
        WHERE {where} AND {column} IS NOT NULL GROUP BY 1"""
    )
    source.rows += int(count)
    source.notes.append(f"the {into} of {kind.object} objects")
    return True


def document_sql(columns: Mapping[str, str], livemode: bool | None) -> str:
    """The JSON text of a row's object, from its columns (name to DuckDB type).

    Parameters
    ----------
    livemode
        what the folder says of it, where the row does not.

    Examples
    --------
    >>> sql = document_sql({"id": "VARCHAR", "customer_id": "VARCHAR"}, None)
    >>> duckdb.sql(f"SELECT {sql} FROM (SELECT 'cs_1' AS id, 'cus_1' AS customer_id)").fetchall()
    [('{"id":"cs_1","customer":"cus_1"}',)]
    """
    pairs = [name for name in columns if name.startswith(_METADATA)]
    # "customer_details__email" is what other tools call "customer_details_email".
    columns = {name: kind for name, kind in columns.items() if not name.startswith(_METADATA)}
    plain = {name.replace("__", "_"): name for name in columns}
    fields = {name: _value(name, kind) for name, kind in columns.items()}
    if pairs and "metadata" not in fields:
        fields["metadata"] = _metadata_of(pairs)
    for name in _REFERENCES:
        if name not in fields and f"{name}_id" in columns:
            fields[name] = fields.pop(f"{name}_id")
    for name, parts in _NESTED.items():
        found = {
            part: column
            for part, places in parts.items()
            if (column := next((plain[place] for place in places if place in plain), None))
        }
        if found and name not in fields:
            packed = ", ".join(f'"{k}" := {_value(c, columns[c])}' for k, c in found.items())
            fields[name] = f"struct_pack({packed})"
    card = next((plain[name] for name in _CARDS if name in plain), None)
    if card and "payment_method_details" not in fields:
        fields["payment_method_details"] = (
            f'struct_pack(card := struct_pack(fingerprint := "{card}"))'
        )
    if livemode is not None and "livemode" not in fields:
        fields["livemode"] = str(livemode).lower()
    packed = ", ".join(f'"{name}" := {value}' for name, value in fields.items())
    return f"to_json(struct_pack({packed}))::VARCHAR"


def _metadata_of(names: Sequence[str]) -> str:
    """The metadata of a table that has a column for each of its keys; what is empty is absent."""
    pairs = ", ".join(
        f"struct_pack(k := '{name.removeprefix(_METADATA)}', v := \"{name}\"::VARCHAR)"
        for name in names
    )
    listed = f"list_filter([{pairs}], lambda pair: pair.v IS NOT NULL)"
    return f"map_from_entries([(pair.k, pair.v) FOR pair IN {listed}])"


def note_no_card(custody: Custody, columns: Mapping[str, str], name: str) -> None:
    """Say that a flat table of charges has no fingerprint of the card, as exports have none."""
    of_charges = {"paid", "amount_refunded"} <= set(columns)
    names = {name.replace("__", "_") for name in columns}
    nested = {"payment_method_details", "source", *_CARDS} & names
    if of_charges and not nested:
        custody.gap(
            "stripe",
            name,
            "missing_column",
            "The table has no card fingerprint: card_history cannot be had of its charges.",
        )


def livemode_of_folder(name: str) -> bool | None:
    """What the folder of a Data Pipeline export says: ``livemode/`` or ``testmode/``.

    Examples
    --------
    >>> livemode_of_folder("2026042800/livemode/charges/part-0.csv"), livemode_of_folder("a.csv")
    (True, None)
    """
    folders = name.lower().split("/")[:-1]
    return True if "livemode" in folders else False if "testmode" in folders else None


def _value(name: str, kind: str) -> str:
    quoted = f'"{name}"'
    if name == "metadata" and _PAIRS.fullmatch(kind):
        return f"map_from_entries([(pair.key, pair.value) FOR pair IN {quoted}])"
    if kind == "VARCHAR" and name in _JSON_COLUMNS:
        whole = f"{quoted}::JSON"
        if name == "metadata":
            pairs = f"""TRY(from_json({quoted}, '[{{"key":"VARCHAR","value":"VARCHAR"}}]'))"""
            map_ = f"map_from_entries([(pair.key, pair.value) FOR pair IN {pairs}])"
            whole = f"CASE WHEN json_type({quoted}) = 'ARRAY' THEN to_json({map_}) ELSE {whole} END"
        return (
            f"CASE WHEN regexp_matches({quoted}, '^\\s*[\\[{{]') AND json_valid({quoted})"
            f" THEN {whole} ELSE to_json({quoted}) END"
        )
    if kind.startswith("TIMESTAMP") or kind == "DATE":
        return f"epoch({quoted})::BIGINT"
    if kind == "VARCHAR" and (name in _TIMES or name.endswith("_at")):
        return (
            f"coalesce(TRY_CAST({quoted} AS BIGINT),"
            f" epoch(TRY_CAST({quoted} AS TIMESTAMPTZ))::BIGINT)"
        )
    return quoted
