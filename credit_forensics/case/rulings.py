"""What people decided: of a payment, and by it of all payments of its pair of payer and account.

A question is asked once a pair; the answer counts for all payments that are asked with it, those
that come later as well.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from credit_forensics.judgement.verdicts import PAID_BY_ANOTHER
from credit_forensics.tables.expressions import ibis, ir

PAIR = ["rightful_user_id", "credited_user_id"]
RULINGS = {"ruled_payment": "string", "ruled": "string"}
_SURE = 0.99
_DECIDED = {"right": "confirmed", "wrong": "misattributed", "wrong, of nobody": "ambiguous"}
RULED = ("ambiguous", "misattributed", "unverifiable", PAID_BY_ANOTHER, "confirmed")
"""Verdicts that a person's word on the payment replaces."""


def rulings(verdicts: pd.DataFrame, pairs: pd.DataFrame, labels: pd.DataFrame) -> pd.DataFrame:
    """``ruled_payment, ruled``: right, wrong, or wrong without anybody named whose it is.

    Parameters
    ----------
    verdicts
        what the model thinks: the table ``verdicts``.
    pairs
        ``payment_id, accusable``: the payments that are about two persons.
    labels
        ``payment_id, label``.

    Notes
    -----
    Labels that contradict each other on one pair decide their own payments only. An entry that was
    only paired with its payment is called wrong by a label of its own, never by another payment's.

    Examples
    --------
    >>> verdicts = pd.DataFrame({"payment_id": ["cs_1", "cs_2"], "verdict": "paid_by_another",
    ...     "rightful_user_id": "boss", "credited_user_id": "ann"})
    >>> pairs = pd.DataFrame({"payment_id": ["cs_1", "cs_2"], "accusable": True})
    >>> labels = pd.DataFrame({"payment_id": ["cs_2"], "label": ["right"]})
    >>> rulings(verdicts, pairs, labels).values.tolist()
    [['cs_1', 'right'], ['cs_2', 'right']]
    """
    labels = labels[labels["label"].isin(["right", "wrong"])][["payment_id", "label"]]
    rows = verdicts[verdicts["verdict"].isin(RULED)][["payment_id", "verdict", *PAIR]]
    rows = rows.merge(labels, on="payment_id", how="left")
    rows = rows.merge(pairs[["payment_id", "accusable"]], on="payment_id", how="left")
    of_two = rows["accusable"].notna()
    asked = rows[of_two & rows["label"].notna()].groupby(PAIR, sort=True)["label"]
    answers = asked.agg(["first", "nunique"]).reset_index()
    answers = answers[answers["nunique"] == 1].rename(columns={"first": "answer"})
    rows = rows.merge(answers[[*PAIR, "answer"]], on=PAIR, how="left")
    accusable = rows["accusable"].fillna(False).astype(bool) | (rows["verdict"] == PAID_BY_ANOTHER)
    by_pair = rows["answer"].where(of_two & (accusable | (rows["answer"] == "right")))
    nobody = (rows["label"] == "wrong") & ~of_two
    ruled = rows["label"].mask(nobody, "wrong, of nobody").fillna(by_pair)
    decided = rows.assign(ruled=ruled)[["payment_id", "ruled"]].dropna()
    decided = decided.set_axis(list(RULINGS), axis=1).astype("str")
    return decided.sort_values("ruled_payment").reset_index(drop=True)


def ruled_verdicts(verdicts: ir.Table, decided: ir.Table) -> ir.Table:
    """The verdicts with what was decided: confirmed, misattributed, or wrong and nobody's.

    A person's word counts as a probability of 0.99 at least.

    Examples
    --------
    >>> from credit_forensics.tables.catalogue import Tables
    >>> verdicts = Tables().verdicts
    >>> ruled_verdicts(verdicts, ibis.table(RULINGS, name="r")).columns == verdicts.columns
    True
    """
    rows = verdicts.left_join(decided, verdicts.payment_id == decided.ruled_payment)
    ruled, odds = ibis.coalesce(rows.ruled, ""), float(np.log(_SURE / (1 - _SURE)))
    p, log_odds = rows.probability_misattributed, rows.log_odds
    wrong, right = ruled.startswith("wrong"), ruled == "right"
    values = {
        "verdict": ibis.cases(
            *((ruled == name, verdict) for name, verdict in _DECIDED.items()), else_=rows.verdict
        ),
        "probability_misattributed": ibis.cases(
            (wrong, ibis.greatest(p, _SURE)), (right, ibis.least(p, 1 - _SURE)), else_=p
        ),
        "log_odds": ibis.cases(
            (wrong, ibis.greatest(log_odds, odds)),
            (right, ibis.least(log_odds, -odds)),
            else_=log_odds,
        ),
    }
    return rows.mutate(**values).select(*verdicts.columns)
