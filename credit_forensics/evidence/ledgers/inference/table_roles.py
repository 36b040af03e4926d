"""Which tables of a database hold the entries, by what they are called and what they hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from credit_forensics.evidence.ledgers.inference import words as w
from credit_forensics.evidence.ledgers.inference.column_roles import (
    amount_by_values,
    before_and_after,
    best_amount,
    debit_and_credit,
    entry_key,
    issued_and_left,
    owners,
    time_of,
    type_of,
)
from credit_forensics.evidence.ledgers.inference.known_values import KnownValues
from credit_forensics.evidence.ledgers.inference.link_tables import is_link_table, owner_link
from credit_forensics.evidence.ledgers.inference.samples import Field, SampledTable, stripe_ids

LEAST_SCORE = 4.0


@dataclass(frozen=True)
class EntriesTable:
    """A table that may hold entries, with the columns that matter most, and how well it fits.

    ``link`` is the table that says whose they are, where it is another.
    """

    table: SampledTable
    score: float
    owner: Field
    owners: tuple[Field, ...]
    amount: Field | None
    amount_margin: float
    debit: Field | None = None
    credit: Field | None = None
    link: tuple[SampledTable, Field, Field] | None = None

    @property
    def direction(self) -> int:
        """1 where the table's name says that it adds credits, -1 where it says that it takes."""
        adding = self.table.words & (w.ADDING - w.EITHER_WAY - w.UNIT)
        spending = self.table.words & (w.SPENDING - w.EITHER_WAY)
        if spending:
            # What was used of a lot.
            adding -= w.LOT
        if bool(adding) == bool(spending):
            return 0
        return 1 if adding else -1


def entries_tables(tables: list[SampledTable], known: KnownValues) -> list[EntriesTable]:
    """The tables that may hold entries, best first."""
    found = [one for table in tables if (one := _as_entries(table, tables, known))]
    return sorted(found, key=lambda one: (-one.score, one.table.label))


def _as_entries(
    table: SampledTable, tables: Sequence[SampledTable], known: KnownValues
) -> EntriesTable | None:
    if is_link_table(table):
        return None
    pair = debit_and_credit(table)
    best = None if pair else best_amount(table.columns, known)
    if best is None and pair is None:
        pair = before_and_after(table)
    if best is None and pair is None:
        best = issued_and_left(table)
    if best is None and pair is None and table.words & w.ENTRY:
        best = best_amount((f for f in table.fields if f.path), known)
    if best is None and pair is None:
        best = amount_by_values(table, known)
    owned = owners(table, known)
    link = None if owned else owner_link(table, tables)
    key = entry_key(table)
    if link and key:
        owned = [(2.0, key)]
    if (best is None and pair is None) or not owned:
        return None
    owner = owned[0][1]
    names = table.words
    score = min(owned[0][0], 3.0) + (min(best[1], 5.0) if best else 5.0)
    score += 1.5 if names & w.ENTRY else 0.0
    score += 1.5 if names & w.UNIT else 0.0
    score += 1.0 if names & (w.ADDING | w.SPENDING) - w.PAYING - w.UNIT else 0.0
    score += 1.0 if time_of(table) else -2.0
    kind = type_of(table, [owner])
    score += 1.0 if kind else 0.0
    texts = [text for field in table.columns for text in field.values[:50]]
    named = bool(stripe_ids(texts, "cs", "pi", "evt", "in"))
    score += 1.0 if named else 0.0
    score -= 6.0 if looks_like_payments(table) else 0.0
    # One row an owner is a state, not a history, unless each names what was paid.
    if owner.unique and not link and len(owner.values) > 1 and not (names & w.ENTRY or named):
        score -= 3.0
    if any(f.is_email for f in table.columns if f != owner) or names & w.PEOPLE - {"account"}:
        # "workspace_credits" is a state of each, unless its rows tell when and what was paid.
        told = named and kind is not None and time_of(table) is not None
        score -= 3.0 if names & w.ENTRY or told else 6.0
    if names & {"balance", "wallet"} and not names & w.ENTRY:
        score -= 5.0
    if names & {"plan", "package", "product", "price", "setting", "session", "quota", "limit"}:
        score -= 2.0
    if score < LEAST_SCORE:
        return None
    candidates = tuple(field for _, field in owned)
    if pair:
        return EntriesTable(table, score, owner, candidates, None, 3.0, *pair, link)
    assert best is not None
    return EntriesTable(table, score, owner, candidates, best[0], best[2], link=link)


def looks_like_payments(table: SampledTable) -> bool:
    """The shop's own list of payments: money, a currency or a state of paying, no movement."""
    if not table.words & w.PAYING or table.words & w.ENTRY:
        return False
    columns = set().union(*(field.words for field in table.columns)) if table.columns else set()
    negative = any(n < 0 for f in table.columns for n in f.numbers)
    return bool(columns & w.MONEY) and not negative
