"""Takes the lines of payments, and what each is worth in credits."""

from __future__ import annotations

from collections.abc import Mapping

import duckdb
import pyarrow as pa

from credit_forensics.case_file import Price, as_price
from credit_forensics.tables.catalogue import spec

# What a price's or product's metadata calls the credits that one of it is worth.
_CREDITS = (
    "TRY_CAST(coalesce(json_extract_string({0}, '$.credits'),"
    " json_extract_string({0}, '$.credit_amount'), json_extract_string({0}, '$.creditAmount'))"
    " AS DOUBLE)"
)
_LINES = f"""
CREATE OR REPLACE TEMP TABLE shown_lines AS
WITH texts AS (
    SELECT d.payment_id, coalesce(s.lines, i.lines) AS lines
    FROM drafts d
    LEFT JOIN stripe_sessions s ON s.rowid = d.session_lines_row
    LEFT JOIN stripe_invoices i ON i.rowid = d.invoice_lines_row
    WHERE d.session_lines_row IS NOT NULL OR d.invoice_lines_row IS NOT NULL
), unnested AS (
    SELECT payment_id, unnest(range(1, len(lines) + 1)) AS position, unnest(lines) AS line
    FROM (SELECT payment_id, from_json(json_extract(lines, '$.data'), '["JSON"]') AS lines
        FROM texts)
)
SELECT payment_id, position,
    coalesce(json_extract_string(line, '$.price.id'), json_extract_string(line, '$.price'),
        json_extract_string(line, '$.pricing.price_details.price.id'),
        json_extract_string(line, '$.pricing.price_details.price'),
        json_extract_string(line, '$.plan.id')) AS price_id,
    coalesce(json_extract_string(line, '$.price.product.id'),
        json_extract_string(line, '$.price.product'),
        json_extract_string(line, '$.pricing.price_details.product'),
        json_extract_string(line, '$.plan.product')) AS product_id,
    coalesce(json_extract_string(line, '$.quantity')::BIGINT, 1) AS quantity,
    -- Both are before discounts; amount_total is not, and says nothing of the price.
    coalesce(json_extract_string(line, '$.amount_subtotal'), json_extract_string(line, '$.amount')
        )::BIGINT AS amount,
    coalesce({_CREDITS.format("json_extract(line, '$.price.metadata')")},
        {_CREDITS.format("json_extract(line, '$.pricing.price_details.price.metadata')")},
        {_CREDITS.format("json_extract(line, '$.plan.metadata')")},
        {_CREDITS.format("json_extract(line, '$.price.product.metadata')")}) AS told_credits,
    coalesce(json_extract_string(line, '$.proration')::BOOLEAN,
        json_extract_string(line, '$.parent.subscription_item_details.proration')::BOOLEAN,
        json_extract_string(line, '$.parent.invoice_item_details.proration')::BOOLEAN,
        false) AS prorated
FROM unnested
"""
_ITEMS = """
INSERT INTO payment_items BY NAME
WITH listed AS (
    SELECT p.price_id, p.product_id, {price} AS told_credits
    FROM merged_prices p LEFT JOIN stripe_prices s ON s.rowid = p.metadata_row
), products AS (
    SELECT p.product_id, {price} AS told_credits
    FROM merged_products p LEFT JOIN stripe_products s ON s.rowid = p.metadata_row
)
SELECT l.payment_id, l.position, l.price_id, coalesce(l.product_id, p.product_id) AS product_id,
    l.quantity, l.amount, l.prorated,
    coalesce(known.credits, l.told_credits, p.told_credits, o.told_credits)::BIGINT AS credits
FROM shown_lines l
LEFT JOIN listed p ON p.price_id = l.price_id
LEFT JOIN products o ON o.product_id = coalesce(l.product_id, p.product_id)
LEFT JOIN known_prices known ON known.price_id = l.price_id
"""
# A part of a period is worth what the shop decides, so its lines say nothing.
_SUMS = """
CREATE OR REPLACE TEMP TABLE item_sums AS
SELECT payment_id,
    CASE WHEN NOT bool_or(prorated) THEN sum(quantity * i.credits) END::BIGINT AS credits,
    bool_or(prorated) AS prorated,
    bool_or(price_id IS NULL OR known.price_id IS NOT NULL) AS listed,
    coalesce(arg_min(i.price_id, position) FILTER (i.credits IS NOT NULL),
        arg_min(i.price_id, position)) AS price_id
FROM payment_items i LEFT JOIN known_prices known USING (price_id)
GROUP BY 1
"""


def take_items(connection: duckdb.DuckDBPyConnection, prices: Mapping[str, int | Price]) -> None:
    """Fill ``payment_items``, and sum them a payment in the temporary table ``item_sums``.

    Also fills ``prices``, and makes ``known_prices`` of it. Reads the temporary tables of
    ``payments.assemble_payments``. What a line is worth is said by ``[prices]``, else by the
    metadata of its price, else of its product.
    """
    listed = [{"price_id": key, **as_price(value).model_dump()} for key, value in prices.items()]
    given = pa.Table.from_pylist(listed, schema=spec("prices").arrow_schema)
    connection.register("given_prices", given)
    connection.execute("INSERT INTO prices BY NAME SELECT * FROM given_prices")
    connection.execute("CREATE OR REPLACE TEMP TABLE known_prices AS SELECT * FROM given_prices")
    connection.unregister("given_prices")
    connection.execute(_LINES)
    metadata = (
        "coalesce(TRY_CAST(s.metadata['credits'] AS DOUBLE),"
        " TRY_CAST(s.metadata['credit_amount'] AS DOUBLE),"
        " TRY_CAST(s.metadata['creditAmount'] AS DOUBLE))"
    )
    connection.execute(_ITEMS.format(price=metadata))
    connection.execute("DROP TABLE shown_lines")
    connection.execute(_SUMS)
