"""Numbers and times as people's tables write them, as a database would have them.

``1.200,50`` and ``1,200.50`` are one number, ``01.09.2025 22:00`` and ``Sep 1, 2025 10:00 PM`` one
time. A column is read in one way or not at all: what two ways could mean stays as it is written.
"""

from __future__ import annotations

import duckdb

from credit_forensics.databases.relations import quote_identifier

_PLAIN = r"[+-]?\d+([.]\d+)?"
# Thousands apart by a comma, by a point, by a space or an apostrophe.
_ENGLISH = r"[+-]?\d{1,3}(,\d{3})+([.]\d+)?"
_CONTINENTAL = r"[+-]?(\d{1,3}([.]\d{3})+|\d+)(,\d+)?"
_POINTS = r"[+-]?\d{1,3}([.]\d{3})+"
_SPACED = r"[+-]?\d{1,3}([   '’]\d{3})+([.,]\d+)?"
_CLOCKS = (" %H:%M:%S", " %H:%M", " %I:%M:%S %p", " %I:%M %p", "T%H:%M:%S", "")
_NAMED = ("%b %d, %Y", "%B %d, %Y", "%d %b %Y", "%d %B %Y", "%d-%b-%Y", "%a %b %d %Y", "%Y/%m/%d")


def plain_columns(
    connection: duckdb.DuckDBPyConnection, table: str, columns: list[str], delimiter: str
) -> dict[str, str]:
    """SQL of the columns that are written as people write numbers and times, by their names.

    Examples
    --------
    >>> run = duckdb.connect()
    >>> _ = run.execute("CREATE TABLE t AS SELECT * FROM (VALUES ('100,00', '01.09.2025 22:00'), "
    ...     "('-1.200,50', '13.09.2025 08:00')) AS t(betrag, datum)")
    >>> found = plain_columns(run, "t", ["betrag", "datum"], ";")
    >>> run.execute(f"SELECT {found['betrag']}, {found['datum']} FROM t").fetchall()
    [('100.00', '2025-09-01 22:00:00'), ('-1200.50', '2025-09-13 08:00:00')]
    """
    found = {}
    for column in columns:
        name = quote_identifier(column)
        sql = _number(connection, table, name, delimiter) or _time(
            connection, table, name, delimiter
        )
        if sql:
            found[column] = sql
    return found


def _number(
    connection: duckdb.DuckDBPyConnection, table: str, name: str, delimiter: str
) -> str | None:
    text = f"trim({name})"

    def every(*patterns: str) -> str:
        either = " OR ".join(f"regexp_full_match({text}, '{_quoted(one)}')" for one in patterns)
        return f"coalesce(bool_and({either}), false)"

    english, continental, points, spaced, marked, pointed = connection.execute(
        f"""SELECT {every(_ENGLISH, _PLAIN)}, {every(_CONTINENTAL)},
            {every(_POINTS, "[+-]?[0-9]{1,3}")},
            {every(_SPACED, _PLAIN, _CONTINENTAL)},
            count(*) FILTER (regexp_matches({text}, '[,   ’'']'))
                + least(count(*) FILTER (starts_with({text}, '+')),
                    count(*) FILTER (starts_with({text}, '-'))),
            count(*) FILTER (contains({text}, '.'))
        FROM {table} WHERE {name} IS NOT NULL"""
    ).fetchall()[0]
    # A plus alone is a telephone's.
    commas = delimiter == ";"
    if commas and points and pointed:
        # Where a semicolon parts the columns, a comma parts the fractions.
        return f"replace({text}, '.', '')"
    if not marked:
        return None
    if english and not (commas and continental):
        return f"replace(replace({text}, ',', ''), '+', '')"
    if continental:
        return f"replace(replace(replace({text}, '.', ''), ',', '.'), '+', '')"
    if spaced:
        return f"replace(regexp_replace({text}, '[+   ’'']', '', 'g'), ',', '.')"
    return None


def _time(
    connection: duckdb.DuckDBPyConnection, table: str, name: str, delimiter: str
) -> str | None:
    # A browser puts a narrow space before PM, and some write 10:00pm.
    spaced = f"translate(trim({name}), '\u202f\u00a0', '  ')"
    text = f"regexp_replace({spaced}, '(,| at) +([0-9]{{1,2}}:)', ' \\2')"
    text = f"regexp_replace({text}, '([0-9]) *([AaPp])[.]?[Mm][.]?$', '\\1 \\2M')"
    date = "'^([0-9]{1,2})([./-])([0-9]{1,2})[./-][0-9]{4}'"
    one, mark, two = (f"regexp_extract({text}, {date}, {part})" for part in (1, 2, 3))
    first, second, dots, marks, halves, rows = connection.execute(
        f"""SELECT max(try_cast({one} AS INTEGER)), max(try_cast({two} AS INTEGER)),
            count(*) FILTER ({mark} = '.'), count(*) FILTER ({mark} <> ''),
            count(*) FILTER (regexp_matches({text}, '[AaPp][Mm]$')), count(*)
        FROM {table} WHERE {name} IS NOT NULL"""
    ).fetchall()[0]
    if not rows:
        return None
    dates = list(_NAMED)
    if marks == rows:
        day_first = dots == rows or (first or 0) > 12 or (delimiter == ";" and not halves)
        month_first = not day_first and ((second or 0) > 12 or halves > 0)
        if not day_first and not month_first:
            return None
        order = ("%d", "%m") if day_first else ("%m", "%d")
        dates = [f"{order[0]}{mark}{order[1]}{mark}%Y" for mark in "./-"]
    elif marks:
        return None
    formats = ", ".join(f"'{date}{clock}'" for date in dates for clock in _CLOCKS)
    parsed = f"try_strptime({text}, [{formats}])"
    good = connection.execute(
        f"SELECT count(*) FROM {table} WHERE {name} IS NOT NULL AND {parsed} IS NOT NULL"
    ).fetchall()[0][0]
    return f"CAST({parsed} AS VARCHAR)" if good == rows else None


def _quoted(pattern: str) -> str:
    return pattern.replace("'", "''")
