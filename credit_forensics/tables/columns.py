"""What a column and a table are: names, types and meanings, and their schemas for each engine."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import pandas as pd
import pyarrow as pa

from credit_forensics.tables.expressions import ibis, ir

TEXT = "string"
TIME = "timestamp('UTC')"
INT = "int64"
REAL = "float64"
BOOL = "boolean"
MAP = "map<string, string>"

_SQL = {
    TEXT: "VARCHAR",
    TIME: "TIMESTAMPTZ",
    INT: "BIGINT",
    REAL: "DOUBLE",
    BOOL: "BOOLEAN",
    MAP: "MAP(VARCHAR, VARCHAR)",
}
_ARROW = {
    TEXT: pa.string(),
    TIME: pa.timestamp("us", tz="UTC"),
    INT: pa.int64(),
    REAL: pa.float64(),
    BOOL: pa.bool_(),
    MAP: pa.map_(pa.string(), pa.string()),
}


@dataclass(frozen=True)
class Column:
    """A column: its name, its type (one of this module's constants) and what it means."""

    name: str
    type: str
    meaning: str


@dataclass(frozen=True)
class TableSpec:
    """A table: its name, what a row is, and its columns in order."""

    name: str
    row: str
    columns: tuple[Column, ...]

    @property
    def column_names(self) -> list[str]:
        """Names of the columns, in order."""
        return [column.name for column in self.columns]

    @property
    def ibis_schema(self) -> dict[str, str]:
        """Name to Ibis type, as ``ibis.table`` takes it."""
        return {column.name: column.type for column in self.columns}

    @property
    def arrow_schema(self) -> pa.Schema:
        """The Arrow schema, for building and casting tables at the edges."""
        return pa.schema([(column.name, _ARROW[column.type]) for column in self.columns])

    @property
    def create_sql(self) -> str:
        """``CREATE TABLE`` for DuckDB, where evidence is loaded."""
        body = ", ".join(f'"{column.name}" {_SQL[column.type]}' for column in self.columns)
        return f'CREATE TABLE IF NOT EXISTS "{self.name}" ({body})'

    def unbound(self) -> ir.Table:
        """The table as an unbound Ibis expression."""
        return ibis.table(self.ibis_schema, name=self.name)

    def empty(self) -> pd.DataFrame:
        """A DataFrame of no rows with the right columns and types."""
        frame: pd.DataFrame = self.arrow_schema.empty_table().to_pandas()
        return frame


def table_spec(name: str, row: str, columns: Iterable[tuple[str, str, str]]) -> TableSpec:
    return TableSpec(name, row, tuple(Column(*column) for column in columns))
