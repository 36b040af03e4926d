"""Turns what a database column holds into ids, whole numbers and UTC times, as DuckDB SQL.

A column arrives as VARCHAR, BIGINT or a timestamp (``bulk_read``). Nothing goes through a float.
"""

from __future__ import annotations

from typing import Any

from credit_forensics.evidence.database_relations import quote_identifier

# Epochs by magnitude: seconds until the year 5138, then milliseconds, micro- and nanoseconds.
_EPOCHS = ((10**11, "1000000"), (10**14, "1000"), (10**17, "1"))


def column_types(connection: Any, table: str) -> dict[str, str]:
    """Names and DuckDB types of a table's columns."""
    rows = connection.execute(f"DESCRIBE {quote_identifier(table)}").fetchall()
    return {row[0]: row[1] for row in rows}


def text_sql(types: dict[str, str], column: str) -> str:
    """A column as text, exactly; empty text and an absent column are NULL.

    Examples
    --------
    >>> import duckdb
    >>> sql = text_sql({"user_id": "BIGINT"}, "user_id")
    >>> duckdb.execute(f"SELECT {sql} FROM (SELECT 123::BIGINT AS user_id)").fetchone()
    ('123',)
    """
    if column not in types:
        return "CAST(NULL AS VARCHAR)"
    name = quote_identifier(column)
    if types[column] == "VARCHAR":
        return f"nullif({name}, '')"
    return f"CAST({name} AS VARCHAR)"


def whole_sql(types: dict[str, str], column: str) -> str:
    """A column as BIGINT; NULL where it is no whole number or too large.

    Examples
    --------
    >>> import duckdb
    >>> sql = whole_sql({"delta": "VARCHAR"}, "delta")
    >>> [duckdb.execute(f"SELECT {sql} FROM (SELECT ? AS delta)", [d]).fetchone()[0]
    ...  for d in ("50", "-3.000", "2.5", "1e3", "9007199254740993", "many")]
    [50, -3, None, 1000, 9007199254740993, None]
    """
    if column not in types:
        return "CAST(NULL AS BIGINT)"
    name = quote_identifier(column)
    if types[column] == "BIGINT":
        return name
    # DECIMAL casts round what does not fit, so the text decides whether a fraction is there.
    text = f"trim(CAST({name} AS VARCHAR))"
    return (
        f"CASE WHEN regexp_full_match({text}, '[+-]?[0-9]+(\\.0*)?') "
        f"THEN TRY_CAST(split_part({text}, '.', 1) AS BIGINT) "
        f"WHEN regexp_full_match({text}, '[+-]?[0-9]+(\\.[0-9]+)?[eE][+]?[0-9]+') "
        f"AND TRY_CAST({text} AS DECIMAL(38, 9)) = trunc(TRY_CAST({text} AS DECIMAL(38, 9))) "
        f"THEN TRY_CAST(TRY_CAST({text} AS DECIMAL(38, 9)) AS BIGINT) END"
    )


def time_sql(types: dict[str, str], column: str) -> str:
    """A column as TIMESTAMPTZ: naive is UTC, numbers are epochs; NULL where it is no time.

    Examples
    --------
    >>> import duckdb
    >>> sql = time_sql({"t": "VARCHAR"}, "t")
    >>> con = duckdb.connect()
    >>> _ = con.execute("SET TimeZone = 'UTC'")
    >>> [con.execute(f"SELECT ({sql})::VARCHAR FROM (SELECT ? AS t)", [t]).fetchone()[0]
    ...  for t in ("2025-09-01 14:39:07", "2025-09-01T16:39:07+02:00", "1756737547",
    ...            "1756737547250", "soon")]
    ['2025-09-01 14:39:07+00', '2025-09-01 14:39:07+00', '2025-09-01 14:39:07+00',
     '2025-09-01 14:39:07.25+00', None]
    """
    if column not in types:
        return "CAST(NULL AS TIMESTAMPTZ)"
    name = quote_identifier(column)
    kind = types[column]
    if kind == "TIMESTAMP WITH TIME ZONE":
        return name
    if kind.startswith("TIMESTAMP") or kind == "DATE":
        return f"CAST({name} AS TIMESTAMP) AT TIME ZONE 'UTC'"
    if kind == "BIGINT":
        return _epoch(f"CAST({name} AS DECIMAL(38, 9))")
    text = f"trim({name})"
    number = f"TRY_CAST({text} AS DECIMAL(38, 9))"
    # Eight digits are a date without dashes, not an epoch of 1970.
    return (
        f"CASE WHEN regexp_full_match({text}, '-?[0-9]{{9,}}(\\.[0-9]+)?') THEN {_epoch(number)} "
        f"WHEN isfinite(TRY_CAST({text} AS TIMESTAMPTZ)) THEN TRY_CAST({text} AS TIMESTAMPTZ) END"
    )


def _epoch(number: str) -> str:
    whens = " ".join(
        f"WHEN abs({number}) < {limit} THEN make_timestamptz(CAST({number} * {factor} AS BIGINT))"
        for limit, factor in _EPOCHS
    )
    return (
        f"CASE {whens} WHEN abs({number}) < 9000000000000000000 "
        f"THEN make_timestamptz(CAST(trunc({number} / 1000) AS BIGINT)) END"
    )
