"""What each account holds of a payment, and what it has left: the plan's view of the ledger."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import pandas as pd

from credit_forensics.case.case import Case
from credit_forensics.engines.recipes import Recipe
from credit_forensics.records import row_dicts
from credit_forensics.tables.catalogue import Tables
from credit_forensics.tables.expressions import ibis, ir

# As in ``resolution.credited``: refunds take back, and do not say whose the credits were.
HOLDING = frozenset({"purchase", "reversal", "correction", "grant", "transfer"})


@dataclass
class Holdings:
    """What each account holds of one payment; the plan moves it as it goes.

    ``net`` and ``taken`` are credits held and credits taken back for refunds, an account;
    ``purchased`` what purchases granted net of reversals of a surplus; ``grants`` how many
    purchase entries no reversal cancels; ``mentions`` the payment's id and its events';
    ``unclear`` credits of entries that name the payment in words that say of no kind.
    """

    net: dict[str, int] = field(default_factory=dict)
    taken: dict[str, int] = field(default_factory=dict)
    purchased: int = 0
    grants: int = 0
    mentions: tuple[str, ...] = ()
    unclear: int = 0

    def holders(self) -> list[str]:
        """Accounts with credits of the payment, sorted."""
        return sorted(user for user, credits in self.net.items() if credits > 0)


def read_entries(case: Case, payment_ids: Iterable[str]) -> pd.DataFrame:
    """The ledger's entries of some payments, in the order of their keys."""
    wanted = _wanted(case, "payment_id", payment_ids)

    def entries() -> ir.Table:
        rows = Tables().ledger.semi_join(wanted(), "payment_id")
        return rows.order_by("payment_id", "created_at", "entry_id")

    return case.evidence.engine.frame(Recipe("repair-entries", entries))


def holdings_of(entries: pd.DataFrame) -> dict[str, Holdings]:
    """Holdings by payment, from the entries of ``read_entries``.

    Examples
    --------
    >>> rows = pd.DataFrame({"payment_id": ["cs_1"] * 2, "user_id": ["b", "b"],
    ...     "delta": [50, -20], "kind": ["purchase", "refund"], "event_id": ["evt_1", None]})
    >>> held = holdings_of(rows)["cs_1"]
    >>> held.net, held.taken, held.mentions
    ({'b': 50}, {'b': 20}, ('cs_1', 'evt_1'))
    """
    found: dict[str, Holdings] = {}
    events: dict[str, set[str]] = {}
    for row in row_dicts(entries):
        held = found.setdefault(row["payment_id"], Holdings())
        user, delta, kind = row["user_id"], int(row["delta"]), row["kind"]
        if row["event_id"]:
            events.setdefault(row["payment_id"], set()).add(row["event_id"])
        if kind == "refund":
            held.taken[user] = held.taken.get(user, 0) - delta
        elif kind in HOLDING:
            held.net[user] = held.net.get(user, 0) + delta
        else:
            held.unclear += delta
        if kind == "purchase":
            held.purchased += delta
            held.grants += delta > 0
        elif kind == "reversal" and delta < 0:
            held.grants -= 1
    for payment_id, held in found.items():
        held.mentions = (payment_id, *sorted(events.get(payment_id, ())))
    return found


def read_balances(case: Case, users: Iterable[str], *, stored: bool) -> dict[str, int]:
    """The balance of each account: the stored one, or the sum of its entries.

    An account without a row has nothing.
    """
    users = sorted(set(users))
    wanted = _wanted(case, "user_id", users)

    def sums() -> ir.Table:
        tables = Tables()
        if stored:
            rows = tables.balances.select("user_id", "fraction", credits=tables.balances.balance)
        else:
            rows = tables.ledger.select("user_id", "fraction", credits=tables.ledger.delta)
        rows = rows.semi_join(wanted(), "user_id")
        # Fractions of a credit that make up a whole one between them; the rest cannot be taken.
        whole = (rows.fraction.sum().coalesce(0) / 1_000_000_000).floor()
        return rows.group_by("user_id").agg(credits=(rows.credits.sum() + whole).cast("int64"))

    name = "repair-balances" if stored else "repair-balances-of-entries"
    found = case.evidence.engine.frame(Recipe(name, sums))
    known = dict(zip(found["user_id"], found["credits"], strict=True))
    return {user: int(known.get(user, 0)) for user in users}


def read_users_entries(case: Case, users: Iterable[str]) -> pd.DataFrame:
    """All entries of some accounts."""
    wanted = _wanted(case, "user_id", users)
    rows = Recipe("repair-users-entries", lambda: Tables().ledger.semi_join(wanted(), "user_id"))
    return case.evidence.engine.frame(rows)


def _wanted(case: Case, column: str, values: Iterable[str]) -> Callable[[], ir.Table]:
    """Put values beside the evidence, and give what names the table that they are in."""
    name = f"repair_{column}s"
    rows = pd.DataFrame({column: sorted(set(values))}, dtype="str")
    case.evidence.engine.register(name, rows)
    return lambda: ibis.table({column: "string"}, name=name)
