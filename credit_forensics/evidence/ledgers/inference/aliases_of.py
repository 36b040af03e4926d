"""Finds the other ids of accounts by which the sessions name them.

A sign-in service's, or those of the system before this one (``legacy_id``, ``external_id``).
"""

from __future__ import annotations

from collections.abc import Sequence

from credit_forensics.databases.read_only import ReadOnlyDatabase
from credit_forensics.evidence.ledgers.inference import words as w
from credit_forensics.evidence.ledgers.inference.decisions import Decision
from credit_forensics.evidence.ledgers.inference.id_maps import BEFORE, id_map_read
from credit_forensics.evidence.ledgers.inference.known_values import KnownValues
from credit_forensics.evidence.ledgers.inference.owner_of import accounts_with
from credit_forensics.evidence.ledgers.inference.probes import as_text
from credit_forensics.evidence.ledgers.inference.samples import Field, SampledTable

# So many of a column's values the sessions must name, and so many of them at least.
_NAMED, _LEAST = 0.2, 2
_SECOND = BEFORE | {"external", "ext", "auth", "public", "sub"}


def aliases_read(
    database: ReadOnlyDatabase,
    tables: Sequence[SampledTable],
    owners: Sequence[str],
    known: KnownValues,
) -> tuple[str, Decision] | None:
    """The accounts' other ids; where the sessions name an account as the ledger does, only those
    of a column that is called one of second ids, or else a table that a migration left behind.
    """
    by_key = any(owner in known.accounts for owner in owners)
    for one in accounts_with(database, tables, owners):
        found = aliases_in(database, one.table, one.key, known, called=by_key)
        if found:
            return found
    return id_map_read(database, tables, owners, known.accounts)


def aliases_in(
    database: ReadOnlyDatabase,
    table: SampledTable,
    key: Field,
    known: KnownValues,
    *,
    called: bool = False,
) -> tuple[str, Decision] | None:
    """The second ids in one table of accounts.

    An id that two accounts have, or that is another one's own, leads to none of them.

    Parameters
    ----------
    key
        the column with the accounts' own ids.
    called
        take only a column whose name says that it holds second ids.
    """
    by_key = bool(key.share(known.accounts.__contains__))
    for field in table.columns:
        second = is_second_id(field)
        if field == key or ((called or by_key) and not second):
            continue
        if not _names_accounts(field, key, table, known, second=second, by_key=by_key):
            continue
        return _alias_query(database, table, key, field), Decision(
            "aliases",
            table.label,
            {"user_id": key.name, "linked_user_id": field.name},
            certainty=0.9,
        )
    return None


def _alias_query(database: ReadOnlyDatabase, table: SampledTable, key: Field, field: Field) -> str:
    """Each second id of one account alone, which is no account's own."""
    source = database.quoted(table.relation)
    own, other = (as_text(database, one.sql(database, "u")) for one in (key, field))
    theirs = as_text(database, key.sql(database, "o"))
    # Joined, not looked up: PostgreSQL goes through all accounts for each where NOT IN has many.
    return (
        "SELECT s.user_id, s.linked_user_id FROM ("
        f"SELECT min({own}) AS user_id, {other} AS linked_user_id FROM {source} AS u "
        f"WHERE {other} IS NOT NULL GROUP BY {other} HAVING count(*) = 1) AS s "
        f"LEFT JOIN (SELECT DISTINCT {theirs} AS own_id FROM {source} AS o) AS t "
        "ON t.own_id = s.linked_user_id WHERE t.own_id IS NULL"
    )


def is_second_id(field: Field) -> bool:
    """Whether a column is called one of second ids.

    Examples
    --------
    >>> [is_second_id(Field(name, "text", ())) for name in ("legacy_id", "uuid", "seats")]
    [True, True, False]
    """
    own = field.words
    keyed = own & (w.KEY - {"no", "number", "code", "ref"})
    return bool(keyed) and not own - _SECOND - w.KEY - w.PERSONS


def _names_accounts(
    field: Field,
    key: Field,
    table: SampledTable,
    known: KnownValues,
    *,
    second: bool,
    by_key: bool,
) -> bool:
    if field.is_time or field.is_email or field.is_json or field.is_customer:
        return False
    if len(field.values) < field.filled and not second:
        return False
    own = set(key.values)
    # Numbers that count from one are anybody's, unless the name says whose, and the accounts' own
    # ids are none, or these are old numbers, nobody's own, and the only ones that sessions name.
    old = bool(field.words & BEFORE) and table.whole and not by_key
    only_these = old and own.isdisjoint(field.values)
    numbers_too = second and (only_these or not any(map(_counts, key.values)))
    values = [value for value in field.values if numbers_too or not _counts(value)]
    named = sum(1 for value in values if value in known.accounts and value not in own)
    return named >= _LEAST and named >= _NAMED * len(field.values)


def _counts(value: str) -> bool:
    return value.isdigit() and len(value) < 8
