"""Runs the expressions on ClickHouse, in this process by chdb: the proof that the seam holds."""

from __future__ import annotations

import itertools
import shutil
import tempfile
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from credit_forensics.engines.arrow_rows import Rows, arrow_rows, result_schema, typed
from credit_forensics.engines.arrow_to_pandas import to_pandas
from credit_forensics.engines.dialects import compiled_sql
from credit_forensics.engines.recipes import Kept, Query, columns_of, expression_of
from credit_forensics.engines.spark import spark_memory
from credit_forensics.errors import CaseError
from credit_forensics.extras import load
from credit_forensics.tables.expressions import ibis

# Without these an outer join gives '' and 0 for what is absent, and an empty sum gives 0.
_SETTINGS = {
    "join_use_nulls": "1",
    "aggregate_functions_null_for_empty": "1",
    "data_type_default_nullable": "1",
    "session_timezone": "'UTC'",
    "output_format_arrow_string_as_string": "1",
}
_TYPES = {
    pa.bool_(): "Nullable(Bool)",
    pa.int64(): "Nullable(Int64)",
    pa.float64(): "Nullable(Float64)",
    pa.timestamp("us", tz="UTC"): "Nullable(DateTime64(6, 'UTC'))",
    pa.string(): "Nullable(String)",
}


class ClickHouseEngine:
    """ClickHouse in the process. Every column is nullable, whatever its rows.

    Parameters
    ----------
    memory
        what a query may take ("8GB"); half of it is where sorting and grouping begin to spill.
    folder
        where the tables lie.
    threads
        number of threads.

    Raises
    ------
    CaseError
        when chdb is not installed, or absent values do not stay absent.
    """

    name = "clickhouse"

    def __init__(
        self,
        *,
        memory: str | None = None,
        folder: Path | str | None = None,
        threads: int | None = None,
    ) -> None:
        module = load("chdb.session")
        if folder is not None:
            Path(folder).mkdir(parents=True, exist_ok=True)
        self._folder = Path(tempfile.mkdtemp(prefix="credit_forensics_clickhouse_", dir=folder))
        self._session: Any = module.Session(str(self._folder / "store"))
        self._numbers = itertools.count(1)
        settings = dict(_SETTINGS)
        if memory:
            limit = _bytes(memory)
            settings["max_memory_usage"] = str(limit)
            settings["max_bytes_before_external_sort"] = str(limit // 2)
            settings["max_bytes_before_external_group_by"] = str(limit // 2)
        if threads:
            settings["max_threads"] = str(threads)
        for key, value in settings.items():
            self._run(f"SET {key} = {value}")
        # A database of our own: chdb has one server a process, whatever the folder.
        self._database = f"case_{next(_DATABASES)}"
        self._run(f"CREATE DATABASE {self._database} ENGINE = Atomic")
        self._run(f"USE {self._database}")
        self._check_canary()

    def sql(self, expression: Query) -> str:
        """The expression as ClickHouse's SQL."""
        return compiled_sql("clickhouse", expression_of(expression))

    def register(self, name: str, rows: Rows) -> None:
        """Copy rows into a table, replacing what was there."""
        given = arrow_rows(name, rows)
        path = self._folder / f"incoming-{next(self._numbers)}.parquet"
        with pq.ParquetWriter(path, given.schema, compression="zstd") as writer:
            for batch in given.batches:
                writer.write_batch(batch)
        self._fill(name, given.schema, f"SELECT * FROM file('{path}', Parquet)")
        path.unlink()

    def materialize(self, name: str, expression: Query, *, by_payment: bool = False) -> Kept:
        """Run once, keep the rows in a table, and say what lies there."""
        expression = expression_of(expression)
        self._fill(name, result_schema(expression.schema()), self.sql(expression))
        return Kept(name, columns_of(expression))

    def drop(self, *names: str) -> None:
        """Let go of tables that no later step reads."""
        for name in names:
            self._run(f'DROP TABLE IF EXISTS "{name}"')

    def arrow(self, expression: Query) -> pa.Table:
        """Run and give an Arrow table."""
        expression = expression_of(expression)
        answer = self._session.query(self.sql(expression), "ArrowStream").bytes()
        schema = result_schema(expression.schema())
        if not answer:
            return schema.empty_table()
        with pa.ipc.open_stream(answer) as stream:
            return typed(_with_times(stream.read_all(), schema), expression.schema())

    def frame(self, expression: Query) -> pd.DataFrame:
        """Run and give a pandas DataFrame; times are UTC and aware, absent integers ``<NA>``."""
        return to_pandas(self.arrow(expression))

    def close(self) -> None:
        """Drop the tables and what they lay in."""
        self._run(f"DROP DATABASE IF EXISTS {self._database}")
        self._session.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _run(self, statement: str) -> None:
        self._session.query(statement)

    def _fill(self, name: str, schema: pa.Schema, query: str) -> None:
        # Under another name first, so that a query may read the table that it replaces.
        columns = ", ".join(f'"{field.name}" {_TYPES[field.type]}' for field in schema)
        self._run('DROP TABLE IF EXISTS "_incoming"')
        self._run(f'CREATE TABLE "_incoming" ({columns}) ENGINE = MergeTree ORDER BY tuple()')
        self._run(f'INSERT INTO "_incoming" {query}')
        self._run(f'DROP TABLE IF EXISTS "{name}"')
        self._run(f'RENAME TABLE "_incoming" TO "{name}"')

    def _check_canary(self) -> None:
        """What is absent on either side of an outer join, or in an empty sum, must stay absent."""
        self.register(
            "canary", pa.table({"key": ["a", None], "n": pa.array([None, 1], pa.int64())})
        )
        rows = ibis.table({"key": "string", "n": "int64"}, name="canary")
        other = rows.select(other="key", other_n="n", there=ibis.literal(1)).view()
        joined = rows.left_join(other, rows.key == other.other)
        seen = joined.agg(
            rows=joined.count(),
            unmatched=joined.other.isnull().sum(),
            not_there=joined.there.isnull().sum(),
            empty=joined.other_n.sum(where=joined.key == "nobody").isnull().cast("int64"),
            unequal=ibis.coalesce((joined.key != joined.other).cast("int64").sum(), 0),
        )
        answer = self.arrow(seen).to_pylist()
        if answer != [{"rows": 2, "unmatched": 1, "not_there": 1, "empty": 1, "unequal": 0}]:
            raise CaseError(
                "The clickhouse engine turns absent values into others, so its verdicts would be "
                "wrong; use another engine or another version of chdb."
            )
        self._run('DROP TABLE "canary"')


_DATABASES = itertools.count(1)


def _with_times(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """ClickHouse hands times without a fraction out as whole seconds."""
    columns = [
        column.cast(pa.int64()).cast(pa.timestamp("s", tz="UTC"))
        if pa.types.is_timestamp(field.type) and pa.types.is_integer(column.type)
        else column
        for column, field in zip(table.columns, schema, strict=True)
    ]
    return pa.Table.from_arrays(columns, names=schema.names)


def _bytes(size: str) -> int:
    text = spark_memory(size)
    return int(text[:-1]) * int(1024 ** "bkmgt".index(text[-1]))
