"""Reads what capture of changes wrote (the row before and after) as the rows that it is about."""

from __future__ import annotations

from dataclasses import replace

from credit_forensics.databases.read_only import ReadOnlyDatabase
from credit_forensics.databases.relations import Relation, quote_identifier
from credit_forensics.evidence.ledgers.inference.samples import Field, SampledTable, sample

# What the row is called as it is after the change, and before it.
_AFTER = ("after", "fullDocument", "record", "new_record", "new_data", "new_values", "new_row",
          "new", "newData", "row_data")  # fmt: skip
_BEFORE = ("before", "fullDocumentBeforeChange", "old_record", "old_data", "old_values",
           "old_row", "old", "oldData")  # fmt: skip
_BESIDE = (
    "op",
    "operation",
    "operationType",
    "action",
    "ts_ms",
    "lsn",
    "ts",
    "table",
    "table_name",
)


def rows_of_images(database: ReadOnlyDatabase, table: SampledTable) -> SampledTable:
    """The table as the rows that its images show; as it is where it has none."""
    found = _images(table)
    if found is None:
        return table
    after, before, beside = found
    inner = [f for f in table.fields if _below(f, after)]
    if len(inner) < 3 or not any(one.path[-1] in _BESIDE[:5] for one in _flat(beside)):
        return table
    tables = [f for f in beside if f.words & {"table"}]
    if any(len(one.values) > 1 for one in tables):
        return replace(table, doubt=f"{table.label} holds changes of several tables")
    columns: dict[str, str] = {}
    for field in inner:
        key = field.path[-1]
        sides = [_inside(database, field.column, field.path)]
        if before is not None:
            sides.append(_inside(database, before[0], (*before[1], key)))
        columns[key] = f"coalesce({', '.join(sides)})" if len(sides) > 1 else sides[0]
    for field in beside:
        name = f"cdc_{field.path[-1] if field.path else field.column}"
        columns[name] = field.sql(database, "v")
    select = ", ".join(f"{sql} AS {quote_identifier(name)}" for name, sql in columns.items())
    query = f"SELECT {select} FROM {database.quoted(table.relation)} AS v"
    kind = "" if database.dialect == "sqlite" else "text"
    relation = Relation(
        table.relation.schema, table.relation.name, dict.fromkeys(columns, kind), query=query
    )
    read = sample(database, relation)
    return table if read is None else replace(read, words=table.words | {"cdc"})


def _images(
    table: SampledTable,
) -> tuple[tuple[str, tuple[str, ...]], tuple[str, tuple[str, ...]] | None, list[Field]] | None:
    """Where the row after and before stands (column, path), and what stands beside it."""
    holders: dict[tuple[str, tuple[str, ...]], None] = {}
    for field in table.fields:
        if field.path:
            holders[field.column, field.path[:-1]] = None
    places = {(column, path): path[-1] if path else column for column, path in holders}
    for after in _AFTER:
        for (column, path), name in places.items():
            if name != after:
                continue
            outside = path[:-1]
            before = next(
                (place for old in _BEFORE for place, other in places.items()
                 if other == old and place[1][:-1] == outside and (not path or place[0] == column)),
                None,
            )  # fmt: skip
            if path:
                beside = [
                    f for f in table.fields
                    if f.column == column and f.path[:-1] == outside and f.path[-1] in _BESIDE
                ]  # fmt: skip
            else:
                beside = [f for f in table.columns if f.column in _BESIDE]
            if beside:
                return (column, path), before, beside
    return None


def _below(field: Field, place: tuple[str, tuple[str, ...]]) -> bool:
    return bool(field.path) and (field.column, field.path[:-1]) == place


def _flat(fields: list[Field]) -> list[Field]:
    return [f if f.path else replace(f, path=(f.column,)) for f in fields]


def _inside(database: ReadOnlyDatabase, column: str, path: tuple[str, ...]) -> str:
    return Field(column, "json", (), path).sql(database, "v")
