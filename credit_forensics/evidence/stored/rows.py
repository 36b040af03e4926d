"""The file of a case's rows as they were read, and its bookkeeping: inputs, news, coverage."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import duckdb

from credit_forensics.case_file import CaseFile
from credit_forensics.engines.duckdb import DuckDBEngine, threads_for
from credit_forensics.errors import CaseError
from credit_forensics.evidence.custody import Custody
from credit_forensics.evidence.evidence import Evidence
from credit_forensics.evidence.files import file_growth
from credit_forensics.evidence.files.file_growth import Seen
from credit_forensics.evidence.files.input_paths import input_name
from credit_forensics.evidence.stored import tables as stored_tables
from credit_forensics.evidence.stored.custody import ReadAnew, StoredCustody
from credit_forensics.evidence.stored.inputs import ledger_addresses, read_files
from credit_forensics.store.identity import key_of
from credit_forensics.store.version import store_version
from credit_forensics.tables.evidence import EVIDENCE
from credit_forensics.tables.staging import STAGING

# Which ids of a new row name a payment that must be looked at again.
_TOUCHING = {
    "stripe_sessions": ("session_id",),
    "stripe_intents": ("payment_intent_id", "invoice_id"),
    "stripe_charges": ("charge_id", "payment_intent_id", "invoice_id"),
    "stripe_invoices": ("invoice_id", "payment_intent_id", "charge_id"),
    "stripe_invoice_payments": ("invoice_id", "payment_intent_id", "charge_id"),
    "stripe_refunds": ("charge_id", "payment_intent_id"),
    "stripe_disputes": ("charge_id", "payment_intent_id"),
    "stripe_events": ("event_id", "object_id", "payment_intent_id"),
    "deliveries": ("event_id", "payment_id"),
    "ledger": ("event_id", "payment_id"),
    "customers": ("customer_id",),
}


@dataclass(frozen=True)
class Known:
    """A file of which something is stored: its number, and what it looked like when it was read."""

    number: int
    seen: Seen


class StoredRows:
    """The rows as they were read, in a file attached to an engine as ``stored``. Use in a ``with``.

    Parameters
    ----------
    path
        the DuckDB file. One that reads other inputs, or is damaged, is begun anew; why, is then in
        ``begun_anew``.
    case_file
        the case.

    Raises
    ------
    CaseError
        when the file cannot be used, or the case has inputs that cannot be read in part.
    """

    def __init__(self, path: Path, case_file: CaseFile) -> None:
        if case_file.stripe.database:
            raise CaseError("Synced tables cannot be read in part; the evidence is not stored.")
        self.path = path
        self.case_file = case_file
        self.evidence = self._empty()
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        stamp = f"{store_version()} {_fingerprint(case_file)}"
        self.begun_anew = ""
        new = not path.exists()
        try:
            self._attach()
            if new:
                self.put("stamp", stamp)
                self.begun_anew = "nothing was read before"
            found = self.get("stamp")
            fresh = found == stamp
            if not fresh:
                self.begun_anew = (
                    "nothing was read before"
                    if found is None
                    else ("the case file names other inputs")
                )
        except duckdb.Error as error:
            if "lock" in str(error).lower():
                raise CaseError(f"{path} is in use by another process.") from None
            fresh, self.begun_anew = False, f"{path.name} is damaged"
        if not fresh:
            self._begin_anew(stamp)
        self.custody = StoredCustody(self.connection)
        self.read: list[ReadAnew] = []
        """What the refreshes of this object read, input by input."""
        self.order: list[int] = []
        """The files' numbers in the order in which a reading of everything takes them."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.evidence.engine.close()

    @property
    def connection(self) -> duckdb.DuckDBPyConnection:
        """The connection: ``main`` is the evidence in memory, ``stored`` the file."""
        connection: duckdb.DuckDBPyConnection = self.evidence.connection
        return connection

    def get(self, key: str) -> str | None:
        """A remembered value."""
        found = self.connection.execute("SELECT value FROM stored.meta WHERE key = ?", [key])
        rows = found.fetchall()
        return str(rows[0][0]) if rows else None

    def put(self, key: str, value: str) -> None:
        """Remember a value."""
        put_value(self.connection, key, value)

    def count(self, table: str) -> int:
        """How many rows a table has: ``main.ledger``, ``stored.ledger``."""
        return int(self.connection.execute(f"SELECT count(*) FROM {table}").fetchall()[0][0])

    @property
    def judged(self) -> bool:
        """Whether all that is stored was judged once."""
        return self.get("basis") is not None

    def clear(self) -> Evidence:
        """Empty the evidence in memory, its custody too, for the next step, and give it."""
        self.evidence.custody = Custody()
        # Most are as they were made: to make each anew takes longer than to load a small file.
        empty = {(name, columns) for name, rows, columns in self._in_memory() if not rows}
        for spec in (*STAGING, *EVIDENCE):
            if (spec.name, len(spec.columns)) not in empty:
                self.connection.execute(f'DROP TABLE IF EXISTS main."{spec.name}"')
                self.connection.execute(spec.create_sql)
        return self.evidence

    def filled(self, names: Sequence[str]) -> list[str]:
        """Which of these tables of the evidence in memory may hold rows, once they are committed.

        DuckDB counts no rows of a transaction that is open.
        """
        held = {name for name, rows, _ in self._in_memory() if rows}
        return [name for name in names if name in held]

    def _in_memory(self) -> list[tuple[str, int, int]]:
        """Each table in memory: its name, how many rows were put into it, how many columns."""
        found: list[tuple[str, int, int]] = self.connection.execute(
            "SELECT table_name, estimated_size, column_count FROM duckdb_tables() "
            "WHERE schema_name = 'main' AND database_name NOT IN ('stored', 'temp')"
        ).fetchall()
        return found

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing, in the stored file."""
        self.connection.execute("BEGIN")
        try:
            yield
        except BaseException:
            self.connection.execute("ROLLBACK")
            raise
        self.connection.execute("COMMIT")

    def name_of(self, path: Path) -> str:
        """An input's name: from the case's folder, so that a case can be moved."""
        return input_name(self.case_file.folder, path)

    def known_inputs(self) -> dict[str, Known]:
        """The files of which something is stored, by name."""
        rows = self.connection.execute("SELECT name, input, seen FROM stored.inputs").fetchall()
        return {name: Known(number, file_growth.from_json(seen)) for name, number, seen in rows}

    def number_input(self, name: str, kind: str, known: Known | None, seen: Seen) -> int:
        """Note what a file looks like now; its number, a new one where it is not known."""
        run = self.connection.execute
        rows = run("SELECT coalesce(max(input), 0) + 1 FROM stored.inputs").fetchall()
        number = known.number if known else int(rows[0][0])
        run("DELETE FROM stored.inputs WHERE input = ?", [number])
        run("INSERT INTO stored.inputs VALUES (?, ?, ?, ?)", [number, name, kind, seen.to_json()])
        return number

    def drop(self, number: int, names: Sequence[str]) -> None:
        """Forget what an input told in some tables; its payments are looked at again."""
        for name in names:
            self.touch(name, f"(SELECT * FROM stored.{name} WHERE input = {number})")
            self.connection.execute(f"DELETE FROM stored.{name} WHERE input = {number}")
        self.custody.drop(number)
        self.connection.execute("DELETE FROM stored.inputs WHERE input = ?", [number])

    def touch(self, name: str, rows: str) -> None:
        """Note what rows of a table bear on, to be looked at again; ``rows`` stands after FROM."""
        if not self.judged:
            # All of it will be judged, so there is nothing to note.
            return
        noted = [(key, False) for key in _TOUCHING.get(name, ())]
        if name in ("ledger", "balances"):
            noted.append(("user_id", True))
        for key, is_user in noted:
            self.connection.execute(
                "INSERT INTO stored.touched "
                f"SELECT DISTINCT {stored_tables.hash_of(key)}, {is_user} "
                f"FROM {rows} WHERE {key} IS NOT NULL"
            )

    def cover(self, source: str) -> None:
        """Widen the time that a source is stored for by that of the evidence in memory."""
        run = self.connection.execute
        run(
            """CREATE OR REPLACE TEMP TABLE covered AS
            SELECT source, min(first_at) AS first_at, max(last_at) AS last_at FROM (
                SELECT source, first_at, last_at FROM stored.coverage
                UNION ALL SELECT source, first_at, last_at FROM main.spans)
            WHERE source = ? GROUP BY source""",
            [source],
        )
        run("DELETE FROM stored.coverage WHERE source = ?", [source])
        run("INSERT INTO stored.coverage SELECT * FROM covered")

    def _empty(self) -> Evidence:
        settings, files = self.case_file.engine, read_files(self.case_file)
        engine = DuckDBEngine(
            memory_limit=settings.memory_limit,
            temp_directory=settings.temp_directory,
            threads=settings.threads or threads_for(path for _, path in files),
        )
        # A look-up's hashes are pushed into the scan, so blocks without a hit are passed over.
        engine.connection.execute("SET dynamic_or_filter_threshold = 100000")
        return Evidence(engine)

    def _attach(self) -> None:
        quoted = str(self.path).replace("'", "''")
        self.connection.execute(f"ATTACH '{quoted}' AS stored")
        self.path.chmod(0o600)
        stored_tables.create(self.connection)

    def _begin_anew(self, stamp: str) -> None:
        with contextlib.suppress(duckdb.Error):
            self.connection.execute("DETACH stored")
        self.evidence.engine.close()
        for path in (self.path, self.path.with_name(self.path.name + ".wal")):
            path.unlink(missing_ok=True)
        self.evidence = self._empty()
        try:
            self._attach()
            self.put("stamp", stamp)
        except duckdb.Error as error:
            raise CaseError(f"{self.path} cannot be used ({type(error).__name__}).") from None


def put_value(connection: duckdb.DuckDBPyConnection, key: str, value: str) -> None:
    """Remember a value in the rows attached to a connection as ``stored``."""
    connection.execute("DELETE FROM stored.meta WHERE key = ?", [key])
    connection.execute("INSERT INTO stored.meta VALUES (?, ?)", [key, value])


def _fingerprint(case_file: CaseFile) -> str:
    """Of everything in the case file that the rows depend on, as they are read."""
    sections = {"stripe", "webhook_log", "ledger", "ledgers"}
    named = case_file.model_dump(mode="json", include=sections)
    return key_of(named, ledger_addresses(case_file))
