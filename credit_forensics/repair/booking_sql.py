"""The statements that book one correction, and leave it out where they must."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from credit_forensics.repair import intake_ledger
from credit_forensics.repair.entries import Correction, Entry
from credit_forensics.repair.literals import comment, listed, text_literal, typed_literal
from credit_forensics.repair.target import Table, Target

BOOKED, THERE, CHANGED, HELD = "booked", "already there", "changed", "held back"
"""What became of a correction."""
_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "credit-forensics:repair")


@dataclass(frozen=True)
class Planned:
    """A correction with how many of each account's entries mention its payment, and their credits.

    ``after``: the numbers of those that it reckons with; it is held back where one of them is
    not booked.
    """

    correction: Correction
    mentioned: dict[str, tuple[int, int | None]]
    after: tuple[int, ...] = ()


def booking(target: Target, number: int, planned: Planned, *, allow_negative: bool) -> list[str]:
    """Book one correction's entries, where nothing speaks against it."""
    correction, dialect = planned.correction, target.dialect
    keys = listed(text_literal(entry.key, dialect) for entry in correction.entries)
    whens = [f"WHEN EXISTS (SELECT 1 FROM repair_key WHERE reason IN ({keys})) THEN '{THERE}'"]
    search = "instr" if dialect == "sqlite" else "strpos"
    named = " OR ".join(
        f"{search}(told, {text_literal(mention, dialect)}) > 0" for mention in correction.mentions
    )
    for user, (count, credits) in sorted(planned.mentioned.items()):
        these = f"FROM repair_entry WHERE user_id = {text_literal(user, dialect)} AND ({named})"
        whens.append(f"WHEN (SELECT count(*) {these}) <> {count} THEN '{CHANGED}'")
        if credits is not None:
            total = f"(SELECT coalesce(sum(delta), 0) {these})"
            whens.append(f"WHEN {total} <> {credits} THEN '{CHANGED}'")
    if target.intake is not None:
        for found in intake_ledger.already_booked(target.intake, target.entries.name, correction):
            whens.append(f"WHEN {found} THEN '{CHANGED}'")
    if planned.after:
        before = ", ".join(str(earlier) for earlier in planned.after)
        whens.append(
            f"WHEN EXISTS (SELECT 1 FROM repair_step WHERE id IN ({before}) "
            f"AND state NOT IN ('{BOOKED}', '{THERE}')) THEN '{HELD}'"
        )
    if not allow_negative:
        for user, delta in correction.moved.items():
            if delta < 0:
                whens.append(
                    f"WHEN (SELECT balance FROM repair_balance WHERE user_id = "
                    f"{text_literal(user, dialect)}) < {-delta} THEN '{HELD}'"
                )
    booked = f"EXISTS (SELECT 1 FROM repair_step WHERE id = {number} AND state = '{BOOKED}')"
    statements = [_step(number, correction, whens)]
    statements += [_entry(target, entry, correction, booked) for entry in correction.entries]
    if target.intake is not None:
        statements += intake_ledger.account_for(target.intake, correction, booked)
    statements += [
        f"UPDATE repair_balance SET balance = balance + ({delta}) "
        f"WHERE user_id = {text_literal(user, dialect)} AND {booked}"
        for user, delta in correction.moved.items()
    ]
    return statements


def _step(number: int, correction: Correction, whens: Sequence[str]) -> str:
    about = comment(f"{number}. {correction.finding} {correction.payment_id} {correction.note}")
    cases = "\n  ".join(whens)
    return (
        f"{about}\nINSERT INTO repair_step (id, state) SELECT {number}, CASE\n  {cases}\n"
        f"  ELSE '{BOOKED}' END"
    )


def _entry(target: Target, entry: Entry, correction: Correction, booked: str) -> str:
    entries = target.entries
    values: dict[str, str] = {}
    if target.identity == "next":
        key = entries.sql("entry_id")
        values["entry_id"] = f"(SELECT coalesce(max({key}), 0) + 1 FROM {entries.name})"
    elif target.identity in ("uuid", "text"):
        own = str(uuid.uuid5(_NAMESPACE, entry.key))
        values["entry_id"] = typed_literal(own, entries.columns["entry_id"], target.dialect)
    values["user_id"] = user_literal(target, entries, entry.user_id)
    values["delta"] = str(entry.delta)
    for column, text in (
        ("type", entry.kind),
        ("kind", entry.kind),
        ("reason", entry.key),
        ("payment_id", correction.payment_id if entry.kind != "grant" else ""),
    ):
        if column in entries.columns and text:
            values[column] = typed_literal(text, entries.columns[column], target.dialect)
    if target.intake is not None:
        values["entry_key"] = intake_ledger.entry_key(
            target.intake, entries.name, entry, correction
        )
    if "created_at" in entries.columns:
        values["created_at"] = _now(target)
    names = ", ".join(entries.sql(column) for column in values)
    return (
        f"INSERT INTO {entries.name} ({names})\nSELECT {', '.join(values.values())}\nWHERE {booked}"
    )


def rebinding(target: Target, number: int, planned: Planned) -> list[str]:
    """Set one binding right, where it still names the wrong user."""
    correction = planned.correction
    binding, customers = correction.rebinding, target.customers
    assert binding is not None and customers is not None
    customer = typed_literal(binding.customer_id, customers.columns["customer_id"], target.dialect)
    old, new = (
        user_literal(target, customers, user) for user in (binding.old_user_id, binding.new_user_id)
    )
    user = customers.sql("user_id")
    this = f"FROM {customers.name} WHERE {customers.sql('customer_id')} = {customer}"
    whens = [f"WHEN EXISTS (SELECT 1 {this} AND {user} = {new}) THEN '{THERE}'"]
    if "user_id" in {t for t, c in customers.columns.items() if c.name in customers.unique}:
        whens.append(
            f"WHEN EXISTS (SELECT 1 FROM {customers.name} WHERE {user} = {new}) THEN '{HELD}'"
        )
    whens.append(f"WHEN NOT EXISTS (SELECT 1 {this} AND {user} = {old}) THEN '{CHANGED}'")
    return [
        _step(number, correction, whens),
        f"UPDATE {customers.name} SET {user} = {new} "
        f"WHERE {customers.sql('customer_id')} = {customer} AND {user} = {old} AND EXISTS "
        f"(SELECT 1 FROM repair_step WHERE id = {number} AND state = '{BOOKED}')",
    ]


def stored_balance(target: Target, user_id: str) -> list[str]:
    """Set one account's stored balance to what it was plus what was booked."""
    if target.balances is None:
        return []
    balances = target.balances
    user, credits = balances.sql("user_id"), balances.sql("balance")
    whose = user_literal(target, balances, user_id)
    own = f"FROM repair_balance WHERE user_id = {text_literal(user_id, target.dialect)}"
    moved = f"{own} AND balance <> was"
    return [
        f"UPDATE {balances.name} SET {credits} = (SELECT balance {own}) "
        f"WHERE {user} = {whose} AND EXISTS (SELECT 1 {moved})",
        f"INSERT INTO {balances.name} ({user}, {credits}) SELECT {whose}, balance {moved} "
        f"AND NOT EXISTS (SELECT 1 FROM {balances.name} WHERE {user} = {whose})",
    ]


def user_literal(target: Target, table: Table, user_id: str) -> str:
    """A user's id as a literal of a table's own type."""
    return typed_literal(user_id, table.columns["user_id"], target.dialect)


def _now(target: Target) -> str:
    kind = target.entries.columns["created_at"].type.lower()
    if target.dialect == "sqlite":
        if target.epoch:
            return f"CAST(strftime('%s', 'now') AS INTEGER) * {target.epoch}"
        pattern = "%Y-%m-%dT%H:%M:%SZ" if target.clock == "T" else "%Y-%m-%d %H:%M:%S"
        return f"strftime('{pattern}', 'now')"
    if target.epoch:
        return f"CAST(extract(epoch FROM now()) * {target.epoch} AS {kind})"
    if kind == "timestamp without time zone":
        return "now() AT TIME ZONE 'UTC'"
    if "char" in kind or kind == "text":
        return "to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')"
    return "now()"
