"""Writes a plan as one transaction: what a person reads in ``plan.sql`` is what ``--apply`` runs.

Each correction is booked whole or left out, and the transaction says which. It is left out where
its key is in the ledger already, where the ledger's entries of the payment are not those that the
plan saw, and where it would drive a balance below zero. Stored balances are set once at the end,
under their locks, to what they were plus what was booked; so a trigger that keeps them changes
nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from credit_forensics.repair import intake_ledger
from credit_forensics.repair.booking_sql import (
    Planned,
    booking,
    rebinding,
    stored_balance,
    user_literal,
)
from credit_forensics.repair.literals import comment, listed, text_literal
from credit_forensics.repair.read_again import (
    TABLES,
    begin_reading,
    differences,
    end_reading,
    guard,
)
from credit_forensics.repair.target import Target

# Any constant would do: it keeps two repairs apart, not a repair and the shop.
ADVISORY_LOCK = 7_243_901_165
LOCK_SECONDS = 30


@dataclass(frozen=True)
class Script:
    """One transaction in statements without their semicolons.

    ``differences`` asks what is not as it was planned, ``guard`` fails where something is, and
    ``outcome`` asks what was done. ``begin_alone`` takes the whole table of balances in place of
    its rows: nobody else books meanwhile, and nobody can lock rows crosswise with the repair.
    """

    begin: tuple[str, ...]
    begin_alone: tuple[str, ...]
    work: tuple[str, ...]
    differences: str
    guard: str
    outcome: str
    commit: tuple[str, ...]

    def text(self, heading: Sequence[str] = ()) -> str:
        """The whole as a file for ``psql`` or ``sqlite3``."""
        statements = [*self.begin, *self.work, self.guard, self.outcome, *self.commit]
        return "\n".join(comment(line) for line in heading) + (
            "\n\n" + ";\n\n".join(statements) + ";\n"
        )


def write_script(
    target: Target, planned: Sequence[Planned], *, allow_negative: bool = False
) -> Script:
    """The transaction that books a plan.

    Parameters
    ----------
    target
        where to write.
    planned
        the corrections, in the order in which they are booked.
    allow_negative
        whether a balance may go below zero.
    """
    users = sorted({e.user_id for p in planned for e in p.correction.entries})
    keys = sorted({e.key for p in planned for e in p.correction.entries})
    work = [*_snapshots(target, users, keys), *begin_reading(target, planned, users)]
    for number, one in enumerate(planned, start=1):
        if one.correction.rebinding is None:
            work += booking(target, number, one, allow_negative=allow_negative)
        else:
            work += rebinding(target, number, one)
    work += [s for user in users for s in stored_balance(target, user)]
    work += end_reading(target, users, keys)
    temporary = ["repair_key", "repair_entry", "repair_balance", "repair_step", *TABLES]
    if target.dialect == "sqlite":
        temporary.append("repair_total")
    return Script(
        begin=tuple(_begin(target, _rows(target, users))),
        begin_alone=tuple(_begin(target, _whole(target))),
        work=tuple(work),
        differences=differences(target),
        guard=guard(target),
        outcome="SELECT id, state FROM repair_step ORDER BY id",
        commit=(*(f"DROP TABLE {name}" for name in temporary), "COMMIT"),
    )


def mentions_sql(target: Target, users: Sequence[str]) -> str:
    """Every entry of some accounts, as (account, what it says), in the target's own SQL."""
    entries = target.entries
    wanted = listed(user_literal(target, entries, user) for user in users)
    return (
        f"SELECT CAST({entries.sql('user_id')} AS text) AS user_id, {_told(target)} AS told, "
        f"{entries.sql('delta')} AS delta FROM {entries.name} "
        f"WHERE {entries.sql('user_id')} IN ({wanted})"
    )


def naming_sql(target: Target, users: Sequence[str], names: Sequence[str]) -> str:
    """How many entries some accounts have, or name one of some ids, in the target's own SQL."""
    entries, told = target.entries, _told(target)
    find = "instr" if target.dialect == "sqlite" else "strpos"
    wanted = [
        f"{entries.sql('user_id')} = {user_literal(target, entries, user)}" for user in users
    ] + [f"{find}({told}, {text_literal(name, target.dialect)}) > 0" for name in names]
    return f"SELECT count(*) FROM {entries.name} WHERE {' OR '.join(wanted)}"


def _told(target: Target) -> str:
    """All that an entry says of where it came from, as one text."""
    entries = target.entries
    return " || ' ' || ".join(
        f"coalesce(CAST({entries.sql(column)} AS text), '')"
        for column in ("reason", "event_id", "payment_id", "session_id", "intent_id", "meta")
        if column in entries.columns
    )


def _rows(target: Target, users: Sequence[str]) -> list[str]:
    """Lock the balances of some accounts."""
    balances = target.balances
    if balances is None:
        return []
    user = balances.sql("user_id")
    wanted = listed(user_literal(target, balances, one) for one in users)
    # In the order of the ids, so that two who lock several so cannot wait for each other.
    return [
        f"SELECT {user} FROM {balances.name} WHERE {user} IN ({wanted}) ORDER BY {user} FOR UPDATE"
    ]


def _whole(target: Target) -> list[str]:
    """Lock all balances against writers; those who only read go on."""
    if target.balances is None:
        return []
    return [f"LOCK TABLE {target.balances.name} IN EXCLUSIVE MODE"]


def _begin(target: Target, balances: Sequence[str]) -> list[str]:
    if target.dialect == "sqlite":
        # Takes the one write lock at once, so that nothing is read that changes before it is set.
        return ["BEGIN IMMEDIATE"]
    statements = [
        "BEGIN",
        f"SET LOCAL lock_timeout = '{LOCK_SECONDS}s'",
        "SET LOCAL standard_conforming_strings = on",
        f"SELECT pg_advisory_xact_lock({ADVISORY_LOCK})",
    ]
    if target.intake is not None:
        # In the order in which the intake takes them.
        statements += intake_ledger.locks(target.intake, target.entries.name)
    statements += balances
    if target.balances is None or target.identity == "next":
        # Without rows to lock, nobody else may book while the sums are read and added to.
        statements.append(f"LOCK TABLE {target.entries.name} IN SHARE ROW EXCLUSIVE MODE")
    if target.sequence:
        key = target.entries.sql("entry_id")
        statements.append(
            f"SELECT setval({text_literal(target.sequence, target.dialect)}, "
            f"(SELECT max({key}) FROM {target.entries.name}))"
        )
    return statements


def _snapshots(target: Target, users: Sequence[str], keys: Sequence[str]) -> list[str]:
    entries, dialect = target.entries, target.dialect
    wanted_keys = listed(text_literal(key, dialect) for key in keys)
    reason = f"CAST({entries.sql('reason')} AS text)"
    statements = [
        f"CREATE TEMPORARY TABLE repair_key AS SELECT {reason} AS reason "
        f"FROM {entries.name} WHERE {reason} IN ({wanted_keys})",
        f"CREATE TEMPORARY TABLE repair_entry AS {mentions_sql(target, users)}",
        "CREATE INDEX repair_entry_user ON repair_entry (user_id)",
        "CREATE TEMPORARY TABLE repair_balance "
        "(user_id text PRIMARY KEY, was bigint NOT NULL, balance bigint NOT NULL)",
        "CREATE TEMPORARY TABLE repair_step (id integer PRIMARY KEY, state text NOT NULL)",
    ]
    if dialect == "sqlite":
        statements.append(
            f"CREATE TEMPORARY TABLE repair_total AS SELECT count(*) AS entries FROM {entries.name}"
        )
    held, column = (
        (target.balances, "balance") if target.balances is not None else (entries, "delta")
    )
    for user in users:
        statements.append(
            f"INSERT INTO repair_balance (user_id, was, balance) "
            f"SELECT {text_literal(user, dialect)}, total.credits, total.credits FROM "
            f"(SELECT CAST(coalesce(sum({held.sql(column)}), 0) AS bigint) AS credits "
            f"FROM {held.name} WHERE {held.sql('user_id')} = "
            f"{user_literal(target, held, user)}) AS total"
        )
    return statements
