"""Finds who belongs to the organisations that own credits."""

from __future__ import annotations

from collections.abc import Sequence

from credit_forensics.databases.read_only import ReadOnlyDatabase
from credit_forensics.evidence.ledgers.inference import words as w
from credit_forensics.evidence.ledgers.inference.account_reads import account_columns
from credit_forensics.evidence.ledgers.inference.accounts_of import Keyed, email_of
from credit_forensics.evidence.ledgers.inference.column_roles import time_of
from credit_forensics.evidence.ledgers.inference.decisions import Decision
from credit_forensics.evidence.ledgers.inference.owner_of import accounts_with
from credit_forensics.evidence.ledgers.inference.probes import as_text
from credit_forensics.evidence.ledgers.inference.samples import Field, SampledTable

_TARGETS = ("user_id", "account_id", "role", "since", "until", "email", "name")
_LEFT = {"left", "removed", "deleted", "ended", "revoked", "until", "deactivated"}
_ORGANISATION = {
    "org",
    "organization",
    "organisation",
    "team",
    "account",
    "workspace",
    "tenant",
    "company",
}
_PERSON = {"user", "member", "person", "profile", "owner", "admin", "creator", "account"}
# So many of a table's ids must be those of organisations, and of persons.
_KNOWN = 0.5


def memberships_read(
    database: ReadOnlyDatabase,
    tables: Sequence[SampledTable],
    accounts: Sequence[SampledTable],
    owners: Sequence[str],
) -> tuple[str, Decision] | None:
    """The members of the owners of credits, whom some of the tables are of.

    None where persons own the credits themselves.
    """
    found = accounts_with(database, accounts, owners)
    organisations = [one for one in found if one.share >= _KNOWN]
    if not organisations or any(
        email_of(one.table) and not one.table.words & _ORGANISATION - {"account"}
        for one in organisations
    ):
        return None
    ids = organisations[0].key.values
    queries, words = [], {}
    for table in tables:
        home = table is organisations[0].table
        account = organisations[0].key if home else _holding(table, ids)
        leads = _person(database, table, tables, account, home=home) if account else None
        if account is None or leads is None:
            continue
        person, people = leads
        role = next((f for f in table.columns if "role" in f.words), None)
        since, until = time_of(table), _until(table)
        columns = {
            **{to: sql for to, (sql, _) in account_columns(database, people, "p").items()},
            "user_id": person.sql(database, "m"),
            "account_id": account.sql(database, "m"),
            "role": "'owner'" if home else role.sql(database, "m") if role else "NULL",
            "since": since.sql(database, "m") if since else "NULL",
            "until": until.sql(database, "m") if until else "NULL",
        }
        full = {target: columns.get(target, "NULL") for target in _TARGETS}
        select = ", ".join(f"{as_text(database, sql)} AS {to}" for to, sql in full.items())
        queries.append(
            f"SELECT {select} FROM {database.quoted(table.relation)} AS m"
            f" LEFT JOIN {database.quoted(people.table.relation)} AS p"
            f" ON {as_text(database, person.sql(database, 'm'))}"
            f" = {as_text(database, people.key.sql(database, 'p'))}"
        )
        words[table.label] = f"{person.name} in {account.name}"
    if not queries:
        return None
    decision = Decision("memberships", " and ".join(words), words, certainty=0.8)
    return "\nUNION\n".join(queries), decision


def _holding(table: SampledTable, ids: Sequence[str]) -> Field | None:
    """The column with the organisations' ids."""
    counting, known = all(value.isdigit() and len(value) < 8 for value in ids), set(ids)
    for field in table.columns:
        # Numbers that count from one are found in every table.
        if field.is_time or field.is_json or (counting and not field.words & _ORGANISATION):
            continue
        if field.values and field.share(known.__contains__) >= _KNOWN:
            return field
    return None


def _person(
    database: ReadOnlyDatabase,
    table: SampledTable,
    tables: Sequence[SampledTable],
    account: Field,
    *,
    home: bool,
) -> tuple[Field, Keyed] | None:
    """The column that leads to a person's account, and the accounts; not in a table of entries."""
    named = {word for word in table.words if word in ("member", "membership", "user", "role")}
    if not home and not named:
        return None
    own = next((f for f in table.columns if f.unique and not f.words - w.KEY), None)
    if email_of(table) and own and not home:
        # The table of persons itself says of each which organisation they are of.
        return own, Keyed(table, own, 1.0)
    for field in table.columns:
        if field == account or not field.values or not field.words & _PERSON:
            continue
        others = [one for one in tables if one is not table]
        people = accounts_with(database, others, field.values)
        for one in people:
            if email_of(one.table) and one.share >= _KNOWN:
                return field, one
    return None


def _until(table: SampledTable) -> Field | None:
    timed = [f for f in table.columns if f.is_time or (not f.values and "at" in f.words)]
    return next((f for f in timed if f.words & _LEFT), None)
