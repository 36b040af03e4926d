"""Takes the databases of a case into the kept evidence: what is new of them, or all of them."""

from __future__ import annotations

import datetime as dt
import json

from credit_forensics.databases.read_only import ReadOnlyDatabase
from credit_forensics.evidence.kept import tables as kept_tables
from credit_forensics.evidence.kept.custody import How, ReadAnew
from credit_forensics.evidence.kept.store import KeptStore
from credit_forensics.evidence.kept.tables import DATABASE, IDENTITY
from credit_forensics.evidence.ledgers.load import load_ledgers
from credit_forensics.evidence.ledgers.only_newer import TIMES, Since, narrow_read
from credit_forensics.evidence.ledgers.plan_reads import Read
from credit_forensics.evidence.ledgers.unchanged_rows import TABLES, Mark, UnchangedRows


class _RowsLeftError(Exception):
    """Rows that are kept are no longer in their database."""


def refresh_ledgers(store: KeptStore, *, everything: bool) -> None:
    """Read what is new of the databases but no balances; at first, or if told, ``everything``.

    How far they were read is noted in the transaction that takes their rows.

    Raises
    ------
    CaseError
        when a database cannot be used.
    """
    whole = everything or store.get("ledger_read") is None

    def narrow(prefix: str, database: ReadOnlyDatabase, read: Read) -> Read | None:
        if read.part == "balances":
            return None
        return narrow_read(database, read, _since(store, prefix), ())

    load_ledgers(store.clear(), store.case_file, narrow=None if whole else narrow)
    with store.transaction():
        _take(store, set() if whole else set(DATABASE))
        _note_since(store, whole=whole)
        store.put("ledger_read", "yes")


def refresh_ledgers_exactly(store: KeptStore) -> None:
    """Read the databases so that what is kept is what a whole reading would give.

    They tell whether older rows changed in place, at the price of a scan inside each of them;
    balances are read whole. Raises as ``refresh_ledgers``.
    """
    told = json.loads(store.get("marks") or "{}")
    before = {key: Mark(*mark) for key, mark in told.items()}
    while True:
        reads = UnchangedRows(before)
        load_ledgers(store.clear(), store.case_file, narrow=reads.narrow)
        try:
            if reads.narrowed & reads.whole:
                # One ledger's table cannot be replaced without those of the others.
                raise _RowsLeftError
            with store.transaction():
                _take(store, {TABLES[part] for part in reads.narrowed})
                _check_and_mark(store, reads)
        except _RowsLeftError:
            before = {}
        else:
            break
    store.custody.databases = store.evidence.custody
    narrowed = sorted(TABLES[part] for part in reads.narrowed)
    how: How = "grown" if narrowed else "other" if told else "new"
    for source in store.evidence.custody.inputs:
        store.read.append(ReadAnew(source.name, how, rows=source.rows))
        if narrowed:
            source.notes.append(
                f"of {', '.join(narrowed)} only newer rows were read; the digest of the older "
                "ones is what it was"
            )


def refresh_balances(store: KeptStore, users: list[str]) -> None:
    """Read the stored balances of some accounts anew; raises as ``refresh_ledgers``."""

    def narrow(_prefix: str, database: ReadOnlyDatabase, read: Read) -> Read | None:
        if read.part != "balances":
            return None
        return narrow_read(database, read, Since(None, {}), users)

    load_ledgers(store.clear(), store.case_file, narrow=narrow)
    with store.transaction():
        store.connection.execute(
            "DELETE FROM kept.balances WHERE hash_user_id IN "
            "(SELECT hash(lower(u)) FROM (SELECT unnest(?::VARCHAR[]) AS u))",
            [users],
        )
        kept_tables.keep(store.connection, "balances", 0)


def _take(store: KeptStore, merged: set[str]) -> None:
    """Keep what was read of the databases: in place of what is kept, or merged into it."""
    for name in DATABASE:
        if name in merged:
            _merge(store, name)
            continue
        body = kept_tables.columns(name)
        store.touch(name, f"(SELECT {body} FROM main.{name} EXCEPT SELECT {body} FROM kept.{name})")
        store.connection.execute(f"DELETE FROM kept.{name}")
        if name == "users":
            store.connection.execute("DELETE FROM kept.user_names")
        kept_tables.keep(store.connection, name, 0)
    store.cover("ledger")


def _merge(store: KeptStore, name: str) -> None:
    if name == "balances" or not store.evidence.count(name):
        return
    run = store.connection.execute
    body = kept_tables.columns(name)
    key = IDENTITY[name][0]
    same = " AND ".join(f"k.{column} IS NOT DISTINCT FROM n.{column}" for column in IDENTITY[name])
    wanted = kept_tables.hash_of(key)
    near = (
        f"SELECT {body} FROM kept.{name} WHERE rowid IN (SELECT rowid "
        f"FROM kept.{name} WHERE hash_{key} IN (SELECT {wanted} FROM main.{name}))"
    )
    run(f"CREATE OR REPLACE TEMP TABLE news AS SELECT {body} FROM main.{name} EXCEPT {near}")
    if not run("SELECT count(*) FROM news").fetchall()[0][0]:
        return
    store.touch(name, "news")
    run(
        f"DELETE FROM kept.{name} AS k WHERE hash_{key} IN (SELECT {wanted} FROM news) "
        f"AND EXISTS (SELECT 1 FROM news AS n WHERE {same})"
    )
    run(
        f"INSERT INTO kept.{name} BY NAME SELECT {body}, 0 AS input, "
        f"{kept_tables.hashes(name)} FROM news"
    )
    if name == "users":
        run(kept_tables.names_sql("news"))


def _check_and_mark(store: KeptStore, reads: UnchangedRows) -> None:
    for part, rows in reads.rows.items():
        found = store.connection.execute(f"SELECT count(*) FROM kept.{TABLES[part]}").fetchall()
        if found[0][0] != rows:
            raise _RowsLeftError
    # A row that was rejected may be put right, and is then no newer than it was.
    marks = {} if len(store.evidence.custody.rejects()) else reads.marks
    told = {key: [mark.newer, mark.digest] for key, mark in marks.items()}
    store.put("marks", json.dumps(told, sort_keys=True))


def _since(store: KeptStore, prefix: str) -> Since:
    told = json.loads(store.get("since") or "{}").get(prefix, {})
    latest = told.get("latest", {}).items()
    moments = {part: dt.datetime.fromisoformat(moment) for part, moment in latest if moment}
    return Since(told.get("greatest"), moments)


def _note_since(store: KeptStore, *, whole: bool) -> None:
    """Note how far the databases were read; of what was read now only, as the rest is kept."""
    run = store.connection.execute
    told = {} if whole else json.loads(store.get("since") or "{}")
    ledgers = len(store.case_file.all_ledgers)
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
