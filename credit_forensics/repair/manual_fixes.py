"""Finds what a person put right by hand before the plan was made.

Somebody complained, and an admin granted the credits, or took them from who had them wrongly. Where
such an entry names the payment, the ledger's own sums net it. Where it names none, it is told by
its account, its size and its time. One whose words say that it puts something right is set off by
the plan: nobody gets, or loses, the credits twice. One that fits in other words, of whatever kind,
is a question: the plan leaves the finding to a person and names the entry.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

import pandas as pd

from credit_forensics.case.case import Case
from credit_forensics.engines.recipes import Recipe
from credit_forensics.records import row_dicts
from credit_forensics.repair.entries import NETTED
from credit_forensics.tables.catalogue import Tables
from credit_forensics.tables.expressions import ibis, ir

# A promotion or a welcome bonus is nobody's re-grant, whatever its size.
EMERGENCY = re.compile(
    r"(^|[^a-z0-9])(admin|manual(ly)?|emergency|re_?-?grant(ed)?|goodwill|courtesy|compensation"
    r"|support|complain(t|ed)?|apolog(y|ise|ize)|sorry|missing|lost|correct(ion|ed)?)($|[^a-z])",
    re.IGNORECASE,
)
TAKEN_BACK = re.compile(
    r"(^|[^a-z0-9])(admin|manual(ly)?|emergency|support|revers(al|ed?)|revoked?|take_?-? ?back"
    r"|taken_?-? ?back|claw_?-?back|refund(ed)?|chargeback|storno|wrong(ly)?|mistake|correct(ion"
    r"|ed)?)($|[^a-z])",
    re.IGNORECASE,
)
PROMOTION = re.compile(
    r"welcome|bonus|promo|sign_?-?up|registration|referr|free|trial|gift|reward|loyalty|campaign"
    r"|coupon|voucher|monthly|weekly|daily|allowance|quota|renewal|subscription|period",
    re.IGNORECASE,
)
"""Words of credits that are given to anybody, and so put nothing right."""
HABIT = 3
"""A reason that so many entries have, numbers aside, is a habit of the shop's and no one fix."""
_NUMBERS = r"[0-9a-fA-F]{8,}|[0-9]+"


@dataclass
class _ByHand:
    """One unreferenced entry, and whether its words say that it puts something right."""

    entry_id: str
    at: pd.Timestamp | None
    reason: str
    sure: bool


class Regrants:
    """Unreferenced entries by hand, each of which nets one correction at most."""

    def __init__(self, rows: pd.DataFrame, netted: Iterable[str] = ()) -> None:
        used = set(netted)
        self._free: dict[tuple[str, int], list[_ByHand]] = {}
        for row in row_dicts(rows):
            reason, delta = row["reason"] or "", int(row["delta"])
            words = EMERGENCY if delta > 0 else TAKEN_BACK
            sure = bool(words.search(reason)) and row.get("kind") != "usage"
            # An entry without a word of its own is nobody's promotion either.
            open_to_doubt = row.get("possible", False) and not PROMOTION.search(reason)
            if row["entry_id"] in used or not (sure or open_to_doubt):
                continue
            one = _ByHand(row["entry_id"], row["created_at"], reason, sure)
            self._free.setdefault((row["user_id"], delta), []).append(one)

    def take(self, user_id: str, credits: int, after: pd.Timestamp | None) -> str | None:
        """The earliest free fix of exactly these signed credits since then; it is free no more.

        Examples
        --------
        >>> day = pd.Timestamp("2025-09-02", tz="UTC")
        >>> regrants = Regrants(pd.DataFrame({"entry_id": ["9"], "user_id": ["a"], "delta": [50],
        ...     "reason": ["admin_grant: purchase lost"], "created_at": [day]}))
        >>> regrants.take("a", 50, day), regrants.take("a", 50, day)
        ('9', None)
        """
        return self._take(user_id, credits, after, sure=True)

    def question(self, user_id: str, credits: int, after: pd.Timestamp | None) -> str | None:
        """An entry of these credits since then that may be a fix in other words, as a clause."""
        entry_id = self._take(user_id, credits, after, sure=False)
        if entry_id is None:
            return None
        verb = "gave this account" if credits > 0 else "took from this account"
        return (
            f"entry {entry_id} {verb} the same {abs(credits)} credits since then and names no "
            "payment: if that was for this payment, nothing is to be booked"
        )

    def _take(
        self, user_id: str, credits: int, after: pd.Timestamp | None, *, sure: bool
    ) -> str | None:
        free = self._free.get((user_id, credits), [])
        for place, one in enumerate(free):
            fits = after is None or one.at is None or one.at >= after
            if fits and one.sure is sure:
                del free[place]
                return one.entry_id
        return None


def read_regrants(case: Case, users: Iterable[str]) -> Regrants:
    """The entries by hand, without any payment or event, of some accounts."""
    engine = case.evidence.engine
    engine.register(
        "repair_granted_users", pd.DataFrame({"user_id": sorted(set(users))}, dtype="str")
    )
    rows = engine.frame(Recipe("repair-by-hand", _by_hand))
    reasons = rows["reason"].fillna("").astype("str")
    netted = reasons[reasons.str.contains(NETTED, regex=False)].str.split(NETTED).str[-1]
    rows = rows.assign(possible=~_usual(case, rows))
    own = reasons.str.contains(NETTED, regex=False)
    return Regrants(rows[~own], netted)


def _usual(case: Case, rows: pd.DataFrame) -> pd.Series[bool]:
    """Whether an entry is what the shop books again and again, or credits that were used."""
    shapes = rows["reason"].fillna("").str.replace(_NUMBERS, "#", regex=True)
    usage = rows["kind"].eq("usage").fillna(False)
    if rows.empty:
        return usage
    engine = case.evidence.engine
    wanted = pd.DataFrame({"shape": sorted(set(shapes[shapes != ""]))}, dtype="str")
    engine.register("repair_shapes", wanted)
    found = engine.frame(Recipe("repair-shapes", _counted_shapes))
    habits = set(found.loc[found["entries"] >= HABIT, "shape"])
    return usage | shapes.isin(habits)


def _by_hand() -> ir.Table:
    wanted = ibis.table({"user_id": "string"}, name="repair_granted_users")
    ledger = Tables().ledger.semi_join(wanted, "user_id")
    alone = ledger.payment_id.isnull() & ledger.event_id.isnull()
    return ledger.filter(alone & (ledger.delta != 0)).order_by("created_at", "entry_id")


def _counted_shapes() -> ir.Table:
    ledger = Tables().ledger
    shaped = ledger.select(shape=ledger.reason.re_replace(_NUMBERS, "#"))
    wanted = ibis.table({"shape": "string"}, name="repair_shapes")
    return shaped.semi_join(wanted, "shape").group_by("shape").agg(entries=lambda t: t.count())
