"""Knows a ledger again by entries that the case was read from.

A plan that is booked in another database with the same tables would find nothing there to hold it
back, for no entry of that database speaks of its payments.
"""

from __future__ import annotations

from credit_forensics.case.case import Case
from credit_forensics.databases.read_only import ReadOnlyDatabase
from credit_forensics.engines.recipes import Recipe
from credit_forensics.records import row_dicts
from credit_forensics.repair.literals import text_literal
from credit_forensics.repair.target import Target
from credit_forensics.tables.catalogue import Tables
from credit_forensics.tables.expressions import ir

ENTRIES = 50
"""How many entries are looked for again; the oldest ones, which no later reading adds to."""

Rows = tuple[tuple[str, str, int], ...]


def witness(case: Case, target: Target) -> Rows:
    """Key, account and credits of the oldest entries of the evidence."""
    if "entry_id" not in target.entries.columns:
        return ()
    oldest = case.evidence.engine.frame(Recipe("repair-oldest-entries", _oldest))
    return tuple(
        (str(row["entry_id"]), str(row["user_id"]), int(row["delta"])) for row in row_dicts(oldest)
    )


def _oldest() -> ir.Table:
    ledger = Tables().ledger
    return (
        ledger.filter(ledger.entry_id.notnull() & ledger.user_id.notnull())
        .filter(ledger.fraction.fill_null(0) == 0)
        .order_by("created_at", "entry_id")
        .limit(ENTRIES)
        .select("entry_id", "user_id", "delta")
    )


def knows(database: ReadOnlyDatabase, target: Target, rows: Rows) -> bool:
    """Whether the ledger that is to be written holds these entries, but for a few since changed."""
    if not rows:
        return True
    entries = target.entries
    keys = ", ".join(text_literal(key, target.dialect) for key, _, _ in rows)
    found = database.driver.execute(
        f"SELECT CAST({entries.sql('entry_id')} AS text), "
        f"CAST({entries.sql('user_id')} AS text), {entries.sql('delta')} "
        f"FROM {entries.name} WHERE CAST({entries.sql('entry_id')} AS text) IN ({keys})"
    ).fetchall()
    there = {(str(key), str(user), int(delta)) for key, user, delta in found}
    return len(set(rows) & there) * 2 >= len(set(rows))
