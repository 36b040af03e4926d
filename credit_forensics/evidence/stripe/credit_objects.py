"""Takes the credits of Stripe Billing: credit grants, and the transactions that move them.

Fields are those of Stripe's API reference (``billing/credit-grant``,
``billing/credit-balance-transaction``); flat tables name them ``amount_monetary_value`` and so on.
"""

from __future__ import annotations

from collections.abc import Sequence

import duckdb

from credit_forensics.evidence.stripe.objects import kind_sql


def _text(*paths: str) -> str:
    found = ", ".join(f"json_extract_string(o, '$.{path}')" for path in paths)
    return f"nullif(coalesce({found}), '')" if len(paths) > 1 else f"nullif({found}, '')"


def _id(name: str) -> str:
    """An object's id, also where the request expanded the object."""
    plain = _text(name)
    return (
        f"coalesce({_text(f'{name}.id')}, CASE WHEN json_type(o, '$.{name}') = 'VARCHAR' THEN"
        f" {plain} END, {_text(f'{name}_id')})"
    )


def _time(name: str) -> str:
    seconds = f"TRY_CAST({_text(name)} AS BIGINT)"
    return (
        f"CASE WHEN {seconds} BETWEEN 0 AND 253402300799"
        f" THEN make_timestamptz({seconds} * 1000000) END"
    )


def _amount(of: str = "") -> tuple[str, str]:
    """SQL of the minor units and of the currency of an amount."""
    dot, under = (f"{of}.", f"{of}_") if of else ("", "")
    value = _text(f"{dot}amount.monetary.value", f"{under}amount_monetary_value")
    currency = _text(f"{dot}amount.monetary.currency", f"{under}amount_monetary_currency")
    return f"TRY_CAST({value} AS BIGINT)", f"lower({currency})"


def _named(*starts: str) -> str:
    """SQL of the first id of Stripe's, by the order of these beginnings, that a grant names."""
    texts = "concat_ws(' ', json_extract_string(o, '$.metadata'), json_extract_string(o, '$.name'))"
    found = ", ".join(
        f"nullif(regexp_extract({texts}, '(?:^|[^A-Za-z0-9])({start}_[A-Za-z0-9_]{{4,}})', 1), '')"
        for start in starts
    )
    return f"coalesce({found})" if len(starts) > 1 else found


_VALUE, _CURRENCY = _amount()
_CREDIT, _CREDIT_CURRENCY = _amount("credit")
_DEBIT, _DEBIT_CURRENCY = _amount("debit")
_COMMON = f"{_time('created')} AS created_at, TRY_CAST({_text('livemode')} AS BOOLEAN) AS livemode"

_GRANTS = f"""
INSERT INTO stripe_credit_grants BY NAME
SELECT {_text("id")} AS grant_id, {_COMMON}, {_id("customer")} AS customer_id,
    {_VALUE} AS amount, {_CURRENCY} AS currency, {_text("category")} AS category,
    {_text("name")} AS name, {_time("effective_at")} AS effective_at,
    {_time("expires_at")} AS expires_at, {_time("voided_at")} AS voided_at,
    {_named("cs", "in", "pi", "ch", "py")} AS payment_id, {_named("evt")} AS event_id,
    TRY_CAST(json_extract(o, '$.metadata') AS MAP(VARCHAR, VARCHAR)) AS metadata,
    source, snapshot_at
FROM @rows WHERE kind = 'billing.credit_grant' AND o IS NOT NULL
"""
_TRANSACTIONS = f"""
INSERT INTO stripe_credit_transactions BY NAME
SELECT {_text("id")} AS transaction_id, {_COMMON}, {_id("credit_grant")} AS grant_id,
    {_text("credit.type", "debit.type", "credit_type", "debit_type")} AS type,
    coalesce({_CREDIT}, {_DEBIT}) AS amount,
    coalesce({_CREDIT_CURRENCY}, {_DEBIT_CURRENCY}) AS currency,
    {_time("effective_at")} AS effective_at,
    {
    _text(
        "debit.credits_applied.invoice.id",
        "debit.credits_applied.invoice",
        "credit.credits_application_invoice_voided.invoice",
        "debit_credits_applied_invoice",
        "debit_credits_applied_invoice_id",
    )
} AS invoice_id,
    source, snapshot_at
FROM @rows WHERE kind = 'billing.credit_balance_transaction'
"""
# A grant that a transaction holds whole, where the request expanded it.
_EXPANDED = """(SELECT json_extract(o, '$.credit_grant') AS o, source, snapshot_at,
    'billing.credit_grant' AS kind FROM credit_objects
    WHERE json_type(o, '$.credit_grant') = 'OBJECT')"""


def take_credit_objects(
    connection: duckdb.DuckDBPyConnection, texts: Sequence[str], origin: str | None = None
) -> int:
    """Take credit grants and credit balance transactions to their staging tables.

    Parameters
    ----------
    connection
        with the staging tables.
    texts
        the objects' JSON, or that of events that carry one (a snapshot at the event's time).
    origin
        the column ``source``; by default the kind's own name.

    Returns
    -------
    int
        their number.

    Examples
    --------
    >>> from credit_forensics.evidence.evidence import Evidence
    >>> evidence = Evidence()
    >>> take_credit_objects(evidence.connection, ['''{"id": "credgr_1", "customer": "cus_1",
    ...     "object": "billing.credit_grant", "category": "paid", "created": 1726620803,
    ...     "amount": {"type": "monetary", "monetary": {"currency": "usd", "value": 1000}}}'''])
    1
    >>> evidence.stripe_credit_grants[["customer_id", "amount", "currency"]].values.tolist()
    [['cus_1', 1000, 'usd']]
    """
    if not texts:
        return 0
    kind = kind_sql("json_extract_string(o, '$.object')", "json_extract_string(o, '$.id')")
    connection.execute(
        f"""CREATE OR REPLACE TEMP TABLE credit_objects AS
        SELECT o, {kind} AS kind, snapshot_at, coalesce(?, CASE {kind}
            WHEN 'billing.credit_grant' THEN 'credit_grants'
            ELSE 'credit_balance_transactions' END) AS source
        FROM (
            SELECT CASE WHEN carried THEN json_extract(text, '$.data.object') ELSE text END AS o,
                CASE WHEN carried THEN make_timestamptz(TRY_CAST(
                    json_extract_string(text, '$.created') AS BIGINT) * 1000000) END AS snapshot_at
            FROM (SELECT text, json_extract_string(text, '$.object') IS NOT DISTINCT FROM 'event'
                    OR starts_with(json_extract_string(text, '$.id'), 'evt_') AS carried
                FROM (SELECT unnest(?::VARCHAR[])::JSON AS text)))""",
        [origin, list(texts)],
    )
    connection.execute(_GRANTS.replace("@rows", "credit_objects"))
    connection.execute(_GRANTS.replace("@rows", _EXPANDED))
    connection.execute(_TRANSACTIONS.replace("@rows", "credit_objects"))
    connection.execute("DROP TABLE credit_objects")
    return len(texts)
