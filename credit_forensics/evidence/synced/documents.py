"""Turns the columns of a synced table back into the Stripe objects that they came from.

The result has Stripe's own field names, so that one place, ``stripe_objects``, decides what is
read of an object, wherever it came from.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from credit_forensics.databases.relations import quote_identifier
from credit_forensics.databases.values import text_sql, time_sql, whole_sql
from credit_forensics.evidence.stripe.objects import Type
from credit_forensics.evidence.synced.identify_tables import SYNCED, SyncedTable

# Where a tool flattens or renames a field. Nested fields come as "object.field".
_RENAMED: dict[str, tuple[str, ...]] = {
    "customer_details.email": ("customer_details_email", "customer_detail_email"),
    "customer_details.name": ("customer_details_name", "customer_detail_name"),
    "billing_details.email": ("billing_details_email", "billing_detail_email"),
    "billing_details.name": ("billing_details_name", "billing_detail_name"),
    "payment_method_details.card.fingerprint": (
        "payment_method_details_card_fingerprint",
        "card_fingerprint",
    ),
    "disputed": ("disputed", "is_disputed"),
    "created": ("created", "created_at"),
}
# Fields whose JSON is an object's own id where nothing was expanded.
_REFERENCES = ("customer", "payment_intent", "charge", "invoice", "subscription", "product")


def columns_for(table: SyncedTable, fields: Mapping[str, Type]) -> dict[str, str]:
    """The columns to read of a table: their alias, and their name in the database.

    ``id``, ``whole`` and ``synced_at`` beside one column a field; nested fields that a tool keeps
    flat are ``customer_details.email`` and the like.
    """
    wanted: dict[str, tuple[str, ...]] = {
        "id": ("id", "_id"),
        "synced_at": SYNCED,
        "dispute": ("dispute", "dispute_id"),
        "subscriber_id": ("subscriber_id",),
        "djstripe_id": ("djstripe_id",),
        "djstripe_created": ("djstripe_created",),
    }
    for name, type_ in fields.items():
        if name not in wanted:
            wanted[name] = _RENAMED.get(name, (name, f"{name}_id"))
        for path in _paths(name, type_):
            if path in _RENAMED:
                wanted[path] = _RENAMED[path]
    found = {alias: column for alias, n in wanted.items() if (column := table.column(*n))}
    if table.whole:
        found["whole"] = table.whole
    return found


def document_sql(
    table: SyncedTable,
    fields: Mapping[str, Type],
    types: dict[str, str],
    keys: Mapping[str, str],
) -> str:
    """A Stripe object's JSON text, as DuckDB SQL over the columns that ``columns_for`` named.

    Parameters
    ----------
    table
        the table, for what is its tool's own way.
    fields
        the fields that are read of the object, with their types.
    types
        DuckDB types of the columns as they were read.
    keys
        for a field that may hold a tool's own key (dj-stripe's foreign keys), a DuckDB table of
        ``key`` and ``id``.
    """
    if "whole" in types:
        return unquoted_sql("whole")
    parts = [f"'object', '{table.object}'"]
    for name, type_ in fields.items():
        if name == "object":
            continue
        parts.append(f"'{name}', {_value(table, name, type_, types, keys)}")
    return f"CAST(json_object({', '.join(parts)}) AS VARCHAR)"


def unquoted_sql(column: str) -> str:
    """JSON out of a column that holds it as JSON, as its text, or as a JSON string of its text.

    Examples
    --------
    >>> import duckdb
    >>> sql = unquoted_sql("c")
    >>> [duckdb.execute(f"SELECT {sql} FROM (SELECT ? AS c)", [c]).fetchall()[0][0]
    ...  for c in ('{"a": 1}', '"{\\\\"a\\\\": 1}"', "text")]
    ['{"a": 1}', '{"a": 1}', None]
    """
    name = quote_identifier(column)
    inner = f"json_extract_string({name}::JSON, '$')"
    return (
        f"CASE WHEN NOT json_valid({name}) THEN NULL "
        f"WHEN json_type({name}::JSON) = 'VARCHAR' "
        f"THEN CASE WHEN json_valid({inner}) THEN {inner} END "
        f"ELSE CAST({name} AS VARCHAR) END"
    )


def _paths(name: str, type_: Type) -> list[str]:
    if isinstance(type_, str):
        return [name]
    return [path for key, of in type_.items() for path in _paths(f"{name}.{key}", of)]


def _value(
    table: SyncedTable,
    name: str,
    type_: Type,
    types: dict[str, str],
    keys: Mapping[str, str],
) -> str:
    if name == "created":
        return f"CAST(epoch({time_sql(types, 'created')}) AS BIGINT)"
    if name == "disputed" and name not in types:
        # An older object had the dispute itself; no dispute, none opened.
        return f"({text_sql(types, 'dispute')} IS NOT NULL)" if "dispute" in types else "NULL"
    if isinstance(type_, str):
        if type_ == "BIGINT":
            return _whole(table, name, types)
        if type_ == "BOOLEAN":
            return f"TRY_CAST({text_sql(types, name)} AS BOOLEAN)"
        if type_ == "VARCHAR":
            return _text(name, types, keys)
        return _json(name, types)
    nested = _nested(name, type_, types)
    if name not in types:
        return nested
    return f"coalesce({_json(name, types)}, {nested})"


def _whole(table: SyncedTable, name: str, types: dict[str, str]) -> str:
    # dj-stripe kept a charge's money as a decimal, a hundredth of what Stripe said whatever the
    # currency; sessions, intents, refunds and disputes keep Stripe's integers.
    if table.tool == "dj-stripe" and table.object == "charge" and name.startswith("amount"):
        column = table.column(name)
        if column and table.relation.columns[column].startswith(("numeric", "decimal")):
            amount = f"TRY_CAST({text_sql(types, name)} AS DECIMAL(30, 4)) * 100"
            return f"CAST({amount} AS BIGINT)"
    return whole_sql(types, name)


def _text(name: str, types: dict[str, str], keys: Mapping[str, str]) -> str:
    text = text_sql(types, name)
    if name in _REFERENCES and name in keys and name in types:
        table = quote_identifier(keys[name])
        return f"coalesce((SELECT min(k.id) FROM {table} AS k WHERE k.key = {text}), {text})"
    return text


def _json(name: str, types: dict[str, str]) -> str:
    if name not in types:
        return "NULL"
    text = unquoted_sql(name)
    return f"CAST({text} AS JSON)"


def _nested(name: str, type_: Mapping[str, Any], types: dict[str, str]) -> str:
    if not any(path in types for path in _paths(name, type_)):
        return "NULL"
    parts = []
    for key, of in type_.items():
        path = f"{name}.{key}"
        value = text_sql(types, path) if isinstance(of, str) else _nested(path, of, types)
        parts.append(f"'{key}', {value}")
    return f"json_object({', '.join(parts)})"
