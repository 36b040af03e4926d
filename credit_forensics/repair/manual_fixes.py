"""Finds emergency re-grants that made a payer whole before the plan was made.

Somebody complained, and an admin granted the credits by hand. Where such a grant names the
payment, the ledger's own sums net it. Where it names none, it is told by its account, its size,
its time and its wording, and the plan sets it off: the payer does not get the credits twice.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import ibis
import pandas as pd

from credit_forensics.case.case import Case
from credit_forensics.records import row_dicts
from credit_forensics.repair.entries import NETTED
from credit_forensics.tables.catalogue import Tables

# A promotion or a welcome bonus is nobody's re-grant, whatever its size.
EMERGENCY = re.compile(
    r"(^|[^a-z0-9])(admin|manual(ly)?|emergency|re_?-?grant(ed)?|goodwill|courtesy|compensation"
    r"|support|complain(t|ed)?|apolog(y|ise|ize)|sorry|missing|lost|correct(ion|ed)?)($|[^a-z])",
    re.IGNORECASE,
)


class Regrants:
    """Unreferenced grants by hand, each of which nets one correction at most."""

    def __init__(self, rows: pd.DataFrame, netted: Iterable[str] = ()) -> None:
        used = set(netted)
        self._free: dict[tuple[str, int], list[tuple[pd.Timestamp | None, str]]] = {}
        for row in row_dicts(rows):
            if row["entry_id"] in used or not EMERGENCY.search(row["reason"] or ""):
                continue
            place = (row["user_id"], int(row["delta"]))
            self._free.setdefault(place, []).append((row["created_at"], row["entry_id"]))

    def take(self, user_id: str, credits: int, after: pd.Timestamp | None) -> str | None:
        """The earliest free grant of exactly these credits since then; it is free no more.

        Examples
        --------
        >>> day = pd.Timestamp("2025-09-02", tz="UTC")
        >>> regrants = Regrants(pd.DataFrame({"entry_id": ["9"], "user_id": ["a"], "delta": [50],
        ...     "reason": ["admin_grant: purchase lost"], "created_at": [day]}))
        >>> regrants.take("a", 50, day), regrants.take("a", 50, day)
        ('9', None)
        """
        free = self._free.get((user_id, credits), [])
        for place, (granted_at, entry_id) in enumerate(free):
            if after is None or granted_at is None or granted_at >= after:
                del free[place]
                return entry_id
        return None


def read_regrants(case: Case, users: Iterable[str]) -> Regrants:
    """The grants by hand, without any payment, that some accounts were given."""
    engine = case.evidence.engine
    engine.register(
        "repair_granted_users", pd.DataFrame({"user_id": sorted(set(users))}, dtype="str")
    )
    wanted = ibis.table({"user_id": "string"}, name="repair_granted_users")
    ledger = Tables().ledger.semi_join(wanted, "user_id")
    by_hand = ledger.filter(
        ledger.payment_id.isnull() & ledger.kind.isin(("grant", "correction"))
    ).order_by("created_at", "entry_id")
    rows = engine.frame(by_hand)
    reasons = rows["reason"].fillna("").astype("str")
    netted = reasons[reasons.str.contains(NETTED, regex=False)].str.split(NETTED).str[-1]
    return Regrants(rows[rows["delta"] > 0], netted)
