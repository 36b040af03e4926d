"""The payments in order of time: all their times, and where those that matter stand among them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from credit_forensics.engines.duckdb import Engine
from credit_forensics.engines.recipes import Recipe
from credit_forensics.tables.catalogue import Tables
from credit_forensics.tables.expressions import ibis, ir

_ASKED = "payments_to_place"


@dataclass(frozen=True)
class Timeline:
    """``instants``: when each payment that has a time was made, in order; ``places``: for a payment
    id, its place among them, payments of one instant being in the order of their ids.
    """

    instants: pd.DatetimeIndex
    places: pd.Series[int]

    @classmethod
    def of(cls, payments: pd.DataFrame) -> Timeline:
        """Of payments in memory (``payment_id``, ``created_at``), each of which has its place.

        Examples
        --------
        >>> times = pd.to_datetime(["2025-09-02", None, "2025-09-01"], utc=True)
        >>> payments = pd.DataFrame({"payment_id": ["a", "b", "c"], "created_at": times})
        >>> Timeline.of(payments).places.to_dict()
        {'c': 0, 'a': 1}
        """
        timed = in_order(payments.drop_duplicates("payment_id"))
        places = pd.Series(timed.index, index=timed["payment_id"])
        return cls(pd.DatetimeIndex(timed["created_at"]), places)


def in_order(payments: pd.DataFrame) -> pd.DataFrame:
    """The payments that have a time, by time and id: ``payment_id`` and ``created_at``.

    Examples
    --------
    >>> times = pd.to_datetime(["2025-09-02", None, "2025-09-01"], utc=True)
    >>> payments = pd.DataFrame({"payment_id": ["a", "b", "c"], "created_at": times})
    >>> in_order(payments)["payment_id"].tolist()
    ['c', 'a']
    """
    timed = payments.loc[payments["created_at"].notna(), ["payment_id", "created_at"]]
    timed = timed.sort_values(["created_at", "payment_id"], kind="stable")
    return timed.reset_index(drop=True)


def read_timeline(engine: Engine, payment_ids: pd.Series[str]) -> Timeline:
    """Of the payments on an engine: eight bytes for each, and an id only for those asked for.

    Parameters
    ----------
    engine
        holds the table ``payments``.
    payment_ids
        whose places are wanted; ids that are no payment's, and payments without a time, get none.

    Examples
    --------
    >>> from credit_forensics.engines.duckdb import DuckDBEngine
    >>> engine = DuckDBEngine()
    >>> times = pd.to_datetime(["2025-09-02", "2025-09-01", "2025-09-01"], utc=True)
    >>> engine.register("payments", pd.DataFrame({"payment_id": list("abc"), "created_at": times}))
    >>> read_timeline(engine, pd.Series(["c", "x"], dtype="str")).places.to_dict()
    {'c': 1}
    """
    times = engine.arrow(Recipe("timeline-instants", _instants))
    instants = pd.DatetimeIndex(times.column("created_at").to_numpy()).tz_localize("UTC")
    asked = pd.DataFrame({"payment_id": payment_ids.dropna().drop_duplicates()}, dtype="str")
    engine.register(_ASKED, asked)
    placed = engine.frame(Recipe("timeline-places", _among_their_instant))
    engine.drop(_ASKED)
    first = instants.searchsorted(pd.DatetimeIndex(placed["created_at"]), side="left")
    places = pd.Series(np.asarray(first) + placed["before"].to_numpy(), index=placed["payment_id"])
    return Timeline(instants, places.astype("int64").sort_values())


def _dated() -> ir.Table:
    payments = Tables().payments.select("payment_id", "created_at")
    return payments.filter(payments.created_at.notnull())


def _instants() -> ir.Table:
    return _dated().select("created_at").order_by("created_at")


def _among_their_instant() -> ir.Table:
    """Of each payment asked for, its instant and how many payments of that instant precede it."""
    payments, asked = _dated(), ibis.table({"payment_id": str}, _ASKED)
    wanted = payments.semi_join(asked, "payment_id")
    instants = wanted.select(instant="created_at").distinct()
    # Only where something is asked: numbering all payments would sort all their ids.
    there = payments.semi_join(instants, payments.created_at == instants.instant)
    numbered = there.mutate(
        before=ibis.row_number().over(group_by=there.created_at, order_by=there.payment_id)
    )
    return numbered.semi_join(asked, "payment_id").select("payment_id", "created_at", "before")
