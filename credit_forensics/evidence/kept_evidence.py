"""Keeps a case's evidence in a DuckDB file and reads only what is new of its inputs.

Files that grow at their end are read from where they ended, logs with some lines before it; any
other change reads the file again in place of what was kept of it. Each input is taken in one
transaction together with how far it was read, so a process killed in between takes it again.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb

from credit_forensics.case_file import CaseFile
from credit_forensics.engine import DuckDBEngine
from credit_forensics.errors import CaseError
from credit_forensics.evidence import file_growth, kept_tables, tables
from credit_forensics.evidence.custody import Custody
from credit_forensics.evidence.database import ReadOnlyDatabase
from credit_forensics.evidence.file_growth import Seen
from credit_forensics.evidence.kept_custody import How, KeptCustody, ReadAnew
from credit_forensics.evidence.kept_tables import DATABASE, IDENTITY, columns
from credit_forensics.evidence.ledger_plan import Read
from credit_forensics.evidence.ledger_since import Since, narrow_read
from credit_forensics.evidence.ledger_unchanged import TABLES, Mark, UnchangedRows
from credit_forensics.evidence.store import Evidence

_VERSION = "2"
# A delivery's lines lie together but for those of requests handled at the same time.
LOG_OVERLAP = 256 << 10
_STRIPE = (
    "stripe_sessions",
    "stripe_intents",
    "stripe_charges",
    "stripe_refunds",
    "stripe_disputes",
    "stripe_customers",
    "stripe_events",
)
_LOG = ("deliveries", "sign_ins")
_TIMED = (
    ("entries", "ledger", "created_at"),
    ("users", "users", "created_at"),
    ("customers", "customers", "bound_at"),
)
# Which ids of a new row name a payment that must be looked at again.
_TOUCHING = {
    "stripe_sessions": ("session_id",),
    "stripe_intents": ("payment_intent_id",),
    "stripe_charges": ("charge_id", "payment_intent_id"),
    "stripe_refunds": ("charge_id", "payment_intent_id"),
    "stripe_disputes": ("charge_id", "payment_intent_id"),
    "stripe_events": ("event_id", "object_id", "payment_intent_id"),
    "deliveries": ("event_id", "payment_id"),
    "ledger": ("event_id", "payment_id"),
    "customers": ("customer_id",),
}


class _RowsLeftError(Exception):
    """Rows that are kept are no longer in their database."""


class KeptEvidence:
    """The kept evidence of a case, attached to an engine as ``kept``. Use it in a ``with``.

    Parameters
    ----------
    path
        the DuckDB file. One of another version, of another case file, or damaged, is begun anew.
    case_file
        the case.

    Raises
    ------
    CaseError
        when the file cannot be used, or the case has inputs that cannot be read in part.
    """

    def __init__(self, path: Path, case_file: CaseFile) -> None:
        if case_file.stripe.database:
            raise CaseError("Synced tables cannot be read in part; the evidence is not kept.")
        self.path = path
        self.case_file = case_file
        self.evidence = self._empty()
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        stamp = f"{_VERSION} {duckdb.__version__} {_fingerprint(case_file)}"
        try:
            self._attach()
            fresh = self.get("stamp") == stamp
        except duckdb.Error as error:
            if "lock" in str(error).lower():
                raise CaseError(f"{path} is in use by another process.") from None
            fresh = False
        if not fresh:
            self._begin_anew(stamp)
        self._exactly = False
        self.custody = KeptCustody(self.connection)
        self.read: list[ReadAnew] = []
        """What the refreshes of this object read, input by input."""

    def __enter__(self) -> KeptEvidence:
        return self

    def __exit__(self, *_error: object) -> None:
        self.evidence.engine.close()

    @property
    def connection(self) -> duckdb.DuckDBPyConnection:
        """The connection: ``main`` is the evidence in memory, ``kept`` the file."""
        connection: duckdb.DuckDBPyConnection = self.evidence.connection
        return connection

    def get(self, key: str) -> str | None:
        """A remembered value."""
        rows = self.connection.execute(
            "SELECT value FROM kept.meta WHERE key = ?", [key]
        ).fetchall()
        return str(rows[0][0]) if rows else None

    def put(self, key: str, value: str) -> None:
        """Remember a value."""
        self.connection.execute("DELETE FROM kept.meta WHERE key = ?", [key])
        self.connection.execute("INSERT INTO kept.meta VALUES (?, ?)", [key, value])

    @property
    def judged(self) -> bool:
        """Whether all that is kept was judged once."""
        return self.get("basis") is not None

    def clear(self) -> Evidence:
        """Empty the evidence in memory, its custody too, for the next step, and give it."""
        self.evidence.custody = Custody()
        for spec in (*tables.STAGING, *tables.EVIDENCE):
            self.connection.execute(f'DROP TABLE IF EXISTS main."{spec.name}"')
            self.connection.execute(spec.create_sql)
        return self.evidence

    def refresh(self, *, everything: bool = False, exactly: bool = False) -> None:
        """Read what is new; what it touches is noted in ``kept.touched`` until it is judged.

        Parameters
        ----------
        everything
            read the databases whole, so that rows that changed in place are seen.
        exactly
            let the databases tell whether older rows changed in place, and read the stored
            balances; then what is kept is what a whole reading would give, at the price of a scan
            inside each database.

        Raises
        ------
        CaseError
            when an input is missing or cannot be used.
        """
        self._exactly = exactly
        known = self._known()
        present = set()
        for key, path in self._stripe_paths():
            name = self._name(path)
            if name in present:
                continue
            present.add(name)
            self._stripe_file(key, path, known.get(name))
        for path in self._log_paths():
            present.add(self._name(path))
            self._log_file(path, known.get(self._name(path)))
        for name, (number, kind, _) in known.items():
            if kind != "database" and name not in present:
                with self.transaction():
                    self._drop(number, _STRIPE + _LOG)
                self.read.append(ReadAnew(name, "gone"))
        if self.case_file.all_ledgers and exactly:
            self._databases_exactly()
        elif self.case_file.all_ledgers:
            self._databases(everything=everything)

    # Inputs ------------------------------------------------------------------------------------

    def _name(self, path: Path) -> str:
        """An input's name: from the case's folder, so that a case can be moved."""
        from credit_forensics.evidence.input_paths import input_name

        return input_name(self.case_file.folder, path)

    def _stripe_paths(self) -> Iterator[tuple[str, Path]]:
        from credit_forensics.evidence.input_paths import input_paths
        from credit_forensics.evidence.stripe_api import pulled_paths
        from credit_forensics.evidence.stripe_files import KEYS as STRIPE_KEYS

        for key in STRIPE_KEYS:
            names = getattr(self.case_file.stripe, key)
            for path in input_paths(self.case_file.folder, names, f"stripe.{key}"):
                yield key, path
        for key, paths in pulled_paths(self.case_file).items():
            for path in paths:
                yield key, path

    def _log_paths(self) -> list[Path]:
        from credit_forensics.evidence.log_files import log_paths

        return log_paths(self.case_file.webhook_log.files, self.case_file.folder)

    def _stripe_file(
        self, key: str, path: Path, known: tuple[int, str, Seen | None] | None
    ) -> None:
        from credit_forensics.evidence.recognise import recognise
        from credit_forensics.evidence.stripe_files import load_stripe_file

        seen = known[2] if known else None
        how = file_growth.compare(path, seen)
        if how == "same":
            return
        found = recognise(path)
        grown = how == "grown" and file_growth.is_text(path) and found.layout == "lines"
        after = file_growth.look(path, seen if grown else None)
        evidence = self.clear()
        name = self._name(path)
        start, lines_before = (seen.offset, seen.lines) if grown and seen else (0, 0)
        if grown and seen is not None:
            # With the last line, should it lack its end: it is read again with what follows.
            with self._part(path, seen.offset, after.size) as part:
                load_stripe_file(evidence, part, name, key, found=found)
        else:
            load_stripe_file(evidence, path, name, key)
        with self.transaction():
            if known and not grown:
                self._drop(known[0], _STRIPE)
            number = self._input(name, key, known, after)
            self._touch(_STRIPE)
            for table in _STRIPE:
                kept_tables.keep(self.connection, table, number)
            read = self.custody.take(
                number,
                evidence.custody,
                how="grown" if grown else "other" if known else "new",
                start=start,
                lines_before=lines_before,
            )
        self.read.append(read)

    def _log_file(self, path: Path, known: tuple[int, str, Seen | None] | None) -> None:
        seen = known[2] if known else None
        how = file_growth.compare(path, seen)
        if how == "same":
            return
        grown = how == "grown" and file_growth.is_text(path) and seen is not None
        after = file_growth.look(path, seen if grown else None)
        evidence = self.clear()
        run = self.connection.execute
        first_line, start, line, counted = 1, 0, 0, 0
        if grown and seen is not None:
            # The first part of the overlap lets deliveries under way be read from their beginning,
            # the second is taken anew, as its deliveries may have ended since.
            start, line = file_growth.line_start(path, seen, 2 * LOG_OVERLAP)
            first_line = file_growth.line_start(path, seen, LOG_OVERLAP)[1] + 1
            counted = self._timed_lines(path, start, seen.size) if self._exactly else 0
            # A line without its end is read as a whole reading would, and again with its rest.
            end = after.size if self._exactly else after.offset
            with self._part(path, start, end) as part:
                self._load_log(evidence, part)
            run(f"UPDATE main.deliveries SET source_line = source_line + {line}")
            run(f"DELETE FROM main.deliveries WHERE source_line < {first_line}")
        else:
            self._load_log(evidence, path)
        name = (
            path.relative_to(self.case_file.folder)
            if path.is_relative_to(self.case_file.folder)
            else Path(path.name)
        )
        run("UPDATE main.deliveries SET source_file = ?", [name.as_posix()])
        run(
            """CREATE OR REPLACE TABLE main.sign_ins AS SELECT DISTINCT s.* FROM main.sign_ins s
            WHERE NOT EXISTS (SELECT 1 FROM kept.sign_ins k
                WHERE k.hash_user_id = hash(lower(s.user_id)) AND k.user_id = s.user_id
                AND k.email_key = s.email_key
                AND k.signed_in_at IS NOT DISTINCT FROM s.signed_in_at)"""
        )
        with self.transaction():
            if known and not grown:
                self._drop(known[0], _LOG)
            number = self._input(self._name(path), "log", known, after)
            evidence.custody.inputs[0].name = self._name(path)
            read = self.custody.take(
                number,
                evidence.custody,
                how="grown" if grown else "other" if known else "new",
                start=start,
                lines_before=line,
                from_line=first_line,
            )
            self.custody.keep_span(number, read_before=counted)
            body = columns("deliveries")
            old = f"input = {number} AND source_line >= {first_line}"
            self._touch_query(
                "deliveries",
                f"(SELECT {body} FROM main.deliveries EXCEPT "
                f"SELECT {body} FROM kept.deliveries WHERE {old})",
            )
            run(f"DELETE FROM kept.deliveries WHERE {old}")
            for table in _LOG:
                kept_tables.keep(self.connection, table, number)
            self._cover("deliveries")
        self.read.append(read)

    def _timed_lines(self, path: Path, start: int, end: int) -> int:
        """How many lines of a part of a log bear a time: they were counted when it was read."""
        with self._part(path, start, end) as part:
            self._load_log(self.clear(), part)
        rows = self.connection.execute(
            "SELECT coalesce(sum(row_count), 0) FROM main.coverage WHERE source = 'deliveries'"
        ).fetchall()
        self.clear()
        return int(rows[0][0])

    def _load_log(self, evidence: Evidence, path: Path) -> None:
        from credit_forensics.evidence.webhook_log import load_webhook_logs

        section = self.case_file.webhook_log.model_copy(update={"files": str(path)})
        load_webhook_logs(evidence, self.case_file.model_copy(update={"webhook_log": section}))

    def _databases(self, *, everything: bool) -> None:
        from credit_forensics.evidence.ledger import load_ledgers

        evidence = self.clear()
        began = self.get("ledger_read") is not None and not everything
        if not began:
            load_ledgers(evidence, self.case_file)
            self._take_databases(whole=True)
            return

        def narrow(prefix: str, database: ReadOnlyDatabase, read: Read) -> Read | None:
            if read.part == "balances":
                return None
            return narrow_read(database, read, self._since(prefix), ())

        load_ledgers(evidence, self.case_file, narrow=narrow)
        self._take_databases(whole=False)

    def refresh_balances(self, users: list[str]) -> None:
        """Read the stored balances of some accounts anew."""
        from credit_forensics.evidence.ledger import load_ledgers

        evidence = self.clear()

        def narrow(prefix: str, database: ReadOnlyDatabase, read: Read) -> Read | None:
            if read.part != "balances":
                return None
            return narrow_read(database, read, Since(None, {}), users)

        load_ledgers(evidence, self.case_file, narrow=narrow)
        run = self.connection.execute
        with self.transaction():
            run(
                "DELETE FROM kept.balances WHERE hash_user_id IN "
                "(SELECT hash(lower(u)) FROM (SELECT unnest(?::VARCHAR[]) AS u))",
                [users],
            )
            kept_tables.keep(self.connection, "balances", 0)

    def _take_databases(self, *, whole: bool, reads: UnchangedRows | None = None) -> None:
        run = self.connection.execute
        merged = {TABLES[part] for part in reads.narrowed} if reads else set(DATABASE)
        with self.transaction():
            for name in DATABASE:
                body = columns(name)
                if whole or name not in merged:
                    self._touch_query(
                        name,
                        f"(SELECT {body} FROM main.{name} EXCEPT SELECT {body} FROM kept.{name})",
                    )
                    run(f"DELETE FROM kept.{name}")
                    if name == "users":
                        run("DELETE FROM kept.user_names")
                    kept_tables.keep(self.connection, name, 0)
                    continue
                if name == "balances" or not self.evidence.count(name):
                    continue
                key = IDENTITY[name][0]
                same = " AND ".join(
                    f"k.{column} IS NOT DISTINCT FROM n.{column}" for column in IDENTITY[name]
                )
                wanted = kept_tables.hash_of(key)
                near = (
                    f"SELECT {body} FROM kept.{name} WHERE rowid IN (SELECT rowid "
                    f"FROM kept.{name} WHERE hash_{key} IN (SELECT {wanted} FROM main.{name}))"
                )
                run(
                    f"CREATE OR REPLACE TEMP TABLE news AS "
                    f"SELECT {body} FROM main.{name} EXCEPT {near}"
                )
                if not run("SELECT count(*) FROM news").fetchall()[0][0]:
                    continue
                self._touch_query(name, "news")
                run(
                    f"DELETE FROM kept.{name} AS k WHERE hash_{key} IN "
                    f"(SELECT {wanted} FROM news) "
                    f"AND EXISTS (SELECT 1 FROM news AS n WHERE {same})"
                )
                run(
                    f"INSERT INTO kept.{name} BY NAME SELECT {body}, 0 AS input, "
                    f"{kept_tables.hashes(name)} FROM news"
                )
                if name == "users":
                    run(kept_tables.names_sql("news"))
            self._cover("ledger")
            if reads:
                self._check_and_mark(reads)
                return
            self._note_since(whole=whole)
            self.put("ledger_read", "yes")

    def _check_and_mark(self, reads: UnchangedRows) -> None:
        for part, rows in reads.rows.items():
            found = self.connection.execute(f"SELECT count(*) FROM kept.{TABLES[part]}").fetchall()
            if found[0][0] != rows:
                raise _RowsLeftError
        # A row that was rejected may be put right, and is then no newer than it was.
        marks = {} if len(self.evidence.custody.rejects()) else reads.marks
        told = {key: [mark.newer, mark.digest] for key, mark in marks.items()}
        self.put("marks", json.dumps(told, sort_keys=True))

    def _databases_exactly(self) -> None:
        from credit_forensics.evidence.ledger import load_ledgers

        told = json.loads(self.get("marks") or "{}")
        before = {key: Mark(*mark) for key, mark in told.items()}
        while True:
            reads = UnchangedRows(before)
            evidence = self.clear()
            load_ledgers(evidence, self.case_file, narrow=reads.narrow)
            try:
                if reads.narrowed & reads.whole:
                    # One ledger's table cannot be replaced without those of the others.
                    raise _RowsLeftError
                self._take_databases(whole=False, reads=reads)
            except _RowsLeftError:
                before = {}
                continue
            break
        self.custody.databases = evidence.custody
        for source in evidence.custody.inputs:
            narrowed = sorted(TABLES[part] for part in reads.narrowed)
            how: How = "grown" if narrowed else "other" if told else "new"
            self.read.append(ReadAnew(source.name, how, rows=source.rows))
            if narrowed:
                source.notes.append(
                    f"of {', '.join(narrowed)} only newer rows were read; the digest of the older "
                    "ones is what it was"
                )

    def _since(self, prefix: str) -> Since:
        told = json.loads(self.get("since") or "{}").get(prefix, {})
        latest = {
            part: dt.datetime.fromisoformat(moment)
            for part, moment in told.get("latest", {}).items()
            if moment
        }
        return Since(told.get("greatest"), latest)

    def _note_since(self, *, whole: bool) -> None:
        """Note how far the databases were read; of what was read now only, as the rest is kept."""
        run = self.connection.execute
        told = {} if whole else json.loads(self.get("since") or "{}")
        several = len(self.case_file.all_ledgers) > 1
        for number in range(1, len(self.case_file.all_ledgers) + 1):
            prefix = f"ledger{number}:" if several else ""
            old = told.get(prefix, {"greatest": None, "latest": {}})
            text = f"TRY_CAST(substr(entry_id, {len(prefix) + 1}) AS BIGINT)"
            rows, counting, greatest = run(
                f"SELECT count(*), count({text}), max({text}) FROM main.ledger "
                "WHERE starts_with(entry_id, ?)",
                [prefix],
            ).fetchall()[0]
            if rows:
                # One id that does not count, and no id tells what is new.
                known = whole or old["greatest"] is not None
                least = max(greatest or 0, old["greatest"] or 0)
                old["greatest"] = least if known and counting == rows else None
            for part, table, column in _TIMED:
                rows, timed, last = run(
                    f"SELECT count(*), count({column}), max({column}) FROM main.{table}"
                ).fetchall()[0]
                if not rows:
                    continue
                before = old["latest"].get(part)
                moments = [last.isoformat()] if last else []
                moments += [before] if before else []
                # Where a time is absent anywhere, a new row may have none either.
                usable = timed == rows and (whole or bool(before))
                old["latest"][part] = max(moments) if usable else None
            told[prefix] = old
        self.put("since", json.dumps(told))

    # Bookkeeping -------------------------------------------------------------------------------

    def _known(self) -> dict[str, tuple[int, str, Seen | None]]:
        rows = self.connection.execute("SELECT name, input, kind, seen FROM kept.inputs").fetchall()
        return {
            name: (number, kind, file_growth.from_json(seen) if seen else None)
            for name, number, kind, seen in rows
        }

    def _input(
        self, name: str, kind: str, known: tuple[int, str, Seen | None] | None, seen: Seen
    ) -> int:
        run = self.connection.execute
        if known:
            number = known[0]
        else:
            rows = run("SELECT coalesce(max(input), 0) + 1 FROM kept.inputs").fetchall()
            number = int(rows[0][0])
        run("DELETE FROM kept.inputs WHERE input = ?", [number])
        run("INSERT INTO kept.inputs VALUES (?, ?, ?, ?)", [number, name, kind, seen.to_json()])
        return number

    def _drop(self, number: int, names: tuple[str, ...]) -> None:
        """Forget what an input told; the payments it told of are looked at again."""
        for name in names:
            self._touch_query(name, f"(SELECT * FROM kept.{name} WHERE input = {number})")
            self.connection.execute(f"DELETE FROM kept.{name} WHERE input = {number}")
        self.custody.drop(number)
        self.connection.execute("DELETE FROM kept.inputs WHERE input = ?", [number])

    def _touch(self, names: tuple[str, ...]) -> None:
        for name in names:
            self._touch_query(name, f"main.{name}")

    def _touch_query(self, name: str, rows: str) -> None:
        if not self.judged:
            # All of it will be judged, so there is nothing to note.
            return
        run = self.connection.execute
        for key in _TOUCHING.get(name, ()):
            run(
                f"INSERT INTO kept.touched SELECT DISTINCT {kept_tables.hash_of(key)}, false "
                f"FROM {rows} WHERE {key} IS NOT NULL"
            )
        if name in ("ledger", "balances"):
            run(
                f"INSERT INTO kept.touched SELECT DISTINCT {kept_tables.hash_of('user_id')}, true "
                f"FROM {rows} WHERE user_id IS NOT NULL"
            )

    def _cover(self, source: str) -> None:
        run = self.connection.execute
        run(
            """CREATE OR REPLACE TEMP TABLE covered AS
            SELECT source, min(first_at) AS first_at, max(last_at) AS last_at FROM (
                SELECT source, first_at, last_at FROM kept.coverage
                UNION ALL SELECT source, first_at, last_at FROM main.coverage)
            WHERE source = ? GROUP BY source""",
            [source],
        )
        run("DELETE FROM kept.coverage WHERE source = ?", [source])
        run("INSERT INTO kept.coverage SELECT * FROM covered")

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing, in the kept file."""
        self.connection.execute("BEGIN")
        try:
            yield
        except BaseException:
            self.connection.execute("ROLLBACK")
            raise
        self.connection.execute("COMMIT")

    @contextlib.contextmanager
    def _part(self, path: Path, start: int, end: int) -> Iterator[Path]:
        with TemporaryDirectory(dir=self.path.parent, prefix="part-") as folder:
            part = Path(folder) / "part"
            file_growth.copy_from(path, start, end, part)
            yield part

    def _empty(self) -> Evidence:
        settings = self.case_file.engine
        engine = DuckDBEngine(
            memory_limit=settings.memory_limit,
            temp_directory=settings.temp_directory,
            threads=settings.threads,
        )
        # A look-up's hashes are pushed into the scan, so blocks without a hit are passed over.
        engine.connection.execute("SET dynamic_or_filter_threshold = 100000")
        return Evidence(engine)

    def _attach(self) -> None:
        quoted = str(self.path).replace("'", "''")
        self.connection.execute(f"ATTACH '{quoted}' AS kept")
        self.path.chmod(0o600)
        kept_tables.create(self.connection)

    def _begin_anew(self, stamp: str) -> None:
        with contextlib.suppress(duckdb.Error):
            self.connection.execute("DETACH kept")
        self.evidence.engine.close()
        for path in (self.path, self.path.with_name(self.path.name + ".wal")):
            path.unlink(missing_ok=True)
        self.evidence = self._empty()
        try:
            self._attach()
            self.put("stamp", stamp)
        except duckdb.Error as error:
            raise CaseError(f"{self.path} cannot be used ({type(error).__name__}).") from None


def _fingerprint(case_file: CaseFile) -> str:
    """Of everything in the case file that evidence or verdicts depend on."""
    told = case_file.model_dump(mode="json", exclude={"monitor", "report", "name", "folder"})
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()
