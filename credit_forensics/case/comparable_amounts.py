"""Puts amounts of several currencies beside each other, without a rate that nobody gave."""

from __future__ import annotations

import pandas as pd


def comparable_amounts(payments: pd.DataFrame) -> pd.Series:
    """Each payment's amount in minor units of the currency that most payments are in.

    What a credit costs in each currency says what its money is worth here: amounts are scaled by
    the median price of a credit. Where some currency shows no price of one, by the median amount.

    Parameters
    ----------
    payments
        ``amount`` (minor units), ``currency``, ``expected_credits``; any may be empty.

    Returns
    -------
    One number a row, 0 where no amount is known; as they are where there is one currency.

    Examples
    --------
    >>> payments = pd.DataFrame({"amount": [1000, 1000, 150000], "currency": ["usd", "usd", "jpy"],
    ...     "expected_credits": [100, 100, 100]})
    >>> comparable_amounts(payments).tolist()
    [1000.0, 1000.0, 1000.0]
    """
    amount = payments["amount"].astype("Float64").fillna(0.0).astype("float64")
    currency = payments["currency"].astype("str").fillna("")
    if currency.nunique() < 2:
        return amount
    credits_ = payments["expected_credits"].astype("Float64").fillna(0.0).astype("float64")
    priced = (amount > 0) & (credits_ > 0)
    counted = currency[amount > 0].value_counts()
    unit = (amount / credits_).where(priced).groupby(currency).median()
    if unit.reindex(counted.index).isna().any():
        unit = amount.where(amount > 0).groupby(currency).median()
    main = counted[counted == counted.max()].index.min() if len(counted) else ""
    rate = (unit.get(main, 1.0) / unit).fillna(1.0)
    return (amount * currency.map(rate)).round(6)
