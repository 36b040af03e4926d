"""Refuses a ledger of which row security hides rows: an empty answer is no empty ledger."""

from __future__ import annotations

from collections.abc import Sequence

from credit_forensics.databases.read_only import ReadOnlyDatabase, UnreadableError
from credit_forensics.databases.relations import Relation
from credit_forensics.errors import CaseError

# The database's estimate is old and rough: only far fewer visible rows than it are suspicious.
_FAR_FEWER = 0.5
_WORTH_COUNTING = 20


def refuse_hidden_rows(database: ReadOnlyDatabase, relations: Sequence[Relation]) -> list[str]:
    """Check tables that row security applies to for whoever reads.

    Returns
    -------
    list of str
        the tables that row security applies to and that show rows: there may be more of them.

    Raises
    ------
    CaseError
        when such a table shows no row, or far fewer than the database estimates.
    """
    filtered = []
    for relation in relations:
        if not relation.hides_rows:
            continue
        try:
            count = f"SELECT count(*) FROM {database.quoted(relation)}"
            visible = int(database.fetch_rows(count)[0][0])
        except UnreadableError:
            continue
        few = relation.estimate >= _WORTH_COUNTING and visible < _FAR_FEWER * relation.estimate
        if visible and not few:
            filtered.append(relation.name)
            continue
        guess = f" of about {relation.estimate}" if relation.estimate > 0 else ""
        raise CaseError(
            f"Row security shows {visible} rows{guess} of {relation.name} in {database.name} to "
            "this role. An empty answer is no empty ledger: read as a role that sees every row "
            "(the table's owner, or one with BYPASSRLS)."
        )
    return filtered
