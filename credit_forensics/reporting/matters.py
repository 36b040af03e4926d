"""Tells which findings are one matter, so that each amount is counted once."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import pandas as pd

from credit_forensics.findings.finding import Finding
from credit_forensics.findings.finding_keys import IDENTITY, finding_keys
from credit_forensics.privacy.mask import Mask

_DIGITS = 12


def matters(findings: pd.DataFrame, catalogue: Sequence[Finding], mask: Mask) -> pd.DataFrame:
    """What stands beside each finding.

    Parameters
    ----------
    findings
        rows of the table ``findings``, the worst first.
    catalogue
        which finding follows from which.
    mask
        ids are made of what it shows, so that nobody can test a guess with them.

    Returns
    -------
    pandas.DataFrame
        ``finding_id``, the same in every report; ``part_of``, the finding of the same payment that
        this one follows from, else empty; ``money``, minor units that are counted with this
        finding and with no other, empty where they are counted with another or there are none.
    """
    ids = finding_keys(mask.frame(findings[list(IDENTITY)], "findings"))
    again = ids.groupby(ids).cumcount()
    ids = (ids + "|" + again.astype(str)).map(_digest)
    part_of = pd.Series("", index=findings.index, dtype=object)
    named = findings["payment_id"].notna()
    for finding in catalogue:
        for cause in finding.follows:
            of = findings.loc[(findings["finding"] == cause) & named, "payment_id"]
            mine = (findings["finding"] == finding.name) & findings["payment_id"].isin(of)
            part_of = part_of.mask(mine & (part_of == ""), cause)
    once = counted_once(findings)
    money = findings["amount"].astype("Int64").where(findings.index.isin(once.index))
    return pd.DataFrame({"finding_id": ids, "part_of": part_of, "money": money})


def counted_once(findings: pd.DataFrame) -> pd.DataFrame:
    """The findings that money is counted with: of each payment the dearest, of these the worst.

    Examples
    --------
    >>> rows = pd.DataFrame({"payment_id": ["a", "a", None], "amount": [500, 500, 7],
    ...     "currency": "eur"})
    >>> counted_once(rows).index.tolist()
    [0, 2]
    """
    rows = findings.dropna(subset=["amount", "currency"])
    named = rows["payment_id"].notna()
    dearest = rows[named].sort_values("amount", ascending=False, kind="stable")
    return pd.concat([dearest.drop_duplicates("payment_id"), rows[~named]])


def money_at_stake(findings: pd.DataFrame) -> dict[str, int]:
    """Money by currency, minor units; a payment with several findings counts once.

    Examples
    --------
    >>> rows = pd.DataFrame({"payment_id": ["a", "a"], "amount": [500, 500], "currency": "eur"})
    >>> money_at_stake(rows)
    {'eur': 500}
    """
    sums = counted_once(findings).groupby("currency")["amount"].sum()
    return {str(currency): int(total) for currency, total in sums.items()}


def accounts_hit(findings: pd.DataFrame) -> int:
    """Distinct accounts that findings name, as credited or as rightful."""
    named = pd.concat([findings["credited_user_id"], findings["rightful_user_id"]])
    return int(named.dropna().nunique())


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()[:_DIGITS]
