"""Takes dj-stripe's record of webhook requests as deliveries, and its subscribers as bindings."""

from __future__ import annotations

from credit_forensics.databases.bulk_read import read_into
from credit_forensics.databases.read_only import ReadOnlyDatabase, UnreadableError
from credit_forensics.databases.relations import Relation, quote_identifier
from credit_forensics.databases.values import column_types, text_sql, time_sql
from credit_forensics.evidence.custody import Input
from credit_forensics.evidence.evidence import Evidence

_RAW = "_synced_triggers"
_COLUMNS = ("id", "body", "valid", "processed", "exception", "created", "event_id")


def take_triggers(
    evidence: Evidence, database: ReadOnlyDatabase, relation: Relation, source: Input
) -> int:
    """Append ``djstripe_webhookeventtrigger`` to ``deliveries``; the number of rows.

    A request whose signature did not hold is ``signature_refused`` and names no event; one that
    raised, or was never processed, is ``incomplete``; one that was processed is ``ignored``: it
    was acknowledged, and whether credits were booked only the ledger can tell.
    """
    found = {name: column for name in _COLUMNS if (column := relation.column(name))}
    if "body" not in found or "valid" not in found:
        evidence.custody.gap(
            "stripe",
            relation.name,
            "missing_column",
            f"{relation.name} has no column body or valid: its deliveries cannot be told.",
        )
        return 0
    select = ", ".join(
        f"{quote_identifier(column)} AS {quote_identifier(name)}" for name, column in found.items()
    )
    try:
        read_into(
            evidence.connection,
            database,
            f"SELECT {select} FROM {database.quoted(relation)}",
            _RAW,
        )
    except UnreadableError as error:
        evidence.custody.gap(
            "stripe",
            relation.name,
            "unreadable",
            f"{relation.name} cannot be read ({error}): its deliveries cannot be told.",
        )
        return 0
    run = evidence.connection.execute
    types = column_types(evidence.connection, _RAW)
    # The body is what was sent, so nothing in it is believed where the signature did not hold,
    # but for the payment that it was about.
    run(
        f"""INSERT INTO deliveries BY NAME
        SELECT
            CASE WHEN valid THEN coalesce(json_extract_string(body, '$.id'),
                CASE WHEN starts_with(event, 'evt_') THEN event END) END AS event_id,
            CASE WHEN starts_with(json_extract_string(body, '$.data.object.id'), 'cs_')
                   OR starts_with(json_extract_string(body, '$.data.object.id'), 'pi_')
                 THEN json_extract_string(body, '$.data.object.id')
                 WHEN starts_with(json_extract_string(body, '$.data.object.payment_intent'), 'pi_')
                 THEN json_extract_string(body, '$.data.object.payment_intent') END AS payment_id,
            received_at, valid AS signature_valid,
            CASE WHEN NOT valid THEN 'signature_refused'
                 WHEN error IS NOT NULL OR processed IS NOT TRUE THEN 'incomplete'
                 ELSE 'ignored' END AS outcome,
            error, request AS request_id,
            '{relation.name.replace("'", "''")}' AS source_file, TRY_CAST(request AS BIGINT)
                AS source_line
        FROM (SELECT
            CASE WHEN json_valid({text_sql(types, "body")})
                 THEN CAST({text_sql(types, "body")} AS JSON) END AS body,
            coalesce(TRY_CAST({text_sql(types, "valid")} AS BOOLEAN), false) AS valid,
            TRY_CAST({text_sql(types, "processed")} AS BOOLEAN) AS processed,
            nullif(trim(split_part({text_sql(types, "exception")}, chr(10), 1)), '') AS error,
            {text_sql(types, "event_id")} AS event,
            {text_sql(types, "id")} AS request, {time_sql(types, "created")} AS received_at
        FROM {_RAW})"""
    )
    rows = run(f"SELECT count(*) FROM {_RAW}").fetchall()
    run(f"DROP TABLE {_RAW}")
    _cover(evidence)
    source.notes.append(f"{rows[0][0]} deliveries from {relation.name}")
    return int(rows[0][0])


def take_subscribers(evidence: Evidence, raw: str, types: dict[str, str]) -> None:
    """Append dj-stripe's subscribers to ``customers``: the account that a customer belongs to."""
    evidence.connection.execute(
        f"""INSERT INTO customers BY NAME SELECT DISTINCT
            {text_sql(types, "id")} AS customer_id, {text_sql(types, "subscriber_id")} AS user_id,
            {time_sql(types, "djstripe_created")} AS bound_at
        FROM {raw} WHERE {text_sql(types, "subscriber_id")} IS NOT NULL
            AND {text_sql(types, "id")} IS NOT NULL"""
    )


def _cover(evidence: Evidence) -> None:
    run = evidence.connection.execute
    run("DELETE FROM spans WHERE source = 'deliveries'")
    run(
        "INSERT INTO spans BY NAME SELECT 'deliveries' AS source, min(received_at) AS first_at,"
        " max(received_at) AS last_at, count(*) AS row_count FROM deliveries"
    )
