"""Finds out where a ledger's entries, balances and bindings can be written, reading only."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from credit_forensics.case_file import CaseFile, from_environment
from credit_forensics.databases.read_only import ReadOnlyDatabase, open_read_only
from credit_forensics.databases.relations import quote_identifier
from credit_forensics.databases.urls import mysql_url
from credit_forensics.evidence.ledgers.plan_reads import plan_reads
from credit_forensics.evidence.ledgers.read_plan import Plan, Read
from credit_forensics.extras import Later
from credit_forensics.repair.columns import Column, TableFacts, read_table
from credit_forensics.repair.intake_ledger import IntakeTables, intake_tables

if TYPE_CHECKING:
    import psycopg
else:
    # Slow to load, and needed only where a server is asked.
    psycopg = Later("psycopg")


class NoTargetError(Exception):
    """The ledger cannot be written by a plan; the message is one clause that says why."""


@dataclass(frozen=True)
class Table:
    """A table to write: its name as SQL, and its column for each target."""

    name: str
    columns: dict[str, Column]
    unique: frozenset[str] = frozenset()

    def sql(self, target: str) -> str:
        """The quoted column of a target."""
        return quote_identifier(self.columns[target].name)


@dataclass(frozen=True)
class Target:
    """Where to write. ``balances`` and ``customers`` are none where there is no such table.

    ``identity``: how an entry gets its key: ``auto`` (the database gives it), ``next`` (the
    highest and one), ``uuid`` or ``text`` (made from the entry's reason), or ``none``.
    ``sequence``: a PostgreSQL sequence that lags behind the keys and must be moved on first.
    ``epoch``: units a second where times are numbers, else 0; ``clock``: a time as stored, the
    pattern for new ones where times are texts. ``intake``: the ledger is an intake's own, which
    keeps an account of what was booked for a payment (``repair.intake_ledger``). ``balance_view``:
    where balances are shown and not stored. ``witness``: key, account and credits of entries that
    the case was read from, by which the ledger is known again.
    """

    dialect: str
    url: str = field(repr=False)
    folder: Path
    entries: Table
    balances: Table | None
    customers: Table | None
    identity: str
    sequence: str = ""
    epoch: int = 0
    clock: str = ""
    intake: IntakeTables | None = None
    balance_view: Table | None = None
    witness: tuple[tuple[str, str, int], ...] = ()


@contextmanager
def open_target(settings: CaseFile) -> Iterator[tuple[ReadOnlyDatabase, Target]]:
    """Open the case's ledger for reading and find where it can be written.

    Raises
    ------
    NoTargetError
        when it cannot be written by a plan, with the reason.
    CaseError
        when the database cannot be opened or holds no ledger.
    """
    ledgers = settings.all_ledgers
    if len(ledgers) != 1:
        raise NoTargetError(
            "the case names no ledger" if not ledgers else "the case has several ledgers"
        )
    section = ledgers[0]
    if section.stripe_billing:
        raise NoTargetError("the ledger is Stripe Billing's, where grants are made and voided")
    if section.files:
        raise NoTargetError("the ledger was read from exported files")
    url = from_environment(section.url, "ledger.url")
    if mysql_url(url) is not None:
        raise NoTargetError("a plan can be booked in SQLite and PostgreSQL only")
    with open_read_only(url, settings.folder, "ledger") as database:
        plan = plan_reads(database, section)
        yield database, _target(database, plan, url, settings.folder)


def _target(database: ReadOnlyDatabase, plan: Plan, url: str, folder: Path) -> Target:
    read = plan.reads.get("entries")
    if read is None:
        raise NoTargetError(
            "the ledger's layout was inferred: name its table and columns in [ledger.entries]"
        )
    facts = _facts(database, read)
    if facts is None:
        raise NoTargetError("the ledger's entries are mapped by a query")
    if facts.kind != "table":
        raise NoTargetError(f"{read.label} is a view")
    for target in ("user_id", "delta", "reason"):
        if target not in read.columns:
            raise NoTargetError(f"the ledger's entries have no plain column for {target}")
    for target in ("kind", "type"):
        if target in read.expressions:
            raise NoTargetError("the entries' kind is mapped by an expression")
        column = _column(facts, read, target)
        if column is not None and column.is_enum:
            raise NoTargetError(f"{column.name} takes only values of its own enumeration")
    entries = _table(database, read, facts)
    intake = intake_tables(database, read.relation, facts)
    if intake is not None:
        own = {name: facts.columns[name] for name in ("payment_id", "entry_key")}
        entries = Table(entries.name, own | entries.columns, entries.unique)
    identity, sequence = _identity(database, entries, facts)
    written = {column.name for target, column in entries.columns.items() if target in FILLED}
    if identity == "auto":
        written.discard(entries.columns["entry_id"].name)
    for column in facts.columns.values():
        if column.required and column.name not in written:
            raise NoTargetError(f"{read.label}.{column.name} must be filled, and not by a plan")
    for target in ("user_id", "delta", "reason"):
        if entries.columns[target].computed:
            raise NoTargetError(f"{read.label}.{entries.columns[target].name} is computed")
    epoch, clock = _clock(database, entries)
    balances, view = _balances(database, plan)
    return Target(
        dialect=database.dialect,
        url=url,
        folder=folder,
        entries=entries,
        balances=balances,
        customers=_bindings(database, plan),
        identity=identity,
        sequence=sequence,
        epoch=epoch,
        clock=clock,
        intake=intake,
        balance_view=view,
    )


FILLED = (
    "entry_id",
    "user_id",
    "delta",
    "reason",
    "type",
    "kind",
    "payment_id",
    "entry_key",
    "created_at",
)
"""Targets of an entry that a plan fills, where the ledger has a column for them."""


def _facts(database: ReadOnlyDatabase, read: Read) -> TableFacts | None:
    return read_table(database, read.relation) if read.relation is not None else None


def _column(facts: TableFacts, read: Read, target: str) -> Column | None:
    name = read.columns.get(target)
    return facts.columns.get(name) if name else None


def _table(database: ReadOnlyDatabase, read: Read, facts: TableFacts) -> Table:
    assert read.relation is not None
    columns = {target: facts.columns[name] for target, name in read.columns.items()}
    return Table(database.quoted(read.relation), columns, facts.unique)


def _balances(database: ReadOnlyDatabase, plan: Plan) -> tuple[Table | None, Table | None]:
    """The table of stored balances, and the view of shown ones; none where there is none."""
    read = plan.reads.get("balances")
    if read is None:
        return None, None
    facts = _facts(database, read)
    plain = facts is not None and not read.expressions
    if facts is not None and facts.kind in ("view", "copy"):
        # What is copied from time to time shows nothing of this transaction's.
        shown = plain and facts.kind == "view" and {"user_id", "balance"} <= set(read.columns)
        return None, _table(database, read, facts) if shown else None
    if facts is None or read.expressions:
        raise NoTargetError("the stored balances are mapped by a query or an expression")
    table = _table(database, read, facts)
    if table.columns["balance"].computed:
        raise NoTargetError(
            f"{read.label}.{table.columns['balance'].name} is computed by the database from other "
            "columns, which a plan does not know"
        )
    return table, None


def _bindings(database: ReadOnlyDatabase, plan: Plan) -> Table | None:
    read, users = plan.reads.get("customers"), plan.reads.get("users")
    if read is None or read.relation is None or read.expressions:
        return None
    if users is not None and users.relation == read.relation:
        # There a binding is a column of the account itself; to rebind is to edit two accounts.
        return None
    facts = _facts(database, read)
    return _table(database, read, facts) if facts and facts.kind == "table" else None


def _identity(database: ReadOnlyDatabase, entries: Table, facts: TableFacts) -> tuple[str, str]:
    column = entries.columns.get("entry_id")
    if column is None:
        return "none", ""
    if column.automatic:
        return "auto", _lagging_sequence(database, entries, column)
    kind = column.type.lower()
    if "int" in kind or kind in ("numeric", "bigserial", "serial"):
        return "next", ""
    if kind == "uuid":
        return "uuid", ""
    if column.is_enum or any(word in kind for word in ("time", "date", "bool", "json")):
        raise NoTargetError(f"the key {column.name} cannot be made")
    return "text", ""


def _lagging_sequence(database: ReadOnlyDatabase, entries: Table, column: Column) -> str:
    """The sequence behind a key, where a load by hand left it behind the highest key."""
    if database.dialect != "postgresql":
        return ""
    row = database.driver.execute(
        "SELECT pg_get_serial_sequence(%s, %s)", [entries.name, column.name]
    ).fetchone()
    if row is None or row[0] is None:
        return ""
    sequence = str(row[0])
    key = quote_identifier(column.name)
    try:
        with database.driver.transaction():
            (behind,) = database.driver.execute(
                f"SELECT coalesce((SELECT max({key}) FROM {entries.name}), 0) > last_value "
                f"OR (NOT is_called AND EXISTS (SELECT 1 FROM {entries.name})) FROM {sequence}"
            ).fetchone()
    except psycopg.errors.InsufficientPrivilege:
        # A role that may not see it may still draw from it.
        return ""
    return sequence if behind else ""


def _clock(database: ReadOnlyDatabase, entries: Table) -> tuple[int, str]:
    column = entries.columns.get("created_at")
    if column is None:
        return 0, ""
    row = database.driver.execute(
        f"SELECT max({quote_identifier(column.name)}) FROM {entries.name}"
    ).fetchone()
    latest = row[0] if row else None
    if isinstance(latest, int | float) and not isinstance(latest, bool):
        for limit, units in ((10**11, 1), (10**14, 1_000), (10**17, 1_000_000)):
            if abs(latest) < limit:
                return units, ""
        return 1_000_000_000, ""
    if "int" in column.type.lower():
        return 1, ""
    return 0, "T" if isinstance(latest, str) and "T" in latest else " "
