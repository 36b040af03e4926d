"""Compiles an Ibis expression to the SQL of the engine at hand and runs it.

Ibis is the compiler, not the runner: the connection is ours, so its settings, its temporary
tables and its way out to pandas are ours too. ``DuckDBEngine`` is the default. Another engine is
a class with the same methods and the compiler of its dialect; those there are lie in ``engines``.
"""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import duckdb
import pandas as pd
import pyarrow as pa

from credit_forensics.engines.arrow_to_pandas import to_pandas
from credit_forensics.engines.recipes import Kept, Query, Written, written
from credit_forensics.errors import CaseError
from credit_forensics.extras import Later
from credit_forensics.tables.catalogue import ALL, conform, spec
from credit_forensics.tables.expressions import ir

if TYPE_CHECKING:
    import ibis.expr.operations as ops
    from ibis.backends.sql import compilers
else:
    # Slow to load, and needed only where a text is not kept.
    compilers = Later("ibis.backends.sql.compilers")


# Bytes; of JSON some thousand payments, of Parquet some ten thousand.
_LITTLE = 10_000_000
# Rows of all tables; of so many a result is small enough to be copied.
_FEW_ROWS = 300_000
_HELD = """SELECT (SELECT coalesce(sum(estimated_size), 0) FROM duckdb_tables()),
    (SELECT count(*) FROM duckdb_views() WHERE NOT internal)"""


class Engine(Protocol):
    """What every engine offers. Names are those of ``evidence.tables``, or a step's own."""

    name: str

    def sql(self, expression: Query) -> str:
        """The expression as this engine's SQL."""
        ...

    def register(self, name: str, rows: pd.DataFrame | pa.Table | pa.RecordBatchReader) -> None:
        """Make rows available under a name, replacing what was there."""
        ...

    def materialize(self, name: str, expression: Query, *, by_payment: bool = False) -> Kept:
        """Run once, keep the rows under a name, and say what lies there.

        ``by_payment``: of every table with a ``payment_id`` the expression reads the rows of the
        payment at hand only, so an engine may run it for some payments after the others.
        """
        ...

    def drop(self, *names: str) -> None:
        """Let go of tables that no later step reads."""
        ...

    def arrow(self, expression: Query) -> pa.Table:
        """Run and give an Arrow table."""
        ...

    def frame(self, expression: Query) -> pd.DataFrame:
        """Run and give a pandas DataFrame."""
        ...

    def close(self) -> None:
        """Let go of the connection and of what was kept for this case alone."""
        ...


def threads_for(paths: Iterable[Path]) -> int | None:
    """One thread where files are so small that sharing the work costs more than it saves.

    Examples
    --------
    >>> threads_for([Path(__file__)])
    1
    """
    size = sum(path.stat().st_size for path in paths if path.is_file())
    return 1 if size <= _LITTLE else None


class DuckDBEngine:
    """DuckDB in the process: larger than memory, spilling to disk.

    Parameters
    ----------
    database
        a file that keeps the tables; in memory without one.
    memory_limit
        as DuckDB takes it ("8GB"); DuckDB's own default (80 % of the machine) without one.
    temp_directory
        where to spill.
    threads
        number of threads; all cores without one.

    Examples
    --------
    >>> from credit_forensics.tables.catalogue import Tables
    >>> engine = DuckDBEngine()
    >>> engine.register("balances", pd.DataFrame({"user_id": ["a", "b"], "balance": [1, 2]}))
    >>> balances = Tables().balances
    >>> engine.frame(balances.filter(balances.balance > 1)).user_id.tolist()
    ['b']
    """

    name = "duckdb"

    def __init__(
        self,
        database: Path | str | None = None,
        *,
        memory_limit: str | None = None,
        temp_directory: Path | str | None = None,
        threads: int | None = None,
    ) -> None:
        config: dict[str, Any] = {"autoinstall_known_extensions": "false"}
        if memory_limit:
            config["memory_limit"] = memory_limit
        if temp_directory:
            config["temp_directory"] = str(temp_directory)
        if threads:
            config["threads"] = str(threads)
        # Whether so little lies here that no result is large: as ``threads_for`` says of files,
        # else asked, and asked again when tables were added.
        self._little_files = threads == 1
        self._little: bool | None = None
        try:
            self.connection = duckdb.connect(
                str(database) if database else ":memory:", config=config
            )
        except duckdb.Error as error:
            if database or len(config) == 1:
                raise
            reason = str(error).split("\n", 1)[0]
            raise CaseError(
                f"[engine] has a setting that DuckDB does not take: {reason}."
            ) from None
        # Results carry the session's zone; the house speaks UTC only.
        self.connection.execute("SET TimeZone = 'UTC'")
        with contextlib.suppress(duckdb.InvalidInputException):
            # In a kernel without ipywidgets DuckDB shows no bar, and refuses to be told so.
            self.connection.execute("SET enable_progress_bar = false")
        self.connection.execute("SET preserve_insertion_order = false")

    def sql(self, expression: Query) -> str:
        """The expression as DuckDB's SQL."""
        return self.written(expression).sql

    def written(self, expression: Query) -> Written:
        """The expression as DuckDB's SQL, with its columns."""
        return written(expression, self.name, lambda one: _duckdb_sql(one.op()))

    def create(self, *names: str) -> None:
        """Create tables of ``evidence.tables`` by name, empty where they are not there yet."""
        for name in names:
            self.connection.execute(spec(name).create_sql)

    def names(self) -> set[str]:
        """The names of the tables and views that are there."""
        rows = self.connection.execute(
            "SELECT table_name FROM duckdb_tables() "
            "UNION ALL SELECT view_name FROM duckdb_views() WHERE NOT internal"
        ).fetchall()
        return {name for (name,) in rows}

    def register(self, name: str, rows: pd.DataFrame | pa.Table | pa.RecordBatchReader) -> None:
        """Make rows available under a name, replacing what was there.

        Rows for a table of ``evidence.tables`` are cast to its columns; absent ones are empty.
        Batches of a reader are taken as they come.
        """
        as_they_come = isinstance(rows, pa.RecordBatchReader) or name not in ALL
        table = rows if as_they_come else conform(name, rows)
        self._little = None
        with self._staged(table) as staged:
            self.connection.execute(f'CREATE OR REPLACE TABLE "{name}" AS SELECT * FROM {staged}')

    def append(self, name: str, rows: pd.DataFrame | pa.Table) -> None:
        """Append rows to a table of ``evidence.tables``; absent columns stay empty."""
        self.create(name)
        self._little = None
        with self._staged(conform(name, rows)) as staged:
            self.connection.execute(f'INSERT INTO "{name}" BY NAME SELECT * FROM {staged}')

    def materialize(self, name: str, expression: Query, *, by_payment: bool = False) -> Kept:
        """Run once, keep the rows under a name, and say what lies there."""
        self._little = None
        text = self.written(expression)
        self.connection.execute(f'CREATE OR REPLACE TABLE "{name}" AS {text.sql}')
        return Kept(name, text.columns)

    def drop(self, *names: str) -> None:
        """Let go of tables that no later step reads."""
        for name in names:
            self.connection.execute(f'DROP TABLE IF EXISTS "{name}"')

    def arrow(self, expression: Query) -> pa.Table:
        """Run and give an Arrow table."""
        table = self._table(self.sql(expression))
        # DuckDB sums BIGINT into HUGEINT, which would reach pandas as Decimal objects.
        wide = {field.name: pa.int64() for field in table.schema if pa.types.is_decimal(field.type)}
        if not wide:
            return table
        return table.cast(pa.schema([f.with_type(wide.get(f.name, f.type)) for f in table.schema]))

    def batches(self, expression: ir.Table, rows: int = 1_000_000) -> pa.RecordBatchReader:
        """Run and give the rows some at a time, for results larger than memory."""
        return self.connection.sql(self.sql(expression)).to_arrow_reader(rows)

    def ordered(
        self, expression: Query, by: Sequence[str], rows: int = 100_000
    ) -> Iterator[pa.RecordBatch]:
        """Run and give the rows in the order of some columns, some at a time."""
        order = ", ".join(f'"{column}" ASC NULLS LAST' for column in by)
        query = f"SELECT * FROM ({self.sql(expression)}) ORDER BY {order}"
        yield from self.connection.sql(query).to_arrow_reader(rows)

    def frame(self, expression: Query) -> pd.DataFrame:
        """Run and give a pandas DataFrame; times are UTC and aware, absent integers ``<NA>``."""
        return to_pandas(self.arrow(expression))

    def rows_with(self, rows: Query, column: str, values: Sequence[str]) -> pd.DataFrame:
        """The rows of a query with one of some values in a column.

        The values are given beside the text, so that a kept one serves whatever is looked up, and
        the engine looks for them in the tables before it joins them.

        Examples
        --------
        >>> engine = engine_of(users={"user_id": ["a", "b"]})
        >>> engine.rows_with(spec("users").unbound(), "user_id", ["b"]).user_id.tolist()
        ['b']
        """
        marks = ", ".join(["?"] * len(values)) or "NULL"
        chosen = f'SELECT * FROM ({self.sql(rows)}) WHERE "{column}" IN ({marks})'
        return to_pandas(self._table(chosen, list(values)))

    def close(self) -> None:
        """Close the connection; a file stays."""
        self.connection.close()

    def _holds_little(self) -> bool:
        """Whether so few rows lie here that no result is large; of views nobody knows."""
        if self._little_files:
            return True
        if self._little is None:
            rows, views = self.connection.execute(_HELD).fetchall()[0]
            self._little = bool(rows <= _FEW_ROWS and not views)
            # A result that is copied is read once more, by several threads, out of its order.
            self.connection.execute(f"SET preserve_insertion_order = {self._little}")
        return self._little

    def _table(self, sql: str, values: Sequence[str] = ()) -> pa.Table:
        if not self._holds_little():
            return self.connection.sql(sql, params=list(values)).to_arrow_table()
        # A relation is parsed and bound before it is run, which takes as long as to run it on few
        # rows; of those the copy that DuckDB warns of is nothing.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            return self.connection.execute(sql, list(values)).to_arrow_table()

    @contextlib.contextmanager
    def _staged(self, rows: pd.DataFrame | pa.Table | pa.RecordBatchReader) -> Iterator[str]:
        name = "_rows_to_register"
        self.connection.register(name, rows)
        try:
            yield name
        finally:
            self.connection.unregister(name)


@lru_cache(maxsize=512)
def _duckdb_sql(operation: ops.Node) -> str:
    """Compiled once a process: translating costs more than running a small case."""
    return str(compilers.DuckDBCompiler().to_sqlglot(operation.to_expr()).sql("duckdb"))


def engine_of(**tables: Mapping[str, Sequence[Any]]) -> DuckDBEngine:
    """An engine with all tables: those given by their columns, the others empty.

    Examples
    --------
    >>> from credit_forensics.tables.catalogue import Tables
    >>> engine = engine_of(users={"user_id": ["a"]})
    >>> len(engine.frame(Tables().users)), len(engine.frame(Tables().payments))
    (1, 0)
    """
    engine = DuckDBEngine()
    engine.create(*ALL)
    for name, columns in tables.items():
        engine.register(name, pd.DataFrame(columns))
    return engine
