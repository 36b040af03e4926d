"""The query of tables of which each holds a part of one; none where they may be copies."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import replace

from credit_forensics.databases.read_only import ReadOnlyDatabase
from credit_forensics.databases.relations import quote_identifier, quote_text
from credit_forensics.evidence.ledgers.inference import words as w
from credit_forensics.evidence.ledgers.inference.column_roles import entry_key, time_of
from credit_forensics.evidence.ledgers.inference.probes import as_text
from credit_forensics.evidence.ledgers.inference.samples import SampledTable

MONTHS = {
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec", "january",
    "february", "march", "april", "june", "july", "august", "september", "october", "november",
    "december", "q1", "q2", "q3", "q4",
}  # fmt: skip
# A copy is no part: what it holds alone was taken out, or was never there.
COPY = {"backup", "bak", "copy", "old", "legacy", "previous", "tmp", "temp"}


def queries_of_parts(
    database: ReadOnlyDatabase, members: Sequence[SampledTable], columns: Sequence[str]
) -> dict[str, SampledTable] | None:
    """For each member the rows that count of it; none where parts and copies look the same."""
    key = _key_of_all(members)
    texts = {t.relation.name: _texts(database, t, columns) for t in members}
    compared = {
        t.relation.name: f"SELECT {', '.join(texts[t.relation.name])} "
        f"FROM {database.quoted(t.relation)} AS r"
        for t in members
    }
    whole = next(
        (t for t in members if all(
            _nothing(database, f"{compared[o.relation.name]} EXCEPT {compared[t.relation.name]}")
            for o in members if o is not t
        )),
        None,
    )  # fmt: skip
    if whole is not None:
        return {whole.relation.name: whole}
    if any(t.words & COPY for t in members):
        return None
    prefix = False
    twice = _twice(database, members, key) if key else {}
    if key is None:
        together = [(a, b) for n, a in enumerate(members) for b in members[n + 1 :]]
        if not all(
            _nothing(
                database,
                f"{compared[a.relation.name]} INTERSECT {compared[b.relation.name]}",
            )
            for a, b in together
        ):
            return None
    elif twice:
        dated = all(_is_dated(t) or t.relation.name == members[0].relation.name for t in members)
        same = _twice_the_same(database, members, key, texts)
        if same == 0 and dated and _one_after_another(members):
            prefix = True
        elif same != sum(twice.values()):
            return None
    found: dict[str, SampledTable] = {}
    before: list[str] = []
    for table in members:
        query = _select(database, table, members, columns, key if prefix else None)
        if twice and not prefix and before and key:
            text = as_text(database, f"s.{quote_identifier(key)}")
            query += f" WHERE {text} NOT IN ({' UNION ALL '.join(before)})"
        if key:
            named = as_text(database, f"b.{quote_identifier(key)}")
            before.append(f"SELECT {named} FROM {database.quoted(table.relation)} AS b")
        found[table.relation.name] = replace(table, relation=replace(table.relation, query=query))
    return found


def _key_of_all(members: Sequence[SampledTable]) -> str | None:
    keys = {key.column for t in members if (key := entry_key(t)) is not None}
    return next(iter(keys)) if len(keys) == 1 and all(entry_key(t) for t in members) else None


def _texts(database: ReadOnlyDatabase, table: SampledTable, columns: Sequence[str]) -> list[str]:
    """All columns as texts, which compare in every type."""
    owned = [table.relation.column(column) for column in columns]
    return [as_text(database, quote_identifier(one)) if one else "NULL" for one in owned]


def _nothing(database: ReadOnlyDatabase, query: str) -> bool:
    return not database.fetch_rows(f"SELECT 1 FROM ({query}) AS q LIMIT 1")


def _twice(database: ReadOnlyDatabase, members: Sequence[SampledTable], key: str) -> dict[int, int]:
    """How many keys stand in how many tables, of those that stand in more than one."""
    text = as_text(database, quote_identifier(key))
    union = " UNION ALL ".join(
        f"SELECT DISTINCT {text} AS k FROM {database.quoted(t.relation)} AS r" for t in members
    )
    query = (
        f"SELECT n, count(*) FROM (SELECT count(*) AS n FROM ({union}) AS u GROUP BY k "
        "HAVING count(*) > 1) AS c GROUP BY n"
    )
    return {int(n): int(count) for n, count in database.fetch_rows(query)}


def _twice_the_same(
    database: ReadOnlyDatabase,
    members: Sequence[SampledTable],
    key: str,
    texts: dict[str, list[str]],
) -> int:
    """How many keys stand in several tables with the same row everywhere."""
    lines = {n: " || '|' || ".join(f"coalesce({t}, '~')" for t in own) for n, own in texts.items()}
    keyed = " UNION ALL ".join(
        f"SELECT {as_text(database, quote_identifier(key))} AS k, "
        f"{quote_text(t.relation.name, database.dialect)} AS part, "
        f"{lines[t.relation.name]} AS line FROM {database.quoted(t.relation)} AS r"
        for t in members
    )
    query = (
        f"SELECT count(*) FROM (SELECT k FROM ({keyed}) AS u GROUP BY k "
        "HAVING count(DISTINCT part) > 1 AND count(DISTINCT line) = 1) AS c"
    )
    return int(database.fetch_rows(query)[0][0])


def _is_dated(table: SampledTable) -> bool:
    """Whether the name says of which time its rows are."""
    name = table.relation.name.lower()
    month = bool(set(w.words(name)) & MONTHS)
    return month or re.search(r"(?<!\d)(?:19|20)\d\d(?:\D?\d\d){0,2}(?!\d)", name) is not None


def _one_after_another(members: Sequence[SampledTable]) -> bool:
    """Whether the samples of no two tables are of the same time."""
    spans = []
    for table in members:
        time = time_of(table)
        texts = sorted(text for text in (time.texts if time else ()) if text)
        if not texts:
            return False
        spans.append((texts[0], texts[-1]))
    spans.sort()
    return all(one[1] <= next_[0] for one, next_ in itertools.pairwise(spans))


def _select(
    database: ReadOnlyDatabase,
    table: SampledTable,
    members: Sequence[SampledTable],
    columns: Sequence[str],
    numbered: str | None,
) -> str:
    """The member's rows with the columns of all; ``numbered`` is a key that starts anew in each."""
    parts = []
    for column in columns:
        own = table.relation.column(column)
        types = {t.relation.columns.get(t.relation.column(column) or "", "") for t in members}
        sql = f"s.{quote_identifier(own)}" if own else "NULL"
        if own and (len(types - {""}) > 1 or column == numbered):
            sql = as_text(database, sql)
        if column == numbered:
            sql = f"{quote_text(table.relation.name + ':', database.dialect)} || {sql}"
        parts.append(f"{sql} AS {quote_identifier(column)}")
    return f"SELECT {', '.join(parts)} FROM {database.quoted(table.relation)} AS s"
