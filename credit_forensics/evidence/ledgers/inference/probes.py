"""Small questions to the ledger's database that a sample of rows cannot answer."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from credit_forensics.databases.read_only import ReadOnlyDatabase, UnreadableError
from credit_forensics.databases.relations import quote_text
from credit_forensics.evidence.ledgers.inference.samples import Field, SampledTable

_PROBED = 40


def as_text(database: ReadOnlyDatabase, expression: str) -> str:
    """An expression as text in the database's SQL."""
    if database.dialect == "sqlite":
        return f"CAST({expression} AS TEXT)"
    return f"({expression})::text"


def divided(database: ReadOnlyDatabase, amount: str, scale: int) -> str:
    """An amount as credits; what is left over after the division stays to be seen."""
    if database.dialect == "sqlite":
        return (
            f"(CASE WHEN ({amount}) % {scale} = 0 AND ({amount}) = CAST(({amount}) AS INTEGER) "
            f"THEN CAST(({amount}) AS INTEGER) / {scale} ELSE ({amount}) / {scale}.0 END)"
        )
    return f"(({amount})::numeric / {scale})"


def overlap(
    database: ReadOnlyDatabase, values: Sequence[str], table: SampledTable, key: Field
) -> float:
    """The part of some values that a table's key holds, asked of the database if need be."""
    probed = list(dict.fromkeys(values))[:_PROBED]
    if not probed:
        return 0.0
    here = set(key.values)
    found = {value for value in probed if value in here}
    if not table.whole and len(found) < len(probed):
        text = as_text(database, key.sql(database, "t"))
        listed = ", ".join(quote_text(value, database.dialect) for value in probed)
        query = (
            f"SELECT DISTINCT {text} FROM {database.quoted(table.relation)} AS t "
            f"WHERE {text} IN ({listed})"
        )
        try:
            found |= {row[0] for row in database.fetch_rows(query)}
        except UnreadableError:
            return len(found) / len(probed)
    return len(found) / len(probed)


def groups(
    database: ReadOnlyDatabase, table: SampledTable, fields: Sequence[Field], amount: str
) -> list[tuple[tuple[str | None, ...], int, Decimal, Decimal]] | None:
    """Values of some fields together: (values, rows, least amount, greatest amount).

    None where there are too many of them to be kinds of entries, or the database refuses.
    """
    texts = [as_text(database, field.sql(database, "t")) for field in fields]
    keys = "".join(f"{text}, " for text in texts)
    by = f" GROUP BY {', '.join(str(n + 1) for n in range(len(texts)))}" if texts else ""
    number = amount if database.dialect == "sqlite" else f"({amount})::numeric"
    query = (
        f"SELECT {keys}count(*), min({number}), max({number}) "
        f"FROM {database.quoted(table.relation)} AS t{by} LIMIT 65"
    )
    try:
        rows = database.fetch_rows(query)
    except UnreadableError:
        return None
    if len(rows) > 64:
        return None
    width = len(texts)
    return sorted(
        ((tuple(row[:width]), int(row[width]), _number(row[-2]), _number(row[-1])) for row in rows),
        key=repr,
    )


def _number(value: object) -> Decimal:
    try:
        number = Decimal(str(value))
    except ArithmeticError:
        return Decimal(0)
    return number if number.is_finite() else Decimal(0)


def sums_by_owner(
    database: ReadOnlyDatabase, rows_sql: str, owners: Sequence[str], width: int
) -> list[tuple[str, tuple[str | None, ...], Decimal]]:
    """Sums of ``rows_sql`` (owner, ``width`` keys, amount), by owner and keys, of some owners."""
    listed = ", ".join(quote_text(owner, database.dialect) for owner in owners)
    keys = ", ".join(f"k{n}" for n in range(width))
    by = f"owner, {keys}" if keys else "owner"
    amount = "sum(amount)" if database.dialect == "sqlite" else "sum(amount::numeric)"
    rows = database.fetch_rows(
        f"SELECT {by}, {amount} FROM ({rows_sql}) AS r WHERE owner IN ({listed}) GROUP BY {by}"
    )
    return [(row[0], tuple(row[1:-1]), _number(row[-1])) for row in rows]
