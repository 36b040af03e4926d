"""Takes accounts, customer bindings, balances and aliases from a ledger's database, as DuckDB SQL.

Every function reads a temporary table as ``bulk_read`` left it, keeps what cannot be used as
rejects, and appends the rest.
"""

from __future__ import annotations

from credit_forensics.databases.values import (
    RAW,
    column_types,
    count_rows,
    decimal_sql,
    quoted_text,
    text_sql,
    time_sql,
    whole_and_fraction,
)
from credit_forensics.evidence.custody import Input
from credit_forensics.evidence.evidence import Evidence

# Over so many mergers in a row an account is followed to the one that survives.
_MOST_STEPS = 20


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
                WHEN user_id IS NULL THEN '{quoted_text(label)}: the id is empty'
                ELSE '{quoted_text(label)} ' || user_id || ': a second row of this id' END AS reason
            FROM {RAW}ranked WHERE user_id IS NULL OR place > 1 ORDER BY ALL"""
        ).df(),
    )
    run(
        f"""INSERT INTO users BY NAME SELECT user_id, email, name, created_at FROM {RAW}ranked
        WHERE user_id IS NOT NULL AND place = 1 AND NOT there_before"""
    )
    return count_rows(
        evidence.connection, f"FROM {RAW}ranked WHERE user_id IS NOT NULL AND place = 1"
    )


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
            f"""SELECT 0 AS line, '{quoted_text(label)}' || coalesce(' ' || customer_id, '')
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
    return count_rows(evidence.connection, good)


def take_balances(evidence: Evidence, source: Input, label: str) -> int:
    """Append stored balances; several rows of one user, in one ledger or in two, add up."""
    run = evidence.connection.execute
    types = column_types(evidence.connection, f"{RAW}balances")
    run(
        f"""CREATE OR REPLACE TEMP TABLE {RAW}typed AS SELECT
            {text_sql(types, "user_id")} AS user_id, {decimal_sql(types, "balance")} AS balance,
            {text_sql(types, "balance")} IS NULL AS no_balance
        FROM {RAW}balances"""
    )
    evidence.custody.reject_many(
        source,
        run(
            f"""SELECT 0 AS line, '{quoted_text(label)}' || coalesce(' ' || user_id, '') || ': '
                || CASE WHEN user_id IS NULL THEN 'the user is empty'
                WHEN no_balance THEN 'the balance is empty'
                ELSE 'the balance is not a number' END AS reason
            FROM {RAW}typed WHERE user_id IS NULL OR balance IS NULL ORDER BY ALL"""
        ).df(),
    )
    good = f"FROM {RAW}typed WHERE user_id IS NOT NULL AND balance IS NOT NULL"
    whole, rest = whole_and_fraction("total")
    billionth = "CAST('0.000000001' AS DECIMAL(10, 9))"
    before = f"balance + coalesce(CAST(fraction AS DECIMAL(18, 0)), 0) * {billionth}"
    run(
        f"""CREATE OR REPLACE TABLE balances AS
        SELECT user_id, {whole} AS balance, {rest} AS fraction FROM (
            SELECT user_id, CAST(sum(amount) AS DECIMAL(38, 9)) AS total FROM (
                SELECT user_id, {before} AS amount FROM balances
                UNION ALL SELECT user_id, balance {good}) GROUP BY user_id)"""
    )
    return count_rows(evidence.connection, good)


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
    return count_rows(evidence.connection, good)


def take_mergers(evidence: Evidence, source: Input, label: str) -> int:
    """Append links from each account that was merged to the one that survives, over several steps.

    Accounts that name one another in a circle have no survivor, and are not linked.
    """
    run = evidence.connection.execute
    types = column_types(evidence.connection, f"{RAW}mergers")
    run(
        f"""CREATE OR REPLACE TEMP TABLE {RAW}typed AS SELECT
            {text_sql(types, "user_id")} AS user_id, {text_sql(types, "survivor_id")} AS survivor,
            {time_sql(types, "merged_at")} AS since
        FROM {RAW}mergers"""
    )
    good = f"FROM {RAW}typed WHERE user_id <> survivor"
    run(
        f"""INSERT INTO user_links BY NAME
        WITH RECURSIVE once AS (
            SELECT user_id, min(survivor) AS survivor, min(since) AS since {good}
            GROUP BY user_id HAVING count(DISTINCT survivor) = 1),
        led AS (
            SELECT user_id, survivor, since, 1 AS steps FROM once
            UNION ALL SELECT l.user_id, o.survivor, l.since, steps + 1
            FROM led AS l JOIN once AS o ON o.user_id = l.survivor WHERE steps < {_MOST_STEPS})
        SELECT user_id, survivor AS linked_user_id, 'merged' AS reason, 1.0 AS strength, since
        FROM led WHERE survivor NOT IN (SELECT user_id FROM once)"""
    )
    return count_rows(evidence.connection, good)


def take_memberships(evidence: Evidence, source: Input, label: str) -> int:
    """Append who belongs to what; a row without a person or an account is left out."""
    types = column_types(evidence.connection, f"{RAW}memberships")
    user, account = text_sql(types, "user_id"), text_sql(types, "account_id")
    good = f"FROM {RAW}memberships WHERE {user} IS NOT NULL AND {account} IS NOT NULL"
    evidence.connection.execute(
        f"""INSERT INTO memberships BY NAME SELECT DISTINCT {user} AS user_id,
            {account} AS account_id, {text_sql(types, "role")} AS role,
            {time_sql(types, "since")} AS since, {time_sql(types, "until")} AS until,
            {text_sql(types, "email")} AS email, {text_sql(types, "name")} AS name
        {good}"""
    )
    return count_rows(evidence.connection, good)
