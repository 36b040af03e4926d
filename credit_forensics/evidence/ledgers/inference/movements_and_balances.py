"""Settles the movements of the entries and the stored balance together, each by the other."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from credit_forensics.case_file import TableMapping
from credit_forensics.databases.read_only import ReadOnlyDatabase
from credit_forensics.evidence.ledgers.inference.account_reads import balances_read
from credit_forensics.evidence.ledgers.inference.balances_of import StoredBalance
from credit_forensics.evidence.ledgers.inference.decisions import Inferred
from credit_forensics.evidence.ledgers.inference.entries_read import EntriesPart, source_sql
from credit_forensics.evidence.ledgers.inference.known_values import KnownValues
from credit_forensics.evidence.ledgers.inference.probes import as_text, sums_by_owner
from credit_forensics.evidence.ledgers.inference.samples import SampledTable
from credit_forensics.evidence.ledgers.inference.settle_movements import settle_movements

# Sums of fractions that a database holds as floats differ in the last digits.
_CLOSE = Decimal("0.000001")


def settle_part_and_balance(
    database: ReadOnlyDatabase,
    parts: Sequence[EntriesPart],
    stored: Sequence[StoredBalance],
    mapping: TableMapping | None,
    *,
    tables: Sequence[SampledTable],
    known: KnownValues,
) -> tuple[StoredBalance | None, float | None]:
    """Settle the movements of each part, and choose the stored balance that agrees best."""
    where = mapping.where if mapping else None
    signs = mapping.sign or None if mapping else None
    best: tuple[StoredBalance | None, float | None] = (stored[0] if stored else None, None)
    for part in parts:
        part.moves = settle_movements(
            database, part.entries, part.owner, [one.sample for one in stored],
            tables=tables, known=known, direction=part.direction, own_where=where, own_signs=signs,
        )  # fmt: skip
    if not stored:
        return best
    top = 0.0
    for one in stored:
        agrees = _agreement(database, parts, one)
        # Where a part of the sum is empty by now, the sum is still what counts.
        wider = (
            bool(best[0])
            and len(one.parts) > 1
            and not any("balance" in number.words for number in one.parts)
        )
        if agrees > top or (agrees == top and wider):
            best, top = (one, agrees), agrees
    for part in parts:
        part.moves.agrees = top
    return best if top > 0 else (stored[0], 0.0)


def _agreement(
    database: ReadOnlyDatabase, parts: Sequence[EntriesPart], balance: StoredBalance
) -> float:
    rows = " UNION ALL ".join(
        f"SELECT {as_text(database, part.owner.sql(database))} AS owner, "
        f"{part.moves.signed(database)} AS amount FROM {source_sql(database, part)}"
        for part in parts
    )
    sums = sums_by_owner(database, rows, list(balance.sample)[:200], 0)
    totals = {owner: total for owner, _, total in sums}
    both = [owner for owner in totals if owner in balance.sample]
    close = sum(1 for owner in both if abs(totals[owner] - balance.sample[owner]) < _CLOSE)
    return close / len(both) if both else 0.0


def read_balances(
    database: ReadOnlyDatabase,
    parts: Sequence[EntriesPart],
    balance: tuple[StoredBalance | None, float | None],
    found: Inferred,
) -> None:
    """Read the stored balance, or say why it is not compared."""
    stored, agrees = balance
    if stored is None:
        return
    if agrees is not None and agrees < 0.5:
        found.gaps.append(
            (
                "balances",
                "other_movements",
                f"{stored.table.label} is the sum of the entries for {agrees:.0%} of the accounts "
                "only, so something else moves it: balances are not compared.",
            )
        )
        return
    found.queries["balances"], found.decisions["balances"] = balances_read(
        database, stored, parts[0].scale, agrees
    )
