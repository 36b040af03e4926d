"""Infers a whole ledger: which tables and columns, with which signs, and how sure that is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from credit_forensics.case_file import LedgerSection, TableMapping
from credit_forensics.databases.read_only import ReadOnlyDatabase
from credit_forensics.databases.relations import Relation
from credit_forensics.evidence.ledgers.inference import words as w
from credit_forensics.evidence.ledgers.inference.account_reads import (
    balances_read,
    customers_read,
    users_read,
)
from credit_forensics.evidence.ledgers.inference.accounts_of import balance_fields
from credit_forensics.evidence.ledgers.inference.balances_of import (
    StoredBalance,
    stored_balances,
    whole_balances,
)
from credit_forensics.evidence.ledgers.inference.decisions import Decision, Question
from credit_forensics.evidence.ledgers.inference.entries_read import EntriesPart, entries_query
from credit_forensics.evidence.ledgers.inference.known_values import KnownValues
from credit_forensics.evidence.ledgers.inference.movements import settle_movements
from credit_forensics.evidence.ledgers.inference.owner_of import (
    is_account_table,
    owner_of,
)
from credit_forensics.evidence.ledgers.inference.probes import as_text, sums_by_owner
from credit_forensics.evidence.ledgers.inference.references import bridge, own_reference
from credit_forensics.evidence.ledgers.inference.samples import (
    SampledTable,
    sample_tables,
    stripe_ids,
)
from credit_forensics.evidence.ledgers.inference.scales import scale_of
from credit_forensics.evidence.ledgers.inference.signs import AGREES
from credit_forensics.evidence.ledgers.inference.table_roles import (
    EntriesTable,
    entries_tables,
)

# Two tables whose scores are nearer than this both might be the ledger.
RIVAL = 1.5
# The movement's column must be so much better than the next.
_AMOUNT_MARGIN = 0.5
# Sums of fractions that a database holds as floats differ in the last digits.
_CLOSE = Decimal("0.000001")


@dataclass
class Inferred:
    """What was inferred: the query and the decision of each part, and what is lost."""

    queries: dict[str, str] = field(default_factory=dict)
    decisions: dict[str, Decision] = field(default_factory=dict)
    gaps: list[tuple[str, str, str]] = field(default_factory=list)


def infer_ledger(
    database: ReadOnlyDatabase,
    section: LedgerSection,
    known: KnownValues,
    table: Relation | None = None,
) -> Inferred:
    """Infer the layout of a ledger; ``table`` is the one that the case file names for entries.

    Raises
    ------
    Question
        what cannot be told, in one sentence, with a mapping that settles it.
    """
    tables = sample_tables(database, section.database_schema)
    found = Inferred()
    mapping = section.entries
    candidates = entries_tables(tables, known)
    if table is not None:
        candidates = [c for c in candidates if c.table.relation == table]
        if not candidates:
            raise Question(
                f"{table.name} has no columns that look like the credits and the account of an "
                f"entry; it has {', '.join(table.columns)}"
            )
    if not candidates:
        return _without_entries(database, tables, found, section)
    chosen = _chosen(candidates)
    parts = [_part(database, one, tables, known, several=len(chosen) > 1) for one in chosen]
    stored = stored_balances(database, tables, chosen[0].table, parts[0].owner)
    balance = _settled(database, parts, stored, mapping)
    for part in parts:
        part.bridge = bridge(database, part.entries.table, tables, _apart(part))
        part.reference = own_reference(part.entries.table, known, _apart(part))
        part.scale = mapping.scale if mapping and mapping.scale else _scale(part, known)
    query, words, fractions = entries_query(database, parts)
    found.queries["entries"] = query
    found.decisions["entries"] = _entries_decision(parts, words, known)
    _accounts(database, tables, parts, found)
    _bridge(database, parts, found)
    _balances(database, parts, balance, found, fractions)
    if fractions:
        found.gaps.append(
            (
                "entries",
                "fractions",
                f"{fractions} entries move a fraction of a credit and are left out; credits are "
                "whole numbers here.",
            )
        )
    return found


def _chosen(candidates: Sequence[EntriesTable]) -> list[EntriesTable]:
    """The best table, or the several that each hold one direction of the movements."""
    first = candidates[0]
    if first.amount is not None and first.amount_margin < _AMOUNT_MARGIN:
        raise Question(
            f"{first.table.label} has several columns that may be the credits of an entry, "
            f"{first.amount.name} and another",
            _mapping(first),
        )
    unsigned = all(n >= 0 for n in (first.amount.numbers if first.amount else ()))
    if first.direction and unsigned:
        beside = [
            c
            for c in candidates[1:]
            if c.direction
            and c.amount is not None
            and c.table.words & (w.UNIT | {"balance", "wallet"}) | (w.UNIT & c.amount.words)
            and all(n >= 0 for n in c.amount.numbers)
        ]
        if beside:
            return [first, *beside]
    rivals = [
        c
        for c in candidates[1:]
        if first.score - c.score < RIVAL and not _same_rows(first.table, c.table)
    ]
    if rivals:
        names = ", ".join(c.table.label for c in rivals[:3])
        raise Question(
            f"{first.table.label} may be the ledger, and so may {names}", _mapping(first)
        )
    return [first]


def _same_rows(one: SampledTable, other: SampledTable) -> bool:
    """A view over the other table, or a copy: what both have is the same."""
    shared = [(f, same) for f in one.columns if (same := other.field(f.column)) is not None]
    return (
        one.rows == other.rows
        and any(f.unique and len(f.values) > 1 for f, _ in shared)
        and all(set(f.values) == set(same.values) for f, same in shared)
    )


def _part(
    database: ReadOnlyDatabase,
    entries: EntriesTable,
    tables: Sequence[SampledTable],
    known: KnownValues,
    *,
    several: bool,
) -> EntriesPart:
    owner = owner_of(database, entries, tables, known)
    if owner is None:
        named = ", ".join(one.name for one in entries.owners[:4])
        raise Question(
            f"the accounts that the entries of {entries.table.label} belong to are not found by "
            f"{named}",
            _mapping(entries),
        )
    # A table alone whose name says that it takes credits may still give some back.
    return EntriesPart(entries, owner, entries.direction if several else 0)


def _settled(
    database: ReadOnlyDatabase,
    parts: Sequence[EntriesPart],
    stored: Sequence[StoredBalance],
    mapping: TableMapping | None,
) -> tuple[StoredBalance | None, float | None]:
    """Settle the movements of each part, and choose the stored balance that agrees best."""
    where = mapping.where if mapping else None
    signs = mapping.sign or None if mapping else None
    best: tuple[StoredBalance | None, float | None] = (stored[0] if stored else None, None)
    for part in parts:
        part.moves = settle_movements(
            database, part.entries, part.owner, [one.sample for one in stored],
            direction=part.direction, own_where=where, own_signs=signs,
        )  # fmt: skip
    if len(parts) != 1 or not stored:
        return best
    part, top = parts[0], 0.0
    for one in stored:
        agrees = _agreement(database, part, one)
        # Where a part of the sum is empty by now, the sum is still what counts.
        wider = (
            bool(best[0])
            and len(one.parts) > 1
            and not any("balance" in number.words for number in one.parts)
        )
        if agrees > top or (agrees == top and wider):
            best, top = (one, agrees), agrees
    part.moves.agrees = top
    return best if top > 0 else (stored[0], 0.0)


def _agreement(database: ReadOnlyDatabase, part: EntriesPart, balance: StoredBalance) -> float:
    from_sql = f"{database.quoted(part.entries.table.relation)} AS e{part.owner.join(database)}"
    where = f" WHERE {part.moves.where}" if part.moves.where else ""
    rows = (
        f"SELECT {as_text(database, part.owner.sql(database))} AS owner, "
        f"{part.moves.signed(database)} AS amount FROM {from_sql}{where}"
    )
    sums = sums_by_owner(database, rows, list(balance.sample)[:200], 0)
    totals = {owner: total for owner, _, total in sums}
    both = [owner for owner in totals if owner in balance.sample]
    close = sum(1 for owner in both if abs(totals[owner] - balance.sample[owner]) < _CLOSE)
    return close / len(both) if both else 0.0


def _scale(part: EntriesPart, known: KnownValues) -> int:
    """Units a credit, by what the entries add that name a payment, else by all that add."""
    amount = part.entries.amount or part.entries.credit
    if amount is None:
        return 1
    table = part.entries.table
    by = [part.bridge.by] if part.bridge else [part.reference] if part.reference else []
    texts = [f for f in table.columns if stripe_ids(f.values, "cs", "pi", "in", "evt")]
    named = {
        row
        for field in (*by, *texts)
        for row, text in enumerate(field.texts)
        if text and (field in by or stripe_ids([text], "cs", "pi", "in", "evt"))
    }
    values = [
        Decimal(text)
        for row, text in enumerate(amount.texts)
        if text and (row in named or not named)
    ]
    return scale_of(amount, values, known)


def _apart(part: EntriesPart) -> set[str]:
    fields = (part.owner.field, part.entries.amount, part.moves.type)
    return {one.name for one in fields if one}


def _entries_decision(
    parts: Sequence[EntriesPart], words: dict[str, str], known: KnownValues
) -> Decision:
    first = parts[0]
    tables = " and ".join(part.entries.table.label for part in parts)
    where = " and ".join(part.moves.where for part in parts if part.moves.where)
    decision = Decision(
        "entries", tables, words, where=where, sign=first.moves.signs, scale=first.scale
    )
    certainty = 0.6 + 0.15 * min(1.0, max(first.owner.known, 0.0))
    certainty += 0.15 if (first.moves.agrees or 0.0) >= AGREES else 0.0
    certainty += 0.1 if "meta" in words or "local_payment_id" in words else 0.0
    decision.certainty = min(certainty, 0.99)
    if first.moves.agrees is not None:
        decision.notes.append(
            f"for {first.moves.agrees:.0%} of the accounts the entries sum up to the stored balance"
        )
    table = first.entries.table
    if table.rows:
        shown = (first.owner.field, first.entries.amount, first.moves.type)
        decision.example = ", ".join(f"{f.name} = {f.texts[0]}" for f in shown if f)
    return decision


def _accounts(
    database: ReadOnlyDatabase,
    tables: Sequence[SampledTable],
    parts: Sequence[EntriesPart],
    found: Inferred,
) -> None:
    ids = parts[0].owner.values
    entries = parts[0].entries.table
    others = [t for t in tables if t.relation != entries.relation]
    for name, read in (
        ("users", users_read(database, others, ids)),
        ("customers", customers_read(database, tables, entries, ids)),
    ):
        if read:
            found.queries[name], found.decisions[name] = read


def _bridge(database: ReadOnlyDatabase, parts: Sequence[EntriesPart], found: Inferred) -> None:
    """The shop's own table that leads from its number to Stripe's objects."""
    leads = next((part.bridge for part in parts if part.bridge), None)
    if leads is None:
        return
    columns = {"local_id": leads.key.sql(database, "p")}
    words = {"local_id": leads.key.name}
    for target, one in (("session_id", leads.session), ("intent_id", leads.intent)):
        if one:
            columns[target], words[target] = one.sql(database, "p"), one.name
    select = ", ".join(f"{sql} AS {target}" for target, sql in columns.items())
    found.queries["payments"] = f"SELECT {select} FROM {database.quoted(leads.table.relation)} AS p"
    found.decisions["payments"] = Decision("payments", leads.table.label, words, certainty=0.9)


def _balances(
    database: ReadOnlyDatabase,
    parts: Sequence[EntriesPart],
    balance: tuple[StoredBalance | None, float | None],
    found: Inferred,
    fractions: int,
) -> None:
    stored, agrees = balance
    if stored is None:
        return
    scale = parts[0].scale
    if fractions or not whole_balances(database, stored, scale):
        found.gaps.append(
            (
                "balances",
                "fractions",
                f"{stored.table.label} holds fractions of credits, or entries do: balances are "
                "not compared.",
            )
        )
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
        database, stored, scale, agrees
    )


def _without_entries(
    database: ReadOnlyDatabase,
    tables: Sequence[SampledTable],
    found: Inferred,
    section: LedgerSection,
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
        found.gaps.append(
            (
                "entries",
                "absent",
                f"{table.label} stores credits as the column {numbers[0].name} and there is no "
                "table of entries: who paid can be said; whether and where it was credited, "
                "twice or not at all, cannot be known.",
            )
        )
        return found
    named = [t for t in tables if t.words & w.ENTRY and t.words & w.UNIT]
    columns = f"; {named[0].label} has {', '.join(named[0].relation.columns)}" if named else ""
    raise Question(f"no table looks like entries of credits{columns}")


def _nothing(table: SampledTable) -> SampledTable:
    return SampledTable(Relation("", ""), (), 0, True)


def _mapping(entries: EntriesTable) -> str:
    columns = {"user_id": entries.owner.name}
    if entries.amount:
        columns["delta"] = entries.amount.name
    elif entries.credit and entries.debit:
        columns["delta"] = f"coalesce({entries.credit.name}, 0) - coalesce({entries.debit.name}, 0)"
    return Decision("entries", entries.table.label, columns).as_toml()
