"""Reads a part of a ledger as the case file maps it: names, expressions, or a query."""

from __future__ import annotations

import re

from credit_forensics.case_file import LedgerSection, TableMapping
from credit_forensics.databases.read_only import ReadOnlyDatabase, UnreadableError
from credit_forensics.databases.relations import Relation, quote_identifier, quote_text
from credit_forensics.did_you_mean import did_you_mean
from credit_forensics.errors import CaseError
from credit_forensics.evidence.ledgers.inference.probes import as_text, divided
from credit_forensics.evidence.ledgers.layouts import CONSEQUENCES, REQUIRED, TARGETS, Sources
from credit_forensics.evidence.ledgers.read_plan import (
    Plan,
    Read,
    candidate_tables,
    columns_of,
    holds,
)

_IDENTIFIER = re.compile(r"[^\W\d][\w$]*\Z")
_CONSTANTS = {"null", "true", "false", "current_user", "current_date", "current_timestamp"}


def read_own(
    database: ReadOnlyDatabase,
    section: LedgerSection,
    plan: Plan,
    *,
    part: str,
    mapping: TableMapping,
    default: Sources,
) -> None:
    """Plan the read of a part that the case file maps."""
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
        relation = own_table(database, section, place, mapping, default)
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


def own_table(
    database: ReadOnlyDatabase,
    section: LedgerSection,
    place: str,
    mapping: TableMapping,
    default: Sources,
) -> Relation:
    """The table that a mapping names, else the layout's."""
    if mapping.table:
        schema, name = section.database_schema, mapping.table
        relation = database.find(name, schema)
        if relation is None and "." in name:
            schema, name = name.split(".", 1)
            relation = database.find(name, schema)
        if relation is not None:
            return relation
    else:
        candidates = candidate_tables(database, section, default)
        if candidates:
            return candidates[0][0]
    wanted = mapping.table or "table"
    raise CaseError(
        f"{place}: there is no table {wanted!r} in {database.name}; it holds {holds(database)}."
    )


def _same_names(relation: Relation, part: str, default: Sources) -> dict[str, str]:
    found = {target: target for target in TARGETS[part] if relation.column(target)}
    for source in default:
        found = {**columns_of(relation, source), **found}
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
