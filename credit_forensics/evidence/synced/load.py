"""Loads Stripe objects that a tool keeps synced in a database into the staging tables."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from credit_forensics.case_file import CaseFile, from_environment
from credit_forensics.databases.bulk_read import read_into
from credit_forensics.databases.read_only import ReadOnlyDatabase, UnreadableError, open_read_only
from credit_forensics.databases.relations import quote_identifier
from credit_forensics.databases.values import column_types, digest_table, text_sql, time_sql
from credit_forensics.errors import CaseError
from credit_forensics.evidence.custody import Input, hash_file
from credit_forensics.evidence.evidence import Evidence
from credit_forensics.evidence.ledgers.read_plan import holds
from credit_forensics.evidence.stripe.envelopes import EVENT_FIELDS, insert_envelopes
from credit_forensics.evidence.stripe.nested_fields import (
    take_expanded,
    take_invoice_payments,
    take_nested_charges,
)
from credit_forensics.evidence.stripe.objects import (
    BY_OBJECT,
    INTENT,
    INVOICE,
    NESTED,
    NESTED_PAYMENTS,
    Type,
    insert_sql,
    structure,
)
from credit_forensics.evidence.synced.deliveries import take_subscribers, take_triggers
from credit_forensics.evidence.synced.documents import columns_for, document_sql
from credit_forensics.evidence.synced.identify_tables import NAMES, SyncedTable, identify_tables
from credit_forensics.progress import RowProgress

RAW = "_synced_raw"
_EVENT: dict[str, Type] = {**EVENT_FIELDS, "data": "JSON"}
_PREFIXES = {name: kind.prefixes for name, kind in BY_OBJECT.items()} | {
    "event": ("evt_",),
    # Shops may choose these ids themselves.
    "price": ("",),
    "product": ("",),
}
# dj-stripe's foreign keys: the field, and the object that it points at.
_POINTS_AT = {"customer": "customer", "payment_intent": "payment_intent", "charge": "charge"}
_MISSED = {
    "checkout.session": "payments are known by what events and intents tell alone.",
    "charge": "card_history, refunds and the payer's name on the card cannot be had.",
    "event": "entries cannot be matched to payments by event, nor deliveries to payments.",
}


def load_synced_tables(
    evidence: Evidence, case_file: CaseFile, progress: RowProgress | None = None
) -> None:
    """Read ``[stripe] database`` into the staging tables.

    Parameters
    ----------
    evidence
        its staging tables are filled, and with dj-stripe ``deliveries`` and ``customers`` too.
    case_file
        ``[stripe] database`` is a URL (or ``env:NAME``), ``[stripe] schema`` the schema in it.
    progress
        called with the name of a table and its rows after each is read.

    Raises
    ------
    CaseError
        when the database cannot be opened or holds no table that is recognised.

    Examples
    --------
    >>> load_synced_tables(Evidence(), CaseFile())
    """
    stripe = case_file.stripe
    if not stripe.database:
        return
    url = from_environment(stripe.database, "stripe.database")
    with open_read_only(url, case_file.folder, "stripe") as database:
        found = identify_tables(database, stripe.schema_)
        if not found:
            raise CaseError(
                f"The stripe database {database.name} holds no synced Stripe tables that are "
                f"known here; it holds {holds(database)}."
            )
        tools = sorted({table.tool for table in found.values()})
        source = evidence.custody.add(database.name, f"synced stripe tables ({', '.join(tools)})")
        for object_, consequence in _MISSED.items():
            if object_ not in found:
                evidence.custody.gap(
                    "stripe", NAMES[object_], "missing_table", f"Not synced: {consequence}"
                )
        _load(evidence, database, source, found, progress)


def _load(
    evidence: Evidence,
    database: ReadOnlyDatabase,
    source: Input,
    found: dict[str, SyncedTable],
    progress: RowProgress | None,
) -> None:
    keys = _foreign_keys(evidence, database, found)
    digests = []
    for object_ in NAMES:
        table = found.get(object_)
        if table is None or not _read(evidence, database, table):
            continue
        digests.append(f"{object_} {digest_table(evidence.connection, RAW)}")
        rows = _take(evidence, source, table, keys)
        source.rows += rows
        if progress:
            progress(table.relation.name, rows)
    take_expanded(evidence.connection)
    triggers = database.find("djstripe_webhookeventtrigger", _schema(found))
    if triggers is not None:
        source.rows += take_triggers(evidence, database, triggers, source)
    for name in (RAW, "objects", "envelopes", *set(keys.values())):
        evidence.connection.execute(f"DROP TABLE IF EXISTS {quote_identifier(name)}")
    if database.path is not None:
        source.sha256, source.size = hash_file(database.path)
    else:
        source.sha256 = hashlib.sha256("\n".join(sorted(digests)).encode()).hexdigest()
        source.notes.append("the hash is over the rows that were read, in any order")


def _schema(found: dict[str, SyncedTable]) -> str | None:
    return next(iter(found.values())).relation.schema or None


def _read(evidence: Evidence, database: ReadOnlyDatabase, table: SyncedTable) -> bool:
    fields = _fields(table.object)
    select = ", ".join(
        f"{quote_identifier(column)} AS {quote_identifier(alias)}"
        for alias, column in columns_for(table, fields).items()
    )
    query = f"SELECT {select} FROM {database.quoted(table.relation)}"
    try:
        read_into(evidence.connection, database, query, RAW)
    except UnreadableError as error:
        consequence = _MISSED.get(table.object, "what it tells is missing.")
        evidence.custody.gap(
            "stripe",
            NAMES[table.object],
            "unreadable",
            f"{table.relation.name} cannot be read ({error}): {consequence}",
        )
        return False
    return True


def _fields(object_: str) -> Mapping[str, Type]:
    return _EVENT if object_ == "event" else BY_OBJECT[object_].fields


def _take(evidence: Evidence, source: Input, table: SyncedTable, keys: Mapping[str, str]) -> int:
    connection = evidence.connection
    types = column_types(connection, RAW)
    document = document_sql(table, _fields(table.object), types, keys)
    if table.object == "event":
        fields: Mapping[str, Type] = EVENT_FIELDS
    else:
        fields = {
            **BY_OBJECT[table.object].fields,
            **(NESTED if table.object == INTENT.object else {}),
            **(NESTED_PAYMENTS if table.object == INVOICE.object else {}),
        }
    connection.execute(
        f"""CREATE OR REPLACE TEMP TABLE objects AS
        SELECT from_json(CAST(document AS JSON), '{structure(fields)}') AS o,
            'synced' AS source, snapshot_at, row_id
        FROM (SELECT {document} AS document, {time_sql(types, "synced_at")} AS snapshot_at,
                  {text_sql(types, "id")} AS row_id FROM {RAW})"""
    )
    starts = " OR ".join(f"starts_with(o.id, '{prefix}')" for prefix in _PREFIXES[table.object])
    label = table.relation.name.replace("'", "''")
    evidence.custody.reject_many(
        source,
        connection.execute(
            f"""SELECT 0 AS line, '{label}' || coalesce(' ' || coalesce(o.id, row_id), '')
                || ': not a Stripe {table.object}' AS reason
            FROM objects WHERE ({starts}) IS NOT TRUE ORDER BY ALL"""
        ).df(),
    )
    connection.execute(f"DELETE FROM objects WHERE ({starts}) IS NOT TRUE")
    count = connection.execute("SELECT count(*) FROM objects").fetchall()
    if table.object == "event":
        connection.execute("CREATE OR REPLACE TEMP TABLE envelopes AS SELECT o FROM objects")
        insert_envelopes(connection)
    else:
        kind = BY_OBJECT[table.object]
        connection.execute(insert_sql(kind, "objects", "source", "snapshot_at"))
        if kind is INTENT:
            take_nested_charges(connection, "objects")
        if kind is INVOICE:
            take_invoice_payments(connection, "objects")
    if table.object == "customer" and "subscriber_id" in types:
        take_subscribers(evidence, RAW, types)
    return int(count[0][0])


def _foreign_keys(
    evidence: Evidence, database: ReadOnlyDatabase, found: dict[str, SyncedTable]
) -> dict[str, str]:
    """For each field that may hold dj-stripe's own key, a table of that key and Stripe's id."""
    keys: dict[str, Any] = {}
    for field, object_ in _POINTS_AT.items():
        table = found.get(object_)
        if table is None or table.tool != "dj-stripe":
            continue
        key, id_ = table.column("djstripe_id"), table.column("id")
        if key is None or id_ is None:
            continue
        name = f"_synced_keys_{object_}"
        query = (
            f"SELECT {quote_identifier(key)} AS key, {quote_identifier(id_)} AS id "
            f"FROM {database.quoted(table.relation)}"
        )
        try:
            read_into(evidence.connection, database, query, name)
        except UnreadableError:
            continue
        evidence.connection.execute(
            f"CREATE OR REPLACE TEMP TABLE {name} AS "
            f"SELECT CAST(key AS VARCHAR) AS key, CAST(id AS VARCHAR) AS id FROM {name}"
        )
        keys[field] = name
    return keys
