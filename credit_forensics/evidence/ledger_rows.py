"""Takes what was read from a ledger's database into the evidence tables, as DuckDB SQL.

Every function reads a temporary table as ``bulk_read`` left it, keeps what cannot be used as
rejects, and appends the rest.
"""

from __future__ import annotations

from collections.abc import Mapping

from credit_forensics.evidence.custody import Input
from credit_forensics.evidence.database_values import (
    column_types,
    text_sql,
    time_sql,
    whole_sql,
)
from credit_forensics.evidence.ledger_kinds import KINDS, kind_sql
from credit_forensics.evidence.store import Evidence

RAW = "_ledger_raw_"
# An id inside a reason stands after a border: "payment_cs_1" and "event_evt_1" hold one,
# "docs_1" does not.
_BORDER = "(?:^|[^A-Za-z0-9])"
_STRIPE_IDS = {"session": "cs", "intent": "pi", "event": "evt"}


def take_entries(
    evidence: Evidence,
    source: Input,
    label: str,
    kinds: Mapping[str, str],
    *,
    prefix: str = "",
    parts: frozenset[str] = frozenset(),
) -> int:
    """Append ledger entries; the number of good rows.

    An entry without a user, or whose credits are no whole number, is a reject. ``prefix`` sets
    the entries of several ledgers apart; ``parts`` are the other parts that were read.
    """
    run = evidence.connection.execute
    raw = f"{RAW}entries"
    types = column_types(evidence.connection, raw)
    text = {name: text_sql(types, name) for name in _ENTRY_TEXTS}
    found = {
        (name, kind): f"regexp_extract({name}, '{_BORDER}({start}_[A-Za-z0-9_]+)', 1)"
        for kind, start in _STRIPE_IDS.items()
        for name in ("reason", "meta", "event_column")
    }
    reason = _reason(types)
    payment = "payment_column" if "payment_id" in types else "NULL"
    run(
        f"""CREATE OR REPLACE TEMP TABLE {RAW}typed AS SELECT
            {text["entry_id"]} AS entry_id, {text["user_id"]} AS user_id,
            {whole_sql(types, "delta")} AS delta, {text_sql(types, "delta")} IS NULL AS no_delta,
            {reason} AS reason, lower({text["kind"]}) AS kind_column,
            {text["event_id"]} AS event_column, {text["payment_id"]} AS payment_column,
            {text["session_id"]} AS session_column, {text["intent_id"]} AS intent_column,
            {text["local_payment_id"]} AS local_payment_id, {text["meta"]} AS meta,
            {time_sql(types, "created_at")} AS created_at,
            {text_sql(types, "created_at")} IS NOT NULL AS has_time
        FROM {raw}"""
    )
    session, intent, event, joins = _shop_bookkeeping(evidence, parts)
    run(
        f"""CREATE OR REPLACE TEMP TABLE {RAW}linked AS SELECT t.*,
            coalesce({payment}, session_column, {session},
                CASE WHEN regexp_matches(local_payment_id, '^(cs|pi)_') THEN local_payment_id END,
                nullif({found["event_column", "session"]}, ''),
                nullif({found["reason", "session"]}, ''), nullif({found["meta", "session"]}, ''),
                intent_column, {intent},
                nullif({found["event_column", "intent"]}, ''),
                nullif({found["reason", "intent"]}, ''), nullif({found["meta", "intent"]}, '')
            ) AS payment_id,
            coalesce(
                CASE WHEN NOT regexp_matches(event_column, '^(cs|pi)_|^[0-9]+$')
                     THEN event_column END,
                nullif({found["reason", "event"]}, ''), nullif({found["meta", "event"]}, ''),
                {event}
            ) AS event_id
        FROM {RAW}typed AS t {joins}"""
    )
    name = "coalesce(' ' || entry_id, '')"
    evidence.custody.reject_many(
        source,
        run(
            f"""SELECT 0 AS line, '{_quoted(label)}' || {name} || ': ' || CASE
                WHEN user_id IS NULL THEN 'the user is empty'
                WHEN no_delta THEN 'the credits are empty'
                ELSE 'the credits are not a whole number' END AS reason
            FROM {RAW}linked WHERE user_id IS NULL OR delta IS NULL ORDER BY ALL"""
        ).df(),
    )
    backed = "(event_id IS NOT NULL OR payment_id IS NOT NULL)"
    kind = kind_sql("reason", "delta", backed, kinds)
    listed = ", ".join(f"'{kind}'" for kind in KINDS)
    number = "row_number() OVER (ORDER BY created_at, user_id, delta, reason, event_id)"
    run(
        f"""INSERT INTO ledger BY NAME SELECT
            '{_quoted(prefix)}' || coalesce(entry_id, 'row' || {number}) AS entry_id,
            user_id, delta, reason,
            CASE WHEN kind_column IN ({listed}) THEN kind_column
                 ELSE {_admin_kind(evidence, kind, parts)} END AS kind,
            event_id, payment_id, created_at
        FROM {RAW}linked AS l WHERE user_id IS NOT NULL AND delta IS NOT NULL"""
    )
    _note_times(evidence, source, label)
    return _good(evidence, f"FROM {RAW}linked WHERE user_id IS NOT NULL AND delta IS NOT NULL")


_ENTRY_TEXTS = (
    "entry_id",
    "user_id",
    "reason",
    "kind",
    "event_id",
    "payment_id",
    "session_id",
    "intent_id",
    "local_payment_id",
    "meta",
)


def _reason(types: dict[str, str]) -> str:
    """The reason as written; where a layout keeps a type beside it, ``type:reason``."""
    reason = text_sql(types, "reason")
    if "type" not in types:
        return reason
    return f"nullif(concat_ws(':', {text_sql(types, 'type')}, {reason}), '')"


def _shop_bookkeeping(evidence: Evidence, parts: frozenset[str]) -> tuple[str, str, str, str]:
    """SQL of session, intent and event by the shop's own payment number, and the joins for it."""
    session = intent = event = "NULL"
    joins = ""
    if "payments" in parts:
        types = column_types(evidence.connection, f"{RAW}payments")
        joins += f""" LEFT JOIN (
            SELECT {text_sql(types, "local_id")} AS local_id,
                min({text_sql(types, "session_id")}) AS session_id,
                min({text_sql(types, "intent_id")}) AS intent_id
            FROM {RAW}payments GROUP BY 1) AS p ON t.local_payment_id = p.local_id"""
        session, intent = "p.session_id", "p.intent_id"
    if "processed_events" in parts:
        types = column_types(evidence.connection, f"{RAW}processed_events")
        joins += f""" LEFT JOIN (
            SELECT {text_sql(types, "local_payment_id")} AS local_id,
                min({text_sql(types, "event_id")}) AS event_id
            FROM {RAW}processed_events WHERE starts_with({text_sql(types, "event_id")}, 'evt_')
            GROUP BY 1) AS e ON t.local_payment_id = e.local_id"""
        event = "e.event_id"
    return session, intent, event, joins


def _admin_kind(evidence: Evidence, kind: str, parts: frozenset[str]) -> str:
    """A grant where the admins' journal tells of the same credits within a minute."""
    if "admin_actions" not in parts:
        return kind
    types = column_types(evidence.connection, f"{RAW}admin_actions")
    return f"""CASE WHEN event_id IS NULL AND payment_id IS NULL AND delta > 0 AND EXISTS (
        SELECT 1 FROM {RAW}admin_actions AS a
        WHERE {text_sql(types, "user_id").replace('"user_id"', 'a."user_id"')} = l.user_id
          AND {whole_sql(types, "delta").replace('"delta"', 'a."delta"')} = l.delta
          AND abs(epoch({time_sql(types, "created_at").replace('"created_at"', 'a."created_at"')})
                  - epoch(l.created_at)) <= 60
    ) THEN 'grant' ELSE {kind} END"""


def take_users(evidence: Evidence, source: Input, label: str) -> int:
    """Append accounts, one row an id; a second, different row of an id is a reject."""
    run = evidence.connection.execute
    raw = f"{RAW}users"
    types = column_types(evidence.connection, raw)
    run(
        f"""CREATE OR REPLACE TEMP TABLE {RAW}typed AS SELECT DISTINCT
            {text_sql(types, "user_id")} AS user_id, {text_sql(types, "email")} AS email,
            {text_sql(types, "name")} AS name, {time_sql(types, "created_at")} AS created_at
        FROM {raw}"""
    )
    order = "ORDER BY t.created_at NULLS LAST, t.email NULLS LAST, t.name NULLS LAST"
    run(
        f"""CREATE OR REPLACE TEMP TABLE {RAW}ranked AS SELECT t.*,
            row_number() OVER (PARTITION BY t.user_id {order}) AS place,
            u.user_id IS NOT NULL AS there_before
        FROM {RAW}typed AS t LEFT JOIN users AS u ON t.user_id = u.user_id"""
    )
    evidence.custody.reject_many(
        source,
        run(
            f"""SELECT 0 AS line, CASE
                WHEN user_id IS NULL THEN '{_quoted(label)}: the id is empty'
                ELSE '{_quoted(label)} ' || user_id || ': a second row of this id' END AS reason
            FROM {RAW}ranked WHERE user_id IS NULL OR place > 1 ORDER BY ALL"""
        ).df(),
    )
    run(
        f"""INSERT INTO users BY NAME SELECT user_id, email, name, created_at FROM {RAW}ranked
        WHERE user_id IS NOT NULL AND place = 1 AND NOT there_before"""
    )
    return _good(evidence, f"FROM {RAW}ranked WHERE user_id IS NOT NULL AND place = 1")


def take_customers(evidence: Evidence, source: Input, label: str) -> int:
    """Append bindings; one that names no user or no customer is a reject."""
    run = evidence.connection.execute
    types = column_types(evidence.connection, f"{RAW}customers")
    run(
        f"""CREATE OR REPLACE TEMP TABLE {RAW}typed AS SELECT DISTINCT
            {text_sql(types, "customer_id")} AS customer_id,
            {text_sql(types, "user_id")} AS user_id, {time_sql(types, "bound_at")} AS bound_at
        FROM {RAW}customers"""
    )
    evidence.custody.reject_many(
        source,
        run(
            f"""SELECT 0 AS line, '{_quoted(label)}' || coalesce(' ' || customer_id, '')
                || ': ' || CASE WHEN customer_id IS NULL THEN 'the customer is empty'
                ELSE 'the user is empty' END AS reason
            FROM {RAW}typed WHERE user_id IS NULL OR customer_id IS NULL ORDER BY ALL"""
        ).df(),
    )
    good = f"FROM {RAW}typed WHERE user_id IS NOT NULL AND customer_id IS NOT NULL"
    run(
        f"INSERT INTO customers BY NAME SELECT customer_id, user_id, bound_at {good} "
        "EXCEPT ALL SELECT customer_id, user_id, bound_at FROM customers"
    )
    return _good(evidence, good)


def take_balances(evidence: Evidence, source: Input, label: str) -> int:
    """Append stored balances; several rows of one user, in one ledger or in two, add up."""
    run = evidence.connection.execute
    types = column_types(evidence.connection, f"{RAW}balances")
    run(
        f"""CREATE OR REPLACE TEMP TABLE {RAW}typed AS SELECT
            {text_sql(types, "user_id")} AS user_id, {whole_sql(types, "balance")} AS balance,
            {text_sql(types, "balance")} IS NULL AS no_balance
        FROM {RAW}balances"""
    )
    evidence.custody.reject_many(
        source,
        run(
            f"""SELECT 0 AS line, '{_quoted(label)}' || coalesce(' ' || user_id, '') || ': '
                || CASE WHEN user_id IS NULL THEN 'the user is empty'
                WHEN no_balance THEN 'the balance is empty'
                ELSE 'the balance is not a whole number' END AS reason
            FROM {RAW}typed WHERE user_id IS NULL OR balance IS NULL ORDER BY ALL"""
        ).df(),
    )
    good = f"FROM {RAW}typed WHERE user_id IS NOT NULL AND balance IS NOT NULL"
    run(
        f"""CREATE OR REPLACE TABLE balances AS
        SELECT user_id, CAST(sum(balance) AS BIGINT) AS balance FROM (
            SELECT user_id, balance FROM balances UNION ALL SELECT user_id, balance {good})
        GROUP BY user_id"""
    )
    return _good(evidence, good)


def take_aliases(evidence: Evidence, source: Input, label: str) -> int:
    """Append links between ids out of a table that says which id was another's before."""
    run = evidence.connection.execute
    types = column_types(evidence.connection, f"{RAW}aliases")
    user, other = text_sql(types, "user_id"), text_sql(types, "linked_user_id")
    good = f"FROM {RAW}aliases WHERE {user} IS NOT NULL AND {other} IS NOT NULL"
    run(
        f"""INSERT INTO user_links BY NAME SELECT DISTINCT {user} AS user_id,
            {other} AS linked_user_id, 'alias' AS reason, 1.0 AS strength
        {good} AND {user} <> {other}"""
    )
    return _good(evidence, good)


def digest_table(evidence: Evidence, table: str) -> str:
    """SHA-256 over the rows of a table as they were read, whatever their order."""
    types = column_types(evidence.connection, table)
    values = ", ".join(f'coalesce(CAST("{name}" AS VARCHAR), chr(30))' for name in sorted(types))
    # In two levels, so that no one string has to hold every row's hash.
    row = evidence.connection.execute(
        f"""SELECT coalesce(sha256(string_agg(bucket, '' ORDER BY bucket)), '') FROM (
            SELECT sha256(string_agg(hash, '' ORDER BY hash)) AS bucket
            FROM (SELECT md5(concat_ws(chr(31), {values})) AS hash FROM "{table}")
            GROUP BY left(hash, 3))"""
    ).fetchall()[0]
    return str(row[0])


def _note_times(evidence: Evidence, source: Input, label: str) -> None:
    row = evidence.connection.execute(
        f"SELECT count(*) FROM {RAW}linked WHERE has_time AND created_at IS NULL "
        "AND user_id IS NOT NULL AND delta IS NOT NULL"
    ).fetchall()[0]
    if row[0]:
        source.notes.append(f"{row[0]} entries of {label} have a time that cannot be read")


def _good(evidence: Evidence, clause: str) -> int:
    row = evidence.connection.execute(f"SELECT count(*) {clause}").fetchall()[0]
    return int(row[0])


def _quoted(text: str) -> str:
    return text.replace("'", "''")
