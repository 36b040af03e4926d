"""DuckDB over Parquet in a folder: steps are stored, run by bucket, and go on where one ended.

Rows of a payment lie in one bucket in every table, so what reads a payment's own rows joins
buckets, never whole tables, and needs room for a bucket and for what it looks up. Each step's rows
lie under a key of all that went into them; a run that was interrupted finds them there.
"""

from __future__ import annotations

import hashlib
import itertools
import os
import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import pairwise
from pathlib import Path

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from credit_forensics import __version__
from credit_forensics.engines.buckets import (
    BUCKET,
    FORMAT,
    FORMAT_OF_FEW,
    WHOLE,
    copy_rows,
    show_rows,
)
from credit_forensics.engines.duckdb import DuckDBEngine
from credit_forensics.engines.parquet_rows import (
    bucket_name,
    is_bucketed,
    quoted_path,
    select_rows,
)
from credit_forensics.engines.recipes import Kept, Query
from credit_forensics.errors import CaseError
from credit_forensics.tables.catalogue import ALL, conform
from credit_forensics.tables.evidence import EVIDENCE

_STEPS = "steps"
_SCRATCH = "scratch-"
_NUMBERS = itertools.count(1)
_RANGES_A_BUCKET = 4
# Bytes of a table's files; in memory they take a few times that.
_SMALL = 1 << 20
# Ibis marks what is never absent with an exclamation mark.
_INTEGER = re.compile(r"!?u?int\d+")
_WORD = re.compile(r"\w+|[^\w\s]")


class ParquetEngine(DuckDBEngine):
    """DuckDB whose evidence and steps are Parquet files in a folder.

    Parameters
    ----------
    folder
        where the steps are stored; made if it is not there, readable by its owner only.
    evidence
        a folder with a folder for each table of ``evidence.tables.EVIDENCE``, as ``copy_tables``
        makes it.
    buckets
        in how many buckets the payments lie there.
    writes
        store the steps that are not there; else they stay in memory, as ``writes`` says later.
    held
        what to let go of when the engine is closed.
    memory_limit, temp_directory, threads
        as for ``DuckDBEngine``; it spills into ``folder`` without a ``temp_directory``.

    Raises
    ------
    CaseError
        when the folder cannot be written.

    Examples
    --------
    >>> from credit_forensics.tables.catalogue import Tables
    >>> import tempfile
    >>> from credit_forensics.engines.buckets import copy_tables
    >>> folder = Path(tempfile.mkdtemp())
    >>> given = DuckDBEngine()
    >>> given.create(*(spec.name for spec in EVIDENCE))
    >>> given.register("payments", pd.DataFrame({"payment_id": ["cs_1", "cs_2"]}))
    >>> copy_tables(given, folder / "evidence", buckets=2)
    >>> engine = ParquetEngine(folder, folder / "evidence", buckets=2)
    >>> payments = Tables().payments
    >>> stored = engine.materialize("ids", payments.select("payment_id"), by_payment=True)
    >>> engine.arrow(stored.table).num_rows, engine.steps_run
    (2, 1)
    >>> again = ParquetEngine(folder, folder / "evidence", buckets=2)
    >>> _ = again.materialize("ids", payments.select("payment_id"), by_payment=True)
    >>> again.arrow(stored.table).num_rows, again.steps_run
    (2, 0)
    """

    def __init__(
        self,
        folder: Path,
        evidence: Path,
        *,
        buckets: int,
        writes: bool = True,
        memory_limit: str | None = None,
        temp_directory: Path | str | None = None,
        threads: int | None = None,
        held: ExitStack | None = None,
    ) -> None:
        self.folder = folder
        self._held = held or ExitStack()
        self.writes = writes
        self._steps = folder / _STEPS
        if writes:
            try:
                self._steps.mkdir(mode=0o700, parents=True, exist_ok=True)
            except OSError as error:
                raise CaseError(f"{folder} cannot be written: {error.strerror}.") from None
        # Of this engine alone: two that spill into one folder would overwrite each other.
        self._scratch = folder / f"{_SCRATCH}{os.getpid()}-{next(_NUMBERS)}"
        super().__init__(
            memory_limit=memory_limit,
            temp_directory=temp_directory or self._scratch,
            threads=threads,
        )
        # The system keeps files in memory that is free; of the limit, rows and look-ups need all.
        self.connection.execute("SET enable_external_file_cache = false")
        self.buckets = buckets
        self.steps_run = 0
        self._files: dict[str, Path] = {}
        self._holds_small = False
        self._in_memory: set[str] = set()
        self._key = _digest(__version__, duckdb.__version__, str(buckets))
        for spec in EVIDENCE:
            self._show(spec.name, evidence / spec.name)

    def create(self, *names: str) -> None:
        """Create tables of ``evidence.tables`` that are not there yet, empty."""
        there = self.names()
        super().create(*(name for name in names if name not in there))

    def register(self, name: str, rows: pd.DataFrame | pa.Table | pa.RecordBatchReader) -> None:
        """Make rows available under a name, replacing what was there.

        Batches of a reader become a file as they come; a table stays in memory.
        """
        digest = hashlib.blake2b(name.encode())
        if isinstance(rows, pa.RecordBatchReader) and self.writes:
            part = self._steps / f"{name}.part"
            shutil.rmtree(part, ignore_errors=True)
            part.mkdir()
            with pq.ParquetWriter(part / WHOLE, rows.schema, compression="zstd") as writer:
                for batch in rows:
                    digest.update(batch.serialize())
                    writer.write_batch(batch)
            path = self._steps / f"{name}-{digest.hexdigest()[:16]}"
            if path.is_dir():
                shutil.rmtree(part)
            else:
                part.replace(path)
            self._show(name, path)
        elif isinstance(rows, pa.RecordBatchReader):
            self.drop(name)
            super().register(name, _digested(rows, digest))
        else:
            table = conform(name, rows) if name in ALL else pa.table(rows)
            for batch in table.to_batches():
                digest.update(batch.serialize())
            self.drop(name)
            super().register(name, table)
        self._key = _digest(self._key, digest.hexdigest())

    def materialize(self, name: str, expression: Query, *, by_payment: bool = False) -> Kept:
        """Run once, store the rows as Parquet, and say what lies there.

        Rows that an interrupted run stored are taken as they are, bucket by bucket.
        """
        text = self.written(expression)
        query = text.sql
        # The compiler names what it leaves out in no particular order.
        self._key = _digest(self._key, name, *sorted(_WORD.findall(query)))
        path = self._steps / f"{name}-{self._key[:16]}"
        if not self.writes and not path.is_dir():
            self.drop(name)
            return super().materialize(name, expression, by_payment=by_payment)
        # DuckDB sums into HUGEINT, which Parquet holds as a fraction.
        whole = [column for column, kind in text.columns.items() if _INTEGER.fullmatch(kind)]
        if whole:
            casts = ", ".join(f'"{column}"::BIGINT AS "{column}"' for column in whole)
            query = f"SELECT * REPLACE ({casts}) FROM ({query})"
        bucketed = BUCKET in text.columns and self.buckets > 1
        if not path.is_dir():
            self.steps_run += 1
            part = self._steps / f"{path.name}.part"
            if by_payment and bucketed:
                self._by_bucket(query, part)
            else:
                shutil.rmtree(part, ignore_errors=True)
                written_as = FORMAT if self.buckets > 1 else FORMAT_OF_FEW
                copy_rows(self, query, part, self.buckets if bucketed else 1, written_as)
            part.replace(path)
        self._show(name, path)
        return Kept(name, text.columns)

    def ordered(
        self, expression: Query, by: Sequence[str], rows: int = 100_000
    ) -> Iterator[pa.RecordBatch]:
        """Run and give the rows in the order of some columns, some at a time.

        In the order of payments first, of every table with a ``payment_id`` the expression may
        read the rows of the payment at hand only. Then each bucket is written, sorted by itself,
        and ranges of payments are read from all of them: two sorts that fit, not one that does not.
        """
        if by[0] != BUCKET or self.buckets == 1:
            yield from super().ordered(expression, by, rows)
            return
        folder = self._scratch / f"ordered-{next(_NUMBERS)}"
        try:
            self._by_bucket(self.sql(expression), folder)
            order = ", ".join(f'"{column}" ASC NULLS LAST' for column in by)
            for bucket in range(self.buckets):
                self._sort_bucket(folder / bucket_name(bucket), order)
            for condition, bounds in self._ranges():
                # Of a sorted file only those row groups are read that a range lies in.
                query = f"{select_rows(folder)} WHERE {condition} ORDER BY {order}"
                yield from self.connection.sql(query, params=bounds).to_arrow_reader(rows)
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _sort_bucket(self, folder: Path, order: str) -> None:
        """Sort a bucket's rows; by itself, so that nothing else takes of the memory meanwhile."""
        part = folder / f"{WHOLE}.part"
        query = f"{select_rows(folder)} ORDER BY {order}"
        self.connection.execute(f"COPY ({query}) TO {quoted_path(part)} ({FORMAT})")
        part.replace(folder / WHOLE)

    def _ranges(self) -> Iterator[tuple[str, list[str]]]:
        """Conditions that cut payments into ranges of some hundred thousand each, in order."""
        count = self.buckets * _RANGES_A_BUCKET
        shares = [place / count for place in range(1, count)]
        with self._narrowed(0):
            # Payments lie in buckets by chance, so those of one are spread as all are.
            query = f'SELECT quantile_disc("{BUCKET}", {shares}) FROM payments'
            found = self.connection.execute(query).fetchall()[0][0] or []
        bounds = sorted(set(found))
        if not bounds:
            yield "true", []
            return
        yield f'"{BUCKET}" <= ?', [bounds[0]]
        for lower, upper in pairwise(bounds):
            yield f'"{BUCKET}" > ? AND "{BUCKET}" <= ?', [lower, upper]
        yield f'"{BUCKET}" > ? OR "{BUCKET}" IS NULL', [bounds[-1]]

    def drop(self, *names: str) -> None:
        """Let go of tables that no later step reads; the files of steps stay until the end."""
        for name in names:
            if self._files.pop(name, None) and name not in self._in_memory:
                self.connection.execute(f'DROP VIEW IF EXISTS "{name}"')
            else:
                self._in_memory.discard(name)
                super().drop(name)

    def close(self) -> None:
        """Close the connection; the files stay."""
        super().close()
        shutil.rmtree(self._scratch, ignore_errors=True)
        self._held.close()

    def store_table(self, name: str) -> Path:
        """The folder in which a table's rows lie, written now where they are in memory alone."""
        path = self._files.get(name)
        if path is None:
            path = self._steps / f"{name}-{_digest(self._key, name)[:16]}"
            part = self._steps / f"{path.name}.part"
            shutil.rmtree(part, ignore_errors=True)
            shutil.rmtree(path, ignore_errors=True)
            copy_rows(self, f'SELECT * FROM "{name}"', part, 1)
            part.replace(path)
        return path

    def show_table(self, name: str, path: Path) -> None:
        """Make rows that lie in a folder readable under a name, in place of what was there."""
        self._show(name, path)

    def remove_scratch_of_the_dead(self) -> None:
        """Remove what processes that were killed had spilled."""
        for path in self.folder.glob(f"{_SCRATCH}*"):
            if not _alive(int(path.name.removeprefix(_SCRATCH).partition("-")[0])):
                shutil.rmtree(path, ignore_errors=True)

    def hold_small_tables(self) -> None:
        """Read small tables into memory, those shown later too: files are opened by each query."""
        if self._holds_small:
            return
        self._holds_small = True
        for name, path in list(self._files.items()):
            if _is_small(path):
                self._show(name, path)

    def _show(self, name: str, path: Path) -> None:
        self.drop(name)
        self._files[name] = path
        held = self._holds_small and _is_small(path)
        show_rows(self, name, path, in_memory=held)
        if held:
            self._in_memory.add(name)

    def _by_bucket(self, query: str, part: Path) -> None:
        part.mkdir(parents=True, exist_ok=True)
        for bucket in range(self.buckets):
            target = part / bucket_name(bucket)
            if target.is_dir():
                continue  # stored by a run that ended in the middle
            half = part / f"{bucket_name(bucket)}.part"
            shutil.rmtree(half, ignore_errors=True)
            half.mkdir()
            with self._narrowed(bucket):
                self.connection.execute(f"COPY ({query}) TO {quoted_path(half / WHOLE)} ({FORMAT})")
            half.replace(target)

    @contextmanager
    def _narrowed(self, bucket: int) -> Iterator[None]:
        """Within, every bucketed table is its one bucket: temporary views stand before others."""
        narrow = [name for name, path in self._files.items() if is_bucketed(path)]
        for name in narrow:
            source = select_rows(self._files[name] / bucket_name(bucket))
            self.connection.execute(f'CREATE OR REPLACE TEMP VIEW "{name}" AS {source}')
        try:
            yield
        finally:
            for name in narrow:
                self.connection.execute(f'DROP VIEW IF EXISTS temp."{name}"')


def _digested(rows: pa.RecordBatchReader, digest: hashlib.blake2b) -> pa.RecordBatchReader:
    """The same batches; the digest takes them as they are read."""

    def batches() -> Iterator[pa.RecordBatch]:
        for batch in rows:
            digest.update(batch.serialize())
            yield batch

    return pa.RecordBatchReader.from_batches(rows.schema, batches())


def _is_small(folder: Path) -> bool:
    files = [] if is_bucketed(folder) else folder.glob("*.parquet")
    return 0 < sum(path.stat().st_size for path in files) <= _SMALL


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _digest(*texts: str) -> str:
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()
