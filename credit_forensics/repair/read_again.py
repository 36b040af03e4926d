"""Reads again, before COMMIT, what a repair booked: counts, sums and balances.

A trigger may swallow a row, change it or add one; a balance may be computed from something else.
What is not as it was planned rolls the whole transaction back.
"""

from __future__ import annotations

from collections.abc import Sequence

from credit_forensics.repair.booking_sql import BOOKED, Planned, user_literal
from credit_forensics.repair.literals import listed, text_literal
from credit_forensics.repair.target import Table, Target

TABLES = ("repair_before", "repair_planned", "repair_after", "repair_now", "repair_check")
"""Temporary tables that this makes."""
OTHER = "this is another ledger than the plan was made for"
GUARD = "the_ledger_is_as_planned"


def begin_reading(target: Target, planned: Sequence[Planned], users: Sequence[str]) -> list[str]:
    """What is there before anything is booked, and what is to come."""
    rows = [
        (number, entry.user_id, entry.delta, entry.key)
        for number, one in enumerate(planned, start=1)
        for entry in one.correction.entries
    ]
    dialect = target.dialect
    values = ",\n  ".join(
        f"({number}, {text_literal(user, dialect)}, {delta}, {text_literal(key, dialect)})"
        for number, user, delta, key in rows
    )
    statements = [
        "CREATE TEMPORARY TABLE repair_check (difference text, "
        f"CONSTRAINT {GUARD} CHECK (difference IS NULL))",
        "CREATE TEMPORARY TABLE repair_planned "
        "(step integer, user_id text, delta bigint, reason text)",
        f"CREATE TEMPORARY TABLE repair_before AS {_totals(target, users)}",
    ]
    if rows:
        statements.append(f"INSERT INTO repair_planned VALUES\n  {values}")
    if target.witness:
        statements.append(_guard(target, f"SELECT difference FROM ({_other(target)}) AS other"))
    return statements


def end_reading(target: Target, users: Sequence[str], keys: Sequence[str]) -> list[str]:
    """What is there now."""
    entries = target.entries
    reason = f"CAST({entries.sql('reason')} AS text)"
    wanted = listed(text_literal(key, target.dialect) for key in keys)
    return [
        f"CREATE TEMPORARY TABLE repair_after AS SELECT CAST({entries.sql('user_id')} AS text) "
        f"AS user_id, {entries.sql('delta')} AS delta, {reason} AS reason "
        f"FROM {entries.name} WHERE {reason} IN ({wanted})",
        f"CREATE TEMPORARY TABLE repair_now AS {_totals(target, users)}",
    ]


def differences(target: Target) -> str:
    """What is not as it was planned: a text each, no row where all is well."""
    booked = (
        f"FROM repair_planned AS p JOIN repair_step AS s ON s.id = p.step AND s.state = '{BOOKED}'"
    )
    parts = [
        f"SELECT 'entry ' || p.reason || ' was not booked as planned' AS difference {booked} "
        "WHERE (SELECT count(*) FROM repair_after AS a WHERE a.reason = p.reason "
        "AND a.user_id = p.user_id AND a.delta = p.delta) <> 1 "
        "OR (SELECT count(*) FROM repair_after AS a WHERE a.reason = p.reason) <> 1",
    ]
    for what, name in (("entries", "entries"), ("credits", "credits"), ("balance", "balance")):
        added = "count(*)" if what == "entries" else "coalesce(sum(p.delta), 0)"
        parts.append(
            f"SELECT 'the {name} of account ' || b.user_id || ' went from ' || b.{what} || ' to ' "
            f"|| n.{what} FROM repair_before AS b JOIN repair_now AS n ON n.user_id = b.user_id "
            f"WHERE n.{what} <> b.{what} + (SELECT {added} {booked} WHERE p.user_id = b.user_id)"
        )
    parts.append(_elsewhere(target, booked))
    return "\nUNION ALL ".join(parts)


def guard(target: Target) -> str:
    """The statement that fails, and undoes everything, where something differs."""
    return _guard(target, f"SELECT difference FROM ({differences(target)}) AS found")


def _guard(target: Target, query: str) -> str:
    verb = "INSERT OR ROLLBACK" if target.dialect == "sqlite" else "INSERT"
    return f"{verb} INTO repair_check {query}"


def _other(target: Target) -> str:
    """Says so where this is another database than the one that the plan was made for."""
    entries, dialect = target.entries, target.dialect
    rows = ", ".join(
        f"({text_literal(key, dialect)}, {text_literal(user, dialect)}, {delta})"
        for key, user, delta in target.witness
    )
    there = (
        f"SELECT count(*) FROM {entries.name} WHERE (CAST({entries.sql('entry_id')} AS text), "
        f"CAST({entries.sql('user_id')} AS text), {entries.sql('delta')}) IN (VALUES {rows})"
    )
    return (
        f"SELECT '{OTHER}' AS difference "
        # An entry or two may have been set right since; another ledger has hardly one of them.
        f"WHERE ({there}) * 2 < {len(set(target.witness))}"
    )


def _totals(target: Target, users: Sequence[str]) -> str:
    """Entries, credits and stored balance of each account, as far as the target has them."""
    entries, balances = target.entries, target.balances or target.balance_view
    parts = []
    for user in users:
        whose = text_literal(user, target.dialect)
        own = f"FROM {entries.name} WHERE {_is(target, entries, user)}"
        balance = "0"
        if balances is not None:
            balance = (
                f"coalesce((SELECT CAST(sum({balances.sql('balance')}) AS bigint) "
                f"FROM {balances.name} WHERE {_is(target, balances, user)}), 0)"
            )
            if target.balances is None:
                # A view whose rows none of this account's are in may begin to show it.
                balance = f"CAST({balance} AS bigint)"
        else:
            balance = f"(SELECT coalesce(sum({entries.sql('delta')}), 0) {own})"
        parts.append(
            f"SELECT {whose} AS user_id, (SELECT count(*) {own}) AS entries, "
            f"(SELECT coalesce(sum({entries.sql('delta')}), 0) {own}) AS credits, "
            f"{balance} AS balance"
        )
    if not parts:
        return "SELECT '' AS user_id, 0 AS entries, 0 AS credits, 0 AS balance WHERE 1 = 0"
    return "\nUNION ALL ".join(parts)


def _is(target: Target, table: Table, user: str) -> str:
    return f"{table.sql('user_id')} = {user_literal(target, table, user)}"


def _elsewhere(target: Target, booked: str) -> str:
    """Rows that were added or removed on accounts that the plan does not name."""
    entries = target.entries
    if target.dialect == "sqlite":
        # Nobody else can write meanwhile.
        return (
            "SELECT 'the ledger has ' || (SELECT count(*) FROM "
            f"{entries.name}) || ' entries, not ' || (b.entries + (SELECT count(*) {booked})) "
            f"FROM repair_total AS b WHERE (SELECT count(*) FROM {entries.name}) "
            f"<> b.entries + (SELECT count(*) {booked})"
        )
    table = f"{text_literal(entries.name, target.dialect)}::regclass"
    # The server counts what this transaction did, also what a trigger did.
    added, removed = (
        f"pg_stat_get_xact_tuples_{what}({table})" for what in ("inserted", "deleted")
    )
    return (
        f"SELECT 'this transaction added ' || {added} || ' entries and removed ' || {removed} "
        f"WHERE current_setting('track_counts') = 'on' "
        f"AND (SELECT relkind FROM pg_class WHERE oid = {table}) = 'r' "
        f"AND ({added} <> (SELECT count(*) {booked}) OR {removed} <> 0)"
    )
