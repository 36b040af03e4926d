"""Writes the reads of accounts, customers' bindings and balances that inference decided on."""

from __future__ import annotations

from collections.abc import Sequence

from credit_forensics.databases.read_only import ReadOnlyDatabase
from credit_forensics.databases.relations import quote_identifier
from credit_forensics.evidence.ledgers.inference.accounts_of import (
    Keyed,
    customer_of,
    email_of,
    is_history,
    keyed_by,
    name_of,
)
from credit_forensics.evidence.ledgers.inference.balances_of import StoredBalance
from credit_forensics.evidence.ledgers.inference.column_roles import time_of
from credit_forensics.evidence.ledgers.inference.decisions import Decision
from credit_forensics.evidence.ledgers.inference.owner_of import accounts_with
from credit_forensics.evidence.ledgers.inference.probes import as_text, divided
from credit_forensics.evidence.ledgers.inference.samples import Field, SampledTable

SQLITE_FULL_JOIN = (3, 39)
# Found under how many of the owners' ids a table of accounts must be to stand beside the best.
_BESIDE = 0.3


def users_read(
    database: ReadOnlyDatabase, tables: Sequence[SampledTable], ids: Sequence[str]
) -> tuple[str, Decision] | None:
    """The accounts with these ids: of one table, or of two that each know a part of them.

    Where the owner is an organisation that has no e-mail, its own owner's stands in.
    """
    accounts = accounts_with(database, tables, ids)
    accounts.sort(key=lambda one: (not email_of(one.table), -round(one.share, 1)))
    if not accounts:
        return None
    first = accounts[0]
    if email_of(first.table) is None:
        behind = _person_behind(database, first.table, tables)
        return _one_table(database, first, behind)
    named = [one for one in accounts[1:] if one.share >= _BESIDE and name_of(one.table)]
    missing = not name_of(first.table) or time_of(first.table) is None
    same = [one for one in named if one.key.type == first.key.type]
    if same and missing:
        return _two_tables(database, first, same[0])
    return _one_table(database, first, None)


def account_columns(
    database: ReadOnlyDatabase, one: Keyed, alias: str
) -> dict[str, tuple[str, str]]:
    """SQL and words of each target that the table has."""
    found = {"user_id": (one.key.sql(database, alias), one.key.name)}
    email, name, time = email_of(one.table), name_of(one.table), time_of(one.table)
    if email:
        found["email"] = (email.sql(database, alias), email.name)
    if name:
        texts = [f"coalesce({field.sql(database, alias)}, '')" for field in name]
        joined = (
            name[0].sql(database, alias)
            if len(name) == 1
            else (f"trim({' || chr(32) || '.join(texts)})".replace("chr(32)", "' '"))
        )
        found["name"] = (joined, " ".join(field.name for field in name))
    if time:
        found["created_at"] = (time.sql(database, alias), time.name)
    return found


def _select(columns: dict[str, tuple[str, str]]) -> str:
    return ", ".join(f"{sql} AS {quote_identifier(target)}" for target, (sql, _) in columns.items())


def _one_table(
    database: ReadOnlyDatabase, one: Keyed, behind: tuple[Field, Keyed] | None
) -> tuple[str, Decision]:
    columns = account_columns(database, one, "u")
    source = f"{database.quoted(one.table.relation)} AS u"
    label = one.table.label
    if behind:
        leads, person = behind
        theirs = account_columns(database, person, "p")
        for target in ("email", "name"):
            if target in theirs:
                columns[target] = (theirs[target][0], f"{person.table.label}.{theirs[target][1]}")
        source += (
            f" LEFT JOIN {database.quoted(person.table.relation)} AS p ON "
            f"{as_text(database, leads.sql(database, 'u'))} = "
            f"{as_text(database, person.key.sql(database, 'p'))}"
        )
    words = {target: text for target, (_, text) in columns.items()}
    certainty = min(1.0, 0.5 + one.share / 2)
    query = f"SELECT {_select(columns)} FROM {source}"
    return query, Decision("users", label, words, certainty=certainty)


def _two_tables(database: ReadOnlyDatabase, first: Keyed, second: Keyed) -> tuple[str, Decision]:
    left, right = account_columns(database, first, "u"), account_columns(database, second, "p")
    merged = {}
    for target in ("user_id", "email", "name", "created_at"):
        sides = [side[target] for side in (left, right) if target in side]
        if not sides:
            continue
        sql = sides[0][0] if len(sides) == 1 else f"coalesce({sides[0][0]}, {sides[1][0]})"
        merged[target] = (sql, " or ".join(words for _, words in sides))
    how = "FULL JOIN"
    if database.dialect == "sqlite":
        version = database.fetch_rows("SELECT sqlite_version()")[0][0]
        how = "FULL JOIN" if _version(str(version)) >= SQLITE_FULL_JOIN else "LEFT JOIN"
    query = (
        f"SELECT {_select(merged)} FROM {database.quoted(first.table.relation)} AS u "
        f"{how} {database.quoted(second.table.relation)} AS p "
        f"ON {first.key.sql(database, 'u')} = {second.key.sql(database, 'p')}"
    )
    words = {target: text for target, (_, text) in merged.items()}
    label = f"{first.table.label} and {second.table.label}"
    return query, Decision("users", label, words, certainty=min(1.0, 0.5 + first.share / 2))


def _version(text: str) -> tuple[int, int]:
    major, minor, *_ = (*text.split("."), "0", "0")
    return int(major), int(minor)


def _person_behind(
    database: ReadOnlyDatabase, table: SampledTable, tables: Sequence[SampledTable]
) -> tuple[Field, Keyed] | None:
    """The account of the person who owns an organisation."""
    for field in table.columns:
        if not field.words & {"owner", "user", "admin", "creator"} or not field.values:
            continue
        others = [one for one in tables if one is not table]
        people = [
            one for one in accounts_with(database, others, field.values) if email_of(one.table)
        ]
        if people:
            return field, people[0]
    return None


def customers_read(
    database: ReadOnlyDatabase,
    tables: Sequence[SampledTable],
    entries: SampledTable,
    ids: Sequence[str],
) -> tuple[str, Decision] | None:
    """The bindings of Stripe's customers to the owners."""
    found = []
    others = [t for t in tables if t.relation != entries.relation and not is_history(t)]
    for one in keyed_by(database, others, ids, unique=False):
        customer = customer_of(one.table)
        if customer is None:
            continue
        rank = (not customer.values, bool(customer.path), -one.share, one.table.label)
        found.append((rank, one, customer))
    if not found:
        return None
    _, one, customer = min(found, key=lambda row: row[0])
    columns = {
        "customer_id": (customer.sql(database, "c"), customer.name),
        "user_id": (one.key.sql(database, "c"), one.key.name),
    }
    bound = _bound_at(one.table)
    if bound:
        columns["bound_at"] = (bound.sql(database, "c"), bound.name)
    query = (
        f"SELECT {_select(columns)} FROM {database.quoted(one.table.relation)} AS c "
        f"WHERE {columns['customer_id'][0]} IS NOT NULL"
    )
    words = {target: text for target, (_, text) in columns.items()}
    return query, Decision("customers", one.table.label, words, certainty=0.5 + one.share / 2)


def _bound_at(table: SampledTable) -> Field | None:
    timed = [f for f in table.columns if f.is_time or f.words & {"at"}]
    bound = [f for f in timed if f.words & {"bound", "linked"}]
    if bound:
        return bound[0]
    # A table of bindings is written when the binding is made; a table of accounts is not.
    return None if email_of(table) or name_of(table) else time_of(table)


def balances_read(
    database: ReadOnlyDatabase, balance: StoredBalance, scale: int, agrees: float | None
) -> tuple[str, Decision]:
    """The stored balances."""
    value = balance.sql(database, "b")
    if scale != 1:
        value = divided(database, value, scale)
    key = balance.key.sql(database, "b")
    query = (
        f"SELECT {key} AS user_id, {value} AS balance "
        f"FROM {database.quoted(balance.table.relation)} AS b WHERE {key} IS NOT NULL"
    )
    words = {
        "user_id": balance.key.name,
        "balance": " + ".join(part.name for part in balance.parts),
    }
    decision = Decision("balances", balance.table.label, words, scale=scale, certainty=0.7)
    if agrees is not None:
        decision.certainty = 0.5 + agrees / 2
        decision.notes.append(f"the entries sum up to it for {agrees:.0%} of the accounts")
    return query, decision
