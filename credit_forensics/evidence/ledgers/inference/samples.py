"""Reads a sample of every table, and says of each column what its values look like."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from functools import cached_property

from credit_forensics.databases.read_only import ReadOnlyDatabase, UnreadableError
from credit_forensics.databases.relations import Relation, quote_identifier
from credit_forensics.evidence.ledgers.inference.words import words

SAMPLE_ROWS = 400
MOST_TABLES = 250
_TEXT_LENGTH = 6000
_STRIPE_ID = re.compile(r"(?:^|[^A-Za-z0-9])((?:cs|pi|in|evt|ch|re|sub|py)_[A-Za-z0-9_]{1,})")
_CUSTOMER = re.compile(r"^cus_[A-Za-z0-9]+$")
_TIME = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d.*)?$")
# Quoted wherever they stand in SQL; some exports write keys as headings with blanks.
_SAFE_KEY = re.compile(r"[A-Za-z0-9_\-](?:[A-Za-z0-9_ \-]{0,58}[A-Za-z0-9_\-])?\Z")


@dataclass(frozen=True)
class Field:
    """A column, or a scalar inside a JSON column, with its sampled values in order of the rows."""

    column: str
    type: str
    texts: tuple[str | None, ...]
    path: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The column's name, with the path inside it."""
        return ".".join((self.column, *self.path))

    @cached_property
    def words(self) -> frozenset[str]:
        """The words of its own name (the last key of a path)."""
        return frozenset(self.words_in_order)

    @cached_property
    def words_in_order(self) -> tuple[str, ...]:
        """The same in the order in which they stand."""
        return words(self.path[-1] if self.path else self.column)

    @cached_property
    def values(self) -> tuple[str, ...]:
        """The values that are there, each once, in order."""
        return tuple(dict.fromkeys(text for text in self.texts if text))

    @cached_property
    def filled(self) -> int:
        """Rows that have a value."""
        return sum(1 for text in self.texts if text)

    @cached_property
    def numbers(self) -> tuple[Decimal, ...]:
        """The values as numbers, if every one of them is one."""
        found = []
        for text in self.texts:
            if not text:
                continue
            try:
                number = Decimal(text)
            except InvalidOperation:
                return ()
            if not number.is_finite():
                return ()
            found.append(number)
        return tuple(found)

    @property
    def is_json(self) -> bool:
        """Whether the column as a whole is JSON objects or lists."""
        return not self.path and (
            self.type.startswith("json")
            or (bool(self.values) and all(text[0] in "{[" for text in self.values))
        )

    @cached_property
    def unique(self) -> bool:
        """Every row has a value of its own."""
        return bool(self.texts) and self.filled == len(self.texts) == len(self.values)

    def share(self, test: Callable[[str], object]) -> float:
        """The part of the distinct values that passes a test."""
        return sum(1 for v in self.values if test(v)) / len(self.values) if self.values else 0.0

    @property
    def is_time(self) -> bool:
        """A time by type, or ISO text by its values."""
        return self.type.startswith(("timestamp", "date")) or self.share(_TIME.match) > 0.9

    @property
    def is_customer(self) -> bool:
        """Ids of Stripe customers."""
        return self.share(_CUSTOMER.match) > 0.6

    @property
    def is_email(self) -> bool:
        """E-mail addresses."""
        return self.share(lambda text: "@" in text and " " not in text.strip()) > 0.6

    def sql(self, database: ReadOnlyDatabase, alias: str) -> str:
        """The field as an expression in the database's own SQL."""
        column = f"{alias}.{quote_identifier(self.column)}"
        if self.type == "bytea":
            return _spelt_bytes(column)
        if not self.path:
            return column
        if database.dialect == "sqlite":
            keys = "".join(f'."{key}"' for key in self.path)
            return f"CASE WHEN json_valid({column}) THEN json_extract({column}, '${keys}') END"
        keys = ", ".join(f"'{key}'" for key in self.path)
        return f"({column}::jsonb #>> ARRAY[{keys}])"


@dataclass(frozen=True)
class SampledTable:
    """A table with its fields; ``whole`` when the sample is all of it.

    ``note`` says what of it is read (its current rows, several tables as one), ``doubt`` why that
    cannot be told.
    """

    relation: Relation
    fields: tuple[Field, ...]
    rows: int
    whole: bool
    words: frozenset[str] = field(default=frozenset())
    note: str = ""
    doubt: str = ""

    @property
    def columns(self) -> tuple[Field, ...]:
        """The fields that are columns."""
        return tuple(f for f in self.fields if not f.path)

    def field(self, column: str) -> Field | None:
        """The column of that name."""
        return next((f for f in self.columns if f.column == column), None)

    @property
    def label(self) -> str:
        """Schema and name."""
        schema = self.relation.schema
        return f"{schema}.{self.relation.name}" if schema else self.relation.name


def stripe_ids(texts: Iterable[str], *prefixes: str) -> list[str]:
    """The ids of Stripe's objects inside texts.

    Examples
    --------
    >>> stripe_ids(["stripe:evt_1:2", "docs_1", "INVOICE-in_9"], "evt", "in")
    ['evt_1', 'in_9']
    """
    found = [match for text in texts for match in _STRIPE_ID.findall(text)]
    return [one for one in found if one.split("_", 1)[0] in prefixes]


def sample_tables(
    database: ReadOnlyDatabase, schema: str | None
) -> tuple[list[SampledTable], list[Relation]]:
    """A sample of every table and view that can be read, and those that cannot be."""
    here = [r for r in database.relations() if r.columns and schema in (None, r.schema)]
    sampled = [(relation, sample(database, relation)) for relation in here[:MOST_TABLES]]
    return (
        [table for _, table in sampled if table is not None],
        [relation for relation, table in sampled if table is None] + here[MOST_TABLES:],
    )


def sample(database: ReadOnlyDatabase, relation: Relation, where: str = "") -> SampledTable | None:
    """The first rows of one table; none where it cannot be read in time.

    ``where`` is SQL over ``t`` of the rows that are asked for.
    """
    names = list(relation.columns)
    if database.dialect == "sqlite":
        texts = [f"substr(CAST({quote_identifier(n)} AS TEXT), 1, {_TEXT_LENGTH})" for n in names]
    else:
        quoted = {n: quote_identifier(n) for n in names}
        quoted |= {n: _spelt_bytes(q) for n, q in quoted.items() if relation.columns[n] == "bytea"}
        texts = [f"left({quoted[n]}::text, {_TEXT_LENGTH})" for n in names]
    rows_sql = f"{database.quoted(relation)} AS t{where and f' WHERE {where}'}"
    query = f"SELECT {', '.join(texts)} FROM {rows_sql} LIMIT {SAMPLE_ROWS}"
    try:
        rows = database.fetch_rows(query)
    except UnreadableError:
        return None
    columns = [
        Field(name, relation.columns[name], tuple(row[place] for row in rows))
        for place, name in enumerate(names)
    ]
    inside = [f for column in columns if column.is_json for f in _inside(database, column)]
    return SampledTable(
        relation,
        (*columns, *inside),
        len(rows),
        len(rows) < SAMPLE_ROWS,
        frozenset(words(relation.name)),
    )


def _spelt_bytes(column: str) -> str:
    """Bytes of PostgreSQL as the ids that they are: sixteen are a UUID, others hexadecimal."""
    spelt = f"encode({column}, 'hex')"
    return f"(CASE octet_length({column}) WHEN 16 THEN {spelt}::uuid::text ELSE {spelt} END)"


def _inside(database: ReadOnlyDatabase, column: Field) -> list[Field]:
    """The scalars inside a JSON column, two levels deep."""
    if database.dialect != "sqlite" and not column.type.startswith("json"):
        return []
    rows = [_scalars(text) for text in column.texts]
    paths = sorted({path for row in rows for path in row})
    return [
        Field(column.column, "text", tuple(row.get(path) for row in rows), path)
        for path in paths[:60]
    ]


def _scalars(text: str | None) -> dict[tuple[str, ...], str]:
    try:
        document = json.loads(text or "null")
    except (ValueError, RecursionError):
        return {}
    found: dict[tuple[str, ...], str] = {}
    if not isinstance(document, dict):
        return found
    for key, value in document.items():
        nested = value.items() if isinstance(value, dict) else ((None, value),)
        for inner, scalar in nested:
            path = (key,) if inner is None else (key, inner)
            if all(_SAFE_KEY.match(part) for part in path) and isinstance(scalar, str | int):
                found[path] = str(scalar).lower() if isinstance(scalar, bool) else str(scalar)
    return found
