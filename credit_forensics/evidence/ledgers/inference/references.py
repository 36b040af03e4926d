"""Finds what in an entry leads to a payment of Stripe: an id in a text, or a number of the shop.

The shop's own number leads through one of its tables (orders, payments), or through a chain of
them, to one that names the Stripe object or a value that one session alone carries; or it stands
in the sessions themselves as ``client_reference_id`` or metadata.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from credit_forensics.databases.read_only import ReadOnlyDatabase
from credit_forensics.databases.relations import quote_text
from credit_forensics.evidence.ledgers.inference import words as w
from credit_forensics.evidence.ledgers.inference.column_roles import entry_key
from credit_forensics.evidence.ledgers.inference.decisions import Decision
from credit_forensics.evidence.ledgers.inference.known_values import KnownValues
from credit_forensics.evidence.ledgers.inference.probes import as_text, overlap
from credit_forensics.evidence.ledgers.inference.samples import Field, SampledTable, stripe_ids

_OBJECTS = ("cs", "pi", "in", "evt", "ch", "re", "sub", "py")
_STARTS: dict[str, tuple[str, ...]] = {
    "session_id": ("cs_",),
    "intent_id": ("pi_",),
    "object_id": ("in_", "evt_", "ch_", "py_"),
}
# So much of what an entry's column holds must be found in the other table.
_LEADS = 0.6
_MOST_STEPS = 3


@dataclass(frozen=True)
class Step:
    """From a column to another table by its key, where a column beside it says so (``when``)."""

    by: Field
    table: SampledTable
    key: Field
    when: tuple[Field, str] | None = None


@dataclass(frozen=True)
class Bridge:
    """How entries reach objects of Stripe: by the first step's column, over one table or more.

    ``holders`` are columns of the last table: the session's id, the intent's, another object's,
    or a value that one session alone carries.
    """

    steps: tuple[Step, ...]
    holders: tuple[tuple[str, Field], ...]

    @property
    def by(self) -> Field:
        """The entries' column that leads away."""
        return self.steps[0].by

    def by_sql(self, database: ReadOnlyDatabase) -> str:
        """The entries' number that leads away, in the database's SQL."""
        sql, when = self.by.sql(database, "e"), self.steps[0].when
        if when is None:
            return sql
        test = f"{as_text(database, when[0].sql(database, 'e'))}"
        return f"CASE WHEN {test} = {quote_text(when[1], database.dialect)} THEN {sql} END"

    @property
    def words(self) -> str:
        """The way in words."""
        way = [f"{step.table.label}.{step.key.name}" for step in self.steps]
        return f"{self.by.name} by {', '.join(way)}"

    def read(self, database: ReadOnlyDatabase) -> tuple[str, Decision]:
        """The query that gives each number of the shop its objects, and the decision."""
        last = len(self.steps) - 1
        columns = {"local_id": self.steps[0].key.sql(database, "p0")}
        words = {"local_id": self.steps[0].key.name}
        for target, field in self.holders:
            columns[target], words[target] = field.sql(database, f"p{last}"), field.name
        source = f"{database.quoted(self.steps[0].table.relation)} AS p0"
        for place, step in enumerate(self.steps[1:], start=1):
            left = as_text(database, step.by.sql(database, f"p{place - 1}"))
            right = as_text(database, step.key.sql(database, f"p{place}"))
            source += (
                f" JOIN {database.quoted(step.table.relation)} AS p{place} ON {left} = {right}"
            )
        select = ", ".join(f"{sql} AS {target}" for target, sql in columns.items())
        label = " and ".join(step.table.label for step in self.steps)
        return f"SELECT {select} FROM {source}", Decision("payments", label, words, certainty=0.9)


def texts_with_ids(table: SampledTable, apart_from: set[str]) -> list[Field]:
    """Columns of the entries that hold Stripe's ids, or by their names and types may do so."""
    found = []
    for field in table.columns:
        if field.name in apart_from or field.is_time or field.type.startswith(("bool", "uuid")):
            continue
        if (
            field.is_json
            or stripe_ids(field.values, *_OBJECTS)
            or (not field.numbers and field.words & w.REFERENCE and _is_text(field))
        ):
            found.append(field)
    return found


def _is_text(field: Field) -> bool:
    return field.type == "" or field.type.startswith(("text", "char", "varchar", "string", "clob"))


def bridge(
    database: ReadOnlyDatabase,
    entries: SampledTable,
    tables: Sequence[SampledTable],
    apart_from: set[str],
    known: KnownValues,
) -> Bridge | None:
    """The shortest way from entries to their payments; none where there is none."""
    others = [table for table in tables if table.relation != entries.relation]
    ends = {table.label: found for table in others if (found := _holders(table, known))}
    if not ends:
        return None
    start = [field for field in entries.fields if field.name not in apart_from]
    paths: list[tuple[tuple[Step, ...], float]] = [((), 0.0)]
    for length in range(_MOST_STEPS):
        longer = []
        for steps, before in paths:
            here = steps[-1].table if steps else entries
            fields = start if not steps else [f for f in here.columns if f != steps[-1].key]
            beyond = [t for t in others if t is not here and all(s.table is not t for s in steps)]
            for step, fit in _steps(database, fields, here, beyond, ends, sure=bool(steps)):
                longer.append(((*steps, step), before + fit))
        whole = [(fit, steps) for steps, fit in longer if steps[-1].table.label in ends]
        if not whole and length == 0:
            whole = [(1.0, (step,)) for step in _steps_back(database, entries, others, ends)]
        if whole:
            _, way = min(whole, key=lambda one: (-one[0], _name(one[1])))
            return Bridge(way, ends[way[-1].table.label])
        paths = longer[:20]
    return None


def _name(steps: tuple[Step, ...]) -> str:
    return " ".join(f"{step.table.label} {step.key.name} {step.by.name}" for step in steps)


def _steps(
    database: ReadOnlyDatabase,
    fields: Sequence[Field],
    here: SampledTable,
    tables: Sequence[SampledTable],
    ends: dict[str, tuple[tuple[str, Field], ...]],
    *,
    sure: bool,
) -> Iterator[tuple[Step, float]]:
    """Steps from some columns to tables whose key holds their values, and how well each fits.

    On the way (``sure``, or to a table that ends nothing) the names must say so too.
    """
    columns = [f for f in fields if _may_lead(f)]
    for table in tables:
        holders = ends.get(table.label, ())
        for key in table.columns:
            # An invoice's id may lead to the session beside it, not to itself.
            end = any(field != key for _, field in holders)
            if not _may_be_key(key) or (holders and not end):
                continue
            for by in columns:
                when = _when(by, here.columns, table)
                fit = 1.0 if when and key.words <= w.KEY else _fit(by, table, key)
                if fit <= 0 or (fit < 1 and (sure or not end)):
                    continue
                values = by.values
                if when:
                    both = zip(by.texts, when[0].texts, strict=True)
                    values = tuple(text for text, kind in both if text and kind == when[1])
                share = overlap(database, values, table, key)
                if share >= _LEADS:
                    yield Step(by, table, key, when), share + fit


def _steps_back(
    database: ReadOnlyDatabase,
    entries: SampledTable,
    tables: Sequence[SampledTable],
    ends: dict[str, tuple[tuple[str, Field], ...]],
) -> Iterator[Step]:
    """Steps by a column of another table that names the entry (an order its transaction)."""
    key = entry_key(entries)
    if key is None:
        return
    for table in tables:
        for back in table.columns if table.label in ends else ():
            own = back.words - w.KEY
            if not own & (w.ENTRY | w.UNIT) or not own & entries.words or not _may_be_key(back):
                continue
            if overlap(database, back.values, entries, key) >= 0.9:
                yield Step(key, table, back)


def _when(by: Field, fields: Sequence[Field], table: SampledTable) -> tuple[Field, str] | None:
    """The column beside an id that says of which table it is, and what it says for this one."""
    own = by.words - w.KEY
    for beside in fields:
        if not own or beside.words - {"type", "kind"} != own or beside.words == own:
            continue
        for value in beside.values:
            last = re.split(r"[\\:./]", value)[-1]
            if set(w.words(last)) and set(w.words(last)) <= table.words:
                return beside, value
    return None


def _may_lead(field: Field) -> bool:
    return bool(field.values) and not (
        field.is_time
        or field.is_json
        or field.is_email
        or field.is_customer
        or field.type.startswith("bool")
        or stripe_ids(field.values, "cs", "pi", "evt")
    )


def _may_be_key(field: Field) -> bool:
    return bool(field.values) and not (
        field.is_time or field.is_email or len(field.values) < field.filled
    )


def _holders(table: SampledTable, known: KnownValues) -> tuple[tuple[str, Field], ...]:
    """The columns that name a session, an intent, another object, or what names a session."""
    found: dict[str, Field] = {}
    for field in table.fields:
        if field.is_json or not field.values:
            continue
        for target, starts in _STARTS.items():
            ids = sum(1 for value in field.values if value.startswith(starts))
            if target not in found and 2 * ids >= len(field.values):
                found[target] = field
        hits = sum(1 for value in field.values if len(value) >= 4 and value in known.references)
        if hits >= 2 and not field.words & w.OWNER and "reference" not in found:
            found["reference"] = field
    if found.keys() & {"session_id", "intent_id"}:
        found.pop("reference", None)
    return tuple(found.items())


def _fit(by: Field, table: SampledTable, key: Field) -> float:
    """How well two names say that one column refers to the other.

    Numbers that count from one are found in every table, so those need a name that says so.
    """
    own = by.words - w.KEY
    named = bool(own & table.words) or by.column.lower() == key.column.lower()
    named = named or (
        bool(own & {"payment", "order", "purchase", "invoice", "checkout"})
        and bool(table.words & w.PAYING)
    )
    counting = all(value.isdigit() and len(value) < 8 for value in by.values)
    if counting:
        # Both being called "id" says nothing.
        return 1.0 if named and own and key.words & w.KEY else 0.0
    lengths = [len(value) for value in key.values]
    if max((len(value) for value in by.values), default=0) < 4 or not any(
        min(lengths) <= len(value) <= max(lengths) for value in by.values
    ):
        return 0.0
    return 1.0 if named else 0.5 if by.words & w.REFERENCE or not by.words & w.OWNER else 0.0


def own_reference(entries: SampledTable, known: KnownValues, apart_from: set[str]) -> Field | None:
    """The column with values that one session alone carries (an order number in its metadata)."""
    scored = []
    for field in entries.fields:
        if field.name in apart_from or field.is_time or field.is_json or field.is_email:
            continue
        if field.words & w.OWNER or field.share(known.accounts.__contains__) > 0:
            continue
        values = [value for value in field.values if len(value) >= 4]
        hits = sum(1 for value in values if value in known.references)
        if hits >= 2 or (hits and len(values) <= 3):
            scored.append((-hits / len(values), field.name, field))
    return min(scored, key=lambda one: one[:2])[2] if scored else None
