"""Reads of a table that stores several versions of a row only those that are current.

A version is told by an end (``valid_to``), a flag (``is_current``), what takes its place
(``superseded_by``), a number (``version``, a log's position), or by what was done (``op``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from credit_forensics.databases.read_only import ReadOnlyDatabase, UnreadableError
from credit_forensics.databases.relations import Relation, quote_identifier, quote_text
from credit_forensics.evidence.ledgers.inference import words as w
from credit_forensics.evidence.ledgers.inference.accounts_of import email_of
from credit_forensics.evidence.ledgers.inference.column_roles import before_and_after
from credit_forensics.evidence.ledgers.inference.probes import as_text
from credit_forensics.evidence.ledgers.inference.samples import (
    Field,
    SampledTable,
    sample,
    stripe_ids,
)
from credit_forensics.evidence.ledgers.inference.version_marks import (
    BEFORE,
    GONE,
    TRUE,
    Mark,
    version_mark,
)

_HISTORY = {"history", "historical", "audit", "aud", "version", "revision", "snapshot", "daily",
            "cdc", "hist"}  # fmt: skip


def only_current(database: ReadOnlyDatabase, table: SampledTable) -> SampledTable:
    """The table with its current rows alone; as it is where it stores no versions."""
    marks = [mark for field in table.columns if (mark := version_mark(field, table)) is not None]
    if email_of(table) and any(f.unique and not f.words - w.KEY for f in table.columns):
        # Each row is an account of its own: what takes its place is another account.
        marks = [mark for mark in marks if mark.kind != "next"]
    # "updated_at" alone is in most tables, and says nothing of versions.
    if not table.rows or (all(m.weak for m in marks) and not table.words & _HISTORY):
        return table
    try:
        return _reduced(database, table, marks)
    except UnreadableError:
        return replace(table, doubt=f"the versions of its rows in {table.label} cannot be counted")


def _reduced(
    database: ReadOnlyDatabase, table: SampledTable, marks: Sequence[Mark]
) -> SampledTable:
    done = [mark for mark in marks if mark.kind == "done"]
    source = f"{database.quoted(table.relation)} AS v"
    before = [_named(database, mark, BEFORE) for mark in done]
    living = " AND ".join(f"NOT {sql}" for sql in before) or "1 = 1"
    gone = [_named(database, m, GONE if _names_an_act(m) else frozenset(TRUE)) for m in done]
    keys = [f for f in _keys(table) if _repeats(database, source, f, living)]
    found = _by_key(database, source, keys, marks, living=living, table=table)
    if found is None:
        found = _by_pointers(database, source, marks, table)
        doubt = "" if found[0] else _doubt(database, source, table, marks, keys)
        if doubt:
            return replace(table, doubt=doubt)
    conditions, names = found
    removed = [sql for sql in gone if _any(database, source, sql)]
    conditions += [f"NOT {sql}" for sql in removed]
    conditions += [living] if before and conditions else []
    if not conditions and not done:
        return table
    names += [mark.field.name for mark in done] if removed else []
    kept = [c for c in table.relation.columns if not _tells_only(c, marks)]
    select = ", ".join(f"v.{quote_identifier(column)}" for column in kept)
    where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    query = f"SELECT {select} FROM {source}{where}"
    columns = {column: table.relation.columns[column] for column in kept}
    relation = Relation(table.relation.schema, table.relation.name, columns, query=query)
    read = sample(database, relation)
    if read is None:
        return replace(table, doubt=f"the current rows of {table.label} cannot be read")
    said = ", ".join(dict.fromkeys(names))
    note = f"of {table.label} only current rows count, by {said}" if said else ""
    return replace(read, words=table.words, note=note)


def _tells_only(column: str, marks: Sequence[Mark]) -> bool:
    return any(m.field.column == column and not m.weak and m.kind != "previous" for m in marks)


def _names_an_act(mark: Mark) -> bool:
    """Whether the column says what was done ("delete"), and not only that the row is gone."""
    return "deleted" not in mark.field.words


def _by_key(
    database: ReadOnlyDatabase,
    source: str,
    keys: Sequence[Field],
    marks: Sequence[Mark],
    *,
    living: str,
    table: SampledTable,
) -> tuple[list[str], list[str]] | None:
    """Conditions of one current row a key, and by which columns; none where no key has one."""
    for key in keys:
        found = _current_of(database, source, key, marks, living=living, table=table)
        if found:
            return [found[0]], [found[1], f"one row a {key.name}"]
    return None


def _by_pointers(
    database: ReadOnlyDatabase, source: str, marks: Sequence[Mark], table: SampledTable
) -> tuple[list[str], list[str]]:
    """Conditions of rows that nothing takes the place of, where no key repeats; may be none."""
    told = [m for m in marks if m.kind in ("flag", "next") and _sets_apart(database, source, m)]
    conditions = [mark.current(database) for mark in told]
    names = [mark.field.name for mark in told]
    behind = next((m.field for m in marks if m.kind == "previous" and m.field.values), None)
    own = next((f for f in _keys(table) if f.unique), None)
    if behind and own and set(behind.values) & set(own.values):
        pointer = as_text(database, quote_identifier(behind.column))
        conditions.append(
            f"{as_text(database, quote_identifier(own.column))} NOT IN (SELECT {pointer} FROM "
            f"{database.quoted(table.relation)} AS n WHERE {pointer} IS NOT NULL)"
        )
        names.append(behind.name)
    return conditions, names


def _named(database: ReadOnlyDatabase, mark: Mark, those: frozenset[str]) -> str:
    text = as_text(database, quote_identifier(mark.field.column))
    listed = ", ".join(quote_text(value, database.dialect) for value in sorted(those))
    return f"(coalesce(lower({text}), '') IN ({listed}))"


def _keys(table: SampledTable) -> list[Field]:
    """The columns that may say which row a version is of: the entry's key, a balance's account."""
    found = []
    state = (
        table.words & {"balance", "wallet", "snapshot"}
        and not table.words & (w.ENTRY - {"history"})
        and not _moves(table)
    )
    for field in table.columns:
        own = field.words
        # "transaction_code" is the kind of an entry.
        keyed = own & w.KEY - {"code"}
        entry = keyed and not own - w.KEY - w.ENTRY - table.words - {"original", "business"}
        owner = bool(state and own & w.KEY and own & w.OWNER)
        if not (entry or owner) or field.is_time or field.type.startswith("bool"):
            continue
        if own & {"history", "audit", "version", "revision", "rev"} - {"entry"}:
            continue
        if not field.share(lambda text: bool(stripe_ids([text], "cs", "pi", "in", "evt"))):
            found.append(field)
    plain = ("id", "entry_id", "uuid")
    return sorted(found, key=lambda f: (f.column.lower() not in plain, not f.unique))


def _moves(table: SampledTable) -> bool:
    """Whether a history of a wallet is one of its movements: some of them take credits.

    So is one that tells the balance before and after each change: what lies between was moved.
    """
    amounts = w.AMOUNT - {"value", "sum"}
    pair = before_and_after(table)
    if pair and pair[0].numbers and pair[1].numbers:
        return True
    return any(f.words & amounts and any(n < 0 for n in f.numbers) for f in table.columns)


def _repeats(database: ReadOnlyDatabase, source: str, key: Field, living: str) -> bool:
    column = quote_identifier(key.column)
    query = f"SELECT count({column}) > count(DISTINCT {column}) FROM {source} WHERE {living}"
    return bool(database.fetch_rows(query)[0][0])


def _any(database: ReadOnlyDatabase, source: str, condition: str) -> bool:
    query = f"SELECT 1 FROM {source} WHERE {condition} LIMIT 1"
    return bool(database.fetch_rows(query))


def _sets_apart(database: ReadOnlyDatabase, source: str, mark: Mark) -> bool:
    current = mark.current(database)
    return _any(database, source, current) and _any(database, source, f"NOT ({current})")


def _current_of(
    database: ReadOnlyDatabase,
    source: str,
    key: Field,
    marks: Sequence[Mark],
    *,
    living: str,
    table: SampledTable,
) -> tuple[str, str] | None:
    """The condition of the current row of each key, and by which column; none where no one is."""
    column = quote_identifier(key.column)
    for mark in marks:
        if mark.kind not in ("flag", "next", "end"):
            continue
        current = mark.current(database)
        several = (
            f"SELECT 1 FROM {source} WHERE {current} AND {column} IS NOT NULL "
            f"GROUP BY {column} HAVING count(*) > 1 LIMIT 1"
        )
        if _sets_apart(database, source, mark) and not database.fetch_rows(several):
            return current, mark.field.name
    surrogate = next((f for f in table.columns if f.unique and f != key and f.numbers), None)
    numbers = [mark for mark in marks if mark.kind == "number"]
    history = bool(table.words & _HISTORY) or any(mark.kind == "done" for mark in marks)
    numbers = [m for m in numbers if not m.weak] + [m for m in numbers if m.weak and history]
    order = [mark.field for mark in numbers]
    if history and surrogate is not None and surrogate.words & w.KEY:
        order.append(surrogate)
    for field in order:
        latest = quote_identifier(field.column)
        if field.numbers and field.type.startswith(("text", "char", "varchar")):
            latest = f"CAST({latest} AS NUMERIC)"
        several = (
            f"SELECT 1 FROM {source} WHERE {living} AND {column} IS NOT NULL "
            f"GROUP BY {column}, {latest} HAVING count(*) > 1 LIMIT 1"
        )
        if not database.fetch_rows(several):
            return (
                f"({column}, {latest}) IN (SELECT {column}, max({latest}) FROM {source} "
                f"WHERE {living} GROUP BY {column})"
            ), field.name
    return None


def _doubt(
    database: ReadOnlyDatabase,
    source: str,
    table: SampledTable,
    marks: Sequence[Mark],
    keys: Sequence[Field],
) -> str:
    """Why it cannot be told which rows are current, where there are several versions of some."""
    strong = [mark for mark in marks if not mark.weak and mark.kind != "previous"]
    if not strong:
        return ""
    names = ", ".join(mark.field.name for mark in strong)
    several = [m for m in strong if m.kind != "number" or len(m.field.values) > 1]
    if keys and several:
        return (
            f"{table.label} has several rows of one {keys[0].name}, and {names} does not say which "
            "is current (set where to the rows that count)"
        )
    # Without a key of the entry, one payment's several versions are told by its own id.
    for named in table.columns:
        if not named.share(lambda text: bool(stripe_ids([text], "cs", "pi", "in", "evt"))):
            continue
        column = quote_identifier(named.column)
        for mark in strong:
            which = quote_identifier(mark.field.column)
            query = (
                f"SELECT 1 FROM {source} WHERE {column} IS NOT NULL GROUP BY {column} "
                f"HAVING count(*) > 1 AND count(DISTINCT coalesce({as_text(database, which)}, ''))"
                " = count(*) LIMIT 1"
            )
            if database.fetch_rows(query):
                return (
                    f"{table.label} has several rows of one {named.name} that differ in "
                    f"{mark.field.name}: versions of one entry, or entries of their own (set "
                    "where to the rows that count)"
                )
    return ""
