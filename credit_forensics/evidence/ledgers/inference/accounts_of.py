"""Which tables say who the owners of credits are, their Stripe customers and their balances."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from credit_forensics.databases.read_only import ReadOnlyDatabase
from credit_forensics.evidence.ledgers.inference import words as w
from credit_forensics.evidence.ledgers.inference.column_roles import is_number
from credit_forensics.evidence.ledgers.inference.probes import overlap
from credit_forensics.evidence.ledgers.inference.samples import Field, SampledTable, stripe_ids

# So many of the owners must be found under a table's key.
_KNOWN = 0.3


@dataclass(frozen=True)
class Keyed:
    """A table with the column that holds the owners' ids, and the part of them that it has.

    ``through`` is the table that says whose a row is, where the row does not say it itself:
    (table, its key, its column with the owner, the column here that leads to its key).
    """

    table: SampledTable
    key: Field
    share: float


def keyed_by(
    database: ReadOnlyDatabase,
    tables: Sequence[SampledTable],
    owners: Sequence[str],
    *,
    unique: bool,
) -> list[Keyed]:
    """The tables with a column that holds the owners' ids, best first, one column a table."""
    found = []
    by_address = bool(owners) and all("@" in value for value in owners)
    for table in tables:
        best: tuple[float, int, Field] | None = None
        for place, field in enumerate(table.columns):
            if field.is_time or field.is_json or field.type.startswith("bool"):
                continue
            own = field.words
            if field.is_email:
                # A list of members without a number knows them by their addresses.
                share = overlap(database, owners, table, field) if by_address else 0.0
                if unique and share >= _KNOWN and best is None and _is_only_key(table, field):
                    best = (share, place, field)
                continue
            if not own & (w.KEY | w.OWNER) or own & (w.NO_AMOUNT - w.KEY - {"balance"}):
                continue
            if unique and field.values and len(field.values) < field.filled:
                continue
            if own & w.NOT_OWNER and not own & {"user", "owner"}:
                continue
            share = overlap(database, owners, table, field)
            counting = all(value.isdigit() and len(value) < 8 for value in owners)
            # Numbers from one on are in every table: the name must say that they are accounts'.
            if counting and not _names_owner(table, field):
                continue
            if share >= _KNOWN and (best is None or share > best[0]):
                best = (share, place, field)
        if best:
            found.append(Keyed(table, best[2], best[0]))
    return sorted(found, key=lambda one: (-one.share, one.table.label))


def _is_only_key(table: SampledTable, address: Field) -> bool:
    """Whether each row has an address of its own, and nothing else that is a key of the row."""
    others = (f for f in table.columns if f is not address and f.unique)
    return address.unique and not any(not one.words - w.KEY for one in others)


def _names_owner(table: SampledTable, field: Field) -> bool:
    if field.words & (w.OWNER - {"wallet", "balance"}):
        return True
    plain = not field.words - w.KEY
    return plain and bool(table.words & w.PEOPLE) and not table.words & (w.ENTRY | w.PAYING)


def email_of(table: SampledTable) -> Field | None:
    """The column with an account's e-mail address."""
    fields = [f for f in table.columns if f.is_email or (not f.values and "email" in f.words)]
    named = [f for f in fields if f.words & {"email", "mail"}]
    return next(iter(sorted(named or fields, key=lambda f: (len(f.words), f.name))), None)


def name_of(table: SampledTable) -> list[Field]:
    """The columns that make up a person's name; else what a JSON column calls it."""
    columns = [f for f in table.columns if _is_name(f)]
    inside = [f for f in table.fields if f.path and _is_name(f) and not f.words & w.NOT_OWNER]
    for texts in (columns, inside):
        by = {"".join(f.words_in_order): f for f in reversed(texts)}
        for names in (
            ("fullname",), ("firstname", "lastname"), ("firstname", "name"), ("name", "lastname"),
            ("givenname", "familyname"), ("name",), ("displayname",),
        ):  # fmt: skip
            if all(name in by for name in names):
                return [by[name] for name in names]
        # "CUST_NM" is the customer's; "company_name" is nobody's.
        theirs = w.PERSONS - {"user"} | {"customer", "client"}
        for field in texts:
            if "name" in field.words and field.words - {"name"} <= theirs:
                return [field]
        for name in ("username", "nickname", "nick"):
            if name in by:
                return [by[name]]
    return []


# Written as one word, of which "name" is no word.
_NAMES = frozenset(
    {"nickname", "nick", "fullname", "displayname"}
    | {"firstname", "lastname", "givenname", "familyname"}
)


def _is_name(field: Field) -> bool:
    named = "name" in field.words or field.column.lower() in _NAMES
    return named and not (field.is_email or field.is_time or "file" in field.words)


def customer_of(table: SampledTable) -> Field | None:
    """The column, or the place in a JSON column, with Stripe's customer ids."""
    found = [f for f in table.fields if f.is_customer]
    named = [
        f for f in table.columns if not f.values and f.words & {"stripe"} and "customer" in f.words
    ]
    return next(iter([*found, *named]), None)


def balance_fields(table: SampledTable) -> list[Field]:
    """The columns that may hold what an account has left."""
    found = []
    for field in table.columns:
        own = field.words
        if not own & w.BALANCE or own & (w.NO_BALANCE - {"purchased", "bonus", "monthly"}):
            continue
        if own & {"id", "at", "uuid"} or field.is_time or not is_number(field):
            continue
        found.append(field)
    return found


def is_history(table: SampledTable) -> bool:
    """A table of payments, events or entries, where a customer is named but not bound."""
    return bool(table.words & (w.ENTRY | w.PAYING)) or bool(
        stripe_ids([v for f in table.columns for v in f.values[:20]], "evt")
    )
