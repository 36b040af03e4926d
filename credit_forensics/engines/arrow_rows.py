"""Rows on their way between engines: Arrow of a few plain types, whatever they came as."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

import ibis.expr.datatypes as dt
import ibis.expr.schema as sch
import pandas as pd
import pyarrow as pa

from credit_forensics.tables.catalogue import ALL, conform

Rows: TypeAlias = "pd.DataFrame | pa.Table | pa.RecordBatchReader"

_UTC_TIME = pa.timestamp("us", tz="UTC")


@dataclass(frozen=True)
class ArrowRows:
    """Rows as batches of one schema; the batches can be read once."""

    schema: pa.Schema
    batches: Iterator[pa.RecordBatch]


def plain_type(kind: pa.DataType) -> pa.DataType:
    """The type under which every engine can keep a column: text, int64, float64, bool or UTC time.

    Examples
    --------
    >>> plain_type(pa.large_string()), plain_type(pa.int8()), plain_type(pa.null())
    (DataType(string), DataType(int64), DataType(string))
    """
    if pa.types.is_boolean(kind):
        return pa.bool_()
    # A DuckDB or PostgreSQL sum of integers is a decimal of scale 0.
    if pa.types.is_integer(kind) or (pa.types.is_decimal(kind) and kind.scale == 0):
        return pa.int64()
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return pa.float64()
    if pa.types.is_timestamp(kind):
        return _UTC_TIME
    return pa.string()


def arrow_rows(name: str, rows: Rows) -> ArrowRows:
    """Rows for a table: cast to its columns where ``evidence.tables`` knows it, else made plain.

    Parameters
    ----------
    name
        the table.
    rows
        a DataFrame, an Arrow table, or a reader of batches that are of the table's types already.

    Examples
    --------
    >>> arrow_rows("chosen", pd.DataFrame({"payment_id": ["cs_1"]})).schema.types
    [DataType(string)]
    """
    if isinstance(rows, pa.RecordBatchReader):
        schema = _plain(rows.schema)
        return ArrowRows(schema, (batch.cast(schema) for batch in rows))
    if name in ALL:
        table = conform(name, rows)
    else:
        table = rows if isinstance(rows, pa.Table) else pa.Table.from_pandas(rows)
    schema = _plain(table.schema)
    return ArrowRows(schema, iter(table.cast(schema).to_batches(max_chunksize=100_000)))


def result_schema(schema: sch.Schema) -> pa.Schema:
    """The plain Arrow schema of an expression's result.

    Examples
    --------
    >>> import ibis
    >>> result_schema(ibis.schema({"n": "int8"})).types
    [DataType(int64)]
    """
    return pa.schema([(name, _of_ibis(kind)) for name, kind in schema.items()])


def typed(table: pa.Table, schema: sch.Schema) -> pa.Table:
    """An engine's answer with the expression's column names and plain types."""
    return table.rename_columns(list(schema.names)).cast(result_schema(schema))


def _plain(schema: pa.Schema) -> pa.Schema:
    return pa.schema([(field.name, plain_type(field.type)) for field in schema])


def _of_ibis(kind: dt.DataType) -> pa.DataType:
    if kind.is_boolean():
        return pa.bool_()
    if kind.is_integer():
        return pa.int64()
    if kind.is_floating() or kind.is_decimal():
        return pa.float64()
    if kind.is_timestamp():
        return _UTC_TIME
    return pa.string()
