"""Reads and prepares a handler's own database: its users, bindings, entries and balances."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from credit_forensics.errors import CaseError


@dataclass(frozen=True)
class Entry:
    """A ledger entry as the handler wrote it."""

    entry_id: str
    user_id: str
    delta: int
    reason: str
    event_id: str | None
    created_at: datetime | None


class Books:
    """A database with the built-in mapping ``credit_ledger``.

    The tables are ``users(id, email, name, created_at)``, ``stripe_customers(user_id,
    stripe_customer_id, created_at)``, ``credit_ledger(id, user_id, delta, reason,
    stripe_event_id, created_at)`` and ``user_credits(user_id, total_credits)``, a table or view;
    the last may be absent.

    Parameters
    ----------
    url
        SQLAlchemy URL, SQLite or PostgreSQL.
    held
        a query that gives the payment ids which the handler keeps for a person to look at.

    Raises
    ------
    CaseError
        when the database cannot be reached or has no ledger.
    """

    def __init__(self, url: str, held: str | None = None) -> None:
        self.engine = sa.create_engine(url)
        self.held_query = held
        try:
            inspector = sa.inspect(self.engine)
            tables = {*inspector.get_table_names(), *inspector.get_view_names()}
        except sa.exc.SQLAlchemyError as error:
            reason = str(error).splitlines()[0]
            raise CaseError(f"The handler's database cannot be reached: {reason}") from None
        missing = {"users", "stripe_customers", "credit_ledger"} - tables
        if missing:
            raise CaseError(
                f"The handler's database has no table {', '.join(sorted(missing))}; "
                "create its schema first."
            )
        self.has_balances = "user_credits" in tables

    def add_user(self, user_id: str, email: str, name: str, created_at: datetime) -> None:
        """Create an account."""
        self._run(
            "INSERT INTO users (id, email, name, created_at) VALUES (:id, :email, :name, :at)",
            id=user_id,
            email=email,
            name=name,
            at=created_at,
        )

    def entries(self, users: Collection[str], events: Collection[str]) -> list[Entry]:
        """Entries of these users or of these events, oldest first."""
        query = sa.text(
            "SELECT id, user_id, delta, reason, stripe_event_id, created_at FROM credit_ledger "
            "WHERE user_id IN :users OR stripe_event_id IN :events ORDER BY created_at, id"
        ).bindparams(
            sa.bindparam("users", list(users), sa.Text, expanding=True),
            sa.bindparam("events", list(events), sa.Text, expanding=True),
        )
        with self.engine.connect() as connection:
            rows = connection.execute(query).all()
        return [
            Entry(str(r[0]), str(r[1]), int(r[2]), str(r[3] or ""), r[4], _utc(r[5])) for r in rows
        ]

    def balances(self, users: Collection[str]) -> dict[str, int]:
        """Stored balances of these users; those without one are left out."""
        if not self.has_balances:
            return {}
        return {
            str(user): int(total or 0)
            for user, total in self._select(
                "SELECT user_id, total_credits FROM user_credits WHERE user_id IN :keys", users
            )
        }

    def bindings(self, customers: Collection[str]) -> list[tuple[str, str, datetime | None]]:
        """Bindings of these customers: customer, user, when."""
        rows = self._select(
            "SELECT stripe_customer_id, user_id, created_at FROM stripe_customers "
            "WHERE stripe_customer_id IN :keys ORDER BY created_at, stripe_customer_id",
            customers,
        )
        return [(str(c), str(u), _utc(at)) for c, u, at in rows]

    def held(self) -> set[str]:
        """Payment ids that wait for a person; none where the handler has no queue."""
        if self.held_query is None:
            return set()
        with self.engine.connect() as connection:
            return {str(row[0]) for row in connection.execute(sa.text(self.held_query))}

    @contextlib.contextmanager
    def outage(self) -> Iterator[None]:
        """The database, gone for the handler while the block runs.

        PostgreSQL: no new connections are taken and those there are are ended (this needs an
        owner's rights). SQLite: another connection holds the file.
        """
        if self.engine.dialect.name == "postgresql":
            with self._postgres_outage():
                yield
            return
        with self.engine.connect() as connection:
            connection.exec_driver_sql("BEGIN EXCLUSIVE")
            try:
                yield
            finally:
                connection.exec_driver_sql("ROLLBACK")

    @contextlib.contextmanager
    def _postgres_outage(self) -> Iterator[None]:
        name = self.engine.url.database or ""
        quoted = self.engine.dialect.identifier_preparer.quote(name)
        other = "template1" if name != "template1" else "postgres"
        self.engine.dispose()
        admin = sa.create_engine(
            self.engine.url.set(database=other), isolation_level="AUTOCOMMIT", poolclass=sa.NullPool
        )
        with admin.connect() as connection:
            connection.exec_driver_sql(f"ALTER DATABASE {quoted} ALLOW_CONNECTIONS false")
            try:
                connection.execute(
                    sa.text(
                        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                        "WHERE datname = :name AND pid <> pg_backend_pid()"
                    ),
                    {"name": name},
                )
                yield
            finally:
                connection.exec_driver_sql(f"ALTER DATABASE {quoted} ALLOW_CONNECTIONS true")

    def close(self) -> None:
        """Let go of the database."""
        self.engine.dispose()

    def _select(self, query: str, keys: Collection[str]) -> list[Any]:
        statement = sa.text(query).bindparams(
            sa.bindparam("keys", list(keys), sa.Text, expanding=True)
        )
        with self.engine.connect() as connection:
            return list(connection.execute(statement).all())

    def _run(self, statement: str, **values: Any) -> None:
        query = sa.text(statement)
        if "at" in values:
            query = query.bindparams(sa.bindparam("at", type_=sa.DateTime(timezone=True)))
        with self.engine.begin() as connection:
            connection.execute(query, values)


def _utc(value: Any) -> datetime | None:
    if value is None:
        return None
    if isinstance(value, str):
        value = datetime.fromisoformat(value)
    moment: datetime = value
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
