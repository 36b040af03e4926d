"""Lists who an incident hit, and apart from that which payments it may have hit besides."""

from __future__ import annotations

from datetime import datetime

import pandas as pd

from credit_forensics.engines.duckdb import Engine
from credit_forensics.engines.recipes import Recipe
from credit_forensics.incidents.shared_traits import (
    WINDOW,
    find_shared_traits,
    list_traits,
    payments_in_window,
)
from credit_forensics.tables.catalogue import Tables
from credit_forensics.tables.expressions import ir

HIT = ["user_id", "role", "payments", "credits", "amount", "currency", "first_at", "last_at"]
POSSIBLY = [
    "payment_id",
    "created_at",
    "verdict",
    "probability_misattributed",
    "credited_user_id",
    "rightful_user_id",
    "amount",
    "currency",
    "traits",
]
_DOUBTFUL = ("ambiguous", "unverifiable", "paid_by_another")
# A trait sets the wrong payments apart below this false discovery rate.
_SURE = 0.05


def users_hit(findings: pd.DataFrame) -> pd.DataFrame:
    """Who lost credits and who got them, those with most credits first.

    Parameters
    ----------
    findings
        the findings of an incident, in the columns of the table ``findings``.

    Returns
    -------
    pandas.DataFrame
        a row a user, role and currency. ``role``: ``lost`` for the rightful user of credits that
        another one or nobody has, ``got`` for who holds credits that a finding is about.
        ``payments`` counts distinct ones, ``credits`` sums absolute values, ``amount`` (minor
        units) counts each payment once; ``first_at`` and ``last_at`` span the findings.

    Examples
    --------
    >>> found = pd.DataFrame({"payment_id": ["p1", "p2"], "rightful_user_id": ["ann", "ann"],
    ...     "credited_user_id": ["bob", None], "credits": [50, 50], "amount": [500, 500],
    ...     "currency": "eur", "created_at": pd.to_datetime(["2025-09-01"] * 2, utc=True)})
    >>> users_hit(found)[["user_id", "role", "payments", "amount"]].values.tolist()
    [['ann', 'lost', 2, 1000], ['bob', 'got', 1, 500]]
    """
    rightful, credited = findings["rightful_user_id"], findings["credited_user_id"]
    lost = findings.assign(user_id=rightful, role="lost")[rightful.notna() & (rightful != credited)]
    got = findings.assign(user_id=credited, role="got")[credited.notna()]
    rows = pd.concat([lost, got], ignore_index=True)
    keys = ["user_id", "role", "currency"]
    # Several findings may name one payment; its money is at stake once.
    again = rows["payment_id"].notna() & rows.duplicated([*keys, "payment_id"])
    rows = rows.assign(money=rows["amount"].mask(again), size=rows["credits"].abs())
    table = (
        rows.groupby(keys, sort=True, dropna=False)
        .agg(
            payments=("payment_id", "nunique"),
            credits=("size", "sum"),
            amount=("money", "sum"),
            first_at=("created_at", "min"),
            last_at=("created_at", "max"),
        )
        .reset_index()
    )
    order = table.assign(place=table["role"].map({"lost": 0, "got": 1}))
    order = order.sort_values(
        ["place", "credits", "user_id", "currency"], ascending=[True, False, True, True]
    )
    table = table.loc[order.index, HIT].reset_index(drop=True)
    return table.astype({"user_id": "str", "role": "str", "credits": "Int64", "amount": "Int64"})


def payments_possibly_hit(engine: Engine, incident: pd.Series) -> pd.DataFrame:
    """Payments in doubt that an incident may have hit too: in its window, sharing its traits.

    Parameters
    ----------
    engine
        holds payments, metadata, verdicts and choices.
    incident
        a row of the table ``incidents``. Only ``wrong_user`` leaves payments in doubt; other
        findings are proved by records, so there the list is empty.

    Returns
    -------
    pandas.DataFrame
        payments whose verdict is ``ambiguous``, ``unverifiable`` or ``paid_by_another``, created in
        the window (from the earliest onset to the latest end that the intervals allow, open where
        it goes on),
        and, where some traits set the window's wrong payments apart (false discovery rate
        under 5 %), bearing one of them: ``traits`` tells which. The most probable come first.
    """
    if incident["finding"] != "wrong_user" or pd.isna(incident["onset"]):
        nothing = Recipe("nothing-in-doubt", lambda: _in_doubt().limit(0))
        return engine.frame(nothing).assign(traits=pd.Series(dtype="str"))
    since, until = _window(incident)
    found = find_shared_traits(engine, since, until)
    apart = found.loc[(found["q_value"] < _SURE) & (found["lift"] > 1), ["trait", "value"]]
    listed = Recipe("traits-of-doubted", lambda: list_traits(Tables(), _DOUBTFUL, in_window=True))
    traits = engine.frame(listed)
    inside = traits["payment_id"].drop_duplicates()
    shared = traits.merge(apart, on=["trait", "value"])
    shared["told"] = shared["trait"] + "=" + shared["value"]
    told = shared.sort_values(["payment_id", "told"]).groupby("payment_id")["told"].agg("; ".join)
    rows = engine.frame(Recipe("in-doubt-in-window", lambda: payments_in_window(_in_doubt())))
    engine.drop(WINDOW)
    rows = rows[rows["payment_id"].isin(told.index if len(apart) else inside)]
    rows["traits"] = rows["payment_id"].map(told).astype("str")
    order = ["probability_misattributed", "created_at", "payment_id"]
    rows = rows.sort_values(order, ascending=[False, True, True], kind="stable")
    return rows.reset_index(drop=True)


def _in_doubt() -> ir.Table:
    tables = Tables()
    doubted = tables.verdicts.filter(tables.verdicts.verdict.isin(_DOUBTFUL))
    return doubted.join(tables.payments, "payment_id").select(*POSSIBLY[:-1])


def _window(incident: pd.Series) -> tuple[datetime, datetime | None]:
    """From the earliest onset to the latest end that the intervals allow."""
    low, high = incident["onset_low"], incident["end_high"]
    since = incident["onset"] if pd.isna(low) else low
    if not pd.isna(incident["ongoing"]) and incident["ongoing"]:
        return since.to_pydatetime(), None
    return since.to_pydatetime(), (incident["end"] if pd.isna(high) else high).to_pydatetime()
