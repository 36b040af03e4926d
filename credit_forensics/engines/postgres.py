"""Runs the expressions inside the user's own PostgreSQL, in temporary tables of one session.

The session may only read: PostgreSQL itself refuses to write to any table but temporary ones, and
names are looked up among those alone. What was made is gone when the session ends.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator
from typing import Any

import pandas as pd
import psycopg
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from credit_forensics.databases.bulk_read import CopyStream
from credit_forensics.databases.urls import libpq_arguments, one_line, parse_url, secrets
from credit_forensics.engines.arrow_rows import Rows, arrow_rows, result_schema
from credit_forensics.engines.arrow_to_pandas import to_pandas
from credit_forensics.engines.dialects import compiled_sql
from credit_forensics.engines.recipes import Kept, Query, columns_of, expression_of
from credit_forensics.errors import CaseError

_SETTINGS = {
    "default_transaction_read_only": "on",
    # Nothing but our own temporary tables: a table that is missing must not be one of the user's.
    "search_path": "pg_temp",
    "TimeZone": "UTC",
    "DateStyle": "ISO, MDY",
    "extra_float_digits": "1",
    # Compiling the long CASEs of the patterns would take longer than running them.
    "jit": "off",
    "temp_buffers": "256MB",
    "work_mem": "128MB",
}
# By code points, as the other engines sort, and with case folding of all of Unicode where it is.
_COLLATIONS = ("pg_c_utf8", "C.UTF-8", "C.utf8", "C")
_TYPES = {
    pa.bool_(): "boolean",
    pa.int64(): "bigint",
    pa.float64(): "double precision",
    pa.timestamp("us", tz="UTC"): "timestamptz",
}
_CSV_OUT = csv.WriteOptions(include_header=False, quoting_style="all_valid")


class PostgresEngine:
    """PostgreSQL: evidence is copied into temporary tables of one read-only session.

    Parameters
    ----------
    url
        a PostgreSQL URL, as ``[ledger] url`` takes it. The role needs the right to make temporary
        tables, and no other.
    memory
        ``work_mem`` of the session ("128MB"): what one sort or hash may take before it spills.

    Raises
    ------
    CaseError
        when the database cannot be reached, or does not let us make temporary tables.
    """

    name = "postgres"

    def __init__(self, url: str, *, memory: str | None = None) -> None:
        parsed = parse_url(url, "engine")
        if not parsed.drivername.startswith("postgresql"):
            raise CaseError("The postgres engine needs a PostgreSQL url; set [engine] url.")
        self._hidden = secrets(parsed)
        with self._told("cannot be used for the analysis"):
            self._connection = psycopg.connect(
                **libpq_arguments(parsed), autocommit=True, client_encoding="utf8"
            )
            for setting, value in (_SETTINGS | ({"work_mem": memory} if memory else {})).items():
                self._connection.execute("SELECT set_config(%s, %s, false)", [setting, value])
            self._collation = self._find_collation()

    def sql(self, expression: Query) -> str:
        """The expression as PostgreSQL's SQL."""
        return compiled_sql("postgres", expression_of(expression))

    def register(self, name: str, rows: Rows) -> None:
        """Copy rows into a temporary table, replacing what was there."""
        given = arrow_rows(name, rows)
        with self._told(f"did not take the table {name}"):
            self._create("_incoming", given.schema)
            with self._connection.cursor().copy("COPY _incoming FROM STDIN (FORMAT csv)") as copy:
                for batch in given.batches:
                    sink = io.BytesIO()
                    csv.write_csv(_without_nul(batch), sink, _CSV_OUT)
                    copy.write(sink.getbuffer())
            self._take(name)

    def materialize(self, name: str, expression: Query, *, by_payment: bool = False) -> Kept:
        """Run once, keep the rows in a temporary table, and say what lies there."""
        expression = expression_of(expression)
        with self._told(f"could not compute {name}"):
            self._create("_incoming", result_schema(expression.schema()))
            # Runs in a transaction that may read only: of all tables just this one takes rows.
            self._execute(f"INSERT INTO _incoming {self.sql(expression)}")
            self._take(name)
        return Kept(name, columns_of(expression))

    def drop(self, *names: str) -> None:
        """Let go of tables that no later step reads."""
        with self._told("could not let go of a table"):
            self._define(*(f'DROP TABLE IF EXISTS pg_temp."{name}"' for name in names))

    def arrow(self, expression: Query) -> pa.Table:
        """Run and give an Arrow table."""
        expression = expression_of(expression)
        schema = result_schema(expression.schema())
        query = f"COPY ({self.sql(expression)}) TO STDOUT (FORMAT csv)"
        options = csv.ConvertOptions(
            column_types=schema,
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
            null_values=[""],
            true_values=["t"],
            false_values=["f"],
        )
        with (
            self._told("could not answer"),
            self._connection.cursor().copy(query.encode()) as copy,
        ):
            stream = io.BufferedReader(CopyStream(copy), 1 << 20)
            if not stream.peek(1):
                return schema.empty_table()
            return csv.read_csv(
                stream,
                read_options=csv.ReadOptions(column_names=schema.names),
                parse_options=csv.ParseOptions(newlines_in_values=True),
                convert_options=options,
            )

    def frame(self, expression: Query) -> pd.DataFrame:
        """Run and give a pandas DataFrame; times are UTC and aware, absent integers ``<NA>``."""
        return to_pandas(self.arrow(expression))

    def close(self) -> None:
        """End the session; its temporary tables go with it."""
        self._connection.close()

    def _find_collation(self) -> str:
        rows = self._connection.execute(
            "SELECT collname FROM pg_catalog.pg_collation WHERE collname = ANY(%s) AND "
            "collencoding IN (-1, (SELECT encoding FROM pg_catalog.pg_database "
            "WHERE datname = pg_catalog.current_database()))",
            [list(_COLLATIONS)],
        ).fetchall()
        found = {str(row[0]) for row in rows}
        return next(name for name in _COLLATIONS if name in found)

    def _create(self, name: str, schema: pa.Schema) -> None:
        text = f'text COLLATE pg_catalog."{self._collation}"'
        columns = ", ".join(f'"{field.name}" {_TYPES.get(field.type, text)}' for field in schema)
        self._define(
            f'DROP TABLE IF EXISTS pg_temp."{name}"', f'CREATE TEMP TABLE "{name}" ({columns})'
        )

    def _take(self, name: str) -> None:
        """Let what came in have its name; its predecessor was readable until now."""
        self._define(
            f'DROP TABLE IF EXISTS pg_temp."{name}"',
            f'ALTER TABLE pg_temp._incoming RENAME TO "{name}"',
        )
        # Temporary tables are not analysed by the server itself, and plans hang on it.
        self._execute(f'ANALYZE pg_temp."{name}"')

    def _define(self, *statements: str) -> None:
        """The only transactions that may write: they name temporary tables and nothing else."""
        self._execute("BEGIN READ WRITE")
        try:
            for statement in statements:
                self._execute(statement)
        except BaseException:
            self._execute("ROLLBACK")
            raise
        self._execute("COMMIT")

    def _execute(self, statement: str) -> None:
        # As bytes, and without parameters: a % in a literal is no placeholder.
        self._connection.execute(statement.encode())

    @contextlib.contextmanager
    def _told(self, what: str) -> Iterator[None]:
        try:
            yield
        except (psycopg.OperationalError, psycopg.errors.InsufficientPrivilege) as error:
            reason = one_line(error, *self._hidden)
            raise CaseError(f"The PostgreSQL engine {what}: {reason}.") from None


def _without_nul(batch: pa.RecordBatch) -> Any:
    """PostgreSQL's text holds no NUL; the replacement character stands for it."""
    columns = [
        pc.replace_substring(column, "\x00", "\ufffd")
        if pa.types.is_string(column.type) and pc.any(pc.match_substring(column, "\x00")).as_py()
        else column
        for column in batch.columns
    ]
    return pa.RecordBatch.from_arrays(columns, schema=batch.schema)
