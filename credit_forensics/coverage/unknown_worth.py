"""Paid payments of which nobody says how many credits they are worth."""

from __future__ import annotations

import pandas as pd

from credit_forensics.engines.duckdb import Engine
from credit_forensics.engines.recipes import Recipe
from credit_forensics.tables.catalogue import Tables
from credit_forensics.tables.expressions import ir


def worth_of_paid(tables: Tables) -> ir.Table:
    """``paid, unknown``: the paid payments that buy credits, and those of unknown worth.

    Examples
    --------
    >>> worth_of_paid(Tables()).columns
    ('paid', 'unknown')
    """
    rows = tables.payments
    paid = rows.filter(
        (rows.payment_status == "paid")
        & rows.livemode.coalesce(True)
        & (rows.for_credits.coalesce("yes") == "yes")
    )
    return paid.agg(paid=paid.count(), unknown=paid.expected_credits.isnull().sum().coalesce(0))


def unknown_worth(engine: Engine) -> pd.DataFrame:
    """A row in the columns of ``gaps`` where there are such payments; else none.

    Without it "no findings" would say of too few or too many credits what was never looked for.

    Examples
    --------
    >>> from credit_forensics.engines.duckdb import engine_of
    >>> engine = engine_of(payments={"payment_id": ["cs_1", "cs_2"], "payment_status": ["paid"] * 2,
    ...     "expected_credits": [50, None]})
    >>> print(unknown_worth(engine)["consequence"].item())
    How many credits 1 of 2 paid payments are worth is not known: wrong_amount cannot be had of \
them. [prices] can say it.
    """
    counted = engine.frame(Recipe("worth-of-paid", lambda: worth_of_paid(Tables())))
    paid, unknown = (int(counted[name].iloc[0]) for name in ("paid", "unknown"))
    gap = {
        "source": "payments",
        "object": "prices",
        "problem": "unknown",
        "consequence": f"How many credits {unknown} of {paid} paid payments are worth is not "
        "known: wrong_amount cannot be had of them. [prices] can say it.",
    }
    return pd.DataFrame([gap] if unknown else [], columns=list(gap)).astype("str")
