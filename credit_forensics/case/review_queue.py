"""The review queue: what people should look at first."""

from __future__ import annotations

import numpy as np
import pandas as pd

from credit_forensics.case.judged_case import JudgedCase
from credit_forensics.tables.catalogue import Tables


def review_queue(case: JudgedCase, *, blind: int = 20, seed: int = 2025) -> pd.DataFrame:
    """What to look at first: most money times most doubt, and a blind sample of the confirmed.

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
    probability_misattributed, amount, currency, entropy (nats), priority (minor units × entropy),
    label (empty where none was given); the queue first, by priority.
    """
    engine = case.evidence.engine
    judged = case.judgement.judged
    doubt = engine.frame(judged.select("payment_id", "entropy"))
    payments = engine.frame(Tables().payments.select("payment_id", "amount", "currency"))
    rows = case.verdicts.merge(doubt, on="payment_id").merge(payments, on="payment_id")
    rows = rows[rows["probability_misattributed"].notna()]
    amount = rows["amount"].fillna(0).astype("float64")
    rows = rows.assign(priority=(amount * rows["entropy"]).round(6))
    open_ = rows[rows["verdict"].isin(["ambiguous", "misattributed", "unverifiable"])]
    queue = open_.sort_values(["priority", "payment_id"], ascending=[False, True])
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
            "label",
        ]
    ].reset_index(drop=True)
