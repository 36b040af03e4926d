"""Infers a whole ledger: which tables and columns, with which signs, and how sure that is."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from credit_forensics.case_file import LedgerSection
from credit_forensics.databases.read_only import ReadOnlyDatabase
from credit_forensics.databases.relations import Relation
from credit_forensics.evidence.ledgers.inference import words as w
from credit_forensics.evidence.ledgers.inference.account_reads import (
    customers_read,
    users_read,
)
from credit_forensics.evidence.ledgers.inference.aliases_of import aliases_read
from credit_forensics.evidence.ledgers.inference.balances_of import (
    stored_balances,
)
from credit_forensics.evidence.ledgers.inference.change_images import rows_of_images
from credit_forensics.evidence.ledgers.inference.chosen_tables import chosen_tables, first_mapping
from credit_forensics.evidence.ledgers.inference.column_roles import best_amount, owners
from credit_forensics.evidence.ledgers.inference.decisions import Decision, Inferred, Question
from credit_forensics.evidence.ledgers.inference.entries_read import EntriesPart, entries_query
from credit_forensics.evidence.ledgers.inference.heads import head_of
from credit_forensics.evidence.ledgers.inference.known_values import KnownValues
from credit_forensics.evidence.ledgers.inference.memberships_of import memberships_read
from credit_forensics.evidence.ledgers.inference.mergers_of import mergers_read
from credit_forensics.evidence.ledgers.inference.movements_and_balances import (
    read_balances,
    settle_part_and_balance,
)
from credit_forensics.evidence.ledgers.inference.no_entries import without_entries
from credit_forensics.evidence.ledgers.inference.owner_of import (
    kinds_of_owner,
    not_of_another_kind,
    other_side,
    owner_of,
)
from credit_forensics.evidence.ledgers.inference.references import bridge, own_reference
from credit_forensics.evidence.ledgers.inference.row_versions import only_current
from credit_forensics.evidence.ledgers.inference.samples import (
    SampledTable,
    sample_tables,
    stripe_ids,
)
from credit_forensics.evidence.ledgers.inference.scales import scale_of
from credit_forensics.evidence.ledgers.inference.signs import AGREES
from credit_forensics.evidence.ledgers.inference.table_parts import is_relation, read_as_one
from credit_forensics.evidence.ledgers.inference.table_roles import (
    EntriesTable,
    entries_tables,
)

_PAYING = ("cs", "pi", "in", "evt")


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
    sampled, unreadable = sample_tables(database, section.database_schema)
    whole = [only_current(database, rows_of_images(database, one)) for one in sampled]
    tables = read_as_one(database, whole, table)
    found = Inferred()
    mapping = section.entries
    candidates = entries_tables(tables, known)
    if table is not None:
        candidates = [c for c in candidates if is_relation(c.table, table)]
        if not candidates:
            raise Question(
                f"{table.name} has no columns that look like the credits and the account of an "
                f"entry; it has {', '.join(table.columns)}"
            )
    if unreadable:
        _tell_unreadable(unreadable, found, sure=bool(candidates))
    if not candidates:
        return without_entries(database, tables, found)
    chosen = chosen_tables(candidates)
    doubts = [one.table.doubt for one in chosen if one.table.doubt]
    if doubts:
        raise Question(doubts[0], first_mapping(chosen[0]))
    parts = [_part(database, one, tables, known, several=len(chosen) > 1) for one in chosen]
    stored = stored_balances(database, tables, chosen[0].table, parts[0].owner)
    balance = settle_part_and_balance(database, parts, stored, mapping, tables=tables, known=known)
    for part in parts:
        if part.direction >= 0:
            # What was used of a purchase is not paid for by it.
            part.bridge = bridge(database, part.entries.table, tables, _apart(part), known)
            part.reference = own_reference(part.entries.table, known, _apart(part))
        part.head = head_of(database, part.entries.table, tables)
        part.scale = mapping.scale if mapping and mapping.scale else _scale(part, known)
    if not any(_names_payments(part) for part in parts):
        _ask_for_purchases(parts, tables, known)
        if section.entries is None and table is None and all(map(_is_no_book, parts)):
            return without_entries(database, tables, found)
    query, words = entries_query(database, parts)
    found.queries["entries"] = query
    found.decisions["entries"] = _entries_decision(parts, words, known)
    found.gaps += [("entries", *told) for part in parts for told in part.moves.left_out]
    _accounts(database, tables, parts, found, known)
    leads = next((part.bridge for part in parts if part.bridge), None)
    if leads:
        found.queries["payments"], found.decisions["payments"] = leads.read(database)
    read_balances(database, parts, balance, found)
    return found


def _tell_unreadable(relations: Sequence[Relation], found: Inferred, *, sure: bool) -> None:
    """Say which tables this role may not read; ask where one may be the ledger itself."""
    names = {relation.name: set(w.words(relation.name)) for relation in relations}
    books = {name for name, own in names.items() if own & (w.UNIT | w.BOOKS)}
    rivals = [name for name in sorted(books) if not sure or names[name] & w.ENTRY]
    if rivals:
        raise Question(
            f"{', '.join(rivals[:4])} cannot be read by this role, and may be the ledger; grant "
            "it SELECT, or name the tables to read"
        )
    text = f"{', '.join(list(names)[:8])} cannot be read by this role and were not looked at."
    found.gaps.append(("balances" if books else "tables", "unreadable", text))


def _names_payments(part: EntriesPart) -> bool:
    columns = part.entries.table.fields
    ids = (one for field in columns for one in stripe_ids(field.values, *_PAYING))
    return bool(part.bridge or part.reference or part.head or next(ids, None))


def _is_no_book(part: EntriesPart) -> bool:
    """A table that counts something (tokens of messages, what pictures cost), and books nothing."""
    own = part.entries.table.words
    return part.moves.adds_only and not own & (w.ENTRY | w.UNIT | w.BOOKS | w.PAYING | w.ADDING)


def _ask_for_purchases(
    parts: Sequence[EntriesPart], tables: Sequence[SampledTable], known: KnownValues
) -> None:
    """Ask where no entry names a payment, and another table holds credits beside Stripe's ids."""
    own = [part.entries.table.relation for part in parts]
    for table in tables:
        amount = best_amount(table.columns, known)
        if (
            table.relation not in own
            and amount is not None
            and amount[0].words & w.UNIT
            and owners(table, known)
            and any(stripe_ids(field.values, *_PAYING) for field in table.fields)
        ):
            raise Question(
                f"no entry of {own[0].name} names a payment, and {table.label} holds credits "
                "beside Stripe's ids: it may be a part of the ledger, or its list of purchases "
                "(read both with a query, or name the one that counts)",
                first_mapping(parts[0].entries),
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
            first_mapping(entries),
        )
    kinds = kinds_of_owner(entries.table, owner.field)
    if kinds is not None:
        beside, values = kinds
        raise Question(
            f"the entries of {entries.table.label} belong to {' and '.join(values[:4])}, as "
            f"{beside.name} says, and the same {owner.field.name} stands for more than one of them "
            f"(set where = \"{beside.column} = '{values[0]}'\")",
            first_mapping(entries),
        )
    side = other_side(entries.table, owner.field)
    if side is not None:
        raise Question(
            f"the entries of {entries.table.label} move credits between {side.name} and "
            f"{owner.field.name}; say with a query under [ledger.entries] how each counts for whom",
            first_mapping(entries),
        )
    # A table alone whose name says that it takes credits may still give some back.
    return EntriesPart(entries, owner, entries.direction if several else 0)


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
    decision.notes += [part.entries.table.note for part in parts if part.entries.table.note]
    decision.notes += first.moves.notes
    if first.moves.agrees is not None:
        decision.notes.append(
            f"for {first.moves.agrees:.0%} of the accounts the entries sum up to the stored balance"
        )
    table = first.entries.table
    if table.rows:
        # No account: its id may be an e-mail address.
        shown = (first.entries.amount, first.moves.type)
        decision.example = ", ".join(f"{f.name} = {f.texts[0]}" for f in shown if f)
    return decision


def _accounts(
    database: ReadOnlyDatabase,
    tables: Sequence[SampledTable],
    parts: Sequence[EntriesPart],
    found: Inferred,
    known: KnownValues,
) -> None:
    ids = parts[0].owner.values
    entries = parts[0].entries.table
    others = [t for t in tables if t.relation != entries.relation]
    accounts = not_of_another_kind(others, parts[0].owner)
    for name, read in (
        ("users", users_read(database, accounts, ids)),
        ("customers", customers_read(database, accounts, entries, ids)),
        ("memberships", memberships_read(database, others, accounts, ids)),
        ("aliases", aliases_read(database, accounts, ids, known)),
        ("mergers", mergers_read(database, accounts, ids)),
    ):
        if read:
            found.queries[name], found.decisions[name] = read
