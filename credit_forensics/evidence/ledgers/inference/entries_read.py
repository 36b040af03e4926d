"""Writes the read of the entries that inference decided on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from credit_forensics.databases.read_only import ReadOnlyDatabase
from credit_forensics.databases.relations import quote_identifier
from credit_forensics.evidence.ledgers.inference import words as w
from credit_forensics.evidence.ledgers.inference.column_roles import (
    entry_key,
    reasons_of,
    time_of,
)
from credit_forensics.evidence.ledgers.inference.given_back import taken_at
from credit_forensics.evidence.ledgers.inference.heads import Head
from credit_forensics.evidence.ledgers.inference.movements import Movements
from credit_forensics.evidence.ledgers.inference.owner_of import Owner
from credit_forensics.evidence.ledgers.inference.probes import as_text, divided
from credit_forensics.evidence.ledgers.inference.references import Bridge, texts_with_ids
from credit_forensics.evidence.ledgers.inference.samples import Field
from credit_forensics.evidence.ledgers.inference.table_roles import EntriesTable

TARGETS = (
    "entry_id", "user_id", "delta", "type", "reason", "meta", "local_payment_id", "reference",
    "created_at",
)  # fmt: skip


@dataclass
class EntriesPart:
    """One table of entries with all that was decided about it."""

    entries: EntriesTable
    owner: Owner
    direction: int = 0
    moves: Movements = field(default_factory=lambda: Movements("NULL", None))
    bridge: Bridge | None = None
    reference: Field | None = None
    scale: int = 1
    head: Head | None = None

    def delta_sql(self, database: ReadOnlyDatabase) -> str:
        """The credits of an entry with their sign."""
        signed = self.moves.signed(database)
        return signed if self.scale == 1 else divided(database, signed, self.scale)


def entries_query(
    database: ReadOnlyDatabase, parts: Sequence[EntriesPart]
) -> tuple[str, dict[str, str]]:
    """The query for all entries, and its columns in words."""
    if len(parts) == 1 and not parts[0].moves.given_back:
        columns, words = _targets(database, parts[0])
        return f"SELECT {_select(columns)} FROM {source_sql(database, parts[0])}", words
    queries, words = [], {}
    for part in parts:
        columns, one = _targets(database, part)
        name = part.entries.table.relation.name
        # Entries of two tables may have the same number; their times may have two types.
        key = columns.get("entry_id", "NULL")
        literal = f"'{_plain(name)}:' || " if len(parts) > 1 else ""
        columns["entry_id"] = f"{literal}{as_text(database, key)}" if key != "NULL" else "NULL"
        full = {target: columns.get(target, "NULL") for target in TARGETS}
        cast = {target: as_text(database, sql) for target, sql in full.items()}
        source = source_sql(database, part)
        if part.moves.given_back:
            # What a purchase is called that was refunded is not what it was when it was booked.
            given = f"CASE WHEN {part.moves.given_back} THEN 'purchase' ELSE {cast['type']} END"
            queries.append(f"SELECT {_select({**cast, 'type': given})} FROM {source}")
            queries.append(_taken_back(database, part, cast))
        else:
            queries.append(f"SELECT {_select(cast)} FROM {source}")
        before = f"{name}." if len(parts) > 1 else ""
        words.update({f"{before}{target}": text for target, text in one.items()})
    return "\nUNION ALL\n".join(queries), words


def _taken_back(database: ReadOnlyDatabase, part: EntriesPart, cast: dict[str, str]) -> str:
    """The second movement of the purchases whose row says that they were refunded."""
    at = taken_at(part.entries.table)
    key = cast["entry_id"]
    columns = {
        **cast,
        "entry_id": f"{key} || ':taken_back'",
        "delta": as_text(database, f"-({part.delta_sql(database)})"),
        "type": "'refund'",
    }
    if at:
        columns["created_at"] = as_text(database, at.sql(database, "e"))
    source = source_sql(database, part, part.moves.given_back)
    return f"SELECT {_select(columns)} FROM {source}"


def _plain(name: str) -> str:
    return "_".join(w.words(name)) or "entries"


def _select(columns: dict[str, str]) -> str:
    return ", ".join(
        f"{columns[target]} AS {quote_identifier(target)}"
        for target in TARGETS
        if target in columns
    )


def source_sql(database: ReadOnlyDatabase, part: EntriesPart, those: str = "") -> str:
    """What stands after FROM: the entries as ``e``, and the rows that count, or ``those`` of them.

    An account that is no user's, the house's own, has a row and no owner.
    """
    source = f"{database.quoted(part.entries.table.relation)} AS e{part.owner.join(database)}"
    if part.head:
        source += part.head.join(database)
    where = [f"({those})"] if those else []
    where += [part.moves.where] if part.moves.where else []
    if part.owner.key is not None and part.owner.holder is not None:
        key, holder = (f.sql(database, "o") for f in (part.owner.key, part.owner.holder))
        where.append(f"({key} IS NULL OR {holder} IS NOT NULL)")
    if part.owner.house:
        where.append(f"{part.owner.sql(database)} IS NOT NULL")
    return f"{source} WHERE {' AND '.join(where)}" if where else source


def _targets(
    database: ReadOnlyDatabase, part: EntriesPart
) -> tuple[dict[str, str], dict[str, str]]:
    """SQL and words of each target."""
    table = part.entries.table
    key, time = entry_key(table), time_of(table)
    columns: dict[str, str] = {}
    named: dict[str, str] = {}

    def put(target: str, sql: str, text: str) -> None:
        columns[target], named[target] = sql, text

    if key:
        put("entry_id", key.sql(database, "e"), key.name)
    put("user_id", part.owner.sql(database), part.owner.words)
    amount = part.entries.amount
    amount_words = (
        amount.name
        if amount
        else (
            f"{part.entries.credit.name} - {part.entries.debit.name}"
            if part.entries.credit and part.entries.debit
            else ""
        )
    )
    put("delta", part.delta_sql(database), amount_words)
    label = _type(database, part)
    if label:
        put("type", *label)
    used = {f.name for f in (key, time, amount, part.moves.type) if f}
    reasons = reasons_of(
        table, [f for f in (key, time, amount, part.moves.type, part.owner.field) if f]
    )
    if reasons:
        put("reason", _joined(database, reasons), ", ".join(f.name for f in reasons))
    # The key of an entry may itself be a session or an event, so it is looked at too.
    apart = (used - {key.name if key else ""}) | {part.owner.field.name}
    texts = texts_with_ids(table, apart)
    if texts:
        put("meta", _joined(database, texts), ", ".join(f.name for f in texts))
    if part.head:
        for target, fields in part.head.fields().items():
            if target not in columns:
                said = ", ".join(f"{part.head.table.label}.{f.name}" for f in fields)
                put(target, _joined(database, fields, "h"), said)
    if part.bridge:
        bridge = part.bridge
        put(
            "local_payment_id",
            bridge.by_sql(database),
            bridge.words,
        )
    if part.reference:
        put("reference", part.reference.sql(database, "e"), part.reference.name)
    if time:
        put("created_at", time.sql(database, "e"), time.name)
    return columns, named


def _type(database: ReadOnlyDatabase, part: EntriesPart) -> tuple[str, str] | None:
    """The type's column, with the name of the table where that names the kind."""
    words = part.entries.table.words
    label = ""
    if part.entries.direction < 0:
        label = "usage"
    elif words & {"purchase", "topup", "top", "order", "refill", "recharge", "buy"}:
        label = "purchase"
    elif part.entries.direction > 0:
        label = "grant"
    kind = part.moves.type
    if not label:
        return (part.moves.type_sql(database), kind.name) if kind else None
    if kind is None:
        return f"'{label}'", f"the table's name: {label}"
    # The entry's own word goes before the table's: a grant may be a purchase.
    own = as_text(database, part.moves.type_sql(database))
    return f"coalesce({own} || ' ', '') || '{label}'", f"{kind.name}, the table's name: {label}"


def _joined(database: ReadOnlyDatabase, fields: Sequence[Field], alias: str = "e") -> str:
    if len(fields) == 1 and alias == "h":
        return fields[0].sql(database, alias)
    texts = [
        f"coalesce({as_text(database, field.sql(database, alias))} || ' ', '')" for field in fields
    ]
    return f"nullif(trim({' || '.join(texts)}), '')"
