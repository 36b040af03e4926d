"""Reads a shop that stores a number of credits on the account and no entries."""

from __future__ import annotations

from collections.abc import Sequence

from credit_forensics.databases.read_only import ReadOnlyDatabase
from credit_forensics.databases.relations import Relation
from credit_forensics.evidence.ledgers.inference import words as w
from credit_forensics.evidence.ledgers.inference.account_reads import customers_read, users_read
from credit_forensics.evidence.ledgers.inference.accounts_of import balance_fields
from credit_forensics.evidence.ledgers.inference.change_trail import trail_of
from credit_forensics.evidence.ledgers.inference.decisions import Inferred, Question
from credit_forensics.evidence.ledgers.inference.owner_of import is_account_table
from credit_forensics.evidence.ledgers.inference.samples import Field, SampledTable


def without_entries(
    database: ReadOnlyDatabase,
    tables: Sequence[SampledTable],
    found: Inferred,
) -> Inferred:
    """A shop that stores a number of credits on the account and no entries."""
    for table in tables:
        if not is_account_table(table):
            continue
        numbers = balance_fields(table)
        key = next((f for f in table.columns if f.unique and not f.words - w.KEY), None)
        if not numbers or key is None:
            continue
        one = users_read(database, tables, key.values)
        if one is None:
            continue
        found.queries["users"], found.decisions["users"] = one
        bound = customers_read(database, tables, _nothing(table), key.values)
        if bound:
            found.queries["customers"], found.decisions["customers"] = bound
        found.gaps.append(("entries", "absent", _why_none(tables, table, numbers)))
        return found
    named = [t for t in tables if t.words & w.ENTRY and t.words & w.UNIT]
    columns = f"; {named[0].label} has {', '.join(named[0].relation.columns)}" if named else ""
    raise Question(f"no table looks like entries of credits{columns}")


def _why_none(tables: Sequence[SampledTable], table: SampledTable, numbers: Sequence[Field]) -> str:
    """What is stored in place of entries, and what cannot be known so."""
    trails = ((number, trail_of(tables, number)) for number in numbers)
    number, trail = next(((n, t) for n, t in trails if t), (numbers[0], None))
    stores = f"{table.label} stores credits as the column {number.name}"
    listed = next((f for f in table.columns if f.is_json and f.words & w.ENTRY), None)
    if trail is None and listed is not None:
        return (
            f"{stores}, and {listed.name} may list its changes, which are not read as entries: who "
            "paid can be said; whether and where it was credited, twice or not at all, is not "
            "judged. A file of its own with a row a change reads them."
        )
    if trail is None:
        return (
            f"{stores} and there is no table of entries: who paid can be said; whether and where "
            "it was credited, twice or not at all, cannot be known."
        )
    where, columns = trail
    return (
        f"{stores}, and {where.label} records its changes in {columns}, which are not read as "
        "entries: who paid can be said; whether and where it was credited, twice or not at all, "
        "is not judged. A query under [ledger.entries] reads them (delta = the new value less "
        "the old one)."
    )


def _nothing(table: SampledTable) -> SampledTable:
    return SampledTable(Relation("", ""), (), 0, True)
