"""Decides what to read from a ledger's database: which tables, which columns, and what is missing.

The case file's own mapping goes before the built-in layout, part by part. Names are quoted; an
SQL expression is taken as it stands, inside one statement of a read-only transaction.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from credit_forensics.case_file import LedgerSection, TableMapping
from credit_forensics.databases.read_only import ReadOnlyDatabase, UnreadableError
from credit_forensics.databases.relations import Relation, quote_identifier, quote_text
from credit_forensics.did_you_mean import did_you_mean
from credit_forensics.errors import CaseError
from credit_forensics.evidence.ledgers.hidden_rows import refuse_hidden_rows
from credit_forensics.evidence.ledgers.inference.decisions import Question
from credit_forensics.evidence.ledgers.inference.infer_ledger import Inferred, infer_ledger
from credit_forensics.evidence.ledgers.inference.known_values import KnownValues
from credit_forensics.evidence.ledgers.inference.probes import as_text, divided
from credit_forensics.evidence.ledgers.inference.words import FLAG_BAD, FLAG_GOOD, STATUS, words
from credit_forensics.evidence.ledgers.layouts import (
    CONSEQUENCES,
    CREDIT_LEDGER,
    CREDIT_TRANSACTIONS,
    LAYOUTS,
    MADE_UP_BY,
    OPTIONAL_PARTS,
    REQUIRED,
    TARGETS,
    Layout,
    Sources,
    SourceTable,
    layout_names,
)

_IDENTIFIER = re.compile(r"[^\W\d][\w$]*\Z")
_CONSTANTS = {"null", "true", "false", "current_user", "current_date", "current_timestamp"}


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
            _own(database, section, plan, part=part, mapping=mapping, default=default)
        elif default:
            _built_in(database, section, plan, part, default)
    if "entries" not in plan.reads:
        raise CaseError(_no_ledger(database, section, layout))
    return plan


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
    known = {name for names in source.columns.values() for name in names}
    if set(relation.columns) <= known:
        return True
    # A column more may say that a row does not count: a reason to look closer.
    other = {word for column in relation.columns for word in words(column)}
    whole = len(_columns(relation, source)) == len(source.columns)
    return whole and not other & (STATUS | FLAG_GOOD | FLAG_BAD)


def _inferred(
    database: ReadOnlyDatabase, section: LedgerSection, known: Callable[[], KnownValues] | None
) -> Plan:
    """The plan that inference makes, with the parts that the case file maps by hand."""
    plan = Plan("inferred", inferred=True)
    if known is None:
        return plan
    refuse_hidden_rows(database, database.relations())
    table = None
    if section.entries is not None and section.entries.table:
        table = _own_table(database, section, "ledger.entries", section.entries, ())
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
    for part in ("entries", "users", "customers", "balances"):
        mapping = getattr(section, part)
        if mapping is not None and part != "entries":
            _own(database, section, plan, part=part, mapping=mapping, default=())
        elif part in found.queries:
            _take_inferred(plan, part, found)
        elif (part, "") in CONSEQUENCES and part not in {gap[0] for gap in plan.gaps}:
            plan.gaps.append((part, "missing_table", f"None is found: {CONSEQUENCES[part, '']}"))
    for part in OPTIONAL_PARTS:
        if part in found.queries:
            _take_inferred(plan, part, found)
        elif part != "payments":
            _built_in(database, section, plan, part, getattr(CREDIT_TRANSACTIONS, part))
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


def _candidates(
    database: ReadOnlyDatabase, section: LedgerSection, sources: Sources
) -> list[tuple[Relation, SourceTable]]:
    found = [
        (database.find(name, section.database_schema), source)
        for source in sources
        for name in source.tables
    ]
    return [(relation, source) for relation, source in found if relation is not None]


def _columns(relation: Relation, source: SourceTable) -> dict[str, str]:
    """The first candidate column that is there, for each target."""
    found = {}
    for target, names in source.columns.items():
        present = [column for name in names if (column := relation.column(name))]
        if present:
            found[target] = present[0]
    return found


def _best(
    database: ReadOnlyDatabase, section: LedgerSection, part: str, sources: Sources
) -> tuple[Relation, SourceTable] | None:
    """The first table that has what the part needs."""
    for relation, source in _candidates(database, section, sources):
        found = _columns(relation, source)
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
                _missing(part, sources[0], _candidates(database, section, sources[:1]))
            )
        return
    relation, source = best
    found = _columns(relation, source)
    for target in source.columns:
        made_up_for = MADE_UP_BY.get((part, target), ())
        if target in found or any(other in found for other in made_up_for):
            continue
        if (part, target) in CONSEQUENCES:
            problem = f"{relation.name} has no column {_or(source.columns[target])}"
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


def _or(names: tuple[str, ...]) -> str:
    return " or ".join(names[:3])


def _missing(
    part: str, source: SourceTable, candidates: list[tuple[Relation, SourceTable]]
) -> tuple[str, str, str]:
    consequence = CONSEQUENCES[part, ""]
    if not candidates:
        return part, "missing_table", f"There is no {_or(source.tables)}: {consequence}"
    relation, _ = candidates[0]
    if relation.problem:
        return part, "unreadable", f"{relation.name} cannot be read: {consequence}"
    found = _columns(relation, source)
    absent = [_or(source.columns[t]) for t in REQUIRED[part] if t not in found]
    problem = f"{relation.name} has no column {', '.join(absent)}"
    return part, "missing_column", f"{problem}: {consequence}"


def _own(
    database: ReadOnlyDatabase,
    section: LedgerSection,
    plan: Plan,
    *,
    part: str,
    mapping: TableMapping,
    default: Sources,
) -> None:
    place = f"ledger.{part}"
    for target in mapping.columns:
        if target not in TARGETS[part]:
            hint = did_you_mean(target, TARGETS[part])
            raise CaseError(f"{place}.columns: unknown column '{target}'; {hint}")
    if mapping.table and mapping.query:
        raise CaseError(f"{place}: give either a table or a query, not both.")
    if mapping.query:
        body = mapping.query.strip().rstrip(";")
        relation = Relation("", "query", _query_columns(database, place, body))
        source = f"(\n{body}\n) AS source"
    else:
        relation = _own_table(database, section, place, mapping, default)
        source = database.quoted(relation)
    select = {}
    absent = []
    plain = {}
    for target, value in (mapping.columns or _same_names(relation, part, default)).items():
        expression = _expression(relation, value)
        column = _plain_column(relation, value)
        if column is not None:
            plain[target] = column
        if expression is None:
            absent.append((target, value))
        else:
            select[target] = expression
    needed = [target for target in REQUIRED[part] if target not in select]
    if needed:
        named = dict(absent).get(needed[0])
        what = f"the column '{named}' is not in" if named else f"no {needed[0]} is mapped from"
        raise CaseError(
            f"{place}: {what} {relation.name}, which has {', '.join(relation.columns) or 'none'}."
        )
    for target, value in absent:
        consequence = CONSEQUENCES.get((part, target), f"{target} stays empty.")
        plan.gaps.append(
            (
                f"{part}.{target}",
                "missing_column",
                f"{relation.name} has no column {value}: {consequence}",
            )
        )
    _with_sign_and_scale(database, place, mapping, select, plain)
    items = ", ".join(f"{sql} AS {quote_identifier(target)}" for target, sql in select.items())
    conditions = [f"(\n{mapping.where}\n)"] if mapping.where else []
    if part == "customers":
        conditions.append(f"{select['customer_id']} IS NOT NULL")
    where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    query = f"SELECT {items} FROM {source}{where}"
    plan.reads[part] = Read(
        part,
        relation.name,
        query,
        own=True,
        relation=None if mapping.query else relation,
        columns=plain,
        expressions=tuple(target for target in select if target not in plain),
    )


def _with_sign_and_scale(
    database: ReadOnlyDatabase,
    place: str,
    mapping: TableMapping,
    select: dict[str, str],
    plain: dict[str, str],
) -> None:
    """Put the mapping's ``sign`` and ``scale`` into the expression of the credits."""
    target = next((name for name in ("delta", "balance") if name in select), "")
    if not target or not (mapping.sign or (mapping.scale or 1) != 1):
        return
    amount = f"({select[target]})"
    if mapping.sign:
        if "type" not in select:
            raise CaseError(f"{place}.sign needs columns.type: the column with its values.")
        label = as_text(database, select["type"])
        cases = " ".join(
            f"WHEN {label} = {quote_text(value, database.dialect)} THEN {sign}"
            for value, sign in mapping.sign.items()
        )
        amount = f"({amount} * CASE {cases} ELSE 1 END)"
    if mapping.scale and mapping.scale != 1:
        amount = divided(database, amount, mapping.scale)
    select[target] = amount
    plain.pop(target, None)


def _query_columns(database: ReadOnlyDatabase, place: str, body: str) -> dict[str, str]:
    try:
        return dict(database.describe(body))
    except UnreadableError as error:
        raise CaseError(f"{place}.query cannot be run: {error}.") from None


def _own_table(
    database: ReadOnlyDatabase,
    section: LedgerSection,
    place: str,
    mapping: TableMapping,
    default: Sources,
) -> Relation:
    if mapping.table:
        schema, name = section.database_schema, mapping.table
        relation = database.find(name, schema)
        if relation is None and "." in name:
            schema, name = name.split(".", 1)
            relation = database.find(name, schema)
        if relation is not None:
            return relation
    else:
        candidates = _candidates(database, section, default)
        if candidates:
            return candidates[0][0]
    wanted = mapping.table or "table"
    raise CaseError(
        f"{place}: there is no table {wanted!r} in {database.name}; it holds {holds(database)}."
    )


def _same_names(relation: Relation, part: str, default: Sources) -> dict[str, str]:
    found = {target: target for target in TARGETS[part] if relation.column(target)}
    for source in default:
        found = {**_columns(relation, source), **found}
    return {target: column for target, column in found.items() if target in TARGETS[part]}


def _plain_column(relation: Relation, value: str) -> str | None:
    column = relation.column(value)
    if column is None and value.startswith('"') and value.endswith('"'):
        column = relation.column(value[1:-1].replace('""', '"'))
    return column


def _expression(relation: Relation, value: str) -> str | None:
    """SQL for a mapped value: a quoted column, an expression, or none for a column not there."""
    column = _plain_column(relation, value)
    if column is not None:
        return quote_identifier(column)
    if value.startswith('"') and value.endswith('"'):
        return None
    if _IDENTIFIER.match(value) and value.lower() not in _CONSTANTS:
        return None
    return f"(\n{value}\n)"


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


def _no_ledger(database: ReadOnlyDatabase, section: LedgerSection, layout: Layout) -> str:
    candidates = _candidates(database, section, layout.entries)
    others = [other.name for other in LAYOUTS if fits(database, section, other)]
    hint = f"; schema = '{others[0]}' would fit" if others else ""
    if candidates and not hint:
        relation, source = candidates[0]
        if relation.problem:
            return f"The ledger {relation.name} in {database.name} cannot be read."
        found = _columns(relation, source)
        absent = [_or(source.columns[t]) for t in REQUIRED["entries"] if t not in found]
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
