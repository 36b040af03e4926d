"""Finds the other ids of accounts by which the sessions name them (a sign-in service's)."""

from __future__ import annotations

from collections.abc import Sequence

from credit_forensics.databases.read_only import ReadOnlyDatabase
from credit_forensics.evidence.ledgers.inference.decisions import Decision
from credit_forensics.evidence.ledgers.inference.known_values import KnownValues
from credit_forensics.evidence.ledgers.inference.owner_of import accounts_with
from credit_forensics.evidence.ledgers.inference.samples import Field, SampledTable

# So many of a column's values the sessions must name, and so many of them at least.
_NAMED, _LEAST = 0.2, 2


def aliases_read(
    database: ReadOnlyDatabase,
    tables: Sequence[SampledTable],
    owners: Sequence[str],
    known: KnownValues,
) -> tuple[str, Decision] | None:
    """The accounts' other ids; none where the sessions name an account as the ledger does."""
    if any(owner in known.accounts for owner in owners):
        return None
    for one in accounts_with(database, tables, owners):
        if one.key.share(known.accounts.__contains__):
            continue
        for field in one.table.columns:
            if field != one.key and _names_accounts(field, known):
                key, other = (f.sql(database, "u") for f in (one.key, field))
                query = (
                    f"SELECT {key} AS user_id, {other} AS linked_user_id FROM "
                    f"{database.quoted(one.table.relation)} AS u WHERE {other} IS NOT NULL"
                )
                words = {"user_id": one.key.name, "linked_user_id": field.name}
                return query, Decision("aliases", one.table.label, words, certainty=0.9)
    return None


def _names_accounts(field: Field, known: KnownValues) -> bool:
    if field.is_time or field.is_email or field.is_json or len(field.values) < field.filled:
        return False
    # Numbers that count from one are anybody's.
    values = [value for value in field.values if len(value) >= 8 or not value.isdigit()]
    named = sum(1 for value in values if value in known.accounts)
    return named >= _LEAST and named >= _NAMED * len(field.values)
