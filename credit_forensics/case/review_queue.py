"""The review queue: what people should look at first, one question a pair of payer and account."""

from __future__ import annotations

import numpy as np
import pandas as pd

from credit_forensics.case.judged_case import JudgedCase
from credit_forensics.case.pair_rulings import PAIR
from credit_forensics.judgement.verdicts import PAID_BY_ANOTHER
from credit_forensics.tables.catalogue import Tables

__all__ = ["PAID_BY_ANOTHER", "review_queue"]


def review_queue(case: JudgedCase, *, blind: int = 20, seed: int = 2025) -> pd.DataFrame:
    """What to look at first: most expected loss, and a blind sample of the confirmed.

    Payments that somebody pays for another's account are one question a pair: its first payment
    stands for all.

    Parameters
    ----------
    case
        the case.
    blind
        how many confirmed payments to mix in, drawn from a fixed seed. Without them nobody would
        ever learn whether "confirmed" is.
    seed
        of that draw.

    Returns
    -------
    payment_id, stratum (queue or blind), verdict, credited_user_id, rightful_user_id,
    probability_misattributed, amount, currency, entropy (nats), priority (expected loss: minor
    units × probability, summed over a pair), payments (that the question is about), since, label
    (empty where none was given); the queue first, by priority, then by entropy.
    """
    engine = case.evidence.engine
    judged = case.judgement.judged
    doubt = engine.frame(judged.select("payment_id", "entropy"))
    payments = engine.frame(
        Tables().payments.select("payment_id", "amount", "currency", since="created_at")
    )
    rows = case.verdicts.merge(doubt, on="payment_id").merge(payments, on="payment_id")
    rows = rows[rows["probability_misattributed"].notna()]
    amount = rows["amount"].fillna(0).astype("float64")
    loss = amount * rows["probability_misattributed"].astype("float64")
    rows = rows.assign(priority=loss.round(6), payments=1)
    open_ = rows[rows["verdict"].isin(["ambiguous", "misattributed", "unverifiable"])]
    queue = pd.concat([open_, _one_a_pair(rows[rows["verdict"] == PAID_BY_ANOTHER])])
    queue = queue.sort_values(["priority", "entropy", "payment_id"], ascending=[False, False, True])
    confirmed = rows[rows["verdict"] == "confirmed"].sort_values("payment_id")
    random = np.random.default_rng(seed)
    drawn = random.choice(len(confirmed), min(blind, len(confirmed)), replace=False)
    sample = confirmed.iloc[np.sort(drawn)]
    both = pd.concat([queue.assign(stratum="queue"), sample.assign(stratum="blind")])
    labels = case.labels.set_index("payment_id")["label"]
    both["label"] = both["payment_id"].map(labels.to_dict()).astype("str").fillna("")
    return both[
        [
            "payment_id",
            "stratum",
            "verdict",
            "credited_user_id",
            "rightful_user_id",
            "probability_misattributed",
            "amount",
            "currency",
            "entropy",
            "priority",
            "payments",
            "since",
            "label",
        ]
    ].reset_index(drop=True)


def _one_a_pair(rows: pd.DataFrame) -> pd.DataFrame:
    """The first payment of each pair of payer and account, with what all of them come to."""
    rows = rows.sort_values(["since", "payment_id"])
    pairs = rows.groupby(PAIR, sort=False)
    first = rows[~rows.duplicated(PAIR)]
    sums = {name: pairs[name].transform("sum") for name in ("priority", "payments")}
    return first.assign(**{name: values.loc[first.index] for name, values in sums.items()})
