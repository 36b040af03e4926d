"""A plan of what to read from one ledger's database."""

from __future__ import annotations

from dataclasses import dataclass, field

from credit_forensics.case_file import LedgerSection
from credit_forensics.databases.read_only import ReadOnlyDatabase
from credit_forensics.databases.relations import Relation
from credit_forensics.evidence.ledgers.layouts import Sources, SourceTable


@dataclass(frozen=True)
class Read:
    """One table to read: the part it fills, its name for messages, and the query.

    ``relation`` is the table behind it (none for a query of one's own), ``columns`` its column for
    each target that is a plain column, ``expressions`` the targets that are not.
    """

    part: str
    label: str
    query: str
    own: bool = False
    relation: Relation | None = None
    columns: dict[str, str] = field(default_factory=dict)
    expressions: tuple[str, ...] = ()


@dataclass
class Plan:
    """What to read from one database, and what should have been there and is not."""

    layout: str
    reads: dict[str, Read] = field(default_factory=dict)
    gaps: list[tuple[str, str, str]] = field(default_factory=list)
    inferred: bool = False
    notes: list[str] = field(default_factory=list)


def candidate_tables(
    database: ReadOnlyDatabase, section: LedgerSection, sources: Sources
) -> list[tuple[Relation, SourceTable]]:
    """The tables that may hold a part, best first."""
    found = [
        (database.find(name, section.database_schema), source)
        for source in sources
        for name in source.tables
    ]
    return [(relation, source) for relation, source in found if relation is not None]


def columns_of(relation: Relation, source: SourceTable) -> dict[str, str]:
    """The first candidate column that is there, for each target."""
    found = {}
    for target, names in source.columns.items():
        present = [column for name in names if (column := relation.column(name))]
        if present:
            found[target] = present[0]
    return found


def either(names: tuple[str, ...]) -> str:
    """Names as alternatives, in words."""
    return " or ".join(names[:3])


def holds(database: ReadOnlyDatabase, at_most: int = 12) -> str:
    """The database's tables and views in words, for messages."""
    names = [
        f"{r.schema}.{r.name}" if r.schema and r.schema != "public" else r.name
        for r in database.relations()
    ]
    if not names:
        return "no tables"
    more = f" and {len(names) - at_most} more" if len(names) > at_most else ""
    return ", ".join(names[:at_most]) + more
