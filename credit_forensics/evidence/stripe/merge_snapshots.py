"""Merges the snapshots of a Stripe object into one row an object.

A session is told by an export, by the events that embed it, perhaps by the API too. The latest
snapshot wins field by field, but a field that a later snapshot does not have keeps its value:
API versions and exports differ in what they carry, so an absent field says nothing.
"""

from __future__ import annotations

import duckdb

from credit_forensics.tables.catalogue import spec

# How far an object has come, for snapshots of the same second and for two undated exports.
_PROGRESS = {
    "stripe_sessions": (
        "CASE status WHEN 'complete' THEN 4 WHEN 'expired' THEN 2 ELSE 0 END"
        " + CASE WHEN payment_status IN ('paid', 'no_payment_required') THEN 1 ELSE 0 END"
    ),
    "stripe_intents": "CASE status WHEN 'succeeded' THEN 2 WHEN 'canceled' THEN 1 ELSE 0 END",
    "stripe_charges": (
        "CASE status WHEN 'succeeded' THEN 2 WHEN 'failed' THEN 1 ELSE 0 END"
        " + CASE WHEN amount_refunded > 0 THEN 3 ELSE 0 END + CASE WHEN disputed THEN 1 ELSE 0 END"
    ),
    "stripe_refunds": "CASE status WHEN 'pending' THEN 0 WHEN 'succeeded' THEN 1 ELSE 2 END",
    "stripe_disputes": "CASE WHEN status IN ('won', 'lost') THEN 1 ELSE 0 END",
    "stripe_customers": "0",
    "stripe_invoices": (
        "CASE status WHEN 'paid' THEN 3 WHEN 'void' THEN 2 WHEN 'uncollectible' THEN 2"
        " WHEN 'open' THEN 1 ELSE 0 END"
    ),
    "stripe_invoice_payments": "CASE status WHEN 'paid' THEN 1 ELSE 0 END",
    "stripe_subscriptions": "CASE WHEN ended_at IS NOT NULL THEN 1 ELSE 0 END",
    "stripe_prices": "0",
    "stripe_products": "0",
    "stripe_credit_grants": "CASE WHEN voided_at IS NOT NULL THEN 1 ELSE 0 END",
    "stripe_credit_transactions": "0",
}
# What is moved about as the number of its row: the map, and long texts.
_HEAVY = ("metadata", "lines", "subscription_metadata")
# An undated snapshot was taken at the time of the export, so it is the latest. Seconds take 33
# bits, progress 4, and a hash of the content makes the order total: the same rows in another
# order, or read by more threads, merge to the same row.
_UNDATED = (1 << 33) - 1


def merge_snapshots(connection: duckdb.DuckDBPyConnection, name: str) -> str:
    """Merge a staging table into a temporary table ``merged_…`` of one row an object.

    Columns are those of the staging table without ``metadata``, ``lines``, ``source`` and their
    like; ``metadata_row`` is the ``rowid`` of the latest snapshot with metadata, and so with
    ``lines_row`` (moving a row number about is five times cheaper than moving the map).

    Returns
    -------
    str
        the name of the temporary table.

    Examples
    --------
    >>> from credit_forensics.evidence.evidence import Evidence
    >>> import pandas as pd
    >>> evidence = Evidence()
    >>> evidence.add("stripe_refunds", pd.DataFrame({
    ...     "refund_id": ["re_1", "re_1"], "amount": [500, None],
    ...     "status": ["pending", "succeeded"],
    ...     "snapshot_at": pd.to_datetime(["2025-09-01", None], utc=True)}))
    >>> merged = merge_snapshots(evidence.connection, "stripe_refunds")
    >>> evidence.connection.sql(f"SELECT refund_id, amount, status FROM {merged}").fetchall()
    [('re_1', 500, 'succeeded')]
    """
    table_spec = spec(name)
    key = table_spec.column_names[0]
    fields = [
        column.name
        for column in table_spec.columns
        if column.name not in {key, *_HEAVY, "source", "snapshot_at"}
    ]
    heavy = [name for name in _HEAVY if name in table_spec.column_names]
    content = ", ".join(f'"{field}"' for field in (*fields, *heavy))
    picked = [f'arg_max("{field}", snapshot_rank) AS "{field}"' for field in fields]
    for column in heavy:
        there = "cardinality(metadata) > 0" if column == "metadata" else f"{column} IS NOT NULL"
        picked.append(f"arg_max(row_number, snapshot_rank) FILTER ({there}) AS {column}_row")
    merged = f"merged_{name.removeprefix('stripe_')}"
    connection.execute(f"""
        CREATE OR REPLACE TEMP TABLE {merged} AS
        SELECT {key}, {", ".join(picked)}
        FROM (
            SELECT *, rowid AS row_number,
                (least(greatest(coalesce(epoch(snapshot_at)::BIGINT, {_UNDATED}), 0), {_UNDATED})
                    << 28)
                | (({_PROGRESS[name]})::BIGINT << 24)
                | (hash({content}) & 16777215)::BIGINT AS snapshot_rank
            FROM {name}
            WHERE {key} IS NOT NULL
        )
        GROUP BY {key}
        """)
    return merged
