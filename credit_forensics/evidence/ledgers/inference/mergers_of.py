"""Finds the column of a table of accounts that says which account one was merged into."""

from __future__ import annotations

from collections.abc import Sequence

from credit_forensics.databases.read_only import ReadOnlyDatabase
from credit_forensics.evidence.ledgers.inference.decisions import Decision
from credit_forensics.evidence.ledgers.inference.owner_of import accounts_with
from credit_forensics.evidence.ledgers.inference.probes import as_text, overlap
from credit_forensics.evidence.ledgers.inference.samples import Field, SampledTable

# "merged_into", "duplicate_of", "replaced_by_user_id"; what an account took up ("merged_from") and
# a parent account are other things.
_INTO = (
    ({"merged", "merge"}, {"into", "to", "in", "target", "with"}),
    ({"duplicate", "dup", "alias", "duplicated"}, {"of"}),
    ({"replaced", "superseded", "absorbed"}, {"by"}),
    ({"redirect", "redirected"}, {"to"}),
    ({"surviving", "survivor", "canonical"}, {"id", "user", "account"}),
)
# Of the values that are looked at, so many must be accounts of the same table.
_ACCOUNTS = 0.9


def says_merged(field: Field) -> bool:
    """Whether a column is called as one with the account that this one became a part of.

    Examples
    --------
    >>> says_merged(Field("mergedIntoId", "text", ()))
    True
    >>> says_merged(Field("merged_from_id", "text", ()))
    False
    """
    own = field.words
    named = any(own & what and own & how for what, how in _INTO)
    no_id = field.is_time or field.is_email or field.is_json or field.type.startswith("bool")
    return named and not no_id and not own & {"at", "on", "reason", "status", "from"}


def mergers_read(
    database: ReadOnlyDatabase, tables: Sequence[SampledTable], owners: Sequence[str]
) -> tuple[str, Decision] | None:
    """The accounts that became a part of another one of their table, and since when."""
    for one in accounts_with(database, tables, owners):
        for field in filter(says_merged, one.table.columns):
            if field.values and overlap(database, field.values, one.table, one.key) < _ACCOUNTS:
                continue
            since = _merged_at(one.table)
            table = database.quoted(one.table.relation)
            key, into, other = (
                as_text(database, column.sql(database, alias))
                for column, alias in ((one.key, "u"), (field, "u"), (one.key, "o"))
            )
            words = {"user_id": one.key.name, "survivor_id": field.name}
            select = f"{key} AS user_id, {into} AS survivor_id"
            if since:
                select += f", {since.sql(database, 'u')} AS merged_at"
                words["merged_at"] = since.name
            # Nothing but an account of this table survives.
            query = f"SELECT {select} FROM {table} AS u JOIN {table} AS o ON {into} = {other}"
            return query, Decision("mergers", one.table.label, words, certainty=0.9)
    return None


def _merged_at(table: SampledTable) -> Field | None:
    """The time of the merger."""
    about = {"merged", "merge", "replaced", "superseded", "absorbed"}
    timed = (f for f in table.columns if f.is_time or (not f.values and f.words & {"at", "on"}))
    return next((field for field in timed if field.words & about), None)
