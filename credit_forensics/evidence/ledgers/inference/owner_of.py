"""Whose credits an entry moves: a column of its own, or one that its wallet or account has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from credit_forensics.databases.read_only import ReadOnlyDatabase
from credit_forensics.databases.relations import quote_identifier
from credit_forensics.evidence.ledgers.inference import words as w
from credit_forensics.evidence.ledgers.inference.accounts_of import (
    Keyed,
    balance_fields,
    customer_of,
    email_of,
    keyed_by,
)
from credit_forensics.evidence.ledgers.inference.column_roles import owners
from credit_forensics.evidence.ledgers.inference.known_values import KnownValues
from credit_forensics.evidence.ledgers.inference.prefixed_owner import (
    BehindPrefix,
    prefixed_owner,
)
from credit_forensics.evidence.ledgers.inference.probes import as_text, overlap
from credit_forensics.evidence.ledgers.inference.samples import Field, SampledTable
from credit_forensics.evidence.ledgers.inference.table_roles import EntriesTable


@dataclass(frozen=True)
class Owner:
    """The owner of the entries of one table: by a column of theirs, or through another table.

    ``house`` says that entries without an owner are of the shop's own books, and do not count.
    """

    field: Field
    known: float
    through: SampledTable | None = None
    key: Field | None = None
    holder: Field | None = None
    house: bool = False

    def sql(self, database: ReadOnlyDatabase) -> str:
        """The owner in the database's SQL; entries are ``e``, the other table is ``o``."""
        if self.holder is None:
            return self.field.sql(database, "e")
        return self.holder.sql(database, "o")

    def join(self, database: ReadOnlyDatabase) -> str:
        """The join that the expression needs, if any."""
        if self.through is None or self.key is None:
            return ""
        left = as_text(database, self.field.sql(database, "e"))
        right = as_text(database, f"o.{quote_identifier(self.key.column)}")
        if self.key.is_email:
            left, right = f"lower({left})", f"lower({right})"
        return f" LEFT JOIN {database.quoted(self.through.relation)} AS o ON {left} = {right}"

    @property
    def values(self) -> tuple[str, ...]:
        """Owners that the sample holds."""
        return (self.holder or self.field).values

    @property
    def words(self) -> str:
        """The owner in words, for the case file and the doctor."""
        if self.through is None or self.holder is None or self.key is None:
            if isinstance(self.field, BehindPrefix):
                return f"{self.field.name} behind {self.field.prefix!r}"
            return self.field.name
        return f"{self.through.label}.{self.holder.name} by {self.field.name}"


def accounts_with(
    database: ReadOnlyDatabase, tables: Sequence[SampledTable], ids: Sequence[str]
) -> list[Keyed]:
    """The tables of accounts that have these ids as their key."""
    found = keyed_by(database, tables, ids, unique=True)
    # A table's own key ("id") before one that leads to another table.
    found.sort(key=lambda one: (-one.share, bool(one.key.words - w.KEY), one.table.label))
    return [one for one in found if is_account_table(one.table)]


def not_of_another_kind(tables: Sequence[SampledTable], owner: Owner) -> list[SampledTable]:
    """The tables without those of persons where teams own the credits, and the other way round.

    Numbers that count from one are ids of both; the owner's column says which are meant.
    """
    field = owner.holder or owner.field
    counting = all(value.isdigit() and len(value) < 8 for value in owner.values)
    persons, groups = field.words & w.PERSONS, field.words & w.GROUPS
    if not counting or bool(persons) == bool(groups):
        return list(tables)
    here, other = (w.PERSONS, w.GROUPS) if persons else (w.GROUPS, w.PERSONS)
    return [one for one in tables if not one.words & other or one.words & here]


def is_account_table(table: SampledTable) -> bool:
    """A table of people or organisations: it has e-mails, customers, or is called so."""
    if table.words & (w.ENTRY | w.PAYING) and not table.words & {"user", "profile", "member"}:
        return False
    return bool(
        email_of(table) or customer_of(table) or table.words & (w.PEOPLE - {"customer", "account"})
    ) and not table.words & {"balance", "wallet", "credit"}


def owner_of(
    database: ReadOnlyDatabase,
    entries: EntriesTable,
    tables: Sequence[SampledTable],
    known: KnownValues,
) -> Owner | None:
    """The owner of a table's entries; none where no column leads to an account.

    Without any table of accounts a column that is named for the user is taken as it is.
    """
    others = [table for table in tables if table.relation != entries.table.relation]
    if entries.link:
        accounts = accounts_with(database, others, entries.link[2].values)
        share = max([one.share for one in accounts], default=0.0)
        return Owner(entries.owner, share, *entries.link)
    direct: list[tuple[bool, float, int, Field, float]] = []
    through = []
    for place, field in enumerate(entries.owners):
        if not _beside_amounts(entries, field):
            continue
        accounts = accounts_with(database, others, field.values)
        named = sum(1 for value in field.values if value in known.accounts)
        known_share = max([one.share for one in accounts], default=0.0)
        if accounts or named:
            kept = _has_balance(database, field, others)
            direct.append((bool(field.words & w.NOT_OWNER), -kept, place, field, known_share))
            continue
        link = _by_contact(database, field, others) or _through(database, field, others, known)
        if link:
            through.append(link)
    if direct:
        # All of them lead to accounts. Who did it owns nothing, whose balance is stored does; else
        # the columns are in order of how well their names fit.
        best = min(direct, key=lambda one: one[:3])
        field = best[3]
        people = w.PEOPLE - {"account"}
        if field.words & {"account", "wallet"} and not field.words & people:
            # The sessions name users, and the entries an account or a wallet that one of them
            # owns; an organisation owns its credits itself.
            link = _through(database, field, others, known)
            theirs = link.holder.share(known.accounts.__contains__) if link and link.holder else 0
            # Numbers that count from one are among both; a wallet is nobody's account.
            own = bool(field.share(known.accounts.__contains__)) and "wallet" not in field.words
            if link and theirs and not own:
                return link
        return Owner(field, best[4])
    if through:
        return through[0]
    scope = _by_values(database, entries, others, known)
    if scope:
        return scope

    def are_accounts(ids: Sequence[str]) -> float:
        named = sum(one in known.accounts for one in ids) / len(ids)
        return max([named, *(one.share for one in accounts_with(database, others, ids))])

    if behind := prefixed_owner(entries, are_accounts):
        return Owner(*behind)
    if not any(is_account_table(table) and table.rows for table in others):
        plain = [f for f in entries.owners if f.words & {"user", "account", "owner", "customer"}]
        return Owner(plain[0], 0.0) if plain else None
    if not entries.table.rows:
        return Owner(entries.owner, 0.0)
    return None


def _beside_amounts(entries: EntriesTable, owner: Field) -> bool:
    """Whether a row that moves credits has it: some name only whom an account was opened for."""
    moved = entries.amount or entries.debit
    if moved is None or not moved.filled:
        return True
    return any(owner.texts[n] for n, amount in enumerate(moved.texts) if amount)


def _by_values(
    database: ReadOnlyDatabase,
    entries: EntriesTable,
    others: Sequence[SampledTable],
    known: KnownValues,
) -> Owner | None:
    """The one column that holds accounts, where those that are named for an account hold none.

    ``account`` may say which book an entry is in ("credits", "sales"), and ``scope`` whose.
    """
    found = []
    for field in entries.table.columns:
        if field in entries.owners or field == entries.amount or field.words & w.NOT_OWNER:
            continue
        if not field.type.startswith(_TEXTS) or len(field.values) < 2 or field.unique:
            continue
        if field.share(known.accounts.__contains__) < 0.5:
            continue
        accounts = accounts_with(database, others, field.values)
        share = max([one.share for one in accounts], default=0.0)
        if share >= 0.9 and (field.filled == entries.table.rows or _in_one_book(entries, field)):
            found.append(Owner(field, share, house=field.filled < entries.table.rows))
    # The other side of an entry ("partner_scope") is filled where this one is not.
    apart = [one for one in found if not one.field.words & {"partner", "other", "counter"}]
    return apart[0] if len(apart) == 1 else None


def _in_one_book(entries: EntriesTable, owner: Field) -> bool:
    """Whether a column names one book for all that has an owner, and others for what has none."""
    for book in entries.owners:
        rows = list(zip(owner.texts, book.texts, strict=True))
        theirs = {name for whose, name in rows if whose}
        house = {name for whose, name in rows if not whose}
        if len(theirs) == 1 and not theirs & house:
            return True
    return False


def kinds_of_owner(table: SampledTable, owner: Field) -> tuple[Field, list[str]] | None:
    """The column that says of which kind an owner is, and its values, where one id has several.

    User 2 and team 2 are two owners: nobody may take the one for the other.
    """
    own = owner.words - w.KEY
    for beside in table.columns if not owner.path else ():
        kinds = beside.words & {"type", "kind"}
        if not own or not kinds or beside.words - kinds != own or len(beside.values) < 2:
            continue
        pairs = {
            (kind, key)
            for kind, key in zip(beside.texts, owner.texts, strict=True)
            if kind is not None and key is not None
        }
        counting = all(value.isdigit() for value in owner.values)
        if counting or len(pairs) > len({key for _, key in pairs}):
            often = sorted(beside.values, key=lambda v: (-beside.texts.count(v), v))
            return beside, often
    return None


_TEXTS = ("text", "char", "varchar", "character", "string")
_SIDES = (
    ("from", "to"), ("sender", "receiver"), ("sender", "recipient"), ("source", "target"),
    ("source", "destination"), ("debit", "credit"), ("payer", "payee"), ("giver", "receiver"),
)  # fmt: skip


def other_side(table: SampledTable, owner: Field) -> Field | None:
    """The column with whose credits an entry takes, where the owner's says whose it adds to.

    Each entry then has two owners, or now the one and now the other.
    """
    for beside in table.columns if not owner.path else ():
        for sides in _SIDES:
            here = [side for side in sides if side in owner.words]
            there = [side for side in sides if side in beside.words]
            apart = len(here) == len(there) == 1 and here != there
            if apart and owner.words - set(here) == beside.words - set(there) and beside.values:
                return beside
    return None


def _has_balance(database: ReadOnlyDatabase, field: Field, tables: Sequence[SampledTable]) -> float:
    """1 where a stored balance is kept by this column's ids: those own the credits."""
    stored = [t for t in tables if balance_fields(t) and not t.words & (w.ENTRY | w.PAYING)]
    keyed = keyed_by(database, stored, field.values, unique=True)
    return 1.0 if any(one.share >= 0.5 for one in keyed) else 0.0


def _by_contact(
    database: ReadOnlyDatabase, field: Field, others: Sequence[SampledTable]
) -> Owner | None:
    """The account that has the e-mail address, or the Stripe customer, which an entry names."""
    if not (field.is_email or field.is_customer):
        return None
    for table in others:
        key = email_of(table) if field.is_email else customer_of(table)
        holder = next((f for f in table.columns if f.unique and not f.words - w.KEY), None)
        if key is None or key.path or holder is None or not is_account_table(table):
            continue
        share = overlap(database, field.values, table, key)
        if len(key.values) == key.filled and share >= 0.5:
            return Owner(field, share, table, key, holder)
    return None


def _through(
    database: ReadOnlyDatabase,
    field: Field,
    others: Sequence[SampledTable],
    known: KnownValues,
) -> Owner | None:
    counting = all(value.isdigit() and len(value) < 8 for value in field.values)
    for table in others:
        if counting and not (field.words - w.KEY) & table.words:
            continue
        for key in table.columns:
            if not key.values or len(key.values) < key.filled or not key.words & (w.KEY | w.OWNER):
                continue
            if overlap(database, field.values, table, key) < 0.9:
                continue
            for _, holder in owners(table, known):
                if holder.column == key.column:
                    continue
                rest = [one for one in others if one is not table]
                accounts = accounts_with(database, rest, holder.values)
                if accounts or any(value in known.accounts for value in holder.values):
                    share = max([one.share for one in accounts], default=0.0)
                    return Owner(field, share, table, key, holder)
    return None
