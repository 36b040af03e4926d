"""Runs the expressions on Spark: PySpark runs the SQL that Ibis compiles.

Every step's rows are written as Parquet where all workers can read them, so what is done stays
done when a worker is lost: Spark repeats the tasks of the step at hand, never the steps before.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from credit_forensics.engines.arrow_rows import Rows, arrow_rows, typed
from credit_forensics.engines.arrow_to_pandas import to_pandas
from credit_forensics.engines.dialects import compiled_sql
from credit_forensics.engines.recipes import Kept, Query, columns_of, expression_of
from credit_forensics.errors import CaseError
from credit_forensics.extras import load

_ROWS_A_GROUP = 200_000  # Spark splits a file by row groups, so that workers share it
_SETTINGS = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.timestampType": "TIMESTAMP_LTZ",
    "spark.sql.ansi.enabled": "true",
    "spark.sql.adaptive.enabled": "true",
    "spark.sql.execution.arrow.pyspark.enabled": "true",
}
_LAUNCH = {
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.driver.maxResultSize": "0",
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
}
_UNITS = {"": "b", "k": "k", "m": "m", "g": "g", "t": "t"}


class SparkEngine:
    """Spark, in this process or on a cluster.

    Parameters
    ----------
    master
        the cluster's address (``spark://host:7077``, ``yarn``, ``k8s://…``); ``local[N]`` without.
    memory
        the driver's memory ("8GB"), for a Spark that starts with this engine.
    folder
        where tables are kept as Parquet. On a cluster every worker must see it under this path.
    threads
        threads of a local Spark; all cores without.

    Raises
    ------
    CaseError
        when PySpark or Java is not there, or the cluster cannot be reached.
    """

    name = "spark"

    def __init__(
        self,
        master: str | None = None,
        *,
        memory: str | None = None,
        folder: Path | str | None = None,
        threads: int | None = None,
    ) -> None:
        session = _start(master, threads, memory)
        # A session of our own: another case in this process has tables of the same names.
        self._session = session.newSession()
        for key, value in _SETTINGS.items():
            self._session.conf.set(key, value)
        if folder is not None:
            Path(folder).mkdir(parents=True, exist_ok=True)
        self._folder = Path(tempfile.mkdtemp(prefix="credit_forensics_spark_", dir=folder))
        self._numbers = itertools.count(1)
        self._kept: dict[str, Path] = {}

    @property
    def session(self) -> Any:
        """The Spark session, for settings of one's own."""
        return self._session

    def sql(self, expression: Query) -> str:
        """The expression as Spark's SQL."""
        return compiled_sql("spark", expression_of(expression))

    def register(self, name: str, rows: Rows) -> None:
        """Write rows as Parquet and make them readable under a name, replacing what was there."""
        given = arrow_rows(name, rows)
        path = self._new_path(name)
        path.mkdir()
        with pq.ParquetWriter(path / "part-0.parquet", given.schema, compression="zstd") as writer:
            for batch in given.batches:
                writer.write_batch(batch, row_group_size=_ROWS_A_GROUP)
        with _told(f"did not take the table {name}"):
            self._take(name, path, None)

    def materialize(self, name: str, expression: Query, *, by_payment: bool = False) -> Kept:
        """Run once, keep the rows as Parquet, and say what lies there."""
        expression = expression_of(expression)
        path = self._new_path(name)
        with _told(f"could not compute {name}"):
            rows = self._session.sql(self.sql(expression))
            rows.write.parquet(path.as_uri())
            self._take(name, path, rows.schema)
        return Kept(name, columns_of(expression))

    def drop(self, *names: str) -> None:
        """Let go of tables that no later step reads."""
        for name in names:
            path = self._kept.pop(name, None)
            if path is not None:
                self._session.catalog.dropTempView(name)
                shutil.rmtree(path, ignore_errors=True)

    def arrow(self, expression: Query) -> pa.Table:
        """Run and give an Arrow table."""
        expression = expression_of(expression)
        with _told("could not answer"):
            table = self._session.sql(self.sql(expression)).toArrow()
        return typed(table, expression.schema())

    def frame(self, expression: Query) -> pd.DataFrame:
        """Run and give a pandas DataFrame; times are UTC and aware, absent integers ``<NA>``."""
        return to_pandas(self.arrow(expression))

    def close(self) -> None:
        """Forget the tables; Spark itself goes on for the process's other cases."""
        # When the process ends, Spark may be gone before its engines are.
        with contextlib.suppress(Exception):
            for name in self._kept:
                self._session.catalog.dropTempView(name)
        self._kept.clear()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _new_path(self, name: str) -> Path:
        return self._folder / f"{name}-{next(self._numbers)}"

    def _take(self, name: str, path: Path, schema: Any) -> None:
        reader = self._session.read if schema is None else self._session.read.schema(schema)
        reader.parquet(path.as_uri()).createOrReplaceTempView(name)
        before = self._kept.get(name)
        self._kept[name] = path
        if before is not None:
            shutil.rmtree(before, ignore_errors=True)


def spark_memory(text: str) -> str:
    """A size as Spark writes it.

    Raises
    ------
    CaseError
        for a text that is no size.

    Examples
    --------
    >>> spark_memory("8GB"), spark_memory("512 MiB"), spark_memory("1.5 GB")
    ('8g', '512m', '1536m')
    """
    found = re.fullmatch(r"\s*([0-9]+(?:\.[0-9]+)?)\s*([kmgt]?)i?b?\s*", text.lower())
    if not found:
        raise CaseError(f'engine.memory_limit {text!r} is not a size; write "8GB".')
    number, unit = found.groups()
    if "." in number:
        bytes_ = float(number) * 1024 ** list(_UNITS).index(unit)
        return f"{int(bytes_ // 1024**2)}m"
    return number + _UNITS[unit]


def _start(master: str | None, threads: int | None, memory: str | None) -> Any:
    if shutil.which("java") is None and not os.environ.get("JAVA_HOME"):
        raise CaseError("The spark engine needs Java 17 or later; install it or set JAVA_HOME.")
    pyspark = load("pyspark.sql")
    running = pyspark.SparkSession.getActiveSession()
    if running is not None:
        # One Spark a process: where it runs was settled when it started.
        if master and running.sparkContext.master != master:
            raise CaseError(
                f"Spark runs in this process with master {running.sparkContext.master} already, "
                f"so not with {master}."
            )
        return running
    where = master or f"local[{threads or '*'}]"
    builder = pyspark.SparkSession.builder.appName("credit-forensics").master(where)
    for key, value in (_LAUNCH | _SETTINGS).items():
        builder = builder.config(key, value)
    if memory:
        builder = builder.config("spark.driver.memory", spark_memory(memory))
    with _told(f"did not start with master {where}"):
        session = builder.getOrCreate()
        session.sparkContext.setLogLevel("ERROR")
        return session


@contextlib.contextmanager
def _told(what: str) -> Iterator[None]:
    """A failure of Spark's in one sentence; its own message spans pages and may quote values."""
    try:
        yield
    except Exception as error:
        kind = type(error).__name__
        if not type(error).__module__.startswith(("pyspark", "py4j")):
            raise
        condition = getattr(error, "getCondition", lambda: None)() or kind
        raise CaseError(f"The spark engine {what}: {condition}.") from error
