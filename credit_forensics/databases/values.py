"""Turns what a database column holds into ids, whole numbers and UTC times, as DuckDB SQL.

A column arrives as VARCHAR, BIGINT or a timestamp (``bulk_read``). Nothing goes through a float.
"""

from __future__ import annotations

import duckdb

from credit_forensics.databases.relations import quote_identifier

# Temporary tables of what was read, before it is taken.
RAW = "_ledger_raw_"
# Epochs by magnitude: seconds until the year 5138, then milliseconds, micro- and nanoseconds.
_EPOCHS = ((10**11, "1000000"), (10**14, "1000"), (10**17, "1"))


def column_types(connection: duckdb.DuckDBPyConnection, table: str) -> dict[str, str]:
    """Names and DuckDB types of a table's columns."""
    rows = connection.execute(f"DESCRIBE {quote_identifier(table)}").fetchall()
    return {row[0]: row[1] for row in rows}


def count_rows(connection: duckdb.DuckDBPyConnection, clause: str) -> int:
    """Number of rows of ``FROM … WHERE …``."""
    return int(connection.execute(f"SELECT count(*) {clause}").fetchall()[0][0])


def quoted_text(text: str) -> str:
    """A text for the inside of an SQL literal."""
    return text.replace("'", "''")


def digest_table(connection: duckdb.DuckDBPyConnection, table: str) -> str:
    """SHA-256 over the rows of a table, whatever their order.

    The order of a table's rows is the database's affair, and sorting them costs more than
    reading them, so the rows' 128-bit hashes are added up (in two halves, without overflow) and
    the sums are hashed with the count.

    Examples
    --------
    >>> import duckdb
    >>> con = duckdb.connect()
    >>> for name, rows in (("a", "(1, 'x'), (2, NULL)"), ("b", "(2, NULL), (1, 'x')")):
    ...     _ = con.execute(f"CREATE TABLE {name} AS SELECT * FROM (VALUES {rows}) AS t(n, s)")
    >>> digest_table(con, "a") == digest_table(con, "b")
    True
    """
    values = ", ".join(
        f"coalesce(CAST({_steady(name, kind)} AS VARCHAR), chr(30))"
        for name, kind in sorted(column_types(connection, table).items())
    )
    row = connection.execute(
        f"""SELECT sha256(concat_ws(' ', count(*), sum(high), sum(low))) FROM (
            SELECT CAST(hash >> 64 AS HUGEINT) AS high,
                CAST(hash & 18446744073709551615 AS HUGEINT) AS low
            FROM (SELECT CAST(md5_number(concat_ws(chr(31), {values})) AS UHUGEINT) AS hash
                  FROM {quote_identifier(table)}))"""
    ).fetchall()[0]
    return str(row[0])


def _steady(name: str, kind: str) -> str:
    column = quote_identifier(name)
    # A time's number is cheaper than its text.
    return f"epoch_us({column})" if kind.startswith("TIMESTAMP") else column


def text_sql(types: dict[str, str], column: str) -> str:
    """A column as text, exactly; empty text and an absent column are NULL.

    Examples
    --------
    >>> import duckdb
    >>> sql = text_sql({"user_id": "BIGINT"}, "user_id")
    >>> duckdb.execute(f"SELECT {sql} FROM (SELECT 123::BIGINT AS user_id)").fetchall()[0]
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
    >>> [duckdb.execute(f"SELECT {sql} FROM (SELECT ? AS delta)", [d]).fetchall()[0][0]
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


def decimal_sql(types: dict[str, str], column: str) -> str:
    """A column as DECIMAL to the billionth; NULL where it is no number.

    Examples
    --------
    >>> import duckdb
    >>> sql = decimal_sql({"delta": "VARCHAR"}, "delta")
    >>> [str(duckdb.execute(f"SELECT {sql} FROM (SELECT ? AS delta)", [d]).fetchall()[0][0])
    ...  for d in ("50", "-0.25", "0.10000000000000001", "many")]
    ['50.000000000', '-0.250000000', '0.100000000', 'None']
    """
    if column not in types:
        return "CAST(NULL AS DECIMAL(38, 9))"
    return f"TRY_CAST({quote_identifier(column)} AS DECIMAL(38, 9))"


def has_fractions(connection: duckdb.DuckDBPyConnection, table: str, column: str) -> bool:
    """Whether any value of a column that was read has a decimal point."""
    if column_types(connection, table).get(column) != "VARCHAR":
        return False
    clause = f"FROM {quote_identifier(table)} WHERE contains({quote_identifier(column)}, '.')"
    return bool(connection.execute(f"SELECT 1 {clause} LIMIT 1").fetchall())


def whole_and_fraction(decimal: str) -> tuple[str, str]:
    """SQL of a decimal's whole part and of its billionths, NULL where it has none.

    Examples
    --------
    >>> import duckdb
    >>> parts = ", ".join(whole_and_fraction("d"))
    >>> [duckdb.execute(f"SELECT {parts} FROM (SELECT ?::DECIMAL(38, 9) AS d)", [d]).fetchall()[0]
    ...  for d in ("-1.25", "3")]
    [(-1, -250000000), (3, None)]
    """
    rest = f"CAST(({decimal} - trunc({decimal})) * 1000000000 AS BIGINT)"
    return f"TRY_CAST(trunc({decimal}) AS BIGINT)", f"nullif({rest}, 0)"


_FIRST = "TIMESTAMPTZ '0001-01-01 00:00:00+00'"
_LAST = "TIMESTAMPTZ '9999-12-31 23:59:59.999999+00'"


def time_sql(types: dict[str, str], column: str) -> str:
    """A column as TIMESTAMPTZ: naive is UTC, numbers are epochs; NULL where it is no time.

    Examples
    --------
    >>> import duckdb
    >>> sql = time_sql({"t": "VARCHAR"}, "t")
    >>> con = duckdb.connect()
    >>> _ = con.execute("SET TimeZone = 'UTC'")
    >>> [con.execute(f"SELECT ({sql})::VARCHAR FROM (SELECT ? AS t)", [t]).fetchall()[0][0]
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
        return of_our_era(name)
    if kind.startswith("TIMESTAMP") or kind == "DATE":
        return of_our_era(f"(CAST({name} AS TIMESTAMP) AT TIME ZONE 'UTC')")
    if kind == "BIGINT":
        return _epoch(f"CAST({name} AS DECIMAL(38, 9))")
    text = f"trim({name})"
    number = f"TRY_CAST({text} AS DECIMAL(38, 9))"
    # Eight digits are a date without dashes, not an epoch of 1970.
    return (
        f"CASE WHEN regexp_full_match({text}, '-?[0-9]{{9,}}(\\.[0-9]+)?') THEN {_epoch(number)} "
        f"ELSE {of_our_era(f'TRY_CAST({text} AS TIMESTAMPTZ)')} END"
    )


def of_our_era(moment: str) -> str:
    """A time as SQL, NULL where it is infinite or outside the years 1 to 9999.

    Databases know other years; Python, and with it every report, does not.

    Examples
    --------
    >>> import duckdb
    >>> [duckdb.execute(f"SELECT {of_our_era(f'TIMESTAMPTZ {t!r}')} IS NULL").fetchall()[0][0]
    ...  for t in ("9999-12-31 23:59:59+00", "275760-09-13 00:00:00+00", "infinity")]
    [False, True, True]
    """
    return f"CASE WHEN {moment} BETWEEN {_FIRST} AND {_LAST} THEN {moment} END"


def _epoch(number: str) -> str:
    whens = " ".join(
        f"WHEN abs({number}) < {limit} THEN make_timestamptz(CAST({number} * {factor} AS BIGINT))"
        for limit, factor in _EPOCHS
    )
    return (
        f"CASE {whens} WHEN abs({number}) < 9000000000000000000 "
        f"THEN make_timestamptz(CAST(trunc({number} / 1000) AS BIGINT)) END"
    )
