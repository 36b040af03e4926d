"""Finds what in an entry leads to a payment of Stripe: an id in a text, or a number of the shop.

The shop's own number leads through one of its tables (orders, payments) that names the Stripe
object, or stands in the sessions themselves as ``client_reference_id`` or metadata.
"""

from __future__ import annotations

from dataclasses import dataclass

from credit_forensics.databases.read_only import ReadOnlyDatabase
from credit_forensics.evidence.ledgers.inference import words as w
from credit_forensics.evidence.ledgers.inference.known_values import KnownValues
from credit_forensics.evidence.ledgers.inference.probes import overlap
from credit_forensics.evidence.ledgers.inference.samples import Field, SampledTable, stripe_ids

_OBJECTS = ("cs", "pi", "in", "evt", "ch", "re", "sub", "py")
# So much of what an entry's column holds must be found in the other table.
_LEADS = 0.6


@dataclass(frozen=True)
class Bridge:
    """A table that leads from the shop's own number (``key``) to objects of Stripe.

    ``by`` is the entries' column with that number.
    """

    table: SampledTable
    key: Field
    by: Field
    session: Field | None
    intent: Field | None


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
    tables: list[SampledTable],
    apart_from: set[str],
) -> Bridge | None:
    """The table through which entries reach their payments; none where there is none."""
    best: tuple[float, str, Bridge] | None = None
    columns = [
        field
        for field in entries.fields
        if field.name not in apart_from
        and not (field.is_time or field.is_json or field.is_email or field.is_customer)
        and field.values
        and not field.type.startswith("bool")
        and not stripe_ids(field.values, "cs", "pi", "evt")
    ]
    for table in tables:
        if table is entries or table.relation == entries.relation:
            continue
        session = _holder(table, "cs")
        intent = _holder(table, "pi")
        if session is None and intent is None:
            continue
        for key in table.columns:
            if key in (session, intent) or not key.values or key.is_time or key.is_email:
                continue
            if len(key.values) < key.filled:
                continue
            for by in columns:
                fit = _fit(by, table, key)
                if fit <= 0:
                    continue
                share = overlap(database, by.values, table, key)
                if share < _LEADS:
                    continue
                rank = (share + fit, table.label + key.name + by.name)
                if best is None or rank[0] > best[0] or (rank[0] == best[0] and rank[1] < best[1]):
                    best = (*rank, Bridge(table, key, by, session, intent))
    return best[2] if best else None


def _holder(table: SampledTable, prefix: str) -> Field | None:
    for field in table.fields:
        ids = stripe_ids(field.values, prefix)
        if not field.is_json and ids and len(ids) >= 0.5 * len(field.values):
            return field
    return None


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
        return 1.0 if named and key.words & w.KEY else 0.0
    if max((len(value) for value in by.values), default=0) < 4:
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
