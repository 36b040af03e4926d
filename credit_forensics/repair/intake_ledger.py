"""Books in an intake's own ledger as the intake does, so that what either did the other knows.

Both write ``intake_payments``, the account of what was booked for a payment, and give an entry the
same key: ``purchase:<payment>`` for the first booking, ``refund:<payment>:<credits so far>`` for a
share taken back. A repair locks what the intake writes, so that neither decides on what the other
is about to change.
"""

from __future__ import annotations

from dataclasses import dataclass

from credit_forensics.databases.read_only import ReadOnlyDatabase
from credit_forensics.databases.relations import Relation
from credit_forensics.repair.columns import TableFacts
from credit_forensics.repair.entries import Correction, Entry
from credit_forensics.repair.literals import text_literal

METHOD = "repair"
"""What ``intake_payments`` says of how a payment that a repair booked was resolved."""
_COLUMNS = {
    "intake_payments": ("payment_id", "payment_intent_id", "user_id", "credits", "method"),
    "review_queue": ("payment_id", "state"),
}


@dataclass(frozen=True)
class IntakeTables:
    """The intake's account of payments and its review queue, as SQL names."""

    payments: str
    queue: str


def intake_tables(
    database: ReadOnlyDatabase, entries: Relation | None, facts: TableFacts
) -> IntakeTables | None:
    """The intake's tables beside a ledger's entries; none where the ledger is no intake's."""
    if database.dialect != "postgresql" or entries is None:
        return None
    if not {"payment_id", "entry_key"} <= set(facts.columns):
        return None
    found = {}
    for name, columns in _COLUMNS.items():
        relation = database.find(name, entries.schema)
        if relation is None or not set(columns) <= set(relation.columns):
            return None
        found[name] = database.quoted(relation)
    return IntakeTables(found["intake_payments"], found["review_queue"])


def reviewed_payments(database: ReadOnlyDatabase, tables: IntakeTables) -> dict[str, str]:
    """The state of each payment that waits, or waited, in the review queue."""
    rows = database.driver.execute(f"SELECT payment_id, state FROM {tables.queue}").fetchall()
    return {str(payment): str(state) for payment, state in rows}


def locks(tables: IntakeTables, entries: str) -> list[str]:
    """Locks that let the intake read, and book when the repair is done."""
    return [
        f"LOCK TABLE {tables.payments} IN EXCLUSIVE MODE",
        f"LOCK TABLE {tables.queue}, {entries} IN SHARE ROW EXCLUSIVE MODE",
    ]


def entry_key(tables: IntakeTables, entries: str, entry: Entry, correction: Correction) -> str:
    """The key of an entry, as SQL."""
    payment = correction.payment_id
    if correction.paid is not None and entry.kind == "correction":
        return text_literal(f"purchase:{payment}", "postgresql")
    moved = sum(one.delta for one in correction.entries if one.kind == "refund")
    if entry.kind != "refund" or not moved:
        return text_literal(entry.key, "postgresql")
    # As the intake does: what was given again and is taken again is another entry.
    sign, way = ("", "back:") if entry.delta > 0 else ("-", "")
    prefix, named = (text_literal(t, "postgresql") for t in (f"refund:{payment}:{way}", payment))
    so_far = (
        f"SELECT {sign}(coalesce(sum(delta), 0) + ({entry.delta})) FROM {entries} "
        f"WHERE payment_id = {named} AND (entry_key LIKE 'refund:%' OR reason ILIKE 'refund%') "
        f"AND delta {'>' if entry.delta > 0 else '<'} 0"
    )
    return f"{prefix} || ({so_far})"


def already_booked(tables: IntakeTables, entries: str, correction: Correction) -> list[str]:
    """Conditions under which the intake knows a payment that the plan did not."""
    if correction.paid is None:
        return []
    payment = text_literal(correction.payment_id, "postgresql")
    purchase = text_literal(f"purchase:{correction.payment_id}", "postgresql")
    found = [
        f"EXISTS (SELECT 1 FROM {entries} WHERE entry_key = {purchase})",
        f"EXISTS (SELECT 1 FROM {entries} WHERE payment_id = {payment})",
        f"EXISTS (SELECT 1 FROM {tables.queue} WHERE payment_id = {payment})",
    ]
    if correction.paid.payment_intent_id is not None:
        intent = text_literal(correction.paid.payment_intent_id, "postgresql")
        found.append(
            f"EXISTS (SELECT 1 FROM {tables.payments} "
            f"WHERE payment_intent_id = {intent} AND payment_id <> {payment})"
        )
    return found


def account_for(tables: IntakeTables, correction: Correction, booked: str) -> list[str]:
    """Let the intake's account of the payment say what the correction made of it."""
    payment = text_literal(correction.payment_id, "postgresql")
    gains = [user for user, delta in correction.moved.items() if delta > 0]
    credits = sum(one.delta for one in correction.entries if one.kind in ("correction", "grant"))
    where = f"WHERE payment_id = {payment} AND {booked}"
    if correction.paid is not None and gains:
        paid = correction.paid
        intent, customer = (
            "NULL" if value is None else text_literal(value, "postgresql")
            for value in (paid.payment_intent_id, paid.customer_id)
        )
        created = "now()" if paid.created_at is None else f"'{paid.created_at.isoformat()}'"
        credits = sum(one.delta for one in correction.entries if one.kind == "correction")
        user, currency = (text_literal(t, "postgresql") for t in (gains[0], paid.currency))
        return [
            f"INSERT INTO {tables.payments} (payment_id, payment_intent_id, customer_id, user_id, "
            f"credits, amount, currency, event_id, method, families, created_at)\n"
            f"SELECT {payment}, {intent}, {customer}, {user}, {credits}, {paid.amount}, "
            f"{currency}, '{METHOD}', '{METHOD}', '{METHOD}', "
            f"CAST({created} AS timestamptz)\n"
            f"WHERE {booked} ON CONFLICT DO NOTHING"
        ]
    if correction.finding == "wrong_amount":
        return [f"UPDATE {tables.payments} SET credits = credits + ({credits}) {where}"]
    takers = [user for user, delta in correction.moved.items() if delta < 0]
    if len(gains) == 1 and takers:
        user = text_literal(gains[0], "postgresql")
        return [f"UPDATE {tables.payments} SET user_id = {user} {where}"]
    return []
