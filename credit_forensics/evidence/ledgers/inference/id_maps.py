"""Finds a table that a migration of ids left behind: which id was which account's before."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from credit_forensics.databases.read_only import ReadOnlyDatabase
from credit_forensics.evidence.ledgers.inference.accounts_of import Keyed
from credit_forensics.evidence.ledgers.inference.decisions import Decision
from credit_forensics.evidence.ledgers.inference.owner_of import accounts_with
from credit_forensics.evidence.ledgers.inference.probes import as_text, overlap
from credit_forensics.evidence.ledgers.inference.samples import Field, SampledTable

BEFORE = {"legacy", "old", "previous", "prev", "former"}
"""How a column is called that holds what an account was called before."""
# Of the ids that are looked at, so many must be accounts today.
_ACCOUNTS = 0.9
_LEAST = 2


def id_map_read(
    database: ReadOnlyDatabase,
    tables: Sequence[SampledTable],
    owners: Sequence[str],
    named: Collection[str],
) -> tuple[str, Decision] | None:
    """The old id of each account out of a table of its own, where the evidence uses old ids.

    Such a table pairs one old id with one account each. A column that only looks like it (the
    team of each member, the referrer of each user) is not called old, or repeats its values.

    Parameters
    ----------
    owners
        the ids that entries belong to, of a sample.
    named
        the ids by which sessions name accounts.
    """
    used = {*owners, *named}
    for accounts in accounts_with(database, tables, owners):
        own = set(accounts.key.values)
        for table in tables:
            if table.relation == accounts.table.relation:
                continue
            before = _old_ids(table)
            now = _accounts_of(database, table, before, accounts)
            if before is None or now is None:
                continue
            if len(used & set(before.values) - own) < _LEAST:
                continue
            return _query(database, table, (now, before), accounts), Decision(
                "aliases",
                table.label,
                {"user_id": now.name, "linked_user_id": before.name},
                certainty=0.9,
            )
    return None


def _old_ids(table: SampledTable) -> Field | None:
    """The one column of old ids, each of which stands once."""
    called = [
        field
        for field in table.columns
        if field.words & BEFORE
        and not (field.is_time or field.is_email or field.is_json or field.is_customer)
        and field.values
        and len(field.values) == field.filled
    ]
    return called[0] if len(called) == 1 else None


def _accounts_of(
    database: ReadOnlyDatabase,
    table: SampledTable,
    before: Field | None,
    accounts: Keyed,
) -> Field | None:
    """The one column whose ids are accounts today, each of which stands once."""
    found = [
        field
        for field in table.columns
        if before is not None
        and field != before
        # A key that counts the rows of the map may count as the accounts do.
        and field.words - {"id"}
        and field.values
        and len(field.values) == field.filled
        and overlap(database, field.values, accounts.table, accounts.key) >= _ACCOUNTS
    ]
    return found[0] if len(found) == 1 else None


def _query(
    database: ReadOnlyDatabase,
    table: SampledTable,
    pair: tuple[Field, Field],
    accounts: Keyed,
) -> str:
    """The pairs of an account's id and its old one; an old id of two accounts, or
    one that an account has today, leads to nobody.
    """
    own, other = (as_text(database, one.sql(database, "m")) for one in pair)
    theirs = as_text(database, accounts.key.sql(database, "o"))
    return (
        "SELECT s.user_id, s.linked_user_id FROM ("
        f"SELECT min({own}) AS user_id, {other} AS linked_user_id "
        f"FROM {database.quoted(table.relation)} AS m "
        f"WHERE {other} IS NOT NULL AND {own} IS NOT NULL GROUP BY {other} "
        f"HAVING count(DISTINCT {own}) = 1) AS s LEFT JOIN (SELECT DISTINCT {theirs} AS own_id "
        f"FROM {database.quoted(accounts.table.relation)} AS o) AS t "
        "ON t.own_id = s.linked_user_id WHERE t.own_id IS NULL"
    )
