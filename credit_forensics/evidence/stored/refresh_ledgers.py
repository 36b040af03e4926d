"""Takes the databases of a case into the stored evidence: what is new of them, or all of them."""

from __future__ import annotations

import datetime as dt
import json

from credit_forensics.databases.read_only import ReadOnlyDatabase
from credit_forensics.evidence.ledgers.digest import digest_rows
from credit_forensics.evidence.ledgers.load import load_ledgers
from credit_forensics.evidence.ledgers.only_newer import TIMES, Since, narrow_read
from credit_forensics.evidence.ledgers.read_plan import Read
from credit_forensics.evidence.ledgers.unchanged_rows import TABLES, Mark, UnchangedRows
from credit_forensics.evidence.stored import tables as stored_tables
from credit_forensics.evidence.stored.custody import How, ReadAnew, databases_text
from credit_forensics.evidence.stored.ledger_inputs import asks_a_server, ledger_files
from credit_forensics.evidence.stored.rows import StoredRows
from credit_forensics.evidence.stored.tables import DATABASE, IDENTITY
from credit_forensics.store.identity import file_states

STATES, CUSTODY, UNTIL = "ledger_files", "databases", "ledger_until"


class _RowsLeftError(Exception):
    """Rows that are stored are no longer in their database."""


def refresh_ledgers(store: StoredRows) -> None:
    """Read what is new of the databases but no balances.

    Raises
    ------
    CaseError
        when a database cannot be used.
    """

    def narrow(prefix: str, database: ReadOnlyDatabase, read: Read) -> Read | None:
        if read.part == "balances":
            return None
        return narrow_read(database, read, _since(store, prefix), ())

    load_ledgers(store.clear(), store.case_file, narrow=narrow, exactly=False)
    with store.transaction():
        _take(store, set(DATABASE))
        _note_since(store, whole=False)
        _note_until(store)
        # What is stored is no longer what one reading gives.
        store.put(STATES, "")


def refresh_ledgers_exactly(store: StoredRows) -> None:
    """Read the databases so that what is stored is what a whole reading would give.

    Files of SQLite that are as they were are not asked. Other databases find out whether older
    rows changed in place, at the price of a scan inside each of them; balances are read whole.
    Raises as ``refresh_ledgers``.
    """
    states = [state.to_dict() for state in file_states(ledger_files(store.case_file))]
    if not asks_a_server(store.case_file) and store.get(STATES) == json.dumps(states):
        return
    stored = json.loads(store.get("marks") or "{}")
    read_before = store.get("ledger_read") is not None
    before = {key: Mark(*mark) for key, mark in stored.items()}
    sections = store.case_file.ledger_databases
    # Exported files are read as a whole, and each is an input of its own.
    several = len(sections) > 1 or any(section.files for section in sections)
    while True:
        slowest = max((one.view_seconds for one in sections), default=1)
        reads = UnchangedRows(before, slowest)
        # Of several ledgers in the same tables nobody could say which rows are whose.
        narrow = None if several else reads.narrow
        load_ledgers(store.clear(), store.case_file, narrow=narrow)
        try:
            if reads.narrowed & reads.whole:
                # One ledger's table cannot be replaced without those of the others.
                raise _RowsLeftError
            with store.transaction():
                narrowed = {TABLES[part] for part in reads.narrowed}
                read = sum(source.rows for source in store.evidence.custody.inputs)
                _take(store, narrowed)
                _check_and_mark(store, reads)
                _note_custody(store, narrowed, whole=not several)
                _note_since(store, whole=not narrowed)
                store.put("ledger_read", "yes")
                _note_until(store)
                store.put(STATES, json.dumps(states))
        except _RowsLeftError:
            before = {}
        else:
            break
    how: How = "grown" if narrowed else "other" if read_before else "new"
    for source in store.evidence.custody.inputs:
        store.read.append(ReadAnew(source.name, how, rows=source.rows if several else read))


def _note_custody(store: StoredRows, narrowed: set[str], *, whole: bool) -> None:
    """Note the databases as one reading of all of them would have put them into custody."""
    custody = store.evidence.custody
    if whole:
        (source,) = custody.inputs
        for name in narrowed:
            source.rows += store.count(f"stored.{name}") - store.count(f"main.{name}")
        if source.size == 0:
            source.sha256 = digest_rows(store.connection, "stored")
    store.put(CUSTODY, databases_text(custody))


def refresh_balances(store: StoredRows, users: list[str]) -> None:
    """Read the stored balances of some accounts anew; raises as ``refresh_ledgers``."""

    def narrow(_prefix: str, database: ReadOnlyDatabase, read: Read) -> Read | None:
        if read.part != "balances":
            return None
        return narrow_read(database, read, Since(None, {}), users)

    load_ledgers(store.clear(), store.case_file, narrow=narrow, exactly=False)
    with store.transaction():
        store.connection.execute(
            "DELETE FROM stored.balances WHERE hash_user_id IN "
            "(SELECT hash(lower(u)) FROM (SELECT unnest(?::VARCHAR[]) AS u))",
            [users],
        )
        stored_tables.store_table(store.connection, "balances", 0)


def _note_until(store: StoredRows) -> None:
    until = store.evidence.ledger_until
    store.put(UNTIL, until.isoformat() if until else "")


def _take(store: StoredRows, merged: set[str]) -> None:
    """Keep what was read of the databases: in place of what is stored, or merged into it."""
    for name in DATABASE:
        if name in merged:
            _merge(store, name)
            continue
        body = stored_tables.columns(name)
        store.touch(
            name, f"(SELECT {body} FROM main.{name} EXCEPT SELECT {body} FROM stored.{name})"
        )
        store.connection.execute(f"DELETE FROM stored.{name}")
        if name == "users":
            store.connection.execute("DELETE FROM stored.user_names")
        stored_tables.store_table(store.connection, name, 0)
    store.cover("ledger")


def _merge(store: StoredRows, name: str) -> None:
    if name == "balances" or not store.evidence.count(name):
        return
    run = store.connection.execute
    body = stored_tables.columns(name)
    key = IDENTITY[name][0]
    same = " AND ".join(f"k.{column} IS NOT DISTINCT FROM n.{column}" for column in IDENTITY[name])
    wanted = stored_tables.hash_of(key)
    near = (
        f"SELECT {body} FROM stored.{name} WHERE rowid IN (SELECT rowid "
        f"FROM stored.{name} WHERE hash_{key} IN (SELECT {wanted} FROM main.{name}))"
    )
    run(f"CREATE OR REPLACE TEMP TABLE news AS SELECT {body} FROM main.{name} EXCEPT {near}")
    if not run("SELECT count(*) FROM news").fetchall()[0][0]:
        return
    store.touch(name, "news")
    run(
        f"DELETE FROM stored.{name} AS k WHERE hash_{key} IN (SELECT {wanted} FROM news) "
        f"AND EXISTS (SELECT 1 FROM news AS n WHERE {same})"
    )
    run(
        f"INSERT INTO stored.{name} BY NAME SELECT {body}, 0 AS input, "
        f"{stored_tables.hashes(name)} FROM news"
    )
    if name == "users":
        run(stored_tables.names_sql("news"))


def _check_and_mark(store: StoredRows, reads: UnchangedRows) -> None:
    for part, rows in reads.rows.items():
        found = store.connection.execute(f"SELECT count(*) FROM stored.{TABLES[part]}").fetchall()
        if found[0][0] != rows:
            raise _RowsLeftError
    # A row that was rejected may be put right, and is then no newer than it was.
    marks = {} if len(store.evidence.custody.rejects()) else reads.marks
    told = {key: [mark.newer, mark.digest] for key, mark in marks.items()}
    store.put("marks", json.dumps(told, sort_keys=True))


def _since(store: StoredRows, prefix: str) -> Since:
    told = json.loads(store.get("since") or "{}").get(prefix, {})
    latest = told.get("latest", {}).items()
    moments = {part: dt.datetime.fromisoformat(moment) for part, moment in latest if moment}
    return Since(told.get("greatest"), moments)


def _note_since(store: StoredRows, *, whole: bool) -> None:
    """Note how far the databases were read; of what was read now only, as the rest is stored."""
    run = store.connection.execute
    told = {} if whole else json.loads(store.get("since") or "{}")
    ledgers = len(store.case_file.ledger_databases)
    for prefix in [f"ledger{n}:" for n in range(1, ledgers + 1)] if ledgers > 1 else [""]:
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
        for part, column in TIMES.items():
            rows, timed, last = run(
                f"SELECT count(*), count({column}), max({column}) FROM main.{TABLES[part]}"
            ).fetchall()[0]
            if not rows:
                continue
            before = old["latest"].get(part)
            moments = [moment for moment in (last and last.isoformat(), before) if moment]
            # Where a time is absent anywhere, a new row may have none either.
            usable = timed == rows and (whole or bool(before))
            old["latest"][part] = max(moments) if usable else None
        told[prefix] = old
    store.put("since", json.dumps(told))
