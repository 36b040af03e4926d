"""Decides what to read from a ledger's database: which tables, which columns, and what is missing.

The case file's own mapping goes before the built-in layout, part by part. Names are quoted; an
SQL expression is taken as it stands, inside one statement of a read-only transaction.
"""

from __future__ import annotations

from collections.abc import Callable

from credit_forensics.case_file import LedgerSection, TableMapping
from credit_forensics.databases.read_only import ReadOnlyDatabase
from credit_forensics.databases.relations import Relation, quote_identifier
from credit_forensics.did_you_mean import did_you_mean
from credit_forensics.errors import CaseError
from credit_forensics.evidence.ledgers.hidden_rows import refuse_hidden_rows
from credit_forensics.evidence.ledgers.inference.aliases_of import aliases_in, is_second_id
from credit_forensics.evidence.ledgers.inference.decisions import Inferred, Question
from credit_forensics.evidence.ledgers.inference.infer_ledger import infer_ledger
from credit_forensics.evidence.ledgers.inference.known_values import KnownValues
from credit_forensics.evidence.ledgers.inference.samples import Field, sample
from credit_forensics.evidence.ledgers.inference.table_parts import may_be_part
from credit_forensics.evidence.ledgers.inference.words import (
    BOOKS,
    ENTRY,
    FLAG_BAD,
    FLAG_GOOD,
    PEOPLE,
    STATUS,
    UNIT,
    VERSION,
    words,
)
from credit_forensics.evidence.ledgers.layouts import (
    CONSEQUENCES,
    CREDIT_LEDGER,
    CREDIT_TRANSACTIONS,
    LAYOUTS,
    MADE_UP_BY,
    OPTIONAL_PARTS,
    REQUIRED,
    Layout,
    Sources,
    SourceTable,
    layout_names,
)
from credit_forensics.evidence.ledgers.own_mappings import own_table, read_own
from credit_forensics.evidence.ledgers.read_plan import (
    Plan,
    Read,
    candidate_tables,
    columns_of,
    either,
    holds,
)


def plan_reads(
    database: ReadOnlyDatabase,
    section: LedgerSection,
    known: Callable[[], KnownValues] | None = None,
) -> Plan:
    """Plan the reads of one ledger.

    Parameters
    ----------
    known
        gives what Stripe's side knows; without it a layout that must be inferred gives an empty
        plan.

    Returns
    -------
    Plan
        the read of ``entries``, unless the shop stores none; gaps as (object, problem,
        consequence).

    Raises
    ------
    CaseError
        when there is no ledger table, a mapping names a table, target or layout that does not
        exist, or what is needed of the ledger (user and credits) is not in it.
    """
    layout = _layout(database, section)
    if section.schema_ == "auto" and not _is_plain(database, section):
        return _inferred(database, section, known)
    plan = Plan(layout.name)
    for part in ("entries", "users", "customers", "balances", *OPTIONAL_PARTS):
        mapping = getattr(section, part, None)
        default: Sources = getattr(layout, part)
        if mapping is not None:
            read_own(database, section, plan, part=part, mapping=mapping, default=default)
        elif default:
            _built_in(database, section, plan, part, default)
    if "entries" not in plan.reads:
        raise CaseError(_no_ledger(database, section, layout))
    if known is not None:
        _second_ids(database, plan, known)
    return plan


def _second_ids(database: ReadOnlyDatabase, plan: Plan, known: Callable[[], KnownValues]) -> None:
    """Read a column of the accounts that holds second ids, where the sessions name them by it."""
    read = plan.reads.get("users")
    if "aliases" in plan.reads or read is None or read.relation is None:
        return
    names = [Field(name, kind, ()) for name, kind in read.relation.columns.items()]
    own = read.columns.get("user_id")
    if own is None or not any(is_second_id(field) and field.column != own for field in names):
        return
    table = sample(database, read.relation)
    key = table.field(own) if table else None
    if table is None or key is None:
        return
    found = aliases_in(database, table, key, known(), called=True)
    if found:
        query, decision = found
        plan.reads["aliases"] = Read("aliases", decision.table, query)
        plan.notes.append(decision.sentence())


def _layout(database: ReadOnlyDatabase, section: LedgerSection) -> Layout:
    wanted = section.schema_
    for layout in LAYOUTS:
        if layout.name == wanted:
            return layout
    if wanted != "auto":
        hint = did_you_mean(wanted, [*layout_names(), "auto"])
        raise CaseError(f"ledger.schema '{wanted}' is not known; {hint}")
    fitting = [layout for layout in LAYOUTS if fits(database, section, layout)]
    return fitting[0] if fitting else LAYOUTS[0]


def _is_plain(database: ReadOnlyDatabase, section: LedgerSection) -> bool:
    """Whether nothing needs to be inferred: mapped by hand, or the first layout's own table."""
    mapping = section.entries
    if mapping is not None and (mapping.query or mapping.columns):
        return True
    best = _best(database, section, "entries", CREDIT_LEDGER.entries)
    if mapping is not None or best is None:
        return False
    relation, source = best
    if any(may_be_part(other, relation) for other in _in_scope(database, section)):
        return False
    if section.users is None and _other_accounts(database, section):
        return False
    known = {name for names in source.columns.values() for name in names}
    if set(relation.columns) <= known:
        return True
    # A column more may say that a row does not count: a reason to look closer.
    other = {word for column in relation.columns for word in words(column)}
    whole = len(columns_of(relation, source)) == len(source.columns)
    return whole and not other & (STATUS | FLAG_GOOD | FLAG_BAD | VERSION)


def _other_accounts(database: ReadOnlyDatabase, section: LedgerSection) -> bool:
    """Whether accounts are there, but in a table that is not the first layout's own."""
    if _best(database, section, "users", CREDIT_LEDGER.users) is not None:
        return False
    people = PEOPLE - {"customer", "client"}
    called = [set(words(relation.name)) for relation in _in_scope(database, section)]
    return any(names & people and not names & (UNIT | BOOKS | ENTRY) for names in called)


def _in_scope(database: ReadOnlyDatabase, section: LedgerSection) -> list[Relation]:
    schema = section.database_schema
    return [r for r in database.relations() if schema in (None, r.schema)]


def _inferred(
    database: ReadOnlyDatabase, section: LedgerSection, known: Callable[[], KnownValues] | None
) -> Plan:
    """The plan that inference makes, with the parts that the case file maps by hand."""
    plan = Plan("inferred", inferred=True)
    if known is None:
        return plan
    concerned = [r for r in database.relations() if set(words(r.name)) & (UNIT | PEOPLE | BOOKS)]
    refuse_hidden_rows(database, concerned)
    table = None
    if section.entries is not None and section.entries.table:
        table = own_table(database, section, "ledger.entries", section.entries, ())
    try:
        found = infer_ledger(database, section, known(), table)
    except Question as question:
        mapping = f" The mapping might begin:\n{question.mapping}" if question.mapping else ""
        raise CaseError(
            f"The layout of {database.name} cannot be told: {question.text}. It holds "
            f"{holds(database)}. Say it under [ledger.entries] in the case file, or name a known "
            f"layout with schema ({', '.join(layout_names())}).{mapping}"
        ) from None
    plan.gaps += found.gaps
    for part in ("entries", "users", "customers", "balances", *OPTIONAL_PARTS):
        own: TableMapping | None = getattr(section, part, None)
        if own is not None and part != "entries":
            read_own(database, section, plan, part=part, mapping=own, default=())
        elif part in found.queries:
            _take_inferred(plan, part, found)
        elif part in OPTIONAL_PARTS and part not in ("payments", "mergers"):
            _built_in(database, section, plan, part, getattr(CREDIT_TRANSACTIONS, part))
        elif (part, "") in CONSEQUENCES and part not in {gap[0] for gap in plan.gaps}:
            plan.gaps.append((part, "missing_table", f"None is found: {CONSEQUENCES[part, '']}"))
    return plan


def _take_inferred(plan: Plan, part: str, found: Inferred) -> None:
    """A part as it was inferred, with what is lost by the columns that were not found."""
    decision = found.decisions[part]
    plan.reads[part] = Read(part, decision.table, found.queries[part])
    plan.notes.append(decision.sentence())
    there = {column.rsplit(".", 1)[-1] for column in decision.columns}
    if there & {"meta", "local_payment_id", "reference"}:
        there.add("event_id")
    for (name, target), consequence in CONSEQUENCES.items():
        made_up = there & set(MADE_UP_BY.get((name, target), ()))
        if name == part and target and target not in there and not made_up:
            problem = f"{decision.table} has no column for {target}: {consequence}"
            plan.gaps.append((f"{part}.{target}", "missing_column", problem))


def fits(database: ReadOnlyDatabase, section: LedgerSection, layout: Layout) -> bool:
    """Whether the database has the layout's ledger table with the columns it needs."""
    return _best(database, section, "entries", layout.entries) is not None


def _best(
    database: ReadOnlyDatabase, section: LedgerSection, part: str, sources: Sources
) -> tuple[Relation, SourceTable] | None:
    """The first table that has what the part needs."""
    for relation, source in candidate_tables(database, section, sources):
        found = columns_of(relation, source)
        if all(target in found for target in REQUIRED[part]):
            return relation, source
    return None


def _built_in(
    database: ReadOnlyDatabase,
    section: LedgerSection,
    plan: Plan,
    part: str,
    sources: Sources,
) -> None:
    best = _best(database, section, part, sources)
    if best is None:
        if part not in OPTIONAL_PARTS and part != "entries":
            plan.gaps.append(
                _missing(part, sources[0], candidate_tables(database, section, sources[:1]))
            )
        return
    relation, source = best
    found = columns_of(relation, source)
    for target in source.columns:
        made_up_for = MADE_UP_BY.get((part, target), ())
        if target in found or any(other in found for other in made_up_for):
            continue
        if (part, target) in CONSEQUENCES:
            problem = f"{relation.name} has no column {either(source.columns[target])}"
            plan.gaps.append(
                (
                    f"{part}.{target}",
                    "missing_column",
                    f"{problem}: {CONSEQUENCES[part, target]}",
                )
            )
    select = ", ".join(
        f"{quote_identifier(column)} AS {quote_identifier(target)}"
        for target, column in found.items()
    )
    # Where bindings lie in the users' table, most users have none.
    where = (
        f" WHERE {quote_identifier(found['customer_id'])} IS NOT NULL"
        if part == "customers"
        else ""
    )
    query = f"SELECT {select} FROM {database.quoted(relation)}{where}"
    plan.reads[part] = Read(part, relation.name, query, relation=relation, columns=found)


def _missing(
    part: str, source: SourceTable, candidates: list[tuple[Relation, SourceTable]]
) -> tuple[str, str, str]:
    consequence = CONSEQUENCES[part, ""]
    if not candidates:
        return part, "missing_table", f"There is no {either(source.tables)}: {consequence}"
    relation, _ = candidates[0]
    if relation.problem:
        return part, "unreadable", f"{relation.name} cannot be read: {consequence}"
    found = columns_of(relation, source)
    absent = [either(source.columns[t]) for t in REQUIRED[part] if t not in found]
    problem = f"{relation.name} has no column {', '.join(absent)}"
    return part, "missing_column", f"{problem}: {consequence}"


def _no_ledger(database: ReadOnlyDatabase, section: LedgerSection, layout: Layout) -> str:
    candidates = candidate_tables(database, section, layout.entries)
    others = [other.name for other in LAYOUTS if fits(database, section, other)]
    hint = f"; schema = '{others[0]}' would fit" if others else ""
    if candidates and not hint:
        relation, source = candidates[0]
        if relation.problem:
            return f"The ledger {relation.name} in {database.name} cannot be read."
        found = columns_of(relation, source)
        absent = [either(source.columns[t]) for t in REQUIRED["entries"] if t not in found]
        return (
            f"The ledger {relation.name} in {database.name} has no column {', '.join(absent)}; it "
            f"has {', '.join(relation.columns)}."
        )
    tables = [
        name
        for tried in (LAYOUTS if section.schema_ == "auto" else (layout,))
        for name in tried.entries[0].tables[:1]
    ]
    return (
        f"The ledger database {database.name} has no table {' or '.join(tables)}; it holds "
        f"{holds(database)}{hint}."
    )
