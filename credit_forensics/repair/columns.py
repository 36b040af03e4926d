"""Reads what a table demands of a new row: types, defaults, unique columns, table or view."""

from __future__ import annotations

from dataclasses import dataclass

from credit_forensics.databases.read_only import ReadOnlyDatabase
from credit_forensics.databases.relations import Relation, quote_identifier


@dataclass(frozen=True)
class Column:
    """A column. ``automatic``: the database fills it; ``required``: a row must bring it;
    ``computed``: the database makes it of other columns, and nobody may write it.
    """

    name: str
    type: str
    required: bool = False
    automatic: bool = False
    is_enum: bool = False
    computed: bool = False


@dataclass(frozen=True)
class TableFacts:
    """A relation: ``table``, ``view`` or ``copy`` (a materialized view), its columns by
    name, those unique by themselves.
    """

    kind: str
    columns: dict[str, Column]
    unique: frozenset[str]


def read_table(database: ReadOnlyDatabase, relation: Relation) -> TableFacts:
    """What a relation demands of a row.

    Examples
    --------
    >>> import sqlite3, tempfile
    >>> from pathlib import Path
    >>> from credit_forensics.databases.read_only import open_read_only
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     con = sqlite3.connect(f"{folder}/l.db")
    ...     _ = con.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, who TEXT NOT NULL UNIQUE)")
    ...     con.close()
    ...     with open_read_only("sqlite:///l.db", Path(folder), "ledger") as database:
    ...         facts = read_table(database, database.find("t"))
    >>> facts.columns["id"].automatic, facts.columns["who"].required, sorted(facts.unique)
    (True, True, ['who'])
    """
    return (
        _sqlite(database, relation)
        if database.dialect == "sqlite"
        else _postgres(database, relation)
    )


def _sqlite(database: ReadOnlyDatabase, relation: Relation) -> TableFacts:
    run = database.driver.execute
    name = quote_identifier(relation.name)
    (kind,) = run("SELECT type FROM sqlite_master WHERE name = ?", [relation.name]).fetchone()
    rows = run(f"PRAGMA table_xinfo({name})").fetchall()
    keys = [row[1] for row in rows if row[5]]
    columns = {}
    for _, column, declared, not_null, default, key, hidden in rows:
        # Exactly INTEGER makes a key the row's own number, which SQLite gives.
        automatic = default is not None or (keys == [column] and declared.upper() == "INTEGER")
        computed = hidden in (2, 3)
        required = bool(not_null or key) and not automatic and not computed
        columns[column] = Column(column, declared.lower(), required, automatic, computed=computed)
    unique = set(keys if len(keys) == 1 and not columns[keys[0]].automatic else [])
    for row in run(f"PRAGMA index_list({name})").fetchall():
        parts = run(f"PRAGMA index_info({quote_identifier(row[1])})").fetchall()
        if row[2] and not row[4] and len(parts) == 1 and parts[0][2] is not None:
            unique.add(parts[0][2])
    return TableFacts("table" if kind == "table" else "view", columns, frozenset(unique))


_POSTGRES_COLUMNS = """
SELECT a.attname, format_type(a.atttypid, NULL), a.attnotnull,
       a.atthasdef OR a.attidentity <> '', t.typtype = 'e', a.attgenerated <> ''
FROM pg_catalog.pg_attribute AS a JOIN pg_catalog.pg_type AS t ON t.oid = a.atttypid
WHERE a.attrelid = %s::regclass AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attnum
"""
_POSTGRES_UNIQUE = """
SELECT a.attname FROM pg_catalog.pg_index AS i
JOIN pg_catalog.pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
WHERE i.indrelid = %s::regclass AND i.indisunique AND i.indnkeyatts = 1 AND i.indpred IS NULL
"""


def _postgres(database: ReadOnlyDatabase, relation: Relation) -> TableFacts:
    run = database.driver.execute
    name = database.quoted(relation)
    (kind,) = run(
        "SELECT relkind::text FROM pg_catalog.pg_class WHERE oid = %s::regclass", [name]
    ).fetchone()
    columns = {
        column: Column(
            column, declared, bool(not_null) and not automatic, automatic, is_enum, computed
        )
        for column, declared, not_null, automatic, is_enum, computed in run(
            _POSTGRES_COLUMNS, [name]
        )
    }
    unique = frozenset(row[0] for row in run(_POSTGRES_UNIQUE, [name]))
    kinds = {"r": "table", "p": "table", "m": "copy"}
    return TableFacts(kinds.get(kind, "view"), columns, unique)
