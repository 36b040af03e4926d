"""Opens what Stripe's objects come wrapped in, and takes events and what they carry.

Known wrappers: the event itself, EventBridge's ``detail``, CloudEvents' ``data``, and the bare
``data`` of an event (``{"object": {…}}``). A shop's own table of webhooks and a connector's raw
records have the object, or its JSON as text, under a name of theirs (``WRAPPERS``).
"""

from __future__ import annotations

import duckdb

from credit_forensics.evidence.files.identify_input import WRAPPERS
from credit_forensics.evidence.stripe.nested_fields import (
    take_invoice_payments,
    take_nested_charges,
)
from credit_forensics.evidence.stripe.objects import (
    CREATED,
    INTENT,
    INVOICE,
    KINDS,
    NESTED,
    NESTED_PAYMENTS,
    WIDE,
    Type,
    insert_sql,
    kind_sql,
)

THIN = "v2.core.event"
# What needs no opening, as a list for SQL's IN.
PLAIN = ", ".join(f"'{name}'" for name in ("event", *(kind.object for kind in KINDS)))

EVENT_FIELDS: dict[str, Type] = {
    "id": "VARCHAR",
    "object": "VARCHAR",
    "type": "VARCHAR",
    "created": "BIGINT",
    "livemode": "BOOLEAN",
    "api_version": "VARCHAR",
    "account": "VARCHAR",
    "data": {"object": {**WIDE, **NESTED, **NESTED_PAYMENTS}},
}

_EVENTS = f"""
INSERT INTO stripe_events BY NAME
SELECT o.id AS event_id, o.type AS type, {CREATED} AS created_at,
    o.data.object.id AS object_id, o.data.object.object AS object_type,
    CASE
        WHEN o.data.object.object = 'payment_intent' THEN o.data.object.id
        WHEN starts_with(o.data.object.payment_intent, '{{')
            AND json_valid(o.data.object.payment_intent)
            THEN json_extract_string(o.data.object.payment_intent, '$.id')
        ELSE o.data.object.payment_intent
    END AS payment_intent_id,
    o.livemode AS livemode, o.api_version AS api_version, o.account AS account,
    'events' AS source
FROM envelopes
"""


# Of a thin event's object only its id is there; what it is, its own id says.
_THIN_EVENTS = f"""
INSERT INTO stripe_events BY NAME
SELECT json_extract_string(text, '$.id') AS event_id,
    regexp_replace(json_extract_string(text, '$.type'), '^v[0-9]+[.]', '') AS type,
    TRY_CAST(json_extract_string(text, '$.created') AS TIMESTAMPTZ) AS created_at,
    json_extract_string(text, '$.related_object.id') AS object_id,
    {kind_sql("CAST(NULL AS VARCHAR)", "json_extract_string(text, '$.related_object.id')")}
        AS object_type,
    CASE WHEN starts_with(json_extract_string(text, '$.related_object.id'), 'pi_')
        THEN json_extract_string(text, '$.related_object.id') END AS payment_intent_id,
    TRY_CAST(json_extract_string(text, '$.livemode') AS BOOLEAN) AS livemode,
    json_extract_string(text, '$.context') AS account, 'events' AS source
FROM (SELECT unnest(?::VARCHAR[]) AS text)
"""


def take_thin_events(connection: duckdb.DuckDBPyConnection, texts: list[str]) -> int:
    """Take thin (v2) events, which name their object (``related_object``) and do not carry it.

    ``texts`` are their JSON. What they tell of has to be read elsewhere, from an export or the
    API; they show that it was told, and when. Returns their number.
    """
    if texts:
        connection.execute(_THIN_EVENTS, [texts])
    return len(texts)


def unwrap_sql(body: str) -> str:
    """SQL that opens one wrapper around a JSON value; what has none stays as it is.

    Examples
    --------
    >>> duckdb.sql("SELECT " + unwrap_sql('\\'{"object": {"id": "cs_1"}}\\'')).fetchall()
    [('{"id":"cs_1"}',)]
    """
    wrapped = " ".join(
        f"""WHEN json_type({body}, '$.{name}') = 'OBJECT'
            AND json_type({body}, '$.{name}.object') IS NOT NULL
            THEN json_extract({body}, '$.{name}')::VARCHAR
        WHEN json_type({body}, '$.{name}') = 'VARCHAR'
            AND TRY(json_type(json_extract_string({body}, '$.{name}'), '$.object')) IS NOT NULL
            THEN json_extract_string({body}, '$.{name}')"""
        for name in WRAPPERS
    )
    return f"""CASE
        WHEN json_type({body}, '$.object') = 'OBJECT' THEN json_extract({body}, '$.object')::VARCHAR
        WHEN json_type({body}, '$.object') IS NOT NULL THEN {body}
        WHEN json_type({body}, '$.detail') = 'OBJECT' THEN json_extract({body}, '$.detail')::VARCHAR
        WHEN json_type({body}, '$.specversion') IS NOT NULL
            AND json_type({body}, '$.data') = 'OBJECT' THEN json_extract({body}, '$.data')::VARCHAR
        WHEN regexp_matches(json_extract_string({body}, '$.id'), '^[a-z]{{2,6}}_') THEN {body}
        {wrapped}
        ELSE {body} END"""


def insert_envelopes(connection: duckdb.DuckDBPyConnection) -> int:
    """Take the events of the temporary table ``envelopes`` (a column ``o`` of ``EVENT_FIELDS``).

    The object that an event carries is a snapshot of it at the event's time, and goes to the
    table of its kind. Returns the number of events.
    """
    [(taken,)] = connection.execute(_EVENTS).fetchall()
    carried = (
        f"SELECT o.data.object AS o, 'events' AS source, {CREATED} AS snapshot_at FROM envelopes"
    )
    for kind in KINDS:
        from_ = f"({carried}) WHERE o.object = '{kind.object}' AND o.id IS NOT NULL"
        connection.execute(insert_sql(kind, from_, "source", "snapshot_at"))
        if kind is INTENT:
            take_nested_charges(connection, f"(SELECT * FROM {from_})")
        if kind is INVOICE:
            take_invoice_payments(connection, f"(SELECT * FROM {from_})")
    return int(taken)
