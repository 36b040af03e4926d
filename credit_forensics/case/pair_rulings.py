"""What people decided of pairs: whether who paid pays for another person's account.

A question is asked once a pair of payer and account; the answer counts for all their payments
whose verdict is ``paid_by_another``, those that come later as well.
"""

from __future__ import annotations

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd

from credit_forensics.judgement.verdicts import PAID_BY_ANOTHER

PAIR = ["rightful_user_id", "credited_user_id"]
RULINGS = {"ruled_payer": "string", "ruled_account": "string", "ruled": "string"}
_SURE = 0.99


def pair_rulings(verdicts: pd.DataFrame, labels: pd.DataFrame) -> pd.DataFrame:
    """``ruled_payer, ruled_account, ruled``: right or wrong, by the label on one of the payments.

    Labels that contradict each other on one pair leave it open.

    Examples
    --------
    >>> verdicts = pd.DataFrame({"payment_id": ["cs_1", "cs_2"], "verdict": "paid_by_another",
    ...     "rightful_user_id": "boss", "credited_user_id": "ann"})
    >>> labels = pd.DataFrame({"payment_id": ["cs_2"], "label": ["right"]})
    >>> pair_rulings(verdicts, labels).values.tolist()
    [['boss', 'ann', 'right']]
    """
    asked = verdicts[verdicts["verdict"] == PAID_BY_ANOTHER].merge(labels, on="payment_id")
    asked = asked[asked["label"].isin(["right", "wrong"])]
    by_pair = asked.groupby(PAIR, sort=True)["label"].agg(["first", "nunique"]).reset_index()
    ruled = by_pair[by_pair["nunique"] == 1][[*PAIR, "first"]]
    return ruled.set_axis(list(RULINGS), axis=1).astype("str").reset_index(drop=True)


def ruled_verdicts(verdicts: ir.Table, rulings: ir.Table) -> ir.Table:
    """The verdicts with what was decided of pairs: confirmed, or misattributed.

    A person's word counts as a probability of 0.99.

    Examples
    --------
    >>> from credit_forensics.tables.catalogue import Tables
    >>> verdicts = Tables().verdicts
    >>> ruled_verdicts(verdicts, ibis.table(RULINGS, name="r")).columns == verdicts.columns
    True
    """
    rows = verdicts.left_join(
        rulings,
        [
            verdicts.rightful_user_id == rulings.ruled_payer,
            verdicts.credited_user_id == rulings.ruled_account,
        ],
    )
    ruled = ibis.coalesce(rows.ruled, "")
    ruled = ibis.ifelse(rows.verdict == PAID_BY_ANOTHER, ruled, "")
    wrong, odds = ruled == "wrong", float(np.log(_SURE / (1 - _SURE)))
    decided = {
        "verdict": ("misattributed", "confirmed"),
        "probability_misattributed": (_SURE, 1 - _SURE),
        "log_odds": (odds, -odds),
    }
    values = {
        name: ibis.cases((wrong, if_wrong), (ruled == "right", if_right), else_=rows[name])
        for name, (if_wrong, if_right) in decided.items()
    }
    return rows.mutate(**values).select(*verdicts.columns)
